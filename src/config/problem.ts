// Problems of a configuration, with their place. A message says what kind of thing is wrong and what is allowed,
// never the value that was found: it may be a secret (threats P3).

/** One thing that is wrong, or doubtful. */
export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** Keys and indexes joined by dots, `targets.2.url`; empty for the file as a whole. */
  readonly path: string;
  /** Lower case, no period. */
  readonly message: string;
}

/** A problem before its place is looked up. */
export interface Finding {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** Point at the key instead of its value. */
  readonly atKey?: boolean;
}

/** A configuration that cannot be used; holds every problem found, in order of the file. */
export class ConfigError extends Error {
  readonly code = 'configuration';
  readonly problems: readonly Problem[];
  /** Private, so that nobody prints it by chance: a slip may put a secret where a name should be. */
  readonly #files: readonly string[];

  constructor(problems: readonly Problem[], files: readonly string[] = []) {
    super(problems.map(problemText).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
    this.#files = files;
  }

  /** Absolute names of the files that were asked for: when one changes, it is worth another try. */
  get files(): readonly string[] {
    return this.#files;
  }
}

/** `gatewatch.yaml:12:5: targets.2.url: must be an http or https URL` */
export function problemText(problem: Problem): string {
  const place = `${problem.file}:${problem.line}:${problem.column}`;
  return problem.path === ''
    ? `${place}: ${problem.message}`
    : `${place}: ${problem.path}: ${problem.message}`;
}

/**
 * Keys and indexes joined by dots. A key is shown only when it looks like one: a slip (`"password: hunter2":`) makes
 * a key of a secret.
 */
export function shownPath(path: readonly (string | number)[]): string {
  return path.map((key) => (/^[\w.@-]{1,40}$/.test(String(key)) ? key : '(unusual key)')).join('.');
}
