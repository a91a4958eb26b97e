// Checks and canaries: what is probed, on a schedule (DESIGN 2 and 3). A probe is one execution of either.

import type { Account } from './account.ts';
import type { ComponentId } from './component.ts';
import type { Gate } from './gate.ts';
import type { NetworkPath } from './network-path.ts';
import type { Expectation, Target } from './target.ts';

/** Visits of DESIGN 3. */
export const VISITS = ['fresh', 'return', 'session', 'login', 'browser'] as const;
export type Visit = (typeof VISITS)[number];

/** Visits that sign in anew each time, and are paced by the limits of their account. */
export const LOGIN_VISITS = ['login', 'browser'] as const satisfies readonly Visit[];
export type LoginVisit = (typeof LOGIN_VISITS)[number];

/** Whether a visit signs in anew. */
export function logsIn(visit: Visit): visit is LoginVisit {
  return LOGIN_VISITS.some((one) => one === visit);
}

export const CANARY_KINDS = [
  'control',
  'dns',
  'tls',
  'cdn-trace',
  'gate-ping',
  'idp-health',
  'authorize',
  'login-assets',
  'no-route',
] as const;
export type CanaryKind = (typeof CANARY_KINDS)[number];

/** `visit:path:target`; percent-encoded in URLs. Canaries: `canary:kind[:path]:name`. */
export type CheckId = string & { readonly __brand: 'CheckId' };

/** One component on the way of a check. */
export interface Link {
  readonly component: ComponentId;
  /**
   * Probability that the check fails while the component is down, 0..1; 1 for everything a request
   * really passes. Below 1 for a dependence behind it: a gate's answers may fail with its identity provider.
   */
  readonly strength: number;
}

interface Scheduled {
  readonly id: CheckId;
  /** Components it runs through, in the order of DESIGN 5. */
  readonly links: readonly Link[];
  /** Interval; null for budgeted fresh visits, which the rotation of their outpost paces. */
  readonly everyMs: number | null;
  readonly timeoutMs: number;
}

/** Target x path x visit. */
export interface Check extends Scheduled {
  readonly kind: 'visit';
  readonly visit: Visit;
  readonly target: Target;
  readonly path: NetworkPath;
  readonly gate: Gate | null;
  /** Who it signs in as; null for strangers (`fresh`, `return`). Its gate is `gate`. */
  readonly account: Account | null;
  /** URL of the file of its flow; `browser` visits only. */
  readonly flow?: string;
  readonly expect: Expectation;
  /** Takes a token of the outpost's session budget. */
  readonly costsSession: boolean;
}

/** A cheap check of a prefix of a path. */
export interface Canary extends Scheduled {
  readonly kind: 'canary';
  readonly canary: CanaryKind;
  /** Shown, and label `name` of `canary_up`: a host, zone, URL or outpost. */
  readonly name: string;
  /** The component it separates: label `component` of `canary_up`. */
  readonly about: ComponentId;
  readonly path: NetworkPath | null;
  readonly gate: Gate | null;
  /** What is requested (`dns`: `dns://zone`; `tls`: the host as https URL). Empty until learned (`authorize`). */
  readonly url: string;
  /** The configured headers of the target whose host is asked; secrets, like a target's own. None = {}. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Whatever one probe executes. */
export type Subject = Check | Canary;

/** Id of a check. */
export function checkId(visit: Visit, path: string, target: string): CheckId {
  return `${visit}:${path}:${target}` as CheckId;
}

/** Id of a canary. */
export function canaryId(kind: CanaryKind, path: string | null, name: string): CheckId {
  return `canary:${kind}:${path === null ? '' : `${path}:`}${name}` as CheckId;
}
