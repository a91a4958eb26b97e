// The stored form of a result. What a check answers again and again is written once as a `shape`; the row then
// holds only timings. A fault, a change, or an answer that never repeats is written out in full as `detail`.

import { hash } from 'node:crypto';
import { z } from 'zod';
import { type Evidence, toEvidence } from '../model/evidence.ts';
import { ERROR_CODES } from '../model/observation.ts';
import type { ProbeResult } from '../model/result.ts';
import { evidenceText } from '../model/text.ts';
import type { SignatureId } from '../model/verdict.ts';

/** Longest reason, in characters. */
const REASON_LIMIT = 500;
/** Headers that differ in every answer: kept in full rows alone. */
const VOLATILE_HEADERS = ['date', 'age', 'cf-ray', 'content-length'];
const NO_TIMINGS = { dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, transferMs: null };

/** What a result says, without its identity and instant. */
export interface ResultForm {
  readonly signature: SignatureId | null;
  readonly status: number | null;
  readonly reason: string;
  readonly evidence: readonly Evidence[];
}

const number = z.number().nullable();
const evidenceSchema: z.ZodType<Evidence[]> = z.array(
  z.object({
    url: z.string(),
    remote: z.string().nullable(),
    resolver: z.string().nullable(),
    timings: z.object({
      dnsMs: number,
      connectMs: number,
      tlsMs: number,
      firstByteMs: number,
      transferMs: number,
    }),
    status: number,
    headers: z.record(z.string(), z.string()),
    location: z.string().nullable(),
    setCookies: z.array(z.string()),
    bodyBytes: z.number(),
    certificate: z
      .object({ name: z.string().nullable(), issuer: z.string(), notAfter: z.number() })
      .nullable(),
    error: z
      .object({
        phase: z.enum(['dns', 'connect', 'tls', 'request', 'headers', 'body', 'prober']),
        code: z.enum(ERROR_CODES),
        message: z.string(),
      })
      .nullable(),
  }),
);
const formSchema = z.object({
  signature: z.string().nullable(),
  status: number,
  reason: z.string(),
  evidence: evidenceSchema,
});

/** The storable part of a result: allowed fields only, timings rounded to a tenth of a millisecond. */
export function formFromResult(result: ProbeResult): ResultForm {
  return {
    signature: result.judgement.signature,
    status: result.observation.exchanges.at(-1)?.status ?? null,
    reason: evidenceText(result.judgement.reason, REASON_LIMIT),
    evidence: result.observation.exchanges.map((exchange) => rounded(toEvidence(exchange))),
  };
}

/** The part that repeats, as JSON, and its hash. */
export function shapeFromForm(form: ResultForm): { evidence: string; hash: Buffer } {
  const evidence = JSON.stringify(form.evidence.map(stable));
  const text = `${form.signature ?? ''}\n${form.status ?? ''}\n${form.reason}\n${evidence}`;
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

/** Evidence of a shape with the timings of one row put back. Null when either is not ours. */
export function evidenceFromShape(evidence: string, timings: string): readonly Evidence[] | null {
  const rows = timings === '' ? [] : timings.split(';');
  const parsed = evidenceSchema.safeParse(parseJson(evidence));
  if (!parsed.success || parsed.data.length !== rows.length) return null;
  return parsed.data.map((one, index) => {
    const [dnsMs, connectMs, tlsMs, firstByteMs, transferMs, bytes] = (rows[index] ?? '')
      .split(',')
      .map((text) => (text === '' ? null : Number(text)));
    const timed = { dnsMs, connectMs, tlsMs, firstByteMs, transferMs };
    const timingsOf = Object.fromEntries(Object.entries(timed).map(([name, value]) => [name, value ?? null]));
    return { ...one, timings: { ...NO_TIMINGS, ...timingsOf }, bodyBytes: bytes ?? 0 };
  });
}

/** Form of a `detail` column; null when it is not ours. */
export function formFromDetail(detail: string): ResultForm | null {
  const parsed = formSchema.safeParse(parseJson(detail));
  return parsed.success ? { ...parsed.data, signature: parsed.data.signature as SignatureId | null } : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
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
