// The world: a virtual clock on which the checks of a site are probed on schedule and within the budgets of the
// outposts, faults and noise decide what they show, and extra probes are made at the wish of whoever watches.

import { noiseShown } from './classes.ts';
import type { Fault } from './faults.ts';
import { type Chance, chance } from './random.ts';
import type { Check, Site } from './site.ts';

export interface Shown {
  readonly check: number;
  /** Kind of failure; null = healthy. */
  readonly failure: string | null;
  readonly begun: number;
  readonly at: number;
  readonly extra: boolean;
}

export interface Wish {
  readonly check: number;
  readonly notBefore: number;
}

/** Who watches: is told every result, and may think and wish. */
export interface Watcher {
  result(shown: Shown): void;
  /** When it wants to think next; null = not. */
  readonly thinkAt: number | null;
  think(now: number): readonly Wish[];
}

export interface WorldOptions {
  readonly seed: number;
  /** Share of probes that fail by chance. */
  readonly noise: number;
  readonly faults: readonly Fault[];
  /** Share of the fresh visits that the budget allows, of one a check and interval. */
  readonly budget?: number;
}

/** How long probes take, ms: an answer, a connection that is not answered, an answer that does not come. */
const TAKES = { answer: 200, connect: 5_000, whole: 10_000 };
/** Nobody thinks more often. */
const PAUSE_MS = 1_000;
const BURST = 20;

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Checks of one interval, one after the other in an order by chance. */
interface Round {
  readonly checks: readonly number[];
  readonly stepMs: number;
  readonly outpost: number;
  next: number;
  count: number;
}

interface Bucket {
  tokens: number;
  at: number;
  readonly perMs: number;
  readonly most: number;
}

export class World {
  readonly site: Site;
  now = 0;
  probes = 0;
  extra = 0;
  sessions = 0;
  /** Sessions that the budgets allow until now. */
  get sessionsAllowed(): number {
    return this.#buckets.reduce((sum, bucket) => sum + bucket.most + bucket.perMs * this.now, 0);
  }
  readonly #random: Chance;
  readonly #options: WorldOptions;
  readonly #watchers: readonly Watcher[];
  readonly #rounds: Round[];
  readonly #buckets: Bucket[];
  readonly #heap: Due[] = [];
  readonly #flight: Uint8Array;
  /** Healthy answers on their way, in the order in which they began. */
  readonly #answers: Shown[] = [];
  #answered = 0;
  readonly #active: Fault[] = [];
  #untilNoise: number;
  #order = 0;
  #thought = Number.NEGATIVE_INFINITY;

  constructor(site: Site, watchers: readonly Watcher[], options: WorldOptions) {
    this.site = site;
    this.#options = options;
    this.#watchers = watchers;
    this.#random = chance(options.seed, 'world');
    this.#flight = new Uint8Array(site.checks.length);
    this.#untilNoise = this.#random.until(options.noise);
    this.#buckets = Array.from({ length: site.outposts }, (_, at) => bucketOf(site, at, options.budget ?? 1));
    this.#rounds = roundsOf(site, this.#buckets, this.#random);
    for (const fault of options.faults) {
      this.#at(fault.from, () => this.#active.push(fault));
      this.#at(fault.until, () => this.#active.splice(this.#active.indexOf(fault), 1));
    }
  }

  /** Lets time pass until then. */
  run(until: number): void {
    for (;;) {
      const round = this.#nextRound();
      const answer = this.#answers[this.#answered]?.at ?? Number.POSITIVE_INFINITY;
      const due = this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
      const think = this.#thinkAt();
      const at = Math.min(round?.next ?? Number.POSITIVE_INFINITY, answer, due, think);
      if (at > until) break;
      this.now = Math.max(this.now, at);
      if (at === due) popDue(this.#heap).run();
      else if (at === answer) this.#arrive(this.#nextAnswer());
      else if (at === think) this.#think();
      else if (round !== null) this.#turn(round);
    }
    this.now = until;
  }

  #nextRound(): Round | null {
    let next: Round | null = null;
    for (const round of this.#rounds) if (next === null || round.next < next.next) next = round;
    return next;
  }

  #nextAnswer(): Shown {
    const shown = this.#answers[this.#answered++]!;
    if (this.#answered > 1_000) {
      this.#answers.splice(0, this.#answered);
      this.#answered = 0;
    }
    return shown;
  }

  #thinkAt(): number {
    let first = Number.POSITIVE_INFINITY;
    for (const watcher of this.#watchers)
      first = Math.min(first, watcher.thinkAt ?? Number.POSITIVE_INFINITY);
    return first === Number.POSITIVE_INFINITY ? first : Math.max(first, this.#thought + PAUSE_MS, this.now);
  }

  #think(): void {
    this.#thought = this.now;
    for (const watcher of this.#watchers) {
      if ((watcher.thinkAt ?? Number.POSITIVE_INFINITY) > this.now) continue;
      for (const { check, notBefore } of watcher.think(this.now)) {
        this.#at(Math.max(this.now, notBefore), () => this.#probe(this.site.checks[check]!, true));
      }
    }
  }

  #turn(round: Round): void {
    const check = this.site.checks[round.checks[round.count % round.checks.length]!]!;
    round.count++;
    round.next += round.stepMs;
    this.#probe(check, false);
  }

  #probe(check: Check, extra: boolean): void {
    if (this.#flight[check.index] === 1) return;
    if (check.sessionAt >= 0 && !this.#takeToken(this.#buckets[check.sessionAt]!)) return;
    this.probes++;
    if (extra) this.extra++;
    this.#flight[check.index] = 1;
    const failure = this.#show(check);
    const begun = this.now;
    if (failure === null) {
      this.#answers.push({ check: check.index, failure, begun, at: begun + TAKES.answer, extra });
      return;
    }
    const takes =
      failure === 'timeout' ? TAKES.whole : failure === 'connect-timeout' ? TAKES.connect : TAKES.answer;
    const shown: Shown = { check: check.index, failure, begun, at: begun + takes, extra };
    this.#at(shown.at, () => this.#arrive(shown));
  }

  #arrive(shown: Shown): void {
    this.#flight[shown.check] = 0;
    for (const watcher of this.#watchers) watcher.result(shown);
  }

  #show(check: Check): string | null {
    for (const fault of this.#active) {
      const shown = fault.show(check, this.now, this.#random);
      if (shown !== null) return shown;
    }
    if (--this.#untilNoise > 0) return null;
    this.#untilNoise = this.#random.until(this.#options.noise);
    return noiseShown(check, this.#random);
  }

  #takeToken(bucket: Bucket): boolean {
    bucket.tokens = Math.min(bucket.most, bucket.tokens + (this.now - bucket.at) * bucket.perMs);
    bucket.at = this.now;
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    this.sessions++;
    return true;
  }

  #at(at: number, run: () => void): void {
    pushDue(this.#heap, { at, order: this.#order++, run });
  }
}

/** The budget of an outpost: each of its fresh visits once an interval, times `share`, and a burst. */
function bucketOf(site: Site, outpost: number, share: number): Bucket {
  const fresh = site.checks.filter((check) => check.sessionAt === outpost).length;
  return { tokens: BURST, most: BURST, at: 0, perMs: (share * fresh) / site.intervalMs };
}

function roundsOf(site: Site, buckets: readonly Bucket[], random: Chance): Round[] {
  const groups = Map.groupBy(site.checks, (check) =>
    check.everyMs === null ? -1 - check.sessionAt : check.everyMs,
  );
  return [...groups].map(([key, checks]) => {
    const perMs = key < 0 ? buckets[-1 - key]!.perMs : checks.length / key;
    const stepMs = 1 / perMs;
    const order = random.shuffled(checks.map((check) => check.index));
    return {
      checks: order,
      stepMs,
      outpost: key < 0 ? -1 - key : -1,
      next: random.next() * stepMs,
      count: 0,
    };
  });
}

function before(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function pushDue(heap: Due[], due: Due): void {
  let at = heap.push(due) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(heap[at]!, heap[parent]!)) break;
    [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
    at = parent;
  }
}

function popDue(heap: Due[]): Due {
  const first = heap[0]!;
  const last = heap.pop()!;
  if (heap.length === 0) return first;
  heap[0] = last;
  for (let at = 0; ; ) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && before(heap[child]!, heap[least]!)) least = child;
    }
    if (least === at) return first;
    [heap[at], heap[least]] = [heap[least]!, heap[at]!];
    at = least;
  }
}
