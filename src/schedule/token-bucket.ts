// A token bucket whose level outlives the process. It refills by the monotonic clock only, and time during which the
// process did not run adds nothing: a stepped wall clock or a crash loop must not make tokens (threats B2).

import type { Clock } from '../base/clock.ts';

export interface BucketOptions {
  readonly clock: Clock;
  readonly perMs: number;
  /** Most tokens it holds, at least 1. */
  readonly capacity: number;
  /** Level of an earlier process; null = there never was one: the bucket starts full. */
  readonly saved: number | null;
  /**
   * Tokens that are written off in advance with each save. 1 saves at every take; more saves less often, and a crash
   * loses at most that many.
   */
  readonly chunk: number;
  /** Called before a token is given away, whenever the durable level changes. */
  readonly save: (level: number) => void;
}

export interface TokenBucket {
  /** Takes one token if there is one. */
  take(): boolean;
  /** Gives one back. */
  refund(): void;
  /** Takes tokens for what has happened already; the level may fall below zero. */
  charge(tokens: number): void;
  /** Tokens now; negative while in debt. */
  level(): number;
  /** Milliseconds until `tokens` (default 1) are there; 0 when they are. */
  waitMs(tokens?: number): number;
  /** The level that may be restored after a crash at this moment. */
  readonly durable: number;
  /** Makes the whole level durable, for a clean stop. */
  flush(): void;
}

/** A bucket; a saved level that makes no sense counts as empty. */
export function createTokenBucket(options: BucketOptions): TokenBucket {
  const { clock, perMs, capacity, chunk } = options;
  let tokens = startLevel(options.saved, capacity);
  let filledAt = clock.monotonic();
  let durable = tokens;

  const refill = (): number => {
    const now = clock.monotonic();
    tokens = Math.min(capacity, tokens + Math.max(0, now - filledAt) * perMs);
    filledAt = now;
    return tokens;
  };
  const persist = (level: number): void => {
    durable = level;
    options.save(level);
  };
  const spend = (count: number): void => {
    tokens -= count;
    // Before the next token goes out, a level that it and the chunk are already taken from must be on disk.
    // A durable level that fell far behind is brought up too: a restart should not lose what was saved up.
    if (tokens < durable || tokens > durable + 2 * chunk) persist(tokens - (chunk - 1));
  };

  return {
    take() {
      if (refill() < 1) return false;
      spend(1);
      return true;
    },
    refund() {
      tokens = Math.min(capacity, refill() + 1);
    },
    charge(count) {
      refill();
      spend(count);
    },
    level: refill,
    waitMs(wanted = 1) {
      const missing = wanted - refill();
      return missing <= 0 ? 0 : perMs > 0 ? Math.ceil(missing / perMs) : Number.POSITIVE_INFINITY;
    },
    get durable() {
      return durable;
    },
    flush() {
      persist(refill());
    },
  };
}

function startLevel(saved: number | null, capacity: number): number {
  if (saved === null) return capacity;
  return Number.isFinite(saved) ? Math.min(saved, capacity) : 0;
}
