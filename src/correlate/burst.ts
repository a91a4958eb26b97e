// Bursts: which extra probes tell the hypotheses apart soonest, and cover every lane of the suspected component
// before anything is said about it (reference/correlation.md 5.4). Budgets are the scheduler's.

import { type CheckRecord, MISS } from './evidence.ts';
import type { Ranking } from './localize.ts';
import type { Wanted } from './outcome.ts';
import type { Scope } from './ratio.ts';
import type { CheckNode, ComponentNode } from './topology.ts';

/** Probes wanted at once, and in an episode of two intervals (5.4). */
const LIMIT = { atOnce: 4, episode: 28 };
/** A check is asked again after this; one asked for is not asked for again until it was seen or this has passed. */
const AGAIN_MS = 5_000;
const PATIENCE_MS = 20_000;
/** Canaries seen within this need no extra probe. */
const FRESH_CANARY_MS = 15_000;
const UNSEEN_EACH = 6;
/** Components with so few checks have no others to ask. */
const FEW_CHECKS = 8;
/** Expected gain in nats below which a probe is not worth its cost. */
const LEAST_GAIN = 1e-4;
/** Failures of one check from which more say little. */
const ENOUGH_FAILS = 3;

/**
 * Session-costing probes of an episode: some at once, some kept until failures count as fresh, and some in the
 * bucket for the recovery.
 */
const SESSIONS = { first: 5, all: 10, heldMs: 12_000 };

/** Counts the extra probes of an episode. */
export interface Episode {
  startedAt: number;
  spent: number;
  sessions: number;
}

/** An episode that begins. */
export function newEpisode(startedAt: number): Episode {
  return { startedAt, spent: 0, sessions: 0 };
}

interface Entry {
  readonly check: CheckNode;
  readonly bonus: number;
  readonly notBefore: number;
}

/** Checks that may be worth a probe. */
class Pool {
  readonly entries = new Map<number, Entry>();
  readonly #scope: Scope;
  readonly #since: number;
  readonly #now: number;
  /** Lanes that brought a result since the onset. */
  readonly #seenLanes: ReadonlySet<number>;

  constructor(scope: Scope, since: number, now: number) {
    this.#scope = scope;
    this.#since = since;
    this.#now = now;
    const seen = scope.evidence.records.filter((record) => record.lastAt >= since);
    this.#seenLanes = new Set(seen.map((record) => record.check.lane));
  }

  #offer(record: CheckRecord, bonus: number): void {
    const { index } = record.check;
    if (this.entries.has(index) || !this.#scope.usable(index)) return;
    const asked = record.wantedAt > record.lastAt && this.#now - record.wantedAt < PATIENCE_MS;
    if (!asked && this.#now - record.lastAt >= AGAIN_MS) {
      this.entries.set(index, { check: record.check, bonus, notBefore: this.#now });
    }
  }

  /** Failing checks, to see whether they fail again. */
  addFailing(): void {
    for (const record of this.#scope.evidence.records) {
      const failing = record.streak > 0 && record.streak < ENOUGH_FAILS && record.lastFailAt >= this.#since;
      if (failing) this.#offer(record, 0.05);
    }
  }

  /** Canaries and unseen checks through a component; a lane without any result yet comes first. */
  addThrough(component: number): void {
    const node = this.#scope.evidence.topology.components[component];
    if (node === undefined) return;
    // What few checks see, such as an identity provider by its canaries, is confirmed by asking them again.
    const few = node.hard.length <= FEW_CHECKS;
    if (few) for (const record of this.#inTurn(node.hard)) this.#offer(record, 0.5);
    else this.#addMany(node);
  }

  #addMany({ hard, soft }: ComponentNode): void {
    const offered = new Map<number, number>();
    for (const record of this.#inTurn(hard)) {
      if (record.check.canary) this.#offerCanary(record);
      else if (record.lastAt < this.#since) this.#offerUnseen(record, offered);
    }
    for (const record of this.#inTurn(soft)) {
      if (record.lastAt < this.#since) this.#offerUnseen(record, offered);
    }
  }

  /** From another check on each time, so that bursts do not always meet the same targets. */
  *#inTurn(checks: readonly number[]): Generator<CheckRecord> {
    const start = Math.floor(this.#now / 1000);
    for (let at = 0; at < checks.length; at++) {
      const record = this.#scope.evidence.records[checks[(start + at) % checks.length] ?? -1];
      if (record !== undefined) yield record;
    }
  }

  /** Services that were not asked since, wherever they are: what fails without a common component is found there. */
  addAnywhere(): void {
    const { services } = this.#scope.evidence.topology;
    const { records } = this.#scope.evidence;
    const start = Math.floor(this.#now / 1000);
    let left = UNSEEN_EACH;
    for (let at = 0; at < services.length && left > 0; at++) {
      const service = services[(start * 7 + at) % services.length];
      const last = service?.checks.at(-1);
      const record = last === undefined || service?.target === null ? undefined : records[last];
      if (record === undefined || record.lastAt >= this.#since) continue;
      this.#offer(record, 0.05);
      left--;
    }
  }

  #offerCanary(record: CheckRecord): void {
    // Only controls tell a vantage that loses packets from all that is behind it: they are asked as often as may be.
    const fresh = record.check.visit === 'control' ? AGAIN_MS : FRESH_CANARY_MS;
    if (this.#now - record.lastAt >= fresh) this.#offer(record, 0.02);
  }

  #offerUnseen(record: CheckRecord, offered: Map<number, number>): void {
    const { lane } = record.check;
    const count = offered.get(lane) ?? 0;
    if (count >= UNSEEN_EACH) return;
    offered.set(lane, count + 1);
    this.#offer(record, this.#seenLanes.has(lane) ? 0 : 1);
  }
}

function pool(scope: Scope, ranking: Ranking, since: number, now: number): Entry[] {
  const found = new Pool(scope, since, now);
  found.addFailing();
  for (const hypothesis of ranking.hypotheses.slice(0, 5)) {
    for (const component of hypothesis.components) found.addThrough(component);
    if (hypothesis.components.length === 0 && hypothesis.score > 0) found.addAnywhere();
  }
  return [...found.entries.values()];
}

function entropy(p: number): number {
  return p <= 0 || p >= 1 ? 0 : -p * Math.log(p) - (1 - p) * Math.log(1 - p);
}

/** Expected gain in nats of knowing whether the check fails. */
function gain(entry: Entry, odds: readonly { readonly weight: number; readonly fails: number }[]): number {
  const mixed = odds.reduce((sum, { weight, fails }) => sum + weight * fails, 0);
  const known = odds.reduce((sum, { weight, fails }) => sum + weight * entropy(fails), 0);
  return (entropy(mixed) - known + entry.bonus) * (entry.check.costsSession ? 0.8 : 1);
}

function weighted(ranking: Ranking): { weight: number; components: readonly number[]; f: number }[] {
  const best = Math.max(0, ranking.hypotheses[0]?.score ?? 0);
  const all = [
    { weight: Math.exp(-best / 2), components: [] as readonly number[], f: 0 },
    ...ranking.hypotheses.slice(0, 8).map((each) => ({
      weight: Math.exp((each.score - best) / 2),
      components: each.components,
      f: each.severity,
    })),
  ];
  const total = all.reduce((sum, each) => sum + each.weight, 0);
  return all.map((each) => ({ ...each, weight: each.weight / total }));
}

/** Extra probes for an undecided suspicion; counts them in the episode and marks the checks. */
export function confirmingBurst(
  scope: Scope,
  ranking: Ranking,
  options: {
    readonly since: number;
    readonly now: number;
    readonly episode: Episode;
    readonly atOnce?: number;
  },
): Wanted[] {
  const { now, episode } = options;
  const hypotheses = weighted(ranking);
  const scored = pool(scope, ranking, options.since, now).map((entry) => {
    const through = hypotheses.map(
      ({ components, f }) =>
        (components.length === 0 && f > 0 && entry.check.canary === false) ||
        entry.check.ways.some((way) => components.includes(way.component)),
    );
    const odds = hypotheses.map(({ weight, f }, at) => ({
      weight,
      fails: through[at] ? f * (1 - MISS) : 0.01,
    }));
    return { entry, gain: gain(entry, odds), key: through.map(Number).join('') };
  });
  const left = Math.min(options.atOnce ?? LIMIT.atOnce, LIMIT.episode - episode.spent);
  const allowed = now - options.since < SESSIONS.heldMs ? SESSIONS.first : SESSIONS.all;
  const chosen = chooseGreedily(scored, left, allowed - episode.sessions);
  episode.spent += chosen.length;
  episode.sessions += chosen.filter((entry) => entry.check.costsSession).length;
  return chosen.map(({ check, notBefore }) => {
    const record = scope.evidence.records[check.index];
    if (record !== undefined) record.wantedAt = now;
    return { check: check.id, notBefore, why: 'suspicion' };
  });
}

/** The best `left` entries; what tells the same hypotheses apart as one chosen before is worth less each time. */
function chooseGreedily(
  scored: readonly { entry: Entry; gain: number; key: string }[],
  left: number,
  sessions: number,
): Entry[] {
  const taken = new Map<string, number>();
  const chosen: Entry[] = [];
  let open = [...scored];
  let costly = sessions;
  const worth = (each: { gain: number; key: string }): number => each.gain / (1 + (taken.get(each.key) ?? 0));
  while (chosen.length < left) {
    if (costly <= 0) open = open.filter((each) => !each.entry.check.costsSession);
    const best = open.reduce<(typeof open)[number] | null>(
      (a, b) => (a === null || worth(b) > worth(a) ? b : a),
      null,
    );
    if (best === null || best.gain < LEAST_GAIN) break;
    open = open.filter((each) => each !== best);
    if (best.entry.check.costsSession) costly--;
    taken.set(best.key, (taken.get(best.key) ?? 0) + 1);
    chosen.push(best.entry);
  }
  return chosen;
}
