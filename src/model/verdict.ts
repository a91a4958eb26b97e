// Verdicts and judgements: what the classifier thinks of an observation (DESIGN 4).

import type { GateName } from './gate.ts';

export const VERDICTS = ['up', 'degraded', 'down', 'unknown'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Id of a fault pattern of the catalogue, or of a user's own signature. */
export type SignatureId = string & { readonly __brand: 'SignatureId' };

/** A verified redirect of a stranger to the gate's login. */
export interface Handover {
  readonly gate: GateName;
  /** Client id asked for; empty when the gate's protocol shows none. */
  readonly client: string;
  /** Host the login returns to; empty when not readable. */
  readonly returnHost: string;
  /** The authorize URL with its state: a secret, in memory only (canary `authorize`). */
  readonly authorizeUrl: string;
}

/** Something worth remembering over restarts; kinds and keys below. */
export interface Fact {
  readonly kind: FactKind;
  readonly key: string;
  readonly value: string;
}

/**
 * client            key target id            value client id seen at a verified hand-over
 * callback          key gate name            value return host of a domain-wide gate
 * certificate       key `host@path`          value SAN entry that matched at the last healthy handshake
 * proven-address    key `path|address`       value '' (its time counts: 24 h)
 * no-route          key `zone@path`          value fingerprint of the proxy's answer for an unknown host
 * canary            key canary id            value '' (its healthy answer was seen once)
 * canary-retired    key canary id            value reason (it brought a gate cookie)
 * authorize         key gate name            value authorize URL without state (canary `authorize`)
 * lifetime          key gate name            value longest Max-Age seen, in ms
 * seen-up           key target id            value '' (it was up at least once)
 */
export const FACT_KINDS = [
  'client',
  'callback',
  'certificate',
  'proven-address',
  'no-route',
  'canary',
  'canary-retired',
  'authorize',
  'lifetime',
  'seen-up',
] as const;
export type FactKind = (typeof FACT_KINDS)[number];

/** Read side of the remembered facts. `at` is the last time the fact was confirmed. */
export interface Knowledge {
  get(kind: FactKind, key: string): { readonly value: string; readonly at: number } | null;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** The most specific fault pattern; null when the verdict is `up`. */
  readonly signature: SignatureId | null;
  /** Component types the signature points at, most likely first; empty when up. */
  readonly pointsAt: readonly string[];
  /** One line in our own words and numbers, for people: why this verdict. */
  readonly reason: string;
  /** Set when a stranger was handed over to the right login. */
  readonly handover: Handover | null;
  /** New sessions the gate made: gate cookies set in answer to a request sent without one. */
  readonly sessionsSeen: number;
  /** The answer deleted the gate's cookie we sent. */
  readonly cookieLost: boolean;
  /** Facts to remember; the pipeline does it. */
  readonly learned: readonly Fact[];
}

/** Static text of a signature, for alerts, page and README. */
export interface SignatureText {
  readonly id: SignatureId;
  /** Component types it points at, most likely first. */
  readonly pointsAt: readonly string[];
  /** Half a sentence that completes "strangers …" or "visitors …" in a summary, plural: `get an empty 400`. */
  readonly phrase: string;
  /** One sentence: what it means. */
  readonly meaning: string;
  /** Command or instruction to start with; placeholders `{target} {host} {gate} {outpost} {path} {zone}`. */
  readonly firstCheck: string;
  /** Where the fact comes from: RFC, vendor page, issue, fixture. */
  readonly source: string;
}
