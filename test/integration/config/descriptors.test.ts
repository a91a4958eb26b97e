// A reload while descriptors are spent: V8's time limit takes some for an event loop of its own, and Node ends the process
// when it finds none.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const DOCUMENT = join(import.meta.dirname, '../../../src/config/document.ts');
/** Takes all descriptors but `free`, reads a configuration, and says what was wrong. */
const CHILD = `
import { closeSync, openSync } from 'node:fs';
const { parseConfiguration } = await import(${JSON.stringify(DOCUMENT)});
const said = [];
for (let free = 0; free < 12; free += 1) {
  const taken = [];
  try { for (;;) taken.push(openSync('/dev/null', 'r')); } catch {}
  for (let n = 0; n < free; n += 1) closeSync(taken.pop());
  const { problems } = parseConfiguration('vantage: here', 'gatewatch.yaml', { expand: (text) => text });
  for (const one of taken) closeSync(one);
  said.push(problems.map(({ message }) => message).join());
}
process.stdout.write(JSON.stringify(said));
`;

test('reading without descriptors is a problem that says so, never the end of the process', async () => {
  const launch = [
    '-c',
    'ulimit -n 64; exec "$@"',
    'sh',
    process.execPath,
    '--input-type=module',
    '-e',
    CHILD,
  ];
  const { stdout } = await promisify(execFile)('sh', launch);
  const said = JSON.parse(stdout) as string[];
  expect(said[0]).toBe('cannot be read (EMFILE)');
  expect(said.at(-1)).toBe('');
});
