// Shapes of the JSON under /api/v1, a public face: instants are ISO 8601 in UTC, durations milliseconds, ids the
// readable ones of DESIGN 2, absent values null. The OpenAPI document is made of these.

import { z } from '@hono/zod-openapi';
import { INCIDENT_KINDS } from '../../model/incident.ts';
import { EXPECTATION_KINDS } from '../../model/target.ts';
import { VERDICTS } from '../../model/verdict.ts';

const instant = z.string().openapi({ format: 'date-time', example: '2026-04-18T09:12:00.000Z' });
const durationMs = z.number();
const share = z.number().openapi({ description: '0 to 1' });
const texts = z.record(z.string(), z.string());
const verdict = z.enum(VERDICTS);

export const ComponentRef = z.object({ type: z.string(), name: z.string() }).openapi('ComponentRef');

export const Target = z
  .object({
    id: z.string(),
    url: z.string(),
    zone: z.string(),
    gate: z.string().nullable(),
    paths: z.array(z.string()),
    expect: z.record(z.string(), z.enum(EXPECTATION_KINDS)).openapi({ description: 'by path' }),
    labels: texts,
    source: z.string(),
    sources: z.array(z.string()).openapi({ description: 'all that list it; static: the configuration' }),
    drift: z.array(z.string()).openapi({ description: 'what sources or the baseline say against it' }),
    isNew: z.boolean().openapi({ description: 'the baseline does not know it yet' }),
    checks: z.array(z.string()),
    verdict: verdict
      .nullable()
      .openapi({ description: 'the worst of its checks; null before the first result' }),
  })
  .openapi('Target');

/** Alertmanager's webhook, version 4; what is not looked at may be anything. */
export const AlertmanagerWebhook = z
  .object({
    version: z.literal('4'),
    alerts: z
      .array(
        z.object({
          status: z.enum(['firing', 'resolved']),
          labels: z.record(z.string().max(256), z.string().max(4096)),
          startsAt: z.iso.datetime({ offset: true }),
          fingerprint: z.string().max(64).optional(),
        }),
      )
      .max(10_000),
  })
  .openapi('AlertmanagerWebhook');

const MaintenanceTime = z.object({ startsAt: instant, endsAt: instant });

export const Maintenance = z
  .object({
    about: z.string().openapi({ example: 'targets *.lab.example.com' }),
    now: MaintenanceTime.nullable().openapi({ description: 'the time that runs; null: none' }),
    next: MaintenanceTime.nullable().openapi({ description: 'the one after it; null: never again' }),
  })
  .openapi('Maintenance');

export const Check = z
  .object({
    id: z.string().openapi({ example: 'fresh:cdn:grafana.example.com' }),
    kind: z.enum(['visit', 'canary']),
    target: z.string(),
    visit: z.string(),
    path: z.string().nullable(),
    everyMs: durationMs.nullable().openapi({ description: 'null: the session budget sets the pace' }),
    lastAt: instant.nullable(),
    nextAt: instant.nullable(),
    verdict: verdict.nullable(),
    signature: z.string().nullable(),
    reason: z.string(),
    status: z.number().nullable(),
    durationMs: durationMs.nullable(),
    since: instant.nullable(),
    idle: z.string().nullable().openapi({ description: 'why it does not run now' }),
  })
  .openapi('Check');

const Evidence = z
  .object({
    url: z.string(),
    remote: z.string().nullable(),
    resolver: z.string().nullable(),
    timings: z.record(z.string(), durationMs.nullable()),
    status: z.number().nullable(),
    headers: texts,
    location: z.string().nullable(),
    setCookies: z.array(z.string()),
    bodyBytes: z.number(),
    certificate: z.object({ name: z.string().nullable(), issuer: z.string(), notAfter: instant }).nullable(),
    error: z.object({ phase: z.string(), code: z.string(), message: z.string() }).nullable(),
  })
  .openapi('Evidence', { description: 'one request and its answer, without secrets' });

export const Result = z
  .object({
    id: z.number(),
    at: instant,
    check: z.string(),
    verdict,
    signature: z.string().nullable(),
    reason: z.string(),
    status: z.number().nullable(),
    durationMs,
    evidence: z.array(Evidence),
  })
  .openapi('Result');

export const Incident = z
  .object({
    id: z.string().openapi({ example: 'i7' }),
    kind: z.enum(INCIDENT_KINDS),
    state: z.enum(['open', 'recovering', 'resolved']),
    summary: z.string(),
    description: z.string(),
    firstCheck: z.string().nullable(),
    evidence: z
      .array(z.object({ alertname: z.string(), component: z.string(), startsAt: instant }))
      .openapi({ description: 'firing alerts of others about what it is about' }),
    blame: ComponentRef.nullable(),
    firstBlame: ComponentRef.nullable(),
    reason: z.string().nullable(),
    signature: z.string().nullable(),
    startedAt: instant,
    openedAt: instant,
    resolvedAt: instant.nullable(),
    targets: z.array(z.string()),
    tried: z.number(),
    behind: z.number(),
    lanes: z.array(z.object({ visit: z.string(), path: z.string(), failing: z.number(), tried: z.number() })),
    inCommon: z.array(z.string()),
    acquitted: z.array(z.object({ component: ComponentRef, tested: z.boolean(), evidence: z.string() })),
    probability: share,
    severity: share,
    runnerUp: z
      .object({ component: ComponentRef.nullable(), odds: z.number() })
      .nullable()
      .openapi({ description: 'the next best explanation, and how many times likelier the blame is' }),
    unaffected: z.array(z.string()),
    probesSpent: z.number(),
    sessionsSpent: z.number(),
    wouldHelp: z.string().nullable(),
    strays: z.array(z.string()),
    ambiguous: z.array(ComponentRef),
    flaps: z.number(),
    supersededBy: z.string().nullable(),
  })
  .openapi('Incident');

export const ComponentState = z
  .object({
    type: z.string(),
    name: z.string(),
    state: z.enum(['ok', 'suspect', 'down', 'untested']),
    suspicion: share,
    checks: z.number(),
  })
  .openapi('Component');

export const Gate = z
  .object({
    outpost: z.string(),
    gates: z.array(z.string()),
    store: z.enum(['files', 'database', 'none']),
    budgetPerMinute: z.number().nullable(),
    tokens: z.number(),
    capacity: z.number(),
    created: z.number(),
    seen: z.number(),
    held: z.number(),
    storeSessions: z.number().nullable(),
    lifetimeMs: durationMs,
  })
  .openapi('Gate');

export const Drift = z
  .object({
    kind: z.string(),
    target: z.string().nullable(),
    source: z.string(),
    text: z.string(),
  })
  .openapi('Drift', { description: 'what a source of targets says that does not fit' });

export const Source = z
  .object({
    source: z.string(),
    kind: z.string(),
    lastSuccessAt: instant.nullable(),
    found: z.number(),
    problem: z.string().nullable(),
    problemSince: instant.nullable(),
  })
  .openapi('Source');

export const Problem = z.object({ error: z.string() }).openapi('Problem');
export const Taken = z
  .object({ evidence: z.number().openapi({ description: 'how many of the alerts are evidence' }) })
  .openapi('Taken');

export const Done = z.object({ status: z.string() }).openapi('Done');

/** Rows that one answer holds at most (threats W9). */
const MAX_ROWS = 1_000;

const limit = z.coerce.number().int().min(1).max(MAX_ROWS).default(100);

/** An instant in a query: ISO 8601, or milliseconds since 1970. */
const instantQuery = z
  .string()
  .transform((text, context) => {
    const at = /^\d{1,16}$/.test(text) ? Number(text) : Date.parse(text);
    if (Number.isFinite(at)) return at;
    context.addIssue({ code: 'custom', message: 'expected a time like 2026-04-18T09:12:00Z' });
    return z.NEVER;
  })
  .openapi({ type: 'string' });

export const ResultsParameters = z.strictObject({
  check: z.string().max(2_000).optional(),
  target: z.string().max(2_000).optional(),
  verdict: verdict.optional(),
  since: instantQuery.optional(),
  before: z.coerce.number().int().min(1).optional().openapi({ description: '`next` of the answer before' }),
  limit,
});

export const IncidentsParameters = z.strictObject({
  state: z.enum(['active', 'all']).default('active'),
  before: instantQuery.optional(),
  limit,
});

export const FaultSwitch = z.strictObject({ on: z.boolean() });
