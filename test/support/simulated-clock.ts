// A clock for simulated days: `pass` runs the timers that fall due, one after the other, and lets everything that
// waits on promises happen in between. `step` moves the wall clock alone.

import type { Clock } from '../../src/base/clock.ts';

export interface SimulatedClock extends Clock {
  pass(ms: number): Promise<void>;
  step(ms: number): void;
  /** Time goes on without a single timer firing, as in a suspended virtual machine. */
  sleepThrough(ms: number): void;
  readonly timers: number;
}

export function simulatedClock(at: number = Date.UTC(2026, 3, 16, 17)): SimulatedClock {
  let offset = at;
  let monotonic = 0;
  let timers: { due: number; callback: () => void }[] = [];
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  const takeNext = (limit: number): { due: number; callback: () => void } | null => {
    let next: { due: number; callback: () => void } | null = null;
    for (const timer of timers)
      if (timer.due <= limit && (next === null || timer.due < next.due)) next = timer;
    timers = timers.filter((timer) => timer !== next);
    return next;
  };
  return {
    now: () => offset + monotonic,
    monotonic: () => monotonic,
    after(ms, callback) {
      const timer = { due: monotonic + Math.max(0, ms), callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    async pass(ms) {
      const end = monotonic + ms;
      await settle();
      for (let next = takeNext(end); next !== null; next = takeNext(end)) {
        monotonic = Math.max(monotonic, next.due);
        next.callback();
        await settle();
      }
      monotonic = end;
    },
    step(ms) {
      offset += ms;
    },
    sleepThrough(ms) {
      monotonic += ms;
    },
    get timers() {
      return timers.length;
    },
  };
}
