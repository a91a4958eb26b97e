// What the two threads of the store say to each other: one job goes over, one answer comes back, then the next.

import type { EpochMs } from '../model/observation.ts';
import type { PendingResult } from './result-rows.ts';
import type { StateWrite } from './state-tables.ts';

/** The two files. */
export type Part = 'state' | 'results';

/**
 * state    one transaction of the state file
 * results  one batch of results
 * prune    one slice of retention; the clocks are those of the thread that asks
 * damaged  a reader met damage in that file: set it aside
 */
export type Job =
  | { readonly kind: 'state'; readonly writes: readonly StateWrite[] }
  | { readonly kind: 'results'; readonly batch: readonly PendingResult[] }
  | { readonly kind: 'prune'; readonly now: EpochMs; readonly monotonicMs: number }
  | { readonly kind: 'damaged'; readonly part: Part };

export interface Answer {
  /** Why the job is not on disk, in words; null when it is, or when a file was begun anew instead. */
  readonly error: string | null;
  /** A file that is not the one written so far; the job was not done, and what the file held must be written again. */
  readonly fresh: { readonly part: Part; readonly setAside: string | null } | null;
  /** Readers must open their files again. */
  readonly moved: boolean;
  /** More to prune now. */
  readonly more: boolean;
  /** Size of both files; null when it could not be read. */
  readonly bytes: number | null;
}

/** The end that writes, seen from the thread that probes. */
export interface Writer {
  /** Begins a job; only after the answer to the last one. Never throws, never waits. */
  send(job: Job): void;
  /** Does the last jobs and closes the files; blocks for at most `limitMs`. Whether everything is on disk. */
  end(jobs: readonly Job[], limitMs: number): boolean;
}

/** Who listens to a Writer. */
export interface Listener {
  answered(answer: Answer): void;
  /** The writer is gone, its job perhaps undone; the next `send` starts another one. */
  died(reason: string): void;
}
