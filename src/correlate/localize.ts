// Localisation: which shared component, if any, explains the failures (noisy-OR MAP, reference/correlation.md 5.3).
// Pure over the evidence. Scores are nats relative to "nothing shared is broken", priors included.
//
// A component g that is down breaks a check through it with probability f. For each service the evidence under g
// is compared with the service failing for itself (prior lambda) and with noise, so that three coincident service
// faults do not add up to a shared one, while healthy checks through g speak against it.

import type { Window } from './evidence.ts';
import { failNats, OK_NATS, ratioFor, type Scope, windowOf } from './ratio.ts';
import { supportOf } from './support.ts';
import type { CheckNode, ServiceNode } from './topology.ts';

/** Priors in nats: shared component, soft dependence used, unmodelled common cause (5.8). */
const PRIOR = { shared: Math.log(1e-4), soft: -3, unmodelled: Math.log(1e-5) };
const SEVERITY_GRID = [1, 0.7, 0.5, 0.3, 0.2, 0.1];
const UNMODELLED_GRID = [0.05, 0.1, 0.2, 0.35, 0.6];
/** Prior of a fault of one lane of a service alone, relative to the service's own. */
const LANE_FAULT = 0.2;
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
}

/** A check with what it showed. */
interface Seen extends Row {
  readonly check: CheckNode;
  readonly window: Window;
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

/** Rows of all usable checks through the components that brought a result since. */
function rowsOf(scope: Scope, components: readonly number[], since: number): Seen[] {
  const { topology } = scope.evidence;
  const indexes = new Set<number>();
  for (const component of components) {
    const node = topology.components[component];
    for (const index of [...(node?.hard ?? []), ...(node?.soft ?? [])]) indexes.add(index);
  }
  const seen: Seen[] = [];
  for (const index of indexes) {
    const check = topology.checks[index];
    if (check === undefined || !scope.usable(index)) continue;
    const window = windowOf(scope, index, since);
    if (window.fails + window.oks === 0) continue;
    const ratios = components.map((component) => ratioFor(scope, check, window, component));
    if (ratios.some((ratio) => ratio !== null)) seen.push({ check, window, ratios });
  }
  return seen;
}

function collect(scope: Scope, components: readonly number[], since: number): Collected {
  const { topology } = scope.evidence;
  const seen = rowsOf(scope, components, since);
  const failing = new Map<number, ServiceRows>();
  let softUsed = false;
  for (const { check, window } of seen) {
    const service = topology.services[check.service];
    if (window.fails === 0 || service === undefined) continue;
    softUsed ||= check.ways.some((way) => way.soft && components.includes(way.component));
    if (!failing.has(check.service))
      failing.set(check.service, { rows: [], own: ownNats(scope, service, since) });
  }
  const healthy = new Map<number, number>();
  for (const { check, window, ratios } of seen) {
    const service = failing.get(check.service);
    if (service !== undefined) {
      service.rows.push({ ratios });
      continue;
    }
    const key = maskOf(ratios) * MASK_UNIT + window.oks;
    healthy.set(key, (healthy.get(key) ?? 0) + 1);
  }
  return { failing: [...failing.values()], healthy, softUsed };
}

function maskOf(ratios: readonly (number | null)[]): number {
  return ratios.reduce<number>((bits, ratio, at) => (ratio === null ? bits : bits | (1 << at)), 0);
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
  const failing: number[] = [];
  let healthy = 0;
  for (const service of scope.evidence.topology.services) {
    if (service.target === null) continue;
    const seen = service.checks.filter(scope.usable).map((index) => windowOf(scope, index, since));
    if (seen.some((window) => window.fails > 0)) {
      failing.push(ownNats(scope, service, since) - Math.log(service.prior));
    } else if (seen.some((window) => window.oks > 0)) healthy++;
  }
  let best = { score: Number.NEGATIVE_INFINITY, severity: 1 };
  for (const f of UNMODELLED_GRID) {
    let score = PRIOR.unmodelled + healthy * Math.log(1 - f);
    for (const nats of failing)
      score += addLog(Math.log(1 - f), Math.log(f) + nats) - addLog(0, Math.log(1e-3) + nats);
    if (score > best.score) best = { score, severity: f };
  }
  return { components: [], since, ...best };
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
  const singles = candidates
    .map(({ component, since }) => scoreOne(scope, component, since))
    .sort((a, b) => b.score - a.score || (a.components[0] ?? 0) - (b.components[0] ?? 0));
  const best = singles[0];
  const all = [...singles, ...(best !== undefined && best.score > PAIR_FROM ? pairsOf(scope, singles) : [])];
  if (best !== undefined)
    all.push(scoreUnmodelled(scope, Math.min(...singles.map((single) => single.since))));
  all.sort((a, b) => b.score - a.score);
  const total = all.reduce((sum, hypothesis) => addLog(sum, hypothesis.score), 0);
  return { hypotheses: all, posterior: all[0] === undefined ? 0 : Math.exp(all[0].score - total) };
}
