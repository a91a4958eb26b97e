// Evidence: what each check showed lately, how noisy each lane is, and a CUSUM bank per component that triggers an
// evaluation and estimates since when (reference/correlation.md 5.2). O(components on the way) a result.

import { type Pattern, type Weights, weigh } from './pattern.ts';
import type { CheckNode, Topology } from './topology.ts';

/** Chance that a probe passes although its way is broken (5.8, beta). */
export const MISS = 0.04;
/** Noise of a lane: first guess and bounds (5.8, p0). */
export const NOISE = { first: 0.005, least: 0.001, most: 0.02 };
/** Severities the bank runs for. */
const SEVERITIES = [1, 0.5, 0.2] as const;
/** Suspicion in nats from which a component is a candidate (5.8, h_sus). */
export const SUSPECT_NATS = 3.5;

/** Signature of an answer that ends the session of a visit. */
const LOST_SESSION = 'gate-sessions-lost';

const RING = 12;
/** High enough that no two components ever tie at it (4.4, defect 6). */
const CEILING = 600;
const OK_STEPS = SEVERITIES.map((f) => Math.log(1 - f + (f * MISS) / (1 - NOISE.first)));
const HALF_LIFE_MS = 86_400_000;

/** By what a result is dated: the end of its probe, or its begin. */
export type Dating = 'seen' | 'begun';

/** What a check showed since some instant. */
export interface Window {
  readonly fails: number;
  readonly oks: number;
  /** Means over the failures: the kind of failure counts once a check (4.4, defect 1). Null without failures. */
  readonly weights: Weights | null;
}

/** The last results of all checks, RING each: four arrays for all, not four for each of thousands of checks. */
class Rings {
  readonly at: Float64Array;
  readonly wall: Float64Array;
  /** Begin of the probe, monotonic ms. */
  readonly begun: Float64Array;
  /** Pattern number of a failure, -1 of a success. */
  readonly kind: Int16Array;

  constructor(checks: number) {
    this.at = new Float64Array(checks * RING);
    this.wall = new Float64Array(checks * RING);
    this.begun = new Float64Array(checks * RING);
    this.kind = new Int16Array(checks * RING);
  }
}

/** Rolling memory of one check. Times are monotonic ms, `-Infinity` = never. */
export class CheckRecord {
  readonly check: CheckNode;
  readonly #rings: Rings;
  readonly #first: number;
  count = 0;
  lastAt = Number.NEGATIVE_INFINITY;
  lastOkAt = Number.NEGATIVE_INFINITY;
  lastFailAt = Number.NEGATIVE_INFINITY;
  /** Failures in a row, and the first of them. */
  streak = 0;
  streakAt = 0;
  streakWall = 0;
  pattern = -1;
  /** Signature of the last result when that was `unknown`; since when it is so, and its last time. */
  unknown: string | null = null;
  unknownSince = 0;
  unknownWall = 0;
  unknownAt = Number.NEGATIVE_INFINITY;
  /** When the session it carries was lost last, monotonic and wall clock; a new one soon hides that. */
  lostAt = Number.NEGATIVE_INFINITY;
  lostWall = 0;
  /** When an extra probe was asked for, until its result. */
  wantedAt = Number.NEGATIVE_INFINITY;

  constructor(check: CheckNode, rings: Rings) {
    this.check = check;
    this.#rings = rings;
    this.#first = check.index * RING;
  }

  push(outcome: { monotonicMs: number; at: number; begunMs?: number }, kind: number): void {
    const slot = this.#first + (this.count % RING);
    this.#rings.at[slot] = outcome.monotonicMs;
    this.#rings.wall[slot] = outcome.at;
    this.#rings.begun[slot] = outcome.begunMs ?? outcome.monotonicMs;
    this.#rings.kind[slot] = kind;
    this.count++;
    this.lastAt = outcome.monotonicMs;
    this.unknown = null;
    if (kind < 0) {
      this.streak = 0;
      this.lastOkAt = outcome.monotonicMs;
      return;
    }
    if (this.streak === 0) {
      this.streakAt = outcome.monotonicMs;
      this.streakWall = outcome.at;
    }
    this.streak++;
    this.lastFailAt = outcome.monotonicMs;
    this.pattern = kind;
  }

  /** Takes a result that counts for nothing; only what it was is kept. */
  pass(outcome: { monotonicMs: number; at: number }, signature: string | null): void {
    if (this.unknown !== signature) {
      if (signature === LOST_SESSION) {
        this.lostAt = outcome.monotonicMs;
        this.lostWall = outcome.at;
      }
      this.unknownSince = outcome.monotonicMs;
      this.unknownWall = outcome.at;
    }
    this.unknown = signature;
    this.unknownAt = outcome.monotonicMs;
  }

  /** Forgets the evidence, for example of a fault that is over. */
  forget(): void {
    this.count = 0;
    this.streak = 0;
    this.lostAt = Number.NEGATIVE_INFINITY;
  }

  /** Kept failures at or after an instant, oldest first. */
  failures(since: number): { at: number; wall: number; begun: number }[] {
    return [...this.entries()].filter((entry) => entry.kind >= 0 && entry.at >= since);
  }

  /** Kept results, oldest first. */
  *entries(): Generator<{ at: number; wall: number; begun: number; kind: number }> {
    const { at, wall, begun, kind } = this.#rings;
    for (let i = Math.max(0, this.count - RING); i < this.count; i++) {
      const slot = this.#first + (i % RING);
      yield {
        at: at[slot] ?? 0,
        wall: wall[slot] ?? 0,
        begun: begun[slot] ?? 0,
        kind: kind[slot] ?? -1,
      };
    }
  }

  /** How many of the kept results that were seen at or after an instant were failures, and successes. */
  countsSince(since: number): { readonly fails: number; readonly oks: number } {
    let fails = 0;
    let oks = 0;
    for (let i = Math.max(0, this.count - RING); i < this.count; i++) {
      const slot = this.#first + (i % RING);
      if ((this.#rings.at[slot] ?? 0) < since) continue;
      if ((this.#rings.kind[slot] ?? -1) < 0) oks++;
      else fails++;
    }
    return { fails, oks };
  }

  /** Kept successes that were seen, or begun, at or after an instant; -1 when there are failures among them. */
  passesSince(since: number, by: Dating): number {
    const times = by === 'seen' ? this.#rings.at : this.#rings.begun;
    let passes = 0;
    for (let i = Math.max(0, this.count - RING); i < this.count; i++) {
      const slot = this.#first + (i % RING);
      if ((times[slot] ?? 0) < since) continue;
      if ((this.#rings.kind[slot] ?? -1) >= 0) return -1;
      passes++;
    }
    return passes;
  }

  /** Kinds of the kept results that were seen, or begun, at or after an instant, oldest first. */
  kindsSince(since: number, by: Dating): number[] {
    const kinds: number[] = [];
    const times = by === 'seen' ? this.#rings.at : this.#rings.begun;
    for (let i = Math.max(0, this.count - RING); i < this.count; i++) {
      const slot = this.#first + (i % RING);
      if ((times[slot] ?? 0) >= since) kinds.push(this.#rings.kind[slot] ?? -1);
    }
    return kinds;
  }
}

/** Evidence of one topology. */
export class Evidence {
  readonly topology: Topology;
  readonly records: readonly CheckRecord[];
  readonly patterns: Pattern[] = [];
  /** Suspicion in nats and its onset, three severities a component. */
  readonly nats: Float64Array;
  readonly onset: Float64Array;
  readonly noise: Float64Array;
  readonly #rate: Float64Array;
  readonly #numbers = new Map<string, number>();
  /** By check; only those that failed have any. */
  readonly #weights = new Map<number, Map<number, Weights>>();

  constructor(topology: Topology) {
    this.topology = topology;
    const rings = new Rings(topology.checks.length);
    this.records = topology.checks.map((check) => new CheckRecord(check, rings));
    this.nats = new Float64Array(topology.components.length * SEVERITIES.length);
    this.onset = new Float64Array(topology.components.length * SEVERITIES.length);
    this.noise = new Float64Array(topology.lanes.length).fill(NOISE.first);
    this.#rate = laneRates(topology);
  }

  /** Number of the pattern of an outcome. */
  pattern(signature: string | null, pointsAt: readonly string[]): number {
    const key = `${signature} ${pointsAt.join(' ')}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.patterns.length);
    return this.patterns.push({ signature, pointsAt }) - 1;
  }

  /** Weights of a pattern on the way of a check. */
  weights(check: number, pattern: number): Weights {
    const memo = this.#weights.get(check) ?? new Map<number, Weights>();
    const known = memo.get(pattern);
    if (known !== undefined) return known;
    const node = this.topology.checks[check];
    const kind = this.patterns[pattern];
    if (node === undefined || kind === undefined) return { ways: new Float64Array(0), own: 0 };
    const made = weigh(this.topology, node, kind);
    memo.set(pattern, made);
    this.#weights.set(check, memo);
    return made;
  }

  noiseOf(check: CheckNode): number {
    return this.noise[check.lane] ?? NOISE.first;
  }

  /** Takes a success or failure of a check that no open incident explains into the bank and the noise. */
  weighIn(check: CheckNode, pattern: number, now: number, previousFailAt: number): void {
    const failed = pattern >= 0;
    this.#learnNoise(check, failed);
    const again = now - previousFailAt < 0.8 * this.topology.intervalMs;
    const weights = failed ? this.weights(check.index, pattern) : null;
    const odds = failed ? (1 - MISS) / this.noiseOf(check) : 0;
    for (let i = 0; i < check.ways.length; i++) {
      const way = check.ways[i];
      // Nothing ever speaks against a soft dependence, so noise would add up to a suspicion: it waits for its own.
      if (way === undefined || way.soft) continue;
      if (weights === null) this.#lower(way.component);
      else this.#raise(way.component, odds * Math.exp(weights.ways[i] ?? 0), again, now);
    }
  }

  #raise(component: number, ratio: number, again: boolean, now: number): void {
    for (let s = 0; s < SEVERITIES.length; s++) {
      const slot = component * SEVERITIES.length + s;
      const f = SEVERITIES[s] ?? 1;
      const step = Math.log(1 - f + f * ratio);
      const before = this.nats[slot] ?? 0;
      // Partial faults stick to a check: failing again soon says little that is new.
      const after = Math.min(CEILING, Math.max(0, before + (again ? Math.min(1, step) : step)));
      if (before === 0 && after > 0) this.onset[slot] = now;
      this.nats[slot] = after;
    }
  }

  #lower(component: number): void {
    for (let s = 0; s < SEVERITIES.length; s++) {
      const slot = component * SEVERITIES.length + s;
      const before = this.nats[slot] ?? 0;
      if (before > 0) this.nats[slot] = Math.max(0, before + (OK_STEPS[s] ?? 0));
    }
  }

  #learnNoise(check: CheckNode, failed: boolean): void {
    const rate = this.#rate[check.lane] ?? 0;
    const before = this.noise[check.lane] ?? NOISE.first;
    const after = before + rate * ((failed ? 1 : 0) - before);
    this.noise[check.lane] = Math.min(NOISE.most, Math.max(NOISE.least, after));
  }

  /** Highest suspicion of a component in nats, and since when. */
  suspicion(component: number): { readonly nats: number; readonly since: number } {
    let best = component * SEVERITIES.length;
    for (let slot = best + 1; slot < (component + 1) * SEVERITIES.length; slot++) {
      if ((this.nats[slot] ?? 0) > (this.nats[best] ?? 0)) best = slot;
    }
    return { nats: this.nats[best] ?? 0, since: this.onset[best] ?? 0 };
  }

  /**
   * Suspicion anew, from the runs of failures that `usable` checks are in the middle of: what an incident that has just
   * opened or ended explains must not stay with other components.
   */
  suspectAnew(usable: (check: number) => boolean, oldest: number): void {
    this.nats.fill(0);
    const running = this.records
      .filter((each) => each.streak > 0 && each.lastFailAt >= oldest && usable(each.check.index))
      .sort((a, b) => a.streakAt - b.streakAt);
    for (const { check, pattern, streakAt } of running) {
      const weights = this.weights(check.index, pattern);
      const odds = (1 - MISS) / this.noiseOf(check);
      for (const [i, way] of check.ways.entries()) {
        if (!way.soft) this.#raise(way.component, odds * Math.exp(weights.ways[i] ?? 0), false, streakAt);
      }
    }
  }

  /** Drops the suspicion of a component. */
  calm(component: number): void {
    this.nats.fill(0, component * SEVERITIES.length, (component + 1) * SEVERITIES.length);
  }

  /** Successes of a check since an instant; -1 when it failed. As `window`, without an allocation. */
  passes(check: number, since: number, by: Dating = 'seen'): number {
    const record = this.records[check];
    return record === undefined || record.lastAt < since ? 0 : record.passesSince(since, by);
  }

  /** What a check showed at or after `since`: results that were seen, or whose probes began, from then on. */
  window(check: number, since: number, by: Dating = 'seen'): Window {
    const record = this.records[check];
    let fails = 0;
    let oks = 0;
    if (record === undefined || record.lastAt < since) return { fails, oks, weights: null };
    const seen: number[] = [];
    for (const kind of record.kindsSince(since, by)) {
      if (kind < 0) oks++;
      else {
        fails++;
        seen.push(kind);
      }
    }
    return { fails, oks, weights: seen.length === 0 ? null : this.#mean(check, seen) };
  }

  #mean(check: number, kinds: readonly number[]): Weights {
    const first = this.weights(check, kinds[0] ?? 0);
    if (kinds.every((kind) => kind === kinds[0])) return first;
    const ways = new Float64Array(first.ways.length);
    let own = 0;
    for (const kind of kinds) {
      const weights = this.weights(check, kind);
      own += weights.own / kinds.length;
      for (let i = 0; i < ways.length; i++) ways[i] = (ways[i] ?? 0) + (weights.ways[i] ?? 0) / kinds.length;
    }
    return { ways, own };
  }
}

/** Weight of one result in a lane's noise, so that its memory has a half-life of a day. */
function laneRates(topology: Topology): Float64Array {
  const perDay = new Float64Array(topology.lanes.length);
  for (const check of topology.checks) {
    perDay[check.lane] = (perDay[check.lane] ?? 0) + HALF_LIFE_MS / (check.subject.everyMs ?? 600_000);
  }
  return perDay.map((probes) => Math.min(0.01, Math.LN2 / Math.max(1, probes)));
}
