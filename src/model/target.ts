// Targets: URLs that users depend on, with an expectation per path (DESIGN 2 and 4).

import type { GateName } from './gate.ts';
import type { PathName } from './network-path.ts';

/** `host[:port][pathname][?query]` without a bare `/`; unique in a configuration. */
export type TargetId = string & { readonly __brand: 'TargetId' };

/** What a right answer to a stranger is (DESIGN 4). */
export const EXPECTATION_KINDS = ['login', 'public', 'app', 'challenge', 'closed'] as const;
export type ExpectationKind = (typeof EXPECTATION_KINDS)[number];

/** A kind plus optional conditions, all of which must hold. */
export interface Expectation {
  readonly is: ExpectationKind;
  /** Allowed statuses; empty = the kind's own rule. */
  readonly status: readonly number[];
  /** Literal prefix the Location header must have, or null. */
  readonly location: string | null;
  /** Header name (lower case) -> literal substring its value must contain. */
  readonly header: Readonly<Record<string, string>>;
  /** Literal, case-sensitive substring of the body, or null. */
  readonly contains: string | null;
  readonly notContains: string | null;
}

export interface Target {
  readonly id: TargetId;
  /** Normalised URL, never with credentials or a fragment. */
  readonly url: string;
  readonly scheme: 'http' | 'https';
  /** Lower-case A-label host, without a port. */
  readonly host: string;
  readonly port: number;
  /** Pathname with query. */
  readonly pathname: string;
  /** Registrable domain of the host, or the entry of `zones:` that covers it. */
  readonly zone: string;
  /** The gate in front of it; null when the configuration has none. */
  readonly gate: GateName | null;
  /** Paths it is probed over, in order of the configuration. */
  readonly paths: readonly PathName[];
  /** Expectation for each of `paths`. */
  readonly expect: Readonly<Record<PathName, Expectation>>;
  readonly timeoutMs: number;
  /** A right answer slower than this is `degraded`. */
  readonly slowMs: number;
  /** Extra request headers. May hold secrets: never logged, stored or shown. */
  readonly headers: Readonly<Record<string, string>>;
  /** Own interval of all its checks but budgeted fresh visits; null = the rules of `checks:`. */
  readonly everyMs: number | null;
  /** URL of the file of its flow, for browser visits; left out = that of the rule for them. */
  readonly flow?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `never`: a schedule must not wake it; its checks stop at the hand-over. */
  readonly wake: 'always' | 'never';
  /** Where it was found: `static`, or a discovery source. */
  readonly source: string;
  /** Who can change it: a namespace, or the target's own id for a static one (DESIGN 10, Blame). */
  readonly owner: string;
}

/** Target id of a URL: host, a port that is not the scheme's own, pathname and query, no bare `/`. */
export function targetId(url: URL): TargetId {
  const pathname = url.pathname === '/' && url.search === '' ? '' : url.pathname;
  return `${url.host}${pathname}${url.search}` as TargetId;
}
