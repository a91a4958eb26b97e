// A clock that tests turn by hand. `advance` moves both clocks and runs the timers that fall due, in order;
// `step` moves the wall clock alone, as an administrator or NTP does.

import type { Clock } from '../../src/base/clock.ts';

export interface ManualClock extends Clock {
  advance(ms: number): void;
  step(ms: number): void;
  /** Timers that are armed. */
  readonly timers: number;
}

/** Manual clock; the wall clock begins at `at`. */
export function manualClock(at: number = Date.UTC(2026, 3, 16, 17)): ManualClock {
  let wall = at;
  let monotonic = 1_000;
  let order = 0;
  const timers = new Map<number, { due: number; callback: () => void }>();
  const next = (limit: number) =>
    [...timers].filter(([, timer]) => timer.due <= limit).sort(([a, x], [b, y]) => x.due - y.due || a - b)[0];
  const moveTo = (time: number): void => {
    wall += time - monotonic;
    monotonic = time;
  };
  return {
    now: () => wall,
    monotonic: () => monotonic,
    after(ms, callback) {
      const id = order++;
      timers.set(id, { due: monotonic + Math.max(0, ms), callback });
      return () => void timers.delete(id);
    },
    advance(ms) {
      const end = monotonic + ms;
      for (let due = next(end); due !== undefined; due = next(end)) {
        timers.delete(due[0]);
        moveTo(Math.max(monotonic, due[1].due));
        due[1].callback();
      }
      moveTo(end);
    },
    step(ms) {
      wall += ms;
    },
    get timers() {
      return timers.size;
    },
  };
}
