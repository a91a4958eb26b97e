// The queue of deliveries on disk, and what each receiver has accepted. The bodies belong to the notify room, which
// keeps the live queue in memory and writes here in the transaction of the incident.

import type { Database } from 'better-sqlite3';
import type { EpochMs } from '../model/observation.ts';
import { nextId } from './result-ids.ts';
import type { StateWriter } from './state-writer.ts';

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

export interface Outbox {
  /** Id of a new row: above all before, also over restarts. */
  nextId(at: EpochMs): number;
  /** Everything queued, in order of queueing. */
  queued(): QueuedRow[];
  accepted(): AcceptedRow[];
  /** Inserts or replaces. */
  put(row: QueuedRow): void;
  remove(id: number): void;
  /** Inserts or replaces what the receiver has accepted. */
  accept(row: AcceptedRow): void;
  forget(receiver: string, incident: string): void;
}

/** Outbox in a migrated state database. */
export function createOutbox(db: Database, writer: StateWriter): Outbox {
  const sql = statements(db);
  let lastId = sql.lastId.get()?.id ?? 0;
  return {
    nextId(at) {
      lastId = nextId(lastId, at);
      return lastId;
    },
    queued: () => sql.queued.all(),
    accepted: () => sql.accepted.all(),
    put: (row) => writer.write(() => sql.put.run(row.id, row.receiver, row.incident, row.body, row.queuedAt)),
    remove: (id) => writer.write(() => sql.remove.run(id)),
    accept: (row) => writer.write(() => sql.accept.run(row.receiver, row.incident, row.body, row.acceptedAt)),
    forget: (receiver, incident) => writer.write(() => sql.forget.run(receiver, incident)),
  };
}

function statements(db: Database) {
  return {
    lastId: db.prepare<[], { id: number | null }>('SELECT max(id) AS id FROM outbox'),
    queued: db.prepare<[], QueuedRow>(
      'SELECT id, receiver, incident, body, queued_at AS queuedAt FROM outbox ORDER BY id',
    ),
    accepted: db.prepare<[], AcceptedRow>(
      'SELECT receiver, incident, body, accepted_at AS acceptedAt FROM deliveries',
    ),
    put: db.prepare<[number, string, string, string, number]>(
      `INSERT INTO outbox (id, receiver, incident, body, queued_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET body = excluded.body`,
    ),
    remove: db.prepare<[number]>('DELETE FROM outbox WHERE id = ?'),
    accept: db.prepare<[string, string, string, number]>(
      `INSERT INTO deliveries (receiver, incident, body, accepted_at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET body = excluded.body, accepted_at = excluded.accepted_at`,
    ),
    forget: db.prepare<[string, string]>('DELETE FROM deliveries WHERE receiver = ? AND incident = ?'),
  };
}
