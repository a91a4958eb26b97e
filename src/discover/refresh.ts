// Turns "list once" into "keep listing": interval and jitter, one time limit for a whole list, and what is believed.
// A failure keeps the last good set. A set that lost more than half of it (or all) must come three times in a row:
// an API that has just started answers empty lists (threats D9).

import { backoffMs } from '../base/backoff.ts';
import { type Clock, deadline, sleep } from '../base/clock.ts';
import type { Discoverer, Listing } from './discoverer.ts';

/** Share of the known targets that may vanish at once, and how often a larger loss must be said. */
const LARGEST_LOSS = 0.5;
const REPEATS = 3;
/** Intervals differ by this share, so that many daemons do not ask at once. */
const JITTER = 0.1;
/** Longest pause after failures, in intervals. */
const LONGEST_PAUSE = 5;

/** A set and when it was last confirmed, epoch ms. */
export interface Kept {
  readonly listing: Listing;
  readonly at: number;
}

export interface RefreshState {
  /** The last good set; null before the first one. */
  readonly kept: Kept | null;
  /** Why the last attempt brought nothing that is believed; null while all is well. */
  readonly problem: string | null;
  readonly problemSince: number | null;
  /** The source pushes, and what it has pushed is believed: the set is of now. */
  readonly isLive: boolean;
}

export interface Refresh {
  start(): void;
  /** Ends what runs; nothing is told afterwards. */
  stop(): Promise<void>;
  state(): RefreshState;
}

export interface RefreshOptions {
  readonly discoverer: Discoverer;
  readonly clock: Clock;
  readonly random: () => number;
  readonly everyMs: number;
  /** For one whole list. */
  readonly timeoutMs: number;
  /** Of an earlier process. */
  readonly kept: Kept | null;
  /** Told whenever the set, or whether there is a problem, is another one; never while `start` runs. */
  readonly changed: () => void;
  /** Told of every set that is believed, also the same one again. */
  readonly confirmed: (kept: Kept) => void;
}

/** Keeps listing from `start` to `stop`. */
export function createRefresh(options: RefreshOptions): Refresh {
  const { discoverer, clock, everyMs } = options;
  const end = new AbortController();
  const mind = createMind(options, end.signal);
  let running: Promise<void> | null = null;
  let isWatching = false;
  const listOnce = async (): Promise<void> => {
    using limit = deadline(clock, options.timeoutMs, end.signal);
    mind.hear(await discoverer.list(limit.signal));
  };
  const watching = async (watch: NonNullable<Discoverer['watch']>): Promise<void> => {
    const over = new AbortController();
    const signal = AbortSignal.any([end.signal, over.signal]);
    try {
      await watch((listing) => {
        isWatching = true;
        // A set that is not believed is asked for again: a source that pushes may never say it twice.
        if (mind.hear(listing)) return;
        void insist(signal);
      }, signal);
    } finally {
      isWatching = false;
      over.abort();
    }
  };
  const insist = async (signal: AbortSignal): Promise<void> => {
    while (mind.doubts() && !signal.aborted) {
      await sleep(clock, everyMs, signal);
      if (signal.aborted || !mind.doubts()) return;
      await listOnce().catch((error: unknown) => mind.fail(error));
    }
  };
  const run = async (): Promise<void> => {
    for (let failures = 0; !end.signal.aborted; ) {
      try {
        if (discoverer.watch === undefined) await listOnce();
        else await watching(discoverer.watch.bind(discoverer));
        failures = 0;
      } catch (error) {
        failures += 1;
        mind.fail(error);
      }
      await sleep(clock, pauseMs(failures, options), end.signal);
    }
  };
  return {
    start() {
      running ??= run();
    },
    async stop() {
      end.abort();
      await running;
      await discoverer[Symbol.asyncDispose]();
    },
    state: () => ({ ...mind.state(), isLive: isWatching && mind.state().problem === null }),
  };
}

/** What is believed, and why something is not. */
function createMind(options: RefreshOptions, end: AbortSignal) {
  const { clock } = options;
  let kept = options.kept;
  let text = kept === null ? '' : JSON.stringify(kept.listing);
  let problem: string | null = null;
  let problemSince: number | null = null;
  let repeats = 0;
  const trouble = (why: string | null): void => {
    const isNew = (why === null) !== (problem === null);
    problem = why;
    if (isNew) problemSince = why === null ? null : clock.now();
    if (isNew) options.changed();
  };
  return {
    /** Whether the set is believed. */
    hear(listing: Listing): boolean {
      if (end.aborted) return true;
      const lost = kept === null ? 0 : lossOf(kept.listing, listing);
      repeats = lost > 0 ? repeats + 1 : 0;
      if (lost > 0 && repeats < REPEATS) {
        trouble(
          `lists ${lost} targets less than before; not believed until it says so ${REPEATS} times in a row`,
        );
        return false;
      }
      repeats = 0;
      const before = text;
      text = JSON.stringify(listing);
      kept = { listing, at: clock.now() };
      options.confirmed(kept);
      if (before !== text) options.changed();
      trouble(null);
      return true;
    },
    fail(error: unknown): void {
      repeats = 0;
      if (!end.aborted) trouble(error instanceof Error ? error.message : 'failed');
    },
    doubts: () => repeats > 0,
    state: () => ({ kept, problem, problemSince }),
  };
}

/** How many targets are lost, where that is more than may vanish at once; else 0. */
function lossOf(before: Listing, after: Listing): number {
  const places = (listing: Listing): Set<string> =>
    new Set(listing.found.map(({ scheme, host, pathname }) => `${scheme}://${host}${pathname}`));
  const known = places(before);
  const listed = places(after);
  const lost = [...known].filter((place) => !listed.has(place)).length;
  return lost > known.size * LARGEST_LOSS ? lost : 0;
}

function pauseMs(failures: number, { everyMs, random }: RefreshOptions): number {
  if (failures === 0) return everyMs * (1 - JITTER * random());
  return backoffMs(failures, { firstMs: everyMs, limitMs: LONGEST_PAUSE * everyMs, random });
}
