// Incidents over restarts. The labels of an incident are written once and never replaced.

import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import type { Log } from '../base/log.ts';
import { type Component, componentFromId } from '../model/component.ts';
import { INCIDENT_KINDS, type Incident, type IncidentKind, PROBER_REASONS } from '../model/incident.ts';
import type { EpochMs } from '../model/observation.ts';
import type { SignatureId } from '../model/verdict.ts';
import type { StateWriter } from './state-writer.ts';

const MOST = 1_000;
const USUAL = 100;

/** Which incidents; every field narrows. */
export interface IncidentQuery {
  readonly state?: Incident['state'];
  readonly kind?: IncidentKind;
  /** Id of the blamed component. */
  readonly component?: string;
  /** Open at some time after this. */
  readonly since?: EpochMs;
  /** Opened before this. */
  readonly until?: EpochMs;
  /** Id of the last incident of the page before. */
  readonly before?: string;
  /** 1..1000, default 100. */
  readonly limit?: number;
}

export interface Incidents {
  /** Inserts or replaces; labels once stored stay. */
  save(incident: Incident): void;
  /** Open and recovering ones, oldest first. */
  open(): Incident[];
  /** Newest opening first. */
  list(query: IncidentQuery): Incident[];
  get(id: string): Incident | null;
}

const component = z
  .object({ id: z.string(), type: z.string(), name: z.string() })
  .transform((c): Component => componentFromId(c.id));
const labelled = z.record(z.string(), z.string());
const incidentSchema = z.object({
  id: z.string(),
  kind: z.enum(INCIDENT_KINDS),
  state: z.enum(['open', 'recovering', 'resolved']),
  blame: component.nullable(),
  firstBlame: component.nullable(),
  reason: z.enum(PROBER_REASONS).nullable(),
  signature: z
    .string()
    .transform((id) => id as SignatureId)
    .nullable(),
  startedAt: z.number(),
  openedAt: z.number(),
  resolvedAt: z.number().nullable(),
  targets: z.array(z.string()),
  tried: z.number(),
  behind: z.number(),
  lanes: z.array(z.object({ visit: z.string(), path: z.string(), failing: z.number(), tried: z.number() })),
  inCommon: z.array(z.string()),
  acquitted: z.array(z.object({ component, tested: z.boolean(), evidence: z.string() })),
  probability: z.number(),
  severity: z.number(),
  runnerUp: z.object({ component: component.nullable(), odds: z.number() }).nullable(),
  ambiguous: z.array(component),
  flaps: z.number(),
  probesSpent: z.number(),
  supersededBy: z.string().nullable(),
  detail: z.string().nullable(),
  labels: labelled.nullable(),
});

interface Row {
  body: string;
  labels: string | null;
}

/** Incidents in a migrated state database. */
export function createIncidents(db: Database, writer: StateWriter, log: Log): Incidents {
  const sql = statements(db);
  const read = (row: Row): Incident[] => {
    const incident = incidentFromRow(row);
    if (incident === null) log.warn('incident in the store cannot be read, left out');
    return incident === null ? [] : [incident];
  };
  return {
    save(incident) {
      const body = JSON.stringify({ ...incident, labels: null });
      const labels = incident.labels === null ? null : JSON.stringify(incident.labels);
      const { id, openedAt, resolvedAt, state, kind, blame } = incident;
      writer.write(() =>
        sql.save.run(id, openedAt, resolvedAt, state, kind, blame?.id ?? null, labels, body),
      );
    },
    open: () => sql.open.all().flatMap(read),
    list: (query) => sql.list.all(bindings(query)).flatMap(read),
    get: (id) => sql.get.all(id).flatMap(read)[0] ?? null,
  };
}

function statements(db: Database) {
  return {
    save: db.prepare<[string, number, number | null, string, string, string | null, string | null, string]>(
      `INSERT INTO incidents (id, opened_at, resolved_at, state, kind, component, labels, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET
         opened_at = excluded.opened_at, resolved_at = excluded.resolved_at, state = excluded.state,
         kind = excluded.kind, component = excluded.component, body = excluded.body,
         labels = coalesce(labels, excluded.labels)`,
    ),
    open: db.prepare<[], Row>(
      "SELECT body, labels FROM incidents WHERE state <> 'resolved' ORDER BY opened_at, id",
    ),
    get: db.prepare<[string], Row>('SELECT body, labels FROM incidents WHERE id = ?'),
    list: db.prepare<ReturnType<typeof bindings>, Row>(
      `SELECT body, labels FROM incidents
       WHERE (@state IS NULL OR state = @state) AND (@kind IS NULL OR kind = @kind)
         AND (@component IS NULL OR component = @component)
         AND coalesce(resolved_at, @since) >= @since AND opened_at < @until
         AND (@before IS NULL OR (opened_at, id) < (SELECT opened_at, id FROM incidents WHERE id = @before))
       ORDER BY opened_at DESC, id DESC LIMIT @limit`,
    ),
  };
}

function bindings(query: IncidentQuery) {
  return {
    state: query.state ?? null,
    kind: query.kind ?? null,
    component: query.component ?? null,
    since: query.since ?? 0,
    until: query.until ?? Number.MAX_SAFE_INTEGER,
    before: query.before ?? null,
    limit: Math.max(1, Math.min(MOST, Math.floor(query.limit ?? USUAL))),
  };
}

function incidentFromRow(row: Row): Incident | null {
  try {
    const labels = row.labels === null ? null : labelled.parse(JSON.parse(row.labels));
    return { ...incidentSchema.parse(JSON.parse(row.body)), labels };
  } catch {
    return null;
  }
}
