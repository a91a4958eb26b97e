// What waits for a receiver, and what a receiver has accepted: the nouns of the queue and their stored form.

import { z } from 'zod';
import type { EpochMs } from '../model/observation.ts';
import type { Alert } from './alert.ts';

/**
 * opened    the receiver does not know the alert yet, or has been told that it was over
 * changed   it fires with another text (blame, growth)
 * repeat    nothing new, said again
 * resolved  it is over
 */
export const DELIVERY_TYPES = ['opened', 'changed', 'repeat', 'resolved'] as const;
export type DeliveryType = (typeof DELIVERY_TYPES)[number];

/** One thing to tell one receiver. Per incident they are delivered in order of their ids. */
export interface Delivery {
  readonly id: number;
  readonly type: DeliveryType;
  /** Idempotency key: the same for every attempt, also after a crash. */
  readonly key: string;
  readonly alert: Alert;
  readonly queuedAt: EpochMs;
}

/** What a receiver has accepted last about an incident. */
export interface Accepted {
  readonly alert: Alert;
  /** Blame that was told last, to see whether another one is news. */
  readonly acceptedAt: EpochMs;
  /** When a notification about a change was accepted last. */
  readonly changedAt: EpochMs | null;
}

/** How the attempt to deliver one alert ended. Reasons are label values of a metric: a closed set. */
export type Outcome =
  | { readonly incident: string; readonly outcome: 'accepted' }
  | { readonly incident: string; readonly outcome: 'rejected' | 'failed'; readonly reason: FailureReason };

export const FAILURE_REASONS = [
  'connection', // refused, reset, no address, TLS
  'timeout',
  'unauthorized', // 401, 403
  'not-found', // 404, 405
  'rejected', // 400, 413, 422: the receiver does not take this alert
  'limited', // 429
  'server-error', // 5xx
  'status', // any other status, redirects included
  'garbage', // a success with a body that the receiver never sends
  'not-active', // accepted, but not among the receiver's alerts
  'expired', // given up after 7 days
  'overflow', // given up because the queue was full
  'internal', // a bug of ours
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** How a kind of receiver works. */
export interface Driver {
  /** Alerts of one call. */
  readonly batch: number;
  /** Calls in flight at once; each is about other incidents. */
  readonly parallel: number;
  /** The receiver forgets: everything that fires is told again after this. Null: it is told once. */
  readonly resendMs: number | null;
  /** Sends; one outcome for each delivery. Never rejects. `holdMs` replaces the usual life of a firing alert. */
  deliver(
    deliveries: readonly Outgoing[],
    options: { holdMs: number | null },
    signal: AbortSignal,
  ): Promise<Outcome[]>;
  /** Asks whether the receiver is there, without telling it anything; null = yes. Never rejects. Null: no way to ask. */
  readonly ask: ((signal: AbortSignal) => Promise<FailureReason | null>) | null;
  /** Looks up where the receiver is, for the time when DNS does not answer. Returns at once. */
  remember(): void;
  /** Sends a short alert and ends it again. Never rejects. */
  test(alert: Alert, signal: AbortSignal): Promise<TestReport>;
  /** Closes connections. */
  close(): Promise<void>;
}

/** A delivery as a driver sees it; `opened` deliveries may be verified. */
export type Outgoing = Pick<Delivery, 'type' | 'key' | 'alert'>;

/** What a test alert showed. */
export interface TestReport {
  readonly ok: boolean;
  /** Our own words for people: what was sent where, what came back. */
  readonly detail: string;
  /** Alertmanager: names of its receivers that the alert is routed to; null where that cannot be known. */
  readonly reaches: readonly string[] | null;
}

const texts = z.record(z.string(), z.string());
const alertSchema: z.ZodType<Alert> = z.object({
  incident: z.string(),
  labels: texts,
  annotations: texts,
  startsAt: z.number(),
  endsAt: z.number().nullable(),
  generatorUrl: z.string().nullable(),
  fingerprint: z.string(),
});
const deliverySchema = z.object({ type: z.enum(DELIVERY_TYPES), key: z.string(), alert: alertSchema });
const acceptedSchema = z.object({ alert: alertSchema, changedAt: z.number().nullable() });

/** Stored form of a delivery. */
export function deliveryText({ type, key, alert }: Delivery): string {
  return JSON.stringify({ type, key, alert });
}

/** Delivery of a stored row; null when it is not ours. */
export function deliveryFromRow(row: { id: number; queuedAt: EpochMs; body: string }): Delivery | null {
  const parsed = deliverySchema.safeParse(parseJson(row.body));
  return parsed.success ? { id: row.id, queuedAt: row.queuedAt, ...parsed.data } : null;
}

/** Stored form of what was accepted. */
export function acceptedText({ alert, changedAt }: Accepted): string {
  return JSON.stringify({ alert, changedAt });
}

/** Accepted alert of a stored row; null when it is not ours. */
export function acceptedFromRow(row: { acceptedAt: EpochMs; body: string }): Accepted | null {
  const parsed = acceptedSchema.safeParse(parseJson(row.body));
  return parsed.success ? { acceptedAt: row.acceptedAt, ...parsed.data } : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
