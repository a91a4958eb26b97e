// The queue of deliveries, and what each receiver has accepted: in memory, and on disk with the transaction of the
// incident. The bodies belong to the notify room.

import type { EpochMs } from '../model/observation.ts';
import type { Journal } from './journal.ts';
import { nextId } from './result-ids.ts';
import type { AcceptedRow, QueuedRow, StateContents, StateWrite } from './state-tables.ts';

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

/** Outbox that goes on from what a start has read. */
export function createOutbox(
  start: Pick<StateContents, 'queued' | 'accepted'>,
  journal: Journal,
): Outbox & { copy(): StateWrite[] } {
  const queued = new Map(start.queued.map((row) => [row.id, row]));
  const accepted = new Map(start.accepted.map((row) => [keyOf(row.receiver, row.incident), row]));
  let lastId = Math.max(0, ...queued.keys());
  const inOrder = (): QueuedRow[] => [...queued.values()].sort((a, b) => a.id - b.id);
  return {
    nextId(at) {
      lastId = nextId(lastId, at);
      return lastId;
    },
    queued: inOrder,
    accepted: () => [...accepted.values()],
    put: (row) => journal.write(['queue', row], () => void queued.set(row.id, row)),
    remove: (id) => journal.write(['unqueue', id], () => void queued.delete(id)),
    accept: (row) =>
      journal.write(['accept', row], () => void accepted.set(keyOf(row.receiver, row.incident), row)),
    forget: (receiver, incident) =>
      journal.write(['forget', receiver, incident], () => void accepted.delete(keyOf(receiver, incident))),
    copy: () => [
      ...inOrder().map((row) => ['queue', row] as const),
      ...[...accepted.values()].map((row) => ['accept', row] as const),
    ],
  };
}

function keyOf(receiver: string, incident: string): string {
  return JSON.stringify([receiver, incident]);
}
