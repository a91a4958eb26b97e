// Tells when this process itself was late: a busy event loop, a stopped process, a suspended machine, a stepped
// clock. Whatever was measured meanwhile says nothing about others (DESIGN 10, "Own stall"; threats M20, X10).

import type { Clock } from './clock.ts';

/** One look a second: often enough to overlap every probe, rare enough to cost nothing. */
const LOOK_MS = 1_000;
/** Lateness below this is everyday scheduling, never a stall. */
const LATE_MS = 250;
/** Wall and monotonic clock may drift apart this much between two looks: more is a step or a suspend. */
const STEP_MS = 2_000;
/** Stalls remembered; older ones overlap no probe any more. */
const KEPT = 100;

interface Stall {
  readonly from: number;
  readonly to: number;
  /** How late we were; Infinity for a stepped clock. */
  readonly lateMs: number;
  readonly what: string;
}

export interface StallWatch extends Disposable {
  /**
   * What went wrong between two instants of Clock.monotonic, or null. Lateness up to `toleratedMs` (a share of the
   * probe's time-out) is let pass: it cannot have caused the failure.
   */
  during(sinceMs: number, untilMs: number, toleratedMs: number): string | null;
  /** Milliseconds the last look was late. */
  readonly latenessMs: number;
}

/** Starts looking at once. */
export function createStallWatch(clock: Clock): StallWatch {
  const stalls: Stall[] = [];
  let latenessMs = 0;
  let last = { monotonic: clock.monotonic(), wall: clock.now() };
  let cancel = (): void => {};

  const note = (from: number, to: number, lateMs: number, what: string): void => {
    stalls.push({ from, to, lateMs, what });
    if (stalls.length > KEPT) stalls.shift();
  };
  const look = (): void => {
    const now = { monotonic: clock.monotonic(), wall: clock.now() };
    const elapsed = now.monotonic - last.monotonic;
    const drift = now.wall - last.wall - elapsed;
    latenessMs = Math.max(0, elapsed - LOOK_MS);
    if (latenessMs > LATE_MS) {
      note(
        last.monotonic,
        now.monotonic,
        latenessMs,
        `our process stood still for ${Math.round(latenessMs)} ms`,
      );
    }
    if (Math.abs(drift) > STEP_MS) {
      note(
        last.monotonic,
        now.monotonic,
        Number.POSITIVE_INFINITY,
        `the clock jumped by ${Math.round(drift / 1000)} s`,
      );
    }
    last = now;
    cancel = clock.after(LOOK_MS, look);
  };
  cancel = clock.after(LOOK_MS, look);

  return {
    get latenessMs() {
      return latenessMs;
    },
    during(sinceMs, untilMs, toleratedMs) {
      const limit = Math.max(LATE_MS, toleratedMs);
      // A stall that is going on right now has not been seen by a look yet.
      const overdue = untilMs - last.monotonic - LOOK_MS;
      if (overdue > limit) return `our process stood still for ${Math.round(overdue)} ms`;
      const stall = stalls.find((one) => one.from < untilMs && one.to > sinceMs && one.lateMs > limit);
      return stall?.what ?? null;
    },
    [Symbol.dispose]: () => cancel(),
  };
}
