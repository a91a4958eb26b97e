// config/schema.json is generated; this fails while it is not current (`npm run schema`).

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { jsonSchemaText } from '../../../src/config/json-schema.ts';

test('the published schema is the one of the code', () => {
  expect(readFileSync(new URL('../../../config/schema.json', import.meta.url), 'utf8')).toBe(
    jsonSchemaText(),
  );
});

test('it names every top-level key', () => {
  const schema = JSON.parse(jsonSchemaText()) as {
    properties: Record<string, unknown>;
    additionalProperties: boolean;
  };
  expect(Object.keys(schema.properties)).toEqual(
    expect.arrayContaining(['targets', 'paths', 'gates', 'receivers', 'zones']),
  );
  expect(schema.additionalProperties).toBe(false);
});
