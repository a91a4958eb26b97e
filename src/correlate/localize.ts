// Localisation: which shared component, if any, explains the failures (noisy-OR MAP, reference/correlation.md 5.3).
// Pure over the evidence. Scores are nats relative to "nothing shared is broken", priors included.
//
// A component g that is down breaks a check through it with probability f. For each service the evidence under g
// is compared with the service failing for itself (prior lambda) and with noise, so that three coincident service
// faults do not add up to a shared one, while healthy checks through g speak against it. A partial fault either sticks
// to checks (caches and sessions hide it: a check fails always or never) or hits single probes (lost packets, a store
// that fills up: a check fails now and then); both are tried.

import { MISS, type Window } from './evidence.ts';
import { FAIL_LIMIT, failNats, OK_NATS, ratioFor, type Scope, windowOf } from './ratio.ts';
import { supportOf } from './support.ts';
import type { CheckNode, ServiceNode } from './topology.ts';

/** Priors in nats: shared component, soft dependence used, unmodelled common cause (5.8). */
const PRIOR = { shared: Math.log(1e-4), soft: -3, unmodelled: Math.log(1e-5) };
const SEVERITY_GRID = [1, 0.7, 0.5, 0.3, 0.2, 0.1];
/** Partial faults that hit single probes, less usual than those that stick to checks. */
const LOSSY_GRID = [0.7, 0.5, 0.3, 0.2, 0.1];
const LOSSY_NATS = Math.log(0.3);
/** Services that must fail before a common cause is thought of that nobody modelled. */
const LEAST_UNMODELLED = 4;
const UNMODELLED_GRID = [0.05, 0.1, 0.2, 0.35, 0.6];
/** Prior of a fault of one lane of a service alone, relative to the service's own. */
const LANE_FAULT = 0.2;
/** Singles whose onsets are tried on each other, and how far apart two onsets are worth it. */
const DATED = { of: 5, apartMs: 3_000 };
/** Pairs are looked at when the best single component reaches this. */
const PAIR_FROM = 4;
/** Above the successes that a check remembers. */
const MASK_UNIT = 64;

export interface Hypothesis {
  /** Blamed components; empty = unmodelled. */
  readonly components: readonly number[];
  /** Share of requests that fail, of the first component. */
  readonly severity: number;
  readonly score: number;
  /** Monotonic ms of its onset. */
  readonly since: number;
}

export interface Ranking {
  /** Best first; without the null hypothesis, whose score is 0. */
  readonly hypotheses: readonly Hypothesis[];
  /** Posterior of the best, 0..1. */
  readonly posterior: number;
}

/** One check through at least one of the components under test. */
interface Row {
  /** ln R for each component; null = does not run through it. */
  readonly ratios: readonly (number | null)[];
  readonly fails: number;
  readonly oks: number;
}

interface ServiceRows {
  readonly rows: Row[];
  /** ln of the service's own explanations, priors included; and of nothing wrong with it. */
  readonly own: number;
}

interface Collected {
  readonly failing: ServiceRows[];
  /** Healthy checks: key of (which components, successes) -> count. */
  readonly healthy: Map<number, number>;
  readonly softUsed: boolean;
}

function addLog(a: number, b: number): number {
  const high = Math.max(a, b);
  return high === Number.NEGATIVE_INFINITY ? high : high + Math.log(Math.exp(a - high) + Math.exp(b - high));
}

/** The service's own explanations: all of it is broken, or one lane of it is. */
function ownNats(scope: Scope, service: ServiceNode, since: number): number {
  let whole = Math.log(service.prior);
  let lane = Math.log(service.prior * LANE_FAULT);
  for (const index of service.checks) {
    const check = scope.evidence.topology.checks[index];
    if (check === undefined || !scope.usable(index)) continue;
    const window = windowOf(scope, index, since);
    const fails = window.weights === null ? 0 : failNats(scope, check, window) + window.weights.own;
    whole += fails + window.oks * OK_NATS;
    lane += fails + (window.fails > 0 ? window.oks * OK_NATS : 0);
  }
  return addLog(whole, lane);
}

function collect(scope: Scope, components: readonly number[], since: number): Collected {
  const about = { components, since };
  const checks = throughAny(scope, about);
  const { failing, softUsed } = failingServices(scope, checks, about);
  const healthy = new Map<number, number>();
  for (const check of checks) {
    const service = failing.get(check.service);
    if (service !== undefined) {
      addRow(scope, service, check, about);
      continue;
    }
    const passes = scope.evidence.passes(check.index, since, scope.by);
    const mask = passes <= 0 ? 0 : hardMask(check, components);
    if (mask === 0) continue;
    const key = mask * MASK_UNIT + passes;
    healthy.set(key, (healthy.get(key) ?? 0) + 1);
  }
  return { failing: [...failing.values()], healthy, softUsed };
}

/** Components under test, and since when. */
interface About {
  readonly components: readonly number[];
  readonly since: number;
}

/** Services with a failure that one of the components may explain, still without their rows. */
function failingServices(
  scope: Scope,
  checks: readonly CheckNode[],
  { components, since }: About,
): { failing: Map<number, ServiceRows>; softUsed: boolean } {
  const { topology, records } = scope.evidence;
  const failing = new Map<number, ServiceRows>();
  let softUsed = false;
  for (const check of checks) {
    if ((records[check.index]?.lastFailAt ?? 0) < since) continue;
    if (scope.evidence.passes(check.index, since, scope.by) >= 0) continue;
    const ratios = ratiosOf(scope, check, windowOf(scope, check.index, since), components);
    const service = topology.services[check.service];
    if (service === undefined || ratios.every((ratio) => ratio === null)) continue;
    softUsed ||= check.ways.some((way) => way.soft && components.includes(way.component));
    if (!failing.has(check.service))
      failing.set(check.service, { rows: [], own: ownNats(scope, service, since) });
  }
  return { failing, softUsed };
}

/** Usable checks through any of the components that brought a result since. */
function throughAny(scope: Scope, { components, since }: About): readonly CheckNode[] {
  const { topology, records } = scope.evidence;
  const found: CheckNode[] = [];
  const first = topology.components[components[0] ?? -1];
  const second = topology.components[components[1] ?? -1];
  const take = (index: number): void => {
    const record = records[index];
    if (record !== undefined && record.lastAt >= since && scope.usable(index)) found.push(record.check);
  };
  for (const list of [first?.hard ?? [], first?.soft ?? []]) for (const index of list) take(index);
  for (const list of [second?.hard ?? [], second?.soft ?? []]) {
    for (const index of list) {
      const check = topology.checks[index];
      if (check?.ways.every((way) => way.component !== components[0])) take(index);
    }
  }
  return found;
}

function ratiosOf(
  scope: Scope,
  check: CheckNode,
  window: Window,
  components: readonly number[],
): (number | null)[] {
  return components.map((component) => ratioFor(scope, check, window, component));
}

function addRow(scope: Scope, service: ServiceRows, check: CheckNode, about: About): void {
  const window = windowOf(scope, check.index, about.since);
  const { fails, oks } = window;
  if (fails + oks === 0) return;
  const ratios = ratiosOf(scope, check, window, about.components);
  if (ratios.some((ratio) => ratio !== null)) service.rows.push({ ratios, fails, oks });
}

/** Which of the components a check really runs through, as bits. */
function hardMask(check: CheckNode, components: readonly number[]): number {
  let mask = 0;
  for (let at = 0; at < components.length; at++) {
    if (check.ways.some((way) => way.component === components[at] && !way.soft)) mask |= 1 << at;
  }
  return mask;
}

/** ln of a check's likelihood ratio when the components fail it with these severities. */
function rowNats(ratios: readonly (number | null)[], severities: readonly number[]): number {
  let pass = 1;
  let weight = 0;
  let mixed = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < ratios.length; i++) {
    const ratio = ratios[i];
    const f = severities[i] ?? 0;
    if (ratio === null || ratio === undefined || f === 0) continue;
    pass *= 1 - f;
    weight += f;
    mixed = addLog(mixed, Math.log(f) + ratio);
  }
  if (weight === 0) return 0;
  return addLog(Math.log(pass), Math.log(1 - pass) + mixed - Math.log(weight));
}

function scoreOf(collected: Collected, severities: readonly number[]): number {
  let score = severities.length * PRIOR.shared + (collected.softUsed ? PRIOR.soft : 0);
  for (const [key, count] of collected.healthy) {
    const oks = key % MASK_UNIT;
    const mask = Math.floor(key / MASK_UNIT);
    const ratios = severities.map((_, at) => ((mask >> at) & 1 ? oks * OK_NATS : null));
    score += count * rowNats(ratios, severities);
  }
  for (const { rows, own } of collected.failing) {
    const shared = rows.reduce((sum, row) => sum + rowNats(row.ratios, severities), 0);
    score += addLog(shared, own) - addLog(0, own);
  }
  return score;
}

/**
 * Score of one component that fails single probes: each failure of a check through it with probability f, each success
 * with what is left. In place of `(1-f) + f R` for the whole check.
 */
function lossyScore(collected: Collected, f: number): number {
  const fail = Math.log(f);
  const pass = Math.log(1 - f * (1 - MISS));
  let score = PRIOR.shared + LOSSY_NATS + (collected.softUsed ? PRIOR.soft : 0);
  for (const [key, count] of collected.healthy) score += count * (key % MASK_UNIT) * pass;
  for (const { rows, own } of collected.failing) {
    let shared = 0;
    for (const { ratios, fails, oks } of rows) {
      const [ratio] = ratios;
      // The ratio holds its successes as if the check were broken for good.
      if (ratio !== null && ratio !== undefined)
        shared += ratio - oks * OK_NATS + Math.min(fails, FAIL_LIMIT) * fail + oks * pass;
    }
    score += addLog(shared, own) - addLog(0, own);
  }
  return score;
}

/** Best severity of one component since an instant, not below `leastSeverity`. */
export function scoreOne(scope: Scope, component: number, since: number, leastSeverity = 0): Hypothesis {
  const collected = collect(scope, [component], since);
  let best = { score: Number.NEGATIVE_INFINITY, severity: 1 };
  for (const severity of SEVERITY_GRID) {
    if (severity < leastSeverity) break;
    const score = scoreOf(collected, [severity]);
    if (score > best.score) best = { score, severity };
    else if (score < best.score - 6) break;
  }
  // Only a check that failed and passed tells the two apart.
  if (!collected.failing.some(({ rows }) => rows.some((row) => row.fails > 0 && row.oks > 0)))
    return { components: [component], since, ...best };
  for (const severity of LOSSY_GRID) {
    if (severity < leastSeverity) break;
    const score = lossyScore(collected, severity);
    if (score > best.score) best = { score, severity };
  }
  return { components: [component], since, ...best };
}

function scorePair(scope: Scope, first: Hypothesis, second: Hypothesis): Hypothesis {
  const components = [first.components[0] ?? 0, second.components[0] ?? 0];
  const since = Math.min(first.since, second.since);
  const collected = collect(scope, components, since);
  let best = { score: Number.NEGATIVE_INFINITY, severity: 1 };
  for (const severity of [1, first.severity]) {
    for (const other of [1, second.severity]) {
      const score = scoreOf(collected, [severity, other]);
      if (score > best.score) best = { score, severity };
    }
  }
  return { components, since, ...best };
}

/** N services fail together and nothing modelled explains it. */
export function scoreUnmodelled(scope: Scope, since: number): Hypothesis {
  const { failing, healthy } = serviceTally(scope, since);
  let best = { score: Number.NEGATIVE_INFINITY, severity: 1 };
  for (const f of UNMODELLED_GRID) {
    let score = PRIOR.unmodelled + healthy * Math.log(1 - f);
    for (const nats of failing)
      score += addLog(Math.log(1 - f), Math.log(f) + nats) - addLog(0, Math.log(1e-3) + nats);
    if (score > best.score) best = { score, severity: f };
  }
  return { components: [], since, ...best };
}

/**
 * Services that fail, each with the nats of its own explanations, and the number of those that pass where others fail:
 * a visit that ends at the gate says nothing about the apps behind it.
 */
function serviceTally(scope: Scope, since: number): { failing: number[]; healthy: number } {
  const { services, lanes } = scope.evidence.topology;
  const failing: number[] = [];
  const failingLanes = new Uint8Array(lanes.length);
  const others: ServiceNode[] = [];
  for (const service of services) {
    if (service.target === null) continue;
    if (noteFailing(scope, service, { since, failingLanes }))
      failing.push(ownNats(scope, service, since) - Math.log(service.prior));
    else others.push(service);
  }
  return {
    failing,
    healthy: others.filter((one) => passesWhere(scope, one, { since, failingLanes })).length,
  };
}

/** Whether a service fails; notes in which lanes. */
function noteFailing(
  scope: Scope,
  service: ServiceNode,
  { since, failingLanes }: { since: number; failingLanes: Uint8Array },
): boolean {
  let fails = false;
  for (const index of service.checks) {
    const record = scope.evidence.records[index];
    if (record === undefined || record.lastFailAt < since || !scope.usable(index)) continue;
    if (scope.evidence.passes(index, since, scope.by) >= 0) continue;
    fails = true;
    failingLanes[record.check.lane] = 1;
  }
  return fails;
}

function passesWhere(
  scope: Scope,
  service: ServiceNode,
  { since, failingLanes }: { since: number; failingLanes: Uint8Array },
): boolean {
  const { checks } = scope.evidence.topology;
  return service.checks.some(
    (index) =>
      failingLanes[checks[index]?.lane ?? 0] === 1 &&
      scope.usable(index) &&
      scope.evidence.passes(index, since, scope.by) > 0,
  );
}

/** Whether each component of a pair explains failures of two services that the other does not run through. */
function hasUniqueSupport(scope: Scope, pair: Hypothesis): boolean {
  const [a, b] = pair.components.map((component) => {
    const support = supportOf(scope, component, pair.since);
    return new Set(support.services);
  });
  if (a === undefined || b === undefined) return false;
  return a.difference(b).size >= 2 && b.difference(a).size >= 2;
}

/** Pairs of the best that explain more than either, each with failures of its own (4.4, defect 5). */
function pairsOf(scope: Scope, singles: readonly Hypothesis[]): Hypothesis[] {
  const pairs: Hypothesis[] = [];
  for (const [at, first] of singles.slice(0, 3).entries()) {
    for (const second of singles.slice(at + 1, at + 6)) {
      const pair = scorePair(scope, first, second);
      if (pair.score > Math.max(first.score, second.score) && hasUniqueSupport(scope, pair)) pairs.push(pair);
    }
  }
  return pairs;
}

function byScore(a: Hypothesis, b: Hypothesis): number {
  return b.score - a.score || (a.components[0] ?? 0) - (b.components[0] ?? 0);
}

/**
 * Dates the best singles anew, each by whichever onset among them fits it best (generalised likelihood ratio): the
 * failure by chance a minute before a fault is then no part of it, and no hypothesis wins by its date alone.
 */
function dateBest(scope: Scope, singles: Hypothesis[]): void {
  const onsets: number[] = [];
  for (const { since } of singles.slice(0, DATED.of)) {
    if (onsets.every((known) => Math.abs(known - since) >= DATED.apartMs)) onsets.push(since);
  }
  if (onsets.length < 2) return;
  for (let at = 0; at < Math.min(DATED.of, singles.length); at++) {
    for (const since of onsets) {
      const known = singles[at];
      if (known === undefined || Math.abs(known.since - since) < DATED.apartMs) continue;
      const dated = scoreOne(scope, known.components[0] ?? -1, since);
      if (dated.score > known.score) singles[at] = dated;
    }
  }
  singles.sort(byScore);
}

/** Targets of which a check fails now that nothing explains, counted no further than needed. */
function failingTargets(scope: Scope): number {
  const found = new Set<number>();
  for (const { streak, check } of scope.evidence.records) {
    if (streak > 0 && !check.canary && scope.usable(check.index)) found.add(check.service);
    if (found.size >= LEAST_UNMODELLED) break;
  }
  return found.size;
}

/** "Unmodelled" since the onset of whichever of the best singles fits it best. */
function bestUnmodelled(scope: Scope, singles: readonly Hypothesis[]): Hypothesis {
  const onsets = new Set(singles.slice(0, 3).map((single) => single.since));
  return [...onsets]
    .map((since) => scoreUnmodelled(scope, since))
    .reduce((a, b) => (b.score > a.score ? b : a));
}

/**
 * Ranks single components, pairs of the best ones, and "unmodelled".
 *
 *   8 strangers' visits fail over both paths, returning visitors pass:
 *   gate-sessions +70, gate -40, origin -40, unmodelled +15  ->  gate-sessions, posterior 1.00
 */
export function localize(
  scope: Scope,
  candidates: readonly { readonly component: number; readonly since: number }[],
): Ranking {
  const singles = candidates.map(({ component, since }) => scoreOne(scope, component, since)).sort(byScore);
  dateBest(scope, singles);
  const best = singles[0];
  const all = [...singles, ...(best !== undefined && best.score > PAIR_FROM ? pairsOf(scope, singles) : [])];
  // It needs four services, and looking at all of them costs the most.
  if (best !== undefined && failingTargets(scope) >= LEAST_UNMODELLED)
    all.push(bestUnmodelled(scope, singles));
  all.sort((a, b) => b.score - a.score);
  const total = all.reduce((sum, hypothesis) => addLog(sum, hypothesis.score), 0);
  return { hypotheses: all, posterior: all[0] === undefined ? 0 : Math.exp(all[0].score - total) };
}
