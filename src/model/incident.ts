// Incidents: one fault over time, as the correlator sees it and the store keeps it (DESIGN 5).

import type { Component } from './component.ts';
import type { EpochMs } from './observation.ts';
import type { SignatureId } from './verdict.ts';

/**
 * shared       a shared component, or nothing modelled (`blame: null`), explains the failures
 * service      one target (or one host with several) fails for itself
 * exposed      the app for a stranger
 * walled-off   login where it must be public
 * certificate  a certificate near its end
 * budget       the gate's session store is projected over 80 %
 * drift        what is found contradicts the accepted baseline
 * prober       the daemon cannot do its work
 */
export const INCIDENT_KINDS = [
  'shared',
  'service',
  'exposed',
  'walled-off',
  'certificate',
  'budget',
  'drift',
  'prober',
] as const;
export type IncidentKind = (typeof INCIDENT_KINDS)[number];

export const PROBER_REASONS = [
  'uplink',
  'resolver',
  'path-not-taken',
  'blocked',
  'browser',
  'store',
  'discovery',
  'delivery',
  'configuration',
  'clock',
  'internal',
] as const;
export type ProberReason = (typeof PROBER_REASONS)[number];

/** Why another component is not to blame, or that nothing separates it. */
export interface Acquittal {
  readonly component: Component;
  readonly tested: boolean;
  /** Computed sentence, for example `the same failure straight to the origin (12 of 12)`. */
  readonly evidence: string;
}

/** How one kind of visit on one path fares among the checks behind the blamed component. */
export interface Lane {
  readonly visit: string;
  readonly path: string;
  readonly failing: number;
  readonly tried: number;
}

export interface Incident {
  /** `i` and digits, rising; readable and stable over restarts. */
  readonly id: string;
  readonly kind: IncidentKind;
  readonly state: 'open' | 'recovering' | 'resolved';
  /** Blamed component; null for `unmodelled`, and where `targets` says it all. */
  readonly blame: Component | null;
  /** First blame, when it has changed since opening. */
  readonly firstBlame: Component | null;
  /** For `prober`: the reason. */
  readonly reason: ProberReason | null;
  /** Dominant fault pattern now. */
  readonly signature: SignatureId | null;
  /** First failure. */
  readonly startedAt: EpochMs;
  readonly openedAt: EpochMs;
  readonly resolvedAt: EpochMs | null;
  /** Target ids that fail, sorted; for canaries alone empty. */
  readonly targets: readonly string[];
  /** Targets behind the blamed component that were probed since the start, and all behind it. */
  readonly tried: number;
  readonly behind: number;
  readonly lanes: readonly Lane[];
  /** What the failing services have in common, for `unmodelled`. */
  readonly inCommon: readonly string[];
  readonly acquitted: readonly Acquittal[];
  /** Posterior of the blame, 0..1. */
  readonly probability: number;
  /** Estimated share of requests that fail, 0..1. */
  readonly severity: number;
  readonly runnerUp: { readonly component: Component | null; readonly odds: number } | null;
  readonly ambiguous: readonly Component[];
  readonly flaps: number;
  /** Extra probes spent on confirming, and how many of them made a session. */
  readonly probesSpent: number;
  readonly sessionsSpent: number;
  /** Targets behind the blamed component that were probed since the start and pass, sorted; at most fifty. */
  readonly unaffected: readonly string[];
  /**
   * Targets that fail like the others since the same time, though by the inventory they are not behind the blamed
   * component: probably the same cause, and an error of the topology. They are among `targets`.
   */
  readonly strays: readonly string[];
  /** Which further canary would have told more, half a sentence; null when all was told apart. */
  readonly wouldHelp: string | null;
  /** Id of the incident that took this one over, or why it ended without recovery. */
  readonly supersededBy: string | null;
  /** Our own words for `prober`, `certificate` and `budget`, where no catalogue entry speaks. */
  readonly detail: string | null;
  /**
   * Identity of the alert, decided by notify when the first delivery is queued, and frozen; null before.
   */
  readonly labels: Readonly<Record<string, string>> | null;
}

/** A change of one incident that others want to know of. */
export interface IncidentEvent {
  readonly type: 'opened' | 'updated' | 'blame-changed' | 'recovering' | 'reopened' | 'resolved';
  readonly at: EpochMs;
  readonly incident: Incident;
}
