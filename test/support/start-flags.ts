// The flags of Node that every start of the daemon has, as src/main.ts says them in its first line.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** In order, as in the first line of src/main.ts. */
export const START_FLAGS: readonly string[] = flagsIn(
  readFileSync(join(import.meta.dirname, '../../src/main.ts'), 'utf8').split('\n')[0] ?? '',
);

/** The flags in a command line: words that begin with two dashes, up to the program's own file. */
export function flagsIn(commandLine: string): string[] {
  const [before = ''] = commandLine.split(/\S*main\.[jt]s/);
  return before.match(/(?<=["\s])--[\w-]+(?:=[\w-]+)?/g) ?? [];
}
