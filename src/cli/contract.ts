// What a command is: its table entry, what it is called with, and how it ends (DESIGN 7).

import type { ParseArgsOptionsConfig } from 'node:util';
import type { Print } from './print.ts';

/** 0 fine, 1 something is not up, 2 usage or configuration, 3 internal. */
export type ExitCode = 0 | 1 | 2 | 3;

export interface Invocation {
  /** Values of the options that were given. */
  readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly positionals: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly print: Print;
}

export interface Command {
  readonly name: string;
  /** Arguments behind the name, for the usage line. */
  readonly usage: string;
  readonly summary: string;
  /** Further lines of its help. */
  readonly help: readonly string[];
  readonly options: ParseArgsOptionsConfig;
  /** Whether it takes arguments that are no options; where it does not, one is a mistake, not to be ignored. */
  readonly takesNames: boolean;
  run(invocation: Invocation): Promise<ExitCode>;
}

/** A wrong use of the command line: exit 2. */
export class UsageError extends Error {}
