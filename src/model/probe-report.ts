// Probes that somebody asks for and waits for (`GET /probe`): the wish, and what comes of it. A report is what may be
// shown of a result; it holds evidence, never the observation with its secrets.

import type { Check, Visit } from './check.ts';
import { type Evidence, evidenceOf } from './evidence.ts';
import type { ProbeResult } from './result.ts';
import type { SignatureId, Verdict } from './verdict.ts';

/** `http_2xx` never costs a session: it replays the stranger's cookie where one is needed. `fresh` pays for one. */
export const PROBE_MODULES = ['http_2xx', 'fresh'] as const;
export type ProbeModule = (typeof PROBE_MODULES)[number];

export interface ProbeWish {
  /** Target id. */
  readonly target: string;
  /** Path name. */
  readonly path: string;
  readonly module: ProbeModule;
  /** How long the asker waits, ms; null = as long as the check itself may take. */
  readonly patienceMs: number | null;
}

export interface ProbeReport {
  readonly check: string;
  readonly path: string;
  readonly visit: Visit;
  readonly verdict: Verdict;
  readonly signature: SignatureId | null;
  readonly reason: string;
  readonly durationMs: number;
  /** Major version of HTTP that the path speaks. */
  readonly http: 1 | 2;
  /** TLS version of the last exchange as OpenSSL names it, for example `TLSv1.3`; null without TLS. */
  readonly tlsProtocol: string | null;
  /** One for each exchange, in order. */
  readonly evidence: readonly Evidence[];
}

export type ProbeOutcome =
  /** `ageMs`: since the probe ended; 0 when it ran for this wish. */
  | { readonly kind: 'result'; readonly report: ProbeReport; readonly ageMs: number }
  /** It runs and had not ended when the asker's patience did; its result is stored all the same. */
  | { readonly kind: 'late'; readonly waitedMs: number }
  /** Nothing was sent. `why` is a sentence without its full stop. */
  | { readonly kind: 'not-run'; readonly why: string };

/** The report of a result of this check. */
export function toProbeReport(check: Check, { observation, judgement }: ProbeResult): ProbeReport {
  const { verdict, signature, reason } = judgement;
  return {
    check: check.id,
    path: check.path.name,
    visit: check.visit,
    verdict,
    signature,
    reason,
    durationMs: observation.durationMs,
    http: check.path.http,
    tlsProtocol: observation.exchanges.at(-1)?.tls?.protocol ?? null,
    evidence: evidenceOf(check, observation),
  };
}
