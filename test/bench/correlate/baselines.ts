// What others do, on the same results without extra probes (reference/correlation.md 2 and 3): three failures in a row
// per check (Gatus), "N down in ten minutes", SCORE and Ochiai.

import type { Site } from '../../world/site.ts';
import type { Shown, Watcher } from '../../world/world.ts';

/** What one method said of one fault. */
export interface BaselineFigure {
  readonly detectedMs: number | null;
  /** Alerts raised. */
  readonly alerts: number;
  /** Layer named first; null = none. */
  readonly named: number | null;
}

export const BASELINES = ['gatus', 'n-down', 'score', 'ochiai'] as const;
export type BaselineName = (typeof BASELINES)[number];

const N_DOWN = { services: 3, inRow: 2, windowMs: 600_000 };
const IN_ROW = 3;
const SCORE_FROM = 0.8;
const OCHIAI_FROM = 0.5;
const LEAST_SERVICES = 3;

export class Baselines implements Watcher {
  readonly thinkAt = null;
  readonly #site: Site;
  readonly #streak: Uint16Array;
  /** Failing checks and all seen ones, by layer as told. */
  readonly #failing: Int32Array;
  readonly #size: Int32Array;
  /** When a service failed twice in a row last. */
  readonly #twice = new Map<number, number>();
  readonly #alerted = new Set<number>();
  readonly #named: Record<'score' | 'ochiai', Set<number>> = { score: new Set(), ochiai: new Set() };
  readonly #first: Partial<Record<BaselineName, { at: number; layer: number | null }>> = {};
  #nDown = 0;
  #isDown = false;
  #failures = 0;
  #slotAt = 0;

  constructor(site: Site) {
    this.#site = site;
    this.#streak = new Uint16Array(site.checks.length);
    this.#failing = new Int32Array(site.layers.length);
    this.#size = new Int32Array(site.layers.length);
    for (const check of site.checks)
      for (const layer of check.told) this.#size[layer] = this.#size[layer]! + 1;
  }

  result({ check: index, failure, at, extra }: Shown): void {
    if (extra) return;
    const check = this.#site.checks[index]!;
    const before = this.#streak[index]!;
    const after = failure === null ? 0 : before + 1;
    this.#streak[index] = after;
    if (before > 0 !== after > 0) {
      const step = after > 0 ? 1 : -1;
      this.#failures += step;
      for (const layer of check.told) this.#failing[layer] = this.#failing[layer]! + step;
    }
    if (after >= N_DOWN.inRow && !check.canary) this.#twice.set(check.service, at);
    if (after === IN_ROW && !this.#alerted.has(index)) {
      this.#alerted.add(index);
      this.#note('gatus', at, null);
    }
    if (at < this.#slotAt) return;
    this.#slotAt = at + this.#site.intervalMs / 20;
    this.#look(at);
  }

  #note(name: BaselineName, at: number, layer: number | null): void {
    this.#first[name] ??= { at, layer };
  }

  #look(at: number): void {
    for (const [service, seen] of this.#twice) if (at - seen > N_DOWN.windowMs) this.#twice.delete(service);
    const isDown = this.#twice.size >= N_DOWN.services;
    if (isDown && !this.#isDown) {
      this.#nDown++;
      this.#note('n-down', at, null);
    }
    this.#isDown = isDown;
    if (this.#failures < LEAST_SERVICES) return;
    if (this.#services() < LEAST_SERVICES) return;
    this.#name('score', at, (layer) => {
      const hit = this.#failing[layer]! / this.#size[layer]!;
      return hit >= SCORE_FROM ? this.#failing[layer]! : 0;
    });
    this.#name('ochiai', at, (layer) => {
      const failing = this.#failing[layer]!;
      const value = failing / Math.sqrt(this.#failures * this.#size[layer]!);
      return value >= OCHIAI_FROM ? value : 0;
    });
  }

  /** Services with a failing check, counted no further than needed. */
  #services(): number {
    const found = new Set<number>();
    for (let index = 0; index < this.#streak.length && found.size < LEAST_SERVICES; index++) {
      if (this.#streak[index]! > 0 && !this.#site.checks[index]!.canary)
        found.add(this.#site.checks[index]!.service);
    }
    return found.size;
  }

  /** The layer with the highest value is named; every further one is a further alert. */
  #name(method: 'score' | 'ochiai', at: number, value: (layer: number) => number): void {
    let best = -1;
    for (const { index } of this.#site.layers) {
      if (value(index) > 0 && (best < 0 || value(index) > value(best))) best = index;
    }
    if (best < 0) return;
    this.#named[method].add(best);
    this.#note(method, at, best);
  }

  think(): readonly [] {
    return [];
  }

  figures(): Readonly<Record<BaselineName, BaselineFigure>> {
    const figure = (name: BaselineName, alerts: number): BaselineFigure => ({
      detectedMs: this.#first[name]?.at ?? null,
      alerts,
      named: this.#first[name]?.layer ?? null,
    });
    return {
      gatus: figure('gatus', this.#alerted.size),
      'n-down': figure('n-down', this.#nDown),
      score: figure('score', this.#named.score.size),
      ochiai: figure('ochiai', this.#named.ochiai.size),
    };
  }
}
