// The flags of Node that every start of the daemon has, as src/main.ts says them in its first line, and the environment.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const read = (file: string): string => readFileSync(join(import.meta.dirname, '../..', file), 'utf8');

/** The line by which the installed command runs. */
export const FIRST_LINE = read('src/main.ts').split('\n')[0] ?? '';

/** In order, as in the first line of src/main.ts. */
export const START_FLAGS: readonly string[] = flagsIn(FIRST_LINE);

/** What the image and the unit of systemd add to the environment for the sake of memory. */
export const START_ENVIRONMENT: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: /\sMALLOC_ARENA_MAX=(\d+)/.exec(read('Dockerfile'))?.[1] ?? '',
};

/** The flags in a command line: words that begin with two dashes, up to the program's own file. */
export function flagsIn(commandLine: string): string[] {
  const [before = ''] = commandLine.split(/\S*main\.[jt]s/);
  return before.match(/(?<=["\s])--[\w-]+(?:=[\w-]+)?/g) ?? [];
}
