// Says once that writing fails and once that it works again, whatever the number of failed writes.

import type { Log } from '../base/log.ts';

export interface Trouble {
  /** Writing to that file failed; `error` is SQLite's or the file system's. */
  failed(part: string, error: unknown): void;
  /** Writing to that file works. */
  works(part: string): void;
}

/** `problem` gets one sentence when the first file fails, and null when all work again. */
export function createTrouble(log: Log, problem: (detail: string | null) => void): Trouble {
  const failing = new Set<string>();
  return {
    failed(part, error) {
      if (failing.has(part)) return;
      failing.add(part);
      const reason = codeOf(error);
      log.error({ part, reason }, 'store cannot write, going on from memory');
      if (failing.size === 1) problem(`the store cannot write its ${part}: ${reason}`);
    },
    works(part) {
      if (!failing.delete(part)) return;
      log.info({ part }, 'store writes again');
      if (failing.size === 0) problem(null);
    },
  };
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : null;
  return code ?? (error instanceof Error ? error.message : String(error));
}
