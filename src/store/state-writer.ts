// Writes of the state file: small, durable, grouped. A group that cannot be written waits in memory, in order,
// and is tried again; nothing is thrown at the rooms that decide about alerts (threats X4).

import type { Database } from 'better-sqlite3';
import type { Clock } from '../base/clock.ts';
import type { Trouble } from './trouble.ts';

/** Pause between attempts while the file cannot be written. */
const RETRY_MS = 5_000;
/** Writes that wait; beyond it the oldest group is given up. */
const MOST_WAITING = 20_000;

/** One prepared write with its values. */
export type Write = () => void;

export interface StateWriter {
  /** Does the write now, or together with the others of the running transaction. */
  write(write: Write): void;
  /**
   * Everything written by `run` becomes durable together, when it returns; reads inside it do not see it yet.
   * When `run` throws, nothing is written. Calls may nest: the outermost counts.
   */
  transaction(run: () => void): void;
  /** Tries again what waits. */
  retry(): void;
  /** Writes that wait. */
  readonly waiting: number;
}

interface Tools {
  readonly clock: Clock;
  readonly trouble: Trouble;
  readonly makeRoom: (error: unknown) => boolean;
}

/** Writer for a migrated state database; dispose tries once more what waits. */
export function createStateWriter(db: Database, tools: Tools): StateWriter & Disposable {
  const commit = db.transaction((writes: readonly Write[]) => {
    for (const write of writes) write();
  });
  let group: Write[] | null = null;
  let waiting: (readonly Write[])[] = [];
  let cancel: (() => void) | null = null;

  const count = (): number => waiting.reduce((sum, writes) => sum + writes.length, 0);

  const retryLater = (): void => {
    cancel ??= tools.clock.after(RETRY_MS, () => {
      cancel = null;
      retry();
    });
  };

  const tryCommit = (writes: readonly Write[], again: boolean): boolean => {
    try {
      commit.immediate(writes);
      tools.trouble.works('state');
      return true;
    } catch (error) {
      if (again && tools.makeRoom(error)) return tryCommit(writes, false);
      tools.trouble.failed('state', error);
      return false;
    }
  };

  // In order: a group never overtakes one that waits.
  function retry(): void {
    if (waiting.length === 0) return;
    if (tryCommit(waiting.flat(), true)) waiting = [];
    else retryLater();
  }

  function take(writes: readonly Write[]): void {
    if (writes.length === 0) return;
    if (waiting.length === 0 && tryCommit(writes, true)) return;
    waiting.push(writes);
    while (count() > MOST_WAITING && waiting.length > 1) waiting.shift();
    retryLater();
  }

  return {
    write(write) {
      if (group === null) take([write]);
      else group.push(write);
    },
    transaction(run) {
      if (group !== null) return run();
      const writes: Write[] = [];
      group = writes;
      try {
        run();
      } finally {
        group = null;
      }
      take(writes);
    },
    retry,
    get waiting() {
      return count();
    },
    [Symbol.dispose]() {
      retry();
      cancel?.();
      cancel = null;
    },
  };
}
