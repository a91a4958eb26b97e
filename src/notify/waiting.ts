// What a queue holds and writes down: deliveries in memory, and the words its rules are told in.

import type { IncidentEvent } from '../model/incident.ts';
import type { EpochMs } from '../model/observation.ts';
import type { Alert } from './alert.ts';
import type { Accepted, Delivery } from './delivery.ts';

/** A delivery that is refused this often is in quarantine: it travels alone, and seldom. */
const MOST_REFUSALS = 5;

export interface LaneRules {
  /** Null: the receiver remembers. */
  readonly resendMs: number | null;
  /** This receiver only gets what another has not accepted. */
  readonly fallback: boolean;
}

/** A delivery in memory; instants are monotonic ms. */
export interface Waiting {
  delivery: Delivery;
  /** Not before. */
  readyAt: number;
  /** A fallback's: waits until the other receiver has failed for long enough. */
  held: boolean;
  inFlight: boolean;
  attempts: number;
  refusals: number;
  /** Since when it waits for being accepted. */
  since: number;
}

export interface Now {
  readonly at: EpochMs;
  readonly monotonicMs: number;
}

/** Writes of the queue to disk. */
export interface LaneStore {
  nextId(at: EpochMs): number;
  put(delivery: Delivery): void;
  remove(delivery: Delivery): void;
  accept(incident: string, accepted: Accepted): void;
  forget(incident: string): void;
}

/** The newest word about an incident. */
export interface News {
  readonly alert: Alert;
  readonly type: IncidentEvent['type'];
  readonly at: EpochMs;
}

/** A delivery that is given up, and why. */
export interface GivenUp {
  readonly one: Waiting;
  readonly reason: 'expired' | 'overflow';
}

/** Whether the receiver refused it so often that it must not travel with others. */
export function isQuarantined(one: Waiting): boolean {
  return one.refusals >= MOST_REFUSALS;
}
