// Every way to start the daemon has the same flags of Node: those in the first line of src/main.ts, which is what the
// installed command runs by.

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FIRST_LINE, flagsIn, START_ENVIRONMENT, START_FLAGS } from './support/start-flags.ts';

/** File, and the line in it that starts the daemon. */
const STARTS: readonly (readonly [file: string, line: RegExp])[] = [
  ['Dockerfile', /^ENTRYPOINT .*main\.js.*$/m],
  ['README.md', /^ExecStart=.*main\.js.*$/m],
];

const read = (file: string): string => readFileSync(join(import.meta.dirname, '..', file), 'utf8');

test('the first line of src/main.ts has the flags of threats 7', () => {
  expect(START_FLAGS).toEqual(
    expect.arrayContaining([
      '--disable-proto=delete',
      '--disable-sigusr1',
      '--report-exclude-env',
      '--enable-experimental-regexp-engine-on-excessive-backtracks',
      expect.stringMatching(/^--max-old-space-size=\d+$/),
    ]),
  );
});

test('Linux reads the whole of the first line of src/main.ts', () => {
  // It cuts the line behind 255 bytes without a word (BINPRM_BUF_SIZE in include/uapi/linux/binfmts.h).
  expect(Buffer.byteLength(FIRST_LINE)).toBeLessThanOrEqual(255);
});

test('npm starts the daemon by the first line of src/main.ts', () => {
  expect(JSON.parse(read('package.json')).scripts).toMatchObject({
    start: 'src/main.ts run',
    gatewatch: 'src/main.ts',
  });
  expect(statSync(join(import.meta.dirname, '../src/main.ts')).mode & 0o111).toBe(0o111);
});

test.each(STARTS)('%s starts the daemon with the same flags', (file, line) => {
  expect(flagsIn(line.exec(read(file))?.[0] ?? '')).toEqual(START_FLAGS);
});

test.each(STARTS)('%s starts the daemon with the same environment', (file) => {
  expect(START_ENVIRONMENT).toEqual({ MALLOC_ARENA_MAX: expect.stringMatching(/^\d$/) });
  for (const [name, value] of Object.entries(START_ENVIRONMENT)) {
    expect(read(file)).toMatch(new RegExp(`[\\s=]${name}=${value}\\s`));
  }
});
