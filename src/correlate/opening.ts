// Opening: whether the best explanation may be said aloud yet (reference/correlation.md 5.3 "open when all hold",
// DESIGN 5 and 10 Blame). What is wrong for good and what only needs time or probes is not told apart here.

import { type Hypothesis, type Ranking, scoreOne, scoreUnmodelled } from './localize.ts';
import { type Scope, windowOf } from './ratio.ts';
import { type Support, supportOf } from './support.ts';
import type { Topology } from './topology.ts';

/** Failures must be seen again this long after the first: longer than a blip of the vantage (5.8, d_min). */
export const FRESH_MS = 15_000;
/** Results count as fresh from a little earlier on, so that a probe due exactly then is not missed. */
const FRESH_SLACK_MS = 3_000;
const FRESH_NATS = 4;
const SHARED_PRIOR_NATS = 9.2;
const UNMODELLED_PRIOR_NATS = 11.5;
const POSTERIOR = 0.9;
/** Below this nothing else is looked at. */
const LEAST_NATS = 4;
/** Identity providers are seen by canaries alone: fewer probes, and a rule of their own below. */
const IDP_NATS = 8;
const IDP_SPAN_MS = 30_000;
const LEAST_CANARY_FAILS = 3;
/** Nats of successes since the last failure by which a fault is over before it was said. */
const OVER_NATS = 5;
/** Failing checks that passed again, at least and for each that failed again. */
const HEALED = { least: 2, times: 4 };

export interface Opening {
  /** Blamed component, null = unmodelled. */
  readonly component: number | null;
  readonly hypothesis: Hypothesis;
  readonly support: Support;
  /** Failures of one owner only: not a shared fault, its targets are alerted for together. */
  readonly oneOwner: boolean;
}

export interface OpeningRules {
  readonly now: number;
  /** Since when an explanation has been likelier than nothing without a break. */
  readonly likelySince: (component: number | null) => number;
}

/** What may be opened now, or null. */
export function opening(scope: Scope, ranking: Ranking, { now, likelySince }: OpeningRules): Opening | null {
  const best = ranking.hypotheses[0];
  if (best === undefined || best.score < LEAST_NATS) return null;
  const component = best.components.length === 0 ? null : leadOf(ranking, best);
  const support = supportOf(scope, component, best.since);
  if (isOver(scope, component, best, support)) return null;
  const late = now - support.firstAt >= scope.evidence.topology.intervalMs;
  if (!late && ranking.posterior < POSTERIOR) return null;
  if (
    !isEnough(scope, ranking, component, support) ||
    !isFresh(scope, component, best, likelySince(component))
  )
    return null;
  if (!late && component !== null && !isCovered(scope, component, support)) return null;
  return { component, hypothesis: best, support, oneOwner: support.owners < 2 && support.canaries === 0 };
}

/**
 * Whether it ended before it was said: what failed passes when asked again, and nothing but successes came since the
 * last failure, too many for a fault of that severity.
 */
export function isOver(scope: Scope, component: number | null, best: Hypothesis, support: Support): boolean {
  const { components, services } = scope.evidence.topology;
  if (support.healed < HEALED.least || support.healed < HEALED.times * support.repeated) return false;
  const checks =
    component === null
      ? support.services.flatMap((index) => services[index]?.checks ?? [])
      : (components[component]?.hard ?? []);
  let healthy = 0;
  for (const index of checks) {
    if (!scope.usable(index)) continue;
    healthy += windowOf(scope, index, support.lastAt + 1).oks;
    if (healthy * best.severity >= OVER_NATS) return true;
  }
  return false;
}

/** Whether the failures carry the explanation: their weight, who they come from, and that they still stand. */
function isEnough(scope: Scope, ranking: Ranking, component: number | null, support: Support): boolean {
  const best = ranking.hypotheses[0];
  if (best === undefined || support.standing === 0) return false;
  if (component === null) {
    return (
      beatsOthers(ranking, best) &&
      best.score >= threshold(scope.evidence.topology) &&
      isCarried(best, support)
    );
  }
  // A soft dependence alone explains nothing.
  if (support.hard === 0) return false;
  if (isIdpByCanaries(scope.evidence.topology, component, support)) return best.score >= IDP_NATS;
  return best.score >= threshold(scope.evidence.topology) && isCarried(best, support);
}

/** Nats needed: one false alarm in 300 days over all probes and components of a way, at least 11. */
function threshold(topology: Topology): number {
  return Math.max(11, Math.log((topology.probesPerMonth * 10) / 0.1) - SHARED_PRIOR_NATS);
}

/** Of a pair, the one that explains more by itself is opened first; the other follows on its own evidence. */
function leadOf(ranking: Ranking, best: Hypothesis): number {
  const single = ranking.hypotheses.find(
    (each) => each.components.length === 1 && best.components.includes(each.components[0] ?? -1),
  );
  return single?.components[0] ?? best.components[0] ?? 0;
}

function beatsOthers(ranking: Ranking, best: Hypothesis): boolean {
  const next = ranking.hypotheses.find((each) => each.components.length > 0);
  return next === undefined || best.score - next.score >= 2;
}

/** Two services, or one and a canary; four when most checks pass, unless a canary fails again and again. */
function isCarried(best: Hypothesis, support: Support): boolean {
  const services = support.services.length;
  if (services + Math.min(1, support.canaries) < 2 || services === 0) return false;
  const partial = best.severity < 0.5 || best.components.length === 0;
  return !partial || services >= 4 || (best.components.length > 0 && support.canaryStreak >= 2);
}

/** Two canaries of the identity provider fail, one of them again, or one at least three times over half a minute. */
function isIdpByCanaries(topology: Topology, component: number, support: Support): boolean {
  if (topology.components[component]?.component.type !== 'idp' || support.services.length > 0) return false;
  if (support.canaries >= 2) return support.canaryFails >= LEAST_CANARY_FAILS;
  return support.canaryStreak >= 3 && support.lastAt - support.firstAt >= IDP_SPAN_MS;
}

/**
 * Fresh failures carry the explanation by themselves (4.4, defect 7): the first ones may have been a blip. By the begin
 * of the probes: one that begins in a blip and times out tells of it ten seconds after its end. What was refuted between
 * two blips does not make the second the confirmation of the first (7, open defect): `likelySince`.
 */
function isFresh(scope: Scope, component: number | null, best: Hypothesis, likelySince: number): boolean {
  const support = supportOf(scope, component, Math.max(best.since, likelySince));
  if (!(support.lastBegun - support.firstBegun >= FRESH_MS)) return false;
  const since = support.firstBegun + FRESH_MS - FRESH_SLACK_MS;
  const begun: Scope = { ...scope, by: 'begun' };
  const fresh =
    component === null
      ? scoreUnmodelled(begun, since).score + UNMODELLED_PRIOR_NATS
      : scoreOne(begun, component, since, 0.45 * best.severity).score + SHARED_PRIOR_NATS;
  return fresh >= FRESH_NATS;
}

/** Every path that visits take through the component brought a result since the first failure. */
function isCovered(scope: Scope, component: number, support: Support): boolean {
  const { topology, records } = scope.evidence;
  const missing = new Set<number>();
  const seen = new Set<number>();
  for (const index of topology.components[component]?.hard ?? []) {
    const record = records[index];
    if (record === undefined || record.check.canary || !scope.usable(index)) continue;
    // A lane that never brought a result (no cookie yet, no budget) cannot be waited for.
    if (record.lastAt >= support.firstAt) seen.add(record.check.lane);
    else if (record.lastAt > Number.NEGATIVE_INFINITY) missing.add(record.check.lane);
  }
  return missing.difference(seen).size === 0;
}
