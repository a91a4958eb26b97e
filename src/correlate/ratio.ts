// Likelihood ratios of one check: what its results since an instant say about one component on its way
// (reference/correlation.md 5.3, R_c).

import { type Dating, type Evidence, MISS, NOISE, type Window } from './evidence.ts';
import type { CheckNode } from './topology.ts';

/** Failures of one check that count. */
export const FAIL_LIMIT = 6;
/** Nats of one success of a check whose way is broken. */
export const OK_NATS = Math.log(MISS / (1 - NOISE.first));

/** Evidence, and which checks may be used: those that no open incident explains. */
export interface Scope {
  readonly evidence: Evidence;
  readonly usable: (check: number) => boolean;
  /** By what results are dated; default when they were seen. */
  readonly by?: Dating;
}

/** What a check showed since an instant, dated as the scope says. */
export function windowOf(scope: Scope, check: number, since: number): Window {
  return scope.evidence.window(check, since, scope.by);
}

/** Nats of the failures of a check, whatever kind they are. */
export function failNats(scope: Scope, check: CheckNode, window: Window): number {
  return Math.min(window.fails, FAIL_LIMIT) * Math.log((1 - MISS) / scope.evidence.noiseOf(check));
}

/** ln of the ratio for one component on the way of a check, or null when it does not concern it. */
export function ratioFor(scope: Scope, check: CheckNode, window: Window, component: number): number | null {
  const at = check.ways.findIndex((way) => way.component === component);
  const way = check.ways[at];
  if (way === undefined) return null;
  const fit = window.weights?.ways[at] ?? 0;
  if (way.soft) {
    return window.fails === 0 || Number.isNaN(fit) ? null : failNats(scope, check, window) + fit;
  }
  return failNats(scope, check, window) + fit + window.oks * OK_NATS;
}
