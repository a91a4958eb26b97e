// How many of our sessions should still be in a store: those made in the last lifetime. By the wall clock, for display
// and for the projection of the store only; budgets never ask this.

import type { EpochMs } from '../model/observation.ts';

/** Slots a lifetime is cut into: a count is off by at most a 64th of what was made in a lifetime. */
const SLOTS = 64;

/** Sessions made in the last lifetime; `saved` is the `dump` of an earlier process. */
export class HeldSessions {
  readonly #slotMs: number;
  readonly #slots = new Map<number, number>();

  constructor(lifetimeMs: number, saved: readonly (readonly [number, number])[]) {
    this.#slotMs = Math.max(1, lifetimeMs / SLOTS);
    for (const [at, count] of saved.slice(-2 * SLOTS)) this.add(at, count);
  }

  add(at: EpochMs, count: number): void {
    const slot = Math.floor(at / this.#slotMs);
    this.#slots.set(slot, Math.max(0, (this.#slots.get(slot) ?? 0) + count));
    if (this.#slots.size > SLOTS * 2) this.count(at);
  }

  count(now: EpochMs): number {
    const oldest = now / this.#slotMs - SLOTS - 1;
    let sum = 0;
    for (const [slot, count] of this.#slots) {
      if (slot < oldest) this.#slots.delete(slot);
      else sum += count;
    }
    return sum;
  }

  /** `[instant, count]` for each slot. */
  dump(): [EpochMs, number][] {
    return [...this.#slots].map(([slot, count]) => [Math.round(slot * this.#slotMs), count]);
  }
}
