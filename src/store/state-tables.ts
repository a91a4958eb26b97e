// The tables of the state file: one write each, and everything in them. The only place that knows their columns;
// used by the thread that writes, and once at the start to read all of it.

import type { Database } from 'better-sqlite3';
import type { EpochMs } from '../model/observation.ts';
import type { FactKind } from '../model/verdict.ts';

/** A row of `incidents`: the columns to search by, the labels, and the rest as JSON. */
export interface IncidentRow {
  readonly id: string;
  readonly openedAt: EpochMs;
  readonly resolvedAt: EpochMs | null;
  readonly state: string;
  readonly kind: string;
  readonly component: string | null;
  readonly labels: string | null;
  readonly body: string;
}

/** A delivery that no receiver has accepted yet. */
export interface QueuedRow {
  readonly id: number;
  readonly receiver: string;
  /** Incident id, or another name of the alert. */
  readonly incident: string;
  readonly body: string;
  readonly queuedAt: EpochMs;
}

/** What a receiver has accepted last about an incident. */
export interface AcceptedRow {
  readonly receiver: string;
  readonly incident: string;
  readonly body: string;
  readonly acceptedAt: EpochMs;
}

export interface FactRow {
  readonly kind: FactKind;
  readonly key: string;
  readonly value: string;
  readonly at: EpochMs;
}

/**
 * One change of the state file; each may be repeated without harm.
 * `copy` begins a whole copy of what memory holds: the queue and what was accepted are emptied first.
 */
export type StateWrite =
  | readonly ['incident', IncidentRow]
  | readonly ['queue', QueuedRow]
  | readonly ['unqueue', number]
  | readonly ['accept', AcceptedRow]
  | readonly ['forget', string, string]
  | readonly ['fact', FactRow]
  | readonly ['put', string, string]
  | readonly ['copy'];

/** What a start takes over. */
export interface StateContents {
  /** Open and recovering ones; of the others the ids alone. */
  readonly openIncidents: readonly IncidentText[];
  readonly incidentIds: readonly string[];
  readonly queued: readonly QueuedRow[];
  readonly accepted: readonly AcceptedRow[];
  readonly facts: readonly FactRow[];
  readonly texts: readonly { readonly key: string; readonly value: string }[];
}

/** The part of an incident's row that it is read from. */
export interface IncidentText {
  readonly body: string;
  readonly labels: string | null;
}

/** Does single writes in a migrated state database; the caller holds the transaction. */
export function createStateTables(db: Database): (write: StateWrite) => void {
  const sql = writeStatements(db);
  return (write) => {
    switch (write[0]) {
      case 'incident':
        return void sql.incident.run(write[1]);
      case 'queue':
        return void sql.queue.run(write[1]);
      case 'unqueue':
        return void sql.unqueue.run(write[1]);
      case 'accept':
        return void sql.accept.run(write[1]);
      case 'forget':
        return void sql.forget.run(write[1], write[2]);
      case 'fact':
        return void sql.fact.run(write[1]);
      case 'put':
        return void sql.put.run(write[1], write[2]);
      case 'copy':
        sql.emptyQueue.run();
        return void sql.emptyAccepted.run();
    }
  };
}

function writeStatements(db: Database) {
  return {
    incident: db.prepare<IncidentRow>(
      `INSERT INTO incidents (id, opened_at, resolved_at, state, kind, component, labels, body)
       VALUES (@id, @openedAt, @resolvedAt, @state, @kind, @component, @labels, @body)
       ON CONFLICT (id) DO UPDATE SET
         opened_at = excluded.opened_at, resolved_at = excluded.resolved_at, state = excluded.state,
         kind = excluded.kind, component = excluded.component, body = excluded.body,
         labels = coalesce(labels, excluded.labels)`,
    ),
    queue: db.prepare<QueuedRow>(
      `INSERT INTO outbox (id, receiver, incident, body, queued_at)
       VALUES (@id, @receiver, @incident, @body, @queuedAt)
       ON CONFLICT (id) DO UPDATE SET body = excluded.body`,
    ),
    unqueue: db.prepare<[number]>('DELETE FROM outbox WHERE id = ?'),
    accept: db.prepare<AcceptedRow>(
      `INSERT INTO deliveries (receiver, incident, body, accepted_at)
       VALUES (@receiver, @incident, @body, @acceptedAt)
       ON CONFLICT DO UPDATE SET body = excluded.body, accepted_at = excluded.accepted_at`,
    ),
    forget: db.prepare<[string, string]>('DELETE FROM deliveries WHERE receiver = ? AND incident = ?'),
    fact: db.prepare<FactRow>(
      `INSERT INTO facts (kind, key, value, at) VALUES (@kind, @key, @value, @at)
       ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at`,
    ),
    put: db.prepare<[string, string]>(
      'INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    ),
    emptyQueue: db.prepare<[]>('DELETE FROM outbox'),
    emptyAccepted: db.prepare<[]>('DELETE FROM deliveries'),
  };
}

/** Everything but the ended incidents. */
export function readState(db: Database): StateContents {
  return {
    openIncidents: db
      .prepare<[], IncidentText>("SELECT body, labels FROM incidents WHERE state <> 'resolved'")
      .all(),
    incidentIds: db
      .prepare<[], { id: string }>('SELECT id FROM incidents')
      .all()
      .map(({ id }) => id),
    queued: db
      .prepare<[], QueuedRow>(
        'SELECT id, receiver, incident, body, queued_at AS queuedAt FROM outbox ORDER BY id',
      )
      .all(),
    accepted: db
      .prepare<[], AcceptedRow>('SELECT receiver, incident, body, accepted_at AS acceptedAt FROM deliveries')
      .all(),
    facts: db.prepare<[], FactRow>('SELECT kind, key, value, at FROM facts').all(),
    texts: db.prepare<[], { key: string; value: string }>('SELECT key, value FROM state').all(),
  };
}
