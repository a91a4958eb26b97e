// A clock that stands still until it is told how far to go: time of a replay.

import type { Clock } from './clock.ts';

export interface VirtualClock extends Clock {
  /** Moves both clocks on; timers that fall due run in order, each at its own time. */
  advance(ms: number): void;
  /** Moves the wall clock alone, also back. */
  step(ms: number): void;
}

/** Virtual clock; the wall clock begins at `at`, the monotonic one at 0. */
export function createVirtualClock(at: number): VirtualClock {
  let leadMs = at;
  let monotonicMs = 0;
  const timers = new Set<{ readonly due: number; readonly callback: () => void }>();
  const next = (limit: number) => {
    let first: { readonly due: number; readonly callback: () => void } | null = null;
    for (const timer of timers) {
      if (timer.due <= limit && (first === null || timer.due < first.due)) first = timer;
    }
    return first;
  };
  return {
    now: () => leadMs + monotonicMs,
    monotonic: () => monotonicMs,
    after(ms, callback) {
      const timer = { due: monotonicMs + Math.max(0, ms), callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance(ms) {
      const end = monotonicMs + ms;
      for (let timer = next(end); timer !== null; timer = next(end)) {
        timers.delete(timer);
        monotonicMs = Math.max(monotonicMs, timer.due);
        timer.callback();
      }
      monotonicMs = end;
    },
    step(ms) {
      leadMs += ms;
    },
  };
}
