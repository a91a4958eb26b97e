// Keeps the import arrows of the house pointing one way (README, "Layout").

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const STAGE = ['model', 'base'];

/** Room -> rooms it may import. `import type` from metrics is open to all. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  model: [],
  base: [],
  discover: STAGE,
  schedule: STAGE,
  probe: STAGE,
  classify: STAGE,
  correlate: STAGE,
  notify: STAGE,
  store: STAGE,
  metrics: STAGE,
  config: [...STAGE, 'discover', 'schedule', 'probe', 'classify', 'correlate', 'notify', 'store', 'web'],
  web: [...STAGE, 'store', 'metrics'],
  demo: STAGE,
  import: [...STAGE, 'discover'],
  cli: [
    ...STAGE,
    'config',
    'discover',
    'schedule',
    'store',
    'web',
    'notify',
    'demo',
    'import',
    'app.ts',
    'discovering.ts',
    'watch.ts',
    'pipeline.ts',
    'probe',
    'replay.ts',
    'signing-in.ts',
  ],
};

const IMPORT = /^(?:import|export)\s+(type\s)?[^'";]*?from\s'(\.[^']+)'|import\('(\.[^']+)'\)/gm;
const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
  /\w\/.*\.ts$/.test(file),
);
const room = (file: string): string => file.split('/')[0] ?? '';

test('rooms import only the rooms below them', () => {
  const wrong: string[] = [];
  for (const file of files) {
    for (const [, typeOnly, from, dynamic] of readFileSync(join('src', file), 'utf8').matchAll(IMPORT)) {
      const to = room(join(dirname(file), from ?? dynamic ?? ''));
      const allowed =
        to === room(file) ||
        MAY_IMPORT[room(file)]?.includes(to) ||
        (typeOnly !== undefined && to === 'metrics');
      if (!allowed) wrong.push(`${file} -> ${to}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(files.length).toBeGreaterThan(60); // an empty walk must not pass
});

test('clocks and timers are touched in base/clock.ts alone', () => {
  const wrong = files.filter(
    (file) =>
      file !== 'base/clock.ts' &&
      file !== 'web/static/script.ts' && // code for the browser, as text
      /(?<![.\w])(Date\.now|performance\.now|setTimeout|setInterval|new Date\(\))/.test(
        readFileSync(join('src', file), 'utf8').replace(/\/\/.*|\/\*[\s\S]*?\*\//g, ''),
      ),
  );
  expect(wrong).toEqual([]);
});
