// Request budgets: ceilings on what is asked of a path in a day, because a CDN may bill or cap requests
// (DESIGN 3, Request budget).

import type { Clock } from '../base/clock.ts';
import type { NetworkPath } from '../model/network-path.ts';
import { formatLevels, parseLevels } from './levels.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

export interface RequestBudgets {
  /** Takes one request; always true on paths without a ceiling. */
  take(path: string): boolean;
  /** Further requests that one probe made (hops): they are paid for by those to come. */
  charge(path: string, requests: number): void;
  /** Milliseconds until a request may be made. */
  waitMs(path: string): number;
  /** Requests counted since the process started. */
  made(path: string): number;
  levels(): string;
  flush(): void;
}

const DAY_MS = 86_400_000;
/** Requests written off in advance with each save: a disk write for every one would delay probing. */
const CHUNK = 20;

/**
 * Budgets of the paths. A bucket starts full; rate and burst together stay below the ceiling in every span of
 * 24 hours.
 */
export function createRequestBudgets(options: {
  readonly paths: readonly NetworkPath[];
  readonly clock: Clock;
  readonly saved: string | null;
  readonly save: (text: string) => void;
}): RequestBudgets {
  const saved = parseLevels(options.saved);
  const levels = new Map(saved.levels);
  const buckets = new Map<string, TokenBucket>();
  const made = new Map<string, number>();
  for (const { name, requestsPerDay } of options.paths) {
    if (requestsPerDay === null) continue;
    const capacity = burstOf(requestsPerDay);
    const bucket = createTokenBucket({
      clock: options.clock,
      perMs: (requestsPerDay - capacity) / DAY_MS,
      capacity,
      saved: saved.of(name),
      chunk: Math.min(CHUNK, Math.ceil(capacity / 4)),
      save: (level) => {
        levels.set(name, level);
        options.save(formatLevels(levels));
      },
    });
    buckets.set(name, bucket);
  }
  const count = (path: string, requests: number): void =>
    void made.set(path, (made.get(path) ?? 0) + requests);
  return {
    take(path) {
      if (buckets.get(path)?.take() === false) return false;
      count(path, 1);
      return true;
    },
    charge(path, requests) {
      if (requests <= 0) return;
      buckets.get(path)?.charge(requests);
      count(path, requests);
    },
    waitMs: (path) => buckets.get(path)?.waitMs() ?? 0,
    made: (path) => made.get(path) ?? 0,
    levels: () => formatLevels(levels),
    flush() {
      for (const bucket of buckets.values()) bucket.flush();
    },
  };
}

/** A burst covers about ten minutes of the ceiling: enough to confirm a suspicion, small against the day. */
function burstOf(requestsPerDay: number): number {
  return Math.min(Math.max(1, requestsPerDay / 2), Math.max(5, Math.round(requestsPerDay / 144)));
}
