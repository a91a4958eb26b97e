// Reads the stored form of a result back. Apart from its writing, so that the thread that writes loads no schemas.

import { z } from 'zod';
import type { Evidence } from '../model/evidence.ts';
import { ERROR_CODES, FLOW_ENDS } from '../model/observation.ts';
import type { KeptFlow } from '../model/result.ts';
import type { SignatureId } from '../model/verdict.ts';
import { NO_TIMINGS, type ResultForm } from './result-form.ts';

/** Shapes that a reader remembers, about 1 kB each. */
const SHAPES_IN_MEMORY = 500;

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
const flowSchema: z.ZodType<KeptFlow> = z.object({
  steps: z.array(z.object({ name: z.string(), durationMs: z.number(), failed: z.string().nullable() })),
  end: z.enum(FLOW_ENDS),
  page: z
    .object({
      blank: z.boolean(),
      failedResources: z.array(
        z.object({ url: z.string(), type: z.string(), status: number, error: z.string().nullable() }),
      ),
      consoleErrors: z.number(),
      pageErrors: z.number(),
    })
    .nullable(),
  artifacts: z.string().nullable(),
});
const formSchema = z.object({
  signature: z.string().nullable(),
  status: number,
  reason: z.string(),
  pointsAt: z.array(z.string()).optional(),
  evidence: evidenceSchema,
  flow: flowSchema.optional(),
});

/** Evidence of a shape with the timings of one row put back. Null when either is not ours. */
export function evidenceFromShape(
  shape: readonly Evidence[] | null,
  timings: string,
): readonly Evidence[] | null {
  const rows = timings === '' ? [] : timings.split(';');
  if (shape === null || shape.length !== rows.length) return null;
  return shape.map((one, index) => {
    const [dnsMs, connectMs, tlsMs, firstByteMs, transferMs, bytes] = (rows[index] ?? '')
      .split(',')
      .map((text) => (text === '' ? null : Number(text)));
    const timed = { dnsMs, connectMs, tlsMs, firstByteMs, transferMs };
    const timingsOf = Object.fromEntries(Object.entries(timed).map(([name, value]) => [name, value ?? null]));
    return { ...one, timings: { ...NO_TIMINGS, ...timingsOf }, bodyBytes: bytes ?? 0 };
  });
}

/** Reads the `evidence` of shapes, null when it is not ours. Many rows share a shape, so the newest are remembered. */
export function createShapeReader(): (evidence: string) => readonly Evidence[] | null {
  const known = new Map<string, readonly Evidence[] | null>();
  return (evidence) => {
    const before = known.get(evidence);
    if (before !== undefined) return before;
    const parsed = evidenceSchema.safeParse(parseJson(evidence));
    const shape = parsed.success ? parsed.data : null;
    for (const oldest of known.keys()) {
      if (known.size < SHAPES_IN_MEMORY) break;
      known.delete(oldest);
    }
    known.set(evidence, shape);
    return shape;
  };
}

/** Form of a `detail` column; null when it is not ours. */
export function formFromDetail(detail: string): ResultForm | null {
  const parsed = formSchema.safeParse(parseJson(detail));
  if (!parsed.success) return null;
  const { pointsAt, signature, flow, ...form } = parsed.data;
  return {
    ...form,
    signature: signature as SignatureId | null,
    ...(pointsAt === undefined ? {} : { pointsAt }),
    ...(flow === undefined ? {} : { flow }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
