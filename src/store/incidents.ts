// Incidents over restarts. The labels of an incident are written once and never replaced.

import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import type { Log } from '../base/log.ts';
import { type Component, componentFromId } from '../model/component.ts';
import { INCIDENT_KINDS, type Incident, type IncidentKind, PROBER_REASONS } from '../model/incident.ts';
import type { EpochMs } from '../model/observation.ts';
import type { SignatureId } from '../model/verdict.ts';
import type { Journal } from './journal.ts';
import type { Reader } from './reader.ts';
import type { IncidentRow, IncidentText, StateContents, StateWrite } from './state-tables.ts';

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
  // Not in what earlier versions wrote.
  sessionsSpent: z.number().default(0),
  unaffected: z.array(z.string()).default([]),
  wouldHelp: z.string().nullable().default(null),
  strays: z.array(z.string()).default([]),
  supersededBy: z.string().nullable(),
  detail: z.string().nullable(),
  labels: labelled.nullable(),
});

/** Ended incidents that are held in memory beside the open ones; what waits to be written always is. */
const HELD = 500;

interface Tools {
  readonly journal: Journal;
  readonly reader: Reader<IncidentQueries>;
  readonly log: Log;
}

/** Incidents that go on from what a start has read: open ones in memory, the others in the file. */
export function createIncidents(
  start: Pick<StateContents, 'openIncidents' | 'incidentIds'>,
  { journal, reader, log }: Tools,
): Incidents & { copy(): StateWrite[] } {
  const read = (row: IncidentText): Incident[] => {
    const incident = incidentFromRow(row);
    if (incident === null) log.warn('incident in the store cannot be read, left out');
    return incident === null ? [] : [incident];
  };
  const held = new Map(start.openIncidents.flatMap(read).map((incident) => [incident.id, incident]));
  const ids = new Set(start.incidentIds);

  const get = (id: string): Incident | null => {
    const known = held.get(id);
    if (known !== undefined || !ids.has(id)) return known ?? null;
    return reader.read((sql) => sql.get.all(id), []).flatMap(read)[0] ?? null;
  };
  const hold = (incident: Incident): void => {
    const labels = get(incident.id)?.labels ?? incident.labels;
    ids.add(incident.id);
    held.delete(incident.id);
    held.set(incident.id, { ...incident, labels });
    if (held.size <= HELD || !journal.isStateWritten) return;
    for (const [id, { state }] of held) if (state === 'resolved' && held.size > HELD) held.delete(id);
  };
  return {
    save: (incident) => journal.write(['incident', rowOf(incident)], () => hold(incident)),
    open: () =>
      [...held.values()]
        .filter((one) => one.state !== 'resolved')
        .sort(newestFirst)
        .reverse(),
    list(query) {
      const before = query.before === undefined ? undefined : get(query.before);
      if (before === null) return [];
      const limit = limitOf(query);
      const stored = reader.read((sql) => sql.list.all(bindings(query, before, limit + held.size)), []);
      return [
        ...stored.flatMap(read).filter(({ id }) => !held.has(id)),
        ...[...held.values()].filter((incident) => matches(incident, query, before)),
      ]
        .sort(newestFirst)
        .slice(0, limit);
    },
    get,
    copy: () => [...held.values()].map((incident) => ['incident', rowOf(incident)] as const),
  };
}

function rowOf(incident: Incident): IncidentRow {
  const { id, openedAt, resolvedAt, state, kind } = incident;
  const labels = incident.labels === null ? null : JSON.stringify(incident.labels);
  const body = JSON.stringify({ ...incident, labels: null });
  return { id, openedAt, resolvedAt, state, kind, component: incident.blame?.id ?? null, labels, body };
}

function newestFirst(a: Incident, b: Incident): number {
  return b.openedAt - a.openedAt || (a.id < b.id ? 1 : -1);
}

/** What `incidentQueries` selects, of an incident in memory. */
function matches(incident: Incident, query: IncidentQuery, before: Incident | undefined): boolean {
  const { state, kind, component: blamed, since = 0, until = Number.MAX_SAFE_INTEGER } = query;
  return (
    (state === undefined || incident.state === state) &&
    (kind === undefined || incident.kind === kind) &&
    (blamed === undefined || incident.blame?.id === blamed) &&
    (incident.resolvedAt ?? since) >= since &&
    incident.openedAt < until &&
    (before === undefined || newestFirst(before, incident) < 0)
  );
}

type IncidentQueries = ReturnType<typeof incidentQueries>;

/** Reading statements in a migrated state database. */
export function incidentQueries(db: Database) {
  return {
    get: db.prepare<[string], IncidentText>('SELECT body, labels FROM incidents WHERE id = ?'),
    list: db.prepare<ReturnType<typeof bindings>, IncidentText>(
      `SELECT body, labels FROM incidents
       WHERE (@state IS NULL OR state = @state) AND (@kind IS NULL OR kind = @kind)
         AND (@component IS NULL OR component = @component)
         AND coalesce(resolved_at, @since) >= @since AND opened_at < @until
         AND (@beforeId IS NULL OR (opened_at, id) < (@beforeAt, @beforeId))
       ORDER BY opened_at DESC, id DESC LIMIT @limit`,
    ),
  };
}

function limitOf({ limit }: IncidentQuery): number {
  return Math.max(1, Math.min(MOST, Math.floor(limit ?? USUAL)));
}

function bindings(query: IncidentQuery, before: Incident | undefined, limit: number) {
  return {
    state: query.state ?? null,
    kind: query.kind ?? null,
    component: query.component ?? null,
    since: query.since ?? 0,
    until: query.until ?? Number.MAX_SAFE_INTEGER,
    beforeAt: before?.openedAt ?? null,
    beforeId: before?.id ?? null,
    limit,
  };
}

function incidentFromRow(row: IncidentText): Incident | null {
  try {
    const labels = row.labels === null ? null : labelled.parse(JSON.parse(row.labels));
    return { ...incidentSchema.parse(JSON.parse(row.body)), labels };
  } catch {
    return null;
  }
}
