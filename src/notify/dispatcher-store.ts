// What the dispatcher needs of the store, and how the queue of one receiver writes into it.

import type { Incident } from '../model/incident.ts';
import type { EpochMs } from '../model/observation.ts';
import { acceptedText, deliveryText } from './delivery.ts';
import type { LaneStore } from './waiting.ts';

/** What the dispatcher needs of the store. */
export interface DispatcherStore {
  transaction(run: () => void): void;
  readonly incidents: {
    save(incident: Incident): void;
    get(id: string): Incident | null;
    open(): Incident[];
  };
  readonly outbox: {
    nextId(at: EpochMs): number;
    queued(): { id: number; receiver: string; incident: string; body: string; queuedAt: EpochMs }[];
    accepted(): { receiver: string; incident: string; body: string; acceptedAt: EpochMs }[];
    put(row: { id: number; receiver: string; incident: string; body: string; queuedAt: EpochMs }): void;
    remove(id: number): void;
    accept(row: { receiver: string; incident: string; body: string; acceptedAt: EpochMs }): void;
    forget(receiver: string, incident: string): void;
  };
}

/** The lane's rows in the outbox. */
export function laneStore(outbox: DispatcherStore['outbox'], receiver: string): LaneStore {
  return {
    nextId: (at) => outbox.nextId(at),
    put: (delivery) =>
      outbox.put({
        id: delivery.id,
        receiver,
        incident: delivery.alert.incident,
        body: deliveryText(delivery),
        queuedAt: delivery.queuedAt,
      }),
    remove: (delivery) => outbox.remove(delivery.id),
    accept: (incident, accepted) =>
      outbox.accept({ receiver, incident, body: acceptedText(accepted), acceptedAt: accepted.acceptedAt }),
    forget: (incident) => outbox.forget(receiver, incident),
  };
}
