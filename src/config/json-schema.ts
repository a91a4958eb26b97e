// The published JSON Schema of gatewatch.yaml, for editors. `npm run schema` writes config/schema.json; a test fails
// while that file is not current.

import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { configSchema } from './schema.ts';

/** Text of config/schema.json: draft 2020-12 of what may be written, references in strings not resolved. */
export function jsonSchemaText(): string {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    unrepresentable: 'any', // what cannot be described is left open
    override({ jsonSchema }) {
      // Defaults are what a transform made of the text: a number of milliseconds is no hint for a duration.
      if (jsonSchema.type === 'string' && typeof jsonSchema.default !== 'string') delete jsonSchema.default;
    },
  });
  return `${JSON.stringify({ title: 'gatewatch.yaml', ...schema }, null, 2)}\n`;
}

if (import.meta.main) writeFileSync(new URL('../../config/schema.json', import.meta.url), jsonSchemaText());
