// The only place that reads clocks and sets timers. Everything else gets a Clock, so that tests can turn it.

/** Longest wait of one timer: setTimeout fires at once beyond 2^31-1 ms (threats M13). */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface Clock {
  /** Wall clock, ms since the epoch. For display, storage and certificates only. */
  now(): number;
  /** Monotonic clock, ms from an arbitrary start. For durations, windows and deadlines. */
  monotonic(): number;
  /** Calls `callback` once after `ms` (any length); the returned function cancels. Never keeps the process alive. */
  after(ms: number, callback: () => void): () => void;
}

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const end = performance.now() + ms;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      const left = end - performance.now();
      timer =
        left > LONGEST_TIMER_MS ? setTimeout(arm, LONGEST_TIMER_MS) : setTimeout(callback, Math.max(0, left));
      timer.unref();
    };
    arm();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or at once when the signal aborts; never rejects. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** Signal that aborts when `signal` does, or after `ms`; `dispose` frees the timer. */
export function deadline(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
): { signal: AbortSignal } & Disposable {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const cancel = clock.after(ms, abort);
  if (signal.aborted) controller.abort();
  else signal.addEventListener('abort', abort, { once: true });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      cancel();
      signal.removeEventListener('abort', abort);
    },
  };
}

/** Keeps the process alive until disposed: the timers of a Clock do not. */
export function keepAlive(): Disposable {
  const timer = setInterval(() => undefined, LONGEST_TIMER_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
