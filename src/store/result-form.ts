// The stored form of a result. What a check answers again and again is written once as a `shape`; the row then
// holds only timings. A fault, a change, or an answer that never repeats is written out in full as `detail`.

import { hash } from 'node:crypto';
import { type Evidence, evidenceOf } from '../model/evidence.ts';
import { type KeptFlow, keptFlow, type ProbeResult } from '../model/result.ts';
import { evidenceText } from '../model/text.ts';
import type { SignatureId } from '../model/verdict.ts';

/** Longest reason, in characters. */
const REASON_LIMIT = 500;
/** Headers that differ in every answer: kept in full rows alone. */
const VOLATILE_HEADERS = ['date', 'age', 'cf-ray', 'content-length'];
/** Timings of an exchange that got nowhere, and of a shape. */
export const NO_TIMINGS = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, transferMs: null };

/** What a result says, without its identity and instant. */
export interface ResultForm {
  readonly signature: SignatureId | null;
  readonly status: number | null;
  readonly reason: string;
  /** Component types, likeliest first; rows of earlier versions have none. */
  readonly pointsAt?: readonly string[];
  readonly evidence: readonly Evidence[];
  /** In full rows alone: no two flows take the same time. */
  readonly flow?: KeptFlow;
}

/** The storable part of a result: allowed fields only, timings rounded to a tenth of a millisecond. */
export function formFromResult(result: ProbeResult): ResultForm {
  const { pointsAt } = result.judgement;
  const { flow } = result.observation;
  return {
    signature: result.judgement.signature,
    status: result.observation.exchanges.at(-1)?.status ?? null,
    reason: evidenceText(result.judgement.reason, REASON_LIMIT),
    ...(pointsAt.length === 0 ? {} : { pointsAt }),
    evidence: evidenceOf(result.subject, result.observation).map(rounded),
    ...(flow === null ? {} : { flow: keptFlow(flow) }),
  };
}

/** The part that repeats, as JSON, and its hash. */
export function shapeFromForm(form: ResultForm): { evidence: string; hash: Buffer } {
  const evidence = JSON.stringify(form.evidence.map(stable));
  const pointsAt = form.pointsAt === undefined ? '' : `\n${form.pointsAt.join(' ')}`;
  const text = `${form.signature ?? ''}\n${form.status ?? ''}\n${form.reason}\n${evidence}${pointsAt}`;
  return { evidence, hash: hash('sha1', text, 'buffer') };
}

/** Timings and sizes of the exchanges as short text: `1.2,3,,41.5,0.1,512;…`. */
export function timingsText(form: ResultForm): string {
  return form.evidence
    .map(({ timings: t, bodyBytes }) =>
      [t.dnsMs, t.connectMs, t.tlsMs, t.firstByteMs, t.transferMs, bodyBytes]
        .map((value) => value ?? '')
        .join(','),
    )
    .join(';');
}

function stable(evidence: Evidence): Evidence {
  const kept = Object.entries(evidence.headers).filter(([name]) => !VOLATILE_HEADERS.includes(name));
  return { ...evidence, headers: Object.fromEntries(kept), timings: NO_TIMINGS, bodyBytes: 0 };
}

function rounded(evidence: Evidence): Evidence {
  const { dnsMs, connectMs, tlsMs, firstByteMs, transferMs } = evidence.timings;
  return {
    ...evidence,
    timings: {
      dnsMs: tenth(dnsMs),
      connectMs: tenth(connectMs),
      tlsMs: tenth(tlsMs),
      firstByteMs: tenth(firstByteMs),
      transferMs: tenth(transferMs),
    },
  };
}

// `+ 0` turns -0 into 0, which is what JSON makes of it.
function tenth(ms: number | null): number | null {
  return ms === null || !Number.isFinite(ms) ? null : Math.round(ms * 10) / 10 + 0;
}
