// One round of probes explained: which component fits all failures, and why the others do not. A snapshot has no
// history, so there is no statistics here; the daemon's correlator has both. Pure.
//
// Idea: every failing check runs through some components, and so does every check that works. The one to blame is
// on the way of all failures, on the way of no success, and of the kind the answers point at. `fresh` fails and
// `return` works: they differ in gate-sessions alone. The CDN's way fails and the origin's works: what only the
// CDN's way has. Among equals the signature decides, then the later one on the way. What the first does not explain
// is explained in the same way by the next (SCORE's explain and remove; reference/correlation.md 2.1).

import { type Component, component, componentFromId } from '../model/component.ts';
import type { ProbeResult } from '../model/result.ts';

export interface Acquitted {
  readonly component: Component;
  /** False: nothing in this round separates it from the blamed one. */
  readonly tested: boolean;
  readonly evidence: string;
}

export interface Diagnosis {
  /** Null when nothing failed. */
  readonly blamed: Component | null;
  /** Further ones, for failures that the first does not explain. */
  readonly alsoBlamed: readonly Component[];
  readonly failing: readonly ProbeResult[];
  readonly healthy: readonly ProbeResult[];
  readonly undecided: readonly ProbeResult[];
  readonly acquitted: readonly Acquitted[];
}

interface Suspect {
  readonly component: Component;
  readonly order: number;
  readonly covered: number;
  readonly contradicted: number;
  readonly pointedAt: number;
}

/** Blames and acquits by one round of results; needs at most one result of each check. */
export function diagnose(results: readonly ProbeResult[]): Diagnosis {
  const failing = results.filter((result) => result.judgement.verdict === 'down');
  const healthy = results.filter((result) => ['up', 'degraded'].includes(result.judgement.verdict));
  const undecided = results.filter((result) => result.judgement.verdict === 'unknown');
  const guilty = explain(failing, healthy);
  const ids = new Set<string>(guilty.map(({ id }) => id));
  const acquitted = suspectsOf(failing, healthy)
    .filter((suspect) => !ids.has(suspect.component.id) && suspect.component.type !== 'target')
    .map((suspect) => acquit(suspect, failing, healthy));
  return { blamed: guilty[0] ?? null, alsoBlamed: guilty.slice(1), failing, healthy, undecided, acquitted };
}

/** The best suspect of all failures, then that of what it leaves unexplained, and so on. */
function explain(failing: readonly ProbeResult[], healthy: readonly ProbeResult[]): Component[] {
  const guilty: Component[] = [];
  let left = failing;
  while (left.length > 0) {
    const open = left.length;
    const best = suspectsOf(left, healthy).sort(
      (a, b) => rank(b, open) - rank(a, open) || b.order - a.order,
    )[0];
    if (best === undefined) break;
    guilty.push(best.component);
    left = left.filter((result) => !runsThrough(result, best.component));
  }
  return guilty;
}

/** Components on the way of a result; a target is on the way of all its checks. */
function wayOf(result: ProbeResult): Component[] {
  const links = result.subject.links
    .filter((link) => link.strength === 1)
    .map((link) => componentFromId(link.component));
  if (result.subject.kind === 'visit') links.push(component('target', result.subject.target.id));
  return links;
}

function suspectsOf(failing: readonly ProbeResult[], healthy: readonly ProbeResult[]): Suspect[] {
  const order = new Map<string, Component>();
  for (const result of failing)
    for (const one of wayOf(result)) if (!order.has(one.id)) order.set(one.id, one);
  return [...order.values()].map((one, index) => ({
    component: one,
    order: index,
    covered: failing.filter((result) => runsThrough(result, one)).length,
    contradicted: healthy.filter((result) => runsThrough(result, one)).length,
    pointedAt: failing.filter((result) => runsThrough(result, one) && pointsAt(result, one)).length,
  }));
}

/** Fit in [-1, 2]: share of failures explained, share that points here, minus one for any success through it. */
function rank(suspect: Suspect, failures: number): number {
  return suspect.covered / failures + suspect.pointedAt / failures - (suspect.contradicted > 0 ? 1 : 0);
}

function runsThrough(result: ProbeResult, one: Component): boolean {
  return wayOf(result).some((other) => other.id === one.id);
}

/** Whether the signature's first guess is this type; later guesses do not count in a snapshot. */
function pointsAt(result: ProbeResult, one: Component): boolean {
  return result.judgement.pointsAt[0] === one.type;
}

function acquit(
  suspect: Suspect,
  failing: readonly ProbeResult[],
  healthy: readonly ProbeResult[],
): Acquitted {
  const { component: one } = suspect;
  const around = failing.filter((result) => !runsThrough(result, one));
  if (around.length > 0) {
    const ways = new Set(around.map((result) => result.subject.path?.name ?? 'another way'));
    return {
      component: one,
      tested: true,
      evidence: `the same failure without it (${[...ways].join(', ')})`,
    };
  }
  const through = healthy.filter((result) => runsThrough(result, one));
  if (through.length > 0) {
    const what =
      through.length === 1
        ? `${label(through[0])} works through it`
        : `${through.length} checks work through it`;
    return { component: one, tested: true, evidence: what };
  }
  return { component: one, tested: false, evidence: 'nothing in this round separates it' };
}

function label(result: ProbeResult | undefined): string {
  if (result === undefined) return 'a check';
  const { subject } = result;
  return subject.kind === 'visit'
    ? `the ${subject.visit} visit on ${subject.path.name}`
    : `${subject.canary} of ${subject.name}`;
}
