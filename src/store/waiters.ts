// Those who wait until something is so, but not for longer than a while.

import type { Clock } from '../base/clock.ts';

export class Waiters {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #all = new Map<() => void, () => boolean>();

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  /** Resolves when `isSo`, looked at now and at every `look`, or after the limit. */
  until(isSo: () => boolean): Promise<void> {
    if (isSo()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        this.#all.delete(done);
        resolve();
      };
      const cancel = this.#clock.after(this.#limitMs, done);
      this.#all.set(done, isSo);
    });
  }

  look(): void {
    for (const [done, isSo] of this.#all) if (isSo()) done();
  }
}
