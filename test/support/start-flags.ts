// The flags of Node, and the environment, that every start of the daemon has, as src/main.ts says them in its first line.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const FIRST_LINE = readFileSync(join(import.meta.dirname, '../../src/main.ts'), 'utf8').split('\n')[0] ?? '';

/** In order, as in the first line of src/main.ts. */
export const START_FLAGS: readonly string[] = flagsIn(FIRST_LINE);

/** Variables of the environment in the first line of src/main.ts. */
export const START_ENVIRONMENT: Readonly<Record<string, string>> = Object.fromEntries(
  [...FIRST_LINE.matchAll(/\s(\w+)=(\w+)(?=.*\snode\s)/g)].map(([, name = '', value = '']) => [name, value]),
);

/** The flags in a command line: words that begin with two dashes, up to the program's own file. */
export function flagsIn(commandLine: string): string[] {
  const [before = ''] = commandLine.split(/\S*main\.[jt]s/);
  return before.match(/(?<=["\s])--[\w-]+(?:=[\w-]+)?/g) ?? [];
}
