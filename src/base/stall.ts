// Tells when this process itself was late: a busy event loop, a stopped process, a suspended machine, a stepped
// clock. Whatever was measured meanwhile says nothing about others (DESIGN 10, "Own stall"; threats M20, X10).

import type { Clock } from './clock.ts';

/** One look a second: often enough to overlap every probe, rare enough to cost nothing. */
const LOOK_MS = 1_000;
/** Lateness below this is everyday scheduling. */
const LATE_MS = 50;
/** Wall and monotonic clock may drift apart this much between two looks: more is a step or a suspend. */
const STEP_MS = 2_000;
/** What begins within so long after a freeze meets the crowd of all that waited for its end. */
const AFTERMATH_MS = 2_000;
/** Late looks remembered: two minutes of nothing but lateness; older ones overlap no probe any more. */
const KEPT = 120;

interface Stall {
  readonly from: number;
  readonly to: number;
  /** How late we were; Infinity for a stepped clock. */
  readonly lateMs: number;
}

export interface StallWatch extends Disposable {
  /**
   * What went wrong between two instants of Clock.monotonic, or null. Lateness of up to `toleratedMs` in all (a share
   * of the probe's time-out) is let pass: it cannot have caused the failure. A starved process is late a little again
   * and again; what counts is the sum. A freeze of more than a second counts for what begins two seconds after it, too.
   */
  during(sinceMs: number, untilMs: number, toleratedMs: number): string | null;
}

/** Starts looking at once; `stepped` hears of each step of the wall clock, or suspend, by how many ms. */
export function createStallWatch(clock: Clock, stepped: (byMs: number) => void = () => {}): StallWatch {
  const stalls: Stall[] = [];
  let last = { monotonic: clock.monotonic(), wall: clock.now() };
  let cancel = (): void => {};

  const note = (lateMs: number, to: number): void => {
    stalls.push({ from: last.monotonic, to, lateMs });
    if (stalls.length > KEPT) stalls.shift();
  };
  const look = (): void => {
    const now = { monotonic: clock.monotonic(), wall: clock.now() };
    const elapsed = now.monotonic - last.monotonic;
    const lateMs = Math.max(0, elapsed - LOOK_MS);
    if (lateMs > LATE_MS) note(lateMs, now.monotonic);
    const byMs = now.wall - last.wall - elapsed;
    if (Math.abs(byMs) > STEP_MS) {
      note(Number.POSITIVE_INFINITY, now.monotonic);
      stepped(Math.round(byMs));
    }
    last = now;
    cancel = clock.after(LOOK_MS, look);
  };
  cancel = clock.after(LOOK_MS, look);

  return {
    during(sinceMs, untilMs, toleratedMs) {
      // A stall that is going on right now has not been seen by a look yet.
      const overdue = Math.max(0, untilMs - last.monotonic - LOOK_MS);
      const lead = clock.now() - clock.monotonic();
      if (Math.abs(lead - (last.wall - last.monotonic)) > STEP_MS) return 'the clock jumped';
      const seen = stalls.filter((stall) => {
        const aftermathMs = stall.lateMs > LOOK_MS ? AFTERMATH_MS : 0;
        return stall.from < untilMs && stall.to + aftermathMs > sinceMs;
      });
      const lateMs = seen.reduce((sum, stall) => sum + stall.lateMs, overdue);
      if (lateMs === Number.POSITIVE_INFINITY) return 'the clock jumped';
      return lateMs > toleratedMs ? `our process was late by ${Math.round(lateMs)} ms meanwhile` : null;
    },
    [Symbol.dispose]: () => cancel(),
  };
}
