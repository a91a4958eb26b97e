// The queue of one receiver, without any I/O: what waits, what is in flight, what was accepted, and by which rules
// one makes the other. Per incident everything is told in order; incidents do not wait for each other.
//
// A receiver that forgets (`resendMs`, Alertmanager) is told every change and hears all that fires every minute.
// One that remembers (webhook) is told openings, changed blame (at most once in 5 minutes), ends, and a repetition.

import { backoffMs } from '../base/backoff.ts';
import type { IncidentEvent } from '../model/incident.ts';
import type { EpochMs } from '../model/observation.ts';
import type { Alert } from './alert.ts';
import type { Accepted, Delivery, DeliveryType } from './delivery.ts';

/** A changed blame is told at most this often to receivers that notify on everything. */
const CHANGE_MS = 300_000;
/** What still fires is said again after this to receivers that remember. */
const REPEAT_MS = 4 * 3_600_000;
/** Resolved alerts are told again for this long to receivers that forget. */
const RESOLVED_MS = 15 * 60_000;
/** Deliveries that wait at most, and how long (threats X26). */
const MOST = 10_000;
const MAX_AGE_MS = 7 * 86_400_000;
/** A delivery that is refused this often is at fault itself. */
const MOST_REFUSALS = 5;
const RETRY = { firstMs: 1_000, limitMs: 60_000 };

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

export class Lane {
  readonly #rules: LaneRules;
  readonly #store: LaneStore;
  readonly #random: () => number;
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #accepted = new Map<string, Accepted>();

  constructor(rules: LaneRules, store: LaneStore, random: () => number) {
    this.#rules = rules;
    this.#store = store;
    this.#random = random;
  }

  /** Takes over what an earlier process left. */
  restore(deliveries: readonly Delivery[], accepted: readonly Accepted[], now: Now): void {
    for (const one of accepted) this.#accepted.set(one.alert.incident, one);
    for (const delivery of deliveries) {
      const age = Math.max(0, now.at - delivery.queuedAt);
      const readyAt = now.monotonicMs;
      this.#add(delivery, { readyAt, held: this.#isHeld(delivery.type), since: now.monotonicMs - age });
    }
  }

  /** Queues what the news means for this receiver. Removed and queued rows go to the store. */
  take(news: News, now: Now): void {
    if (news.alert.endsAt !== null) this.#takeEnd(news, now);
    else if (this.#knowsFiring(news.alert.incident)) this.#takeChange(news, now);
    else this.#takeOpening(news, now);
  }

  /** Queues a repetition of everything that was told long ago and still fires; for receivers that remember. */
  repeat(now: Now): void {
    if (this.#rules.resendMs !== null) return;
    for (const [incident, { alert, acceptedAt }] of this.#accepted) {
      const quiet = !this.#waiting.has(incident) && alert.endsAt === null;
      if (quiet && now.at - acceptedAt >= REPEAT_MS)
        this.#push('repeat', { alert, type: 'updated', at: now.at }, now);
    }
  }

  /** First delivery of each incident that may go now and is not in flight, in order of queueing. */
  due(now: Now): Waiting[] {
    const heads = this.#heads().filter((one) => !one.inFlight && !one.held);
    const ready = heads.filter((one) => one.readyAt <= now.monotonicMs);
    // Alertmanager takes all in one request: what ends because another one opened must travel with it.
    return this.#rules.resendMs !== null && ready.length > 0 ? heads : ready;
  }

  /** Accepted alerts to tell again, for receivers that forget; without those of which something new waits. */
  resends(now: Now): Alert[] {
    const alerts: Alert[] = [];
    for (const [incident, { alert }] of this.#accepted) {
      if (alert.endsAt !== null && now.at - alert.endsAt > RESOLVED_MS) this.#forget(incident);
      else if (!this.#waiting.has(incident)) alerts.push(alert);
    }
    return alerts;
  }

  accepted(one: Waiting, now: Now): void {
    this.#drop(one);
    const { alert, type } = one.delivery;
    const changedAt = type === 'changed' ? now.at : (this.#accepted.get(alert.incident)?.changedAt ?? null);
    if (alert.endsAt !== null && this.#rules.resendMs === null) {
      this.#forget(alert.incident);
      return;
    }
    const accepted = { alert, acceptedAt: now.at, changedAt };
    this.#accepted.set(alert.incident, accepted);
    this.#store.accept(alert.incident, accepted);
  }

  /** Puts it back; false when the receiver has refused it so often that it is given up. */
  failed(one: Waiting, now: Now, refused: boolean): boolean {
    one.inFlight = false;
    one.attempts += 1;
    one.refusals += refused ? 1 : 0;
    if (one.refusals >= MOST_REFUSALS) {
      this.#drop(one);
      return false;
    }
    one.readyAt = now.monotonicMs + backoffMs(one.attempts, { ...RETRY, random: this.#random });
    return true;
  }

  /** Gives up what is too old or too much; what was given up. */
  expire(now: Now): Waiting[] {
    const old = this.waiting().filter((one) => !one.inFlight && now.monotonicMs - one.since > MAX_AGE_MS);
    const rest = this.waiting().filter((one) => !one.inFlight && !old.includes(one));
    const over = Math.max(0, this.waiting().length - old.length - MOST);
    const given = [...old, ...rest.sort(lossOrder).slice(0, over)];
    for (const one of given) this.#drop(one);
    return given;
  }

  /** Monotonic ms at which something becomes due by itself; null when nothing does. */
  nextAt(): number | null {
    const times = this.#heads()
      .filter((one) => !one.inFlight && !one.held)
      .map((one) => one.readyAt);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Everything that waits, held ones included. */
  waiting(): Waiting[] {
    return [...this.#waiting.values()].flat();
  }

  /** First delivery of an incident that waits. */
  head(incident: string): Waiting | null {
    return this.#waiting.get(incident)?.[0] ?? null;
  }

  /** What was accepted about an incident. */
  acceptedOf(incident: string): Accepted | null {
    return this.#accepted.get(incident) ?? null;
  }

  /** Incidents that this receiver believes to fire, or is about to be told of. */
  firing(): string[] {
    const all = new Set([...this.#waiting.keys(), ...this.#accepted.keys()]);
    return [...all].filter((incident) => this.#knowsFiring(incident));
  }

  /** Lets a held delivery go. */
  release(one: Waiting, now: Now): void {
    one.held = false;
    one.readyAt = now.monotonicMs;
    one.since = now.monotonicMs;
  }

  /** Takes everything back that waits about an incident; the other receiver has it. */
  withdraw(incident: string): void {
    for (const one of this.#waiting.get(incident) ?? []) if (!one.inFlight) this.#drop(one);
  }

  #takeOpening(news: News, now: Now): void {
    const last = this.#waiting.get(news.alert.incident)?.at(-1);
    const opened =
      this.#waiting.get(news.alert.incident)?.some(({ delivery }) => delivery.type === 'opened') ?? false;
    const told = opened || this.#accepted.get(news.alert.incident)?.alert.endsAt === null;
    // Reopened before anybody heard of the end: nobody need hear of either.
    if (last !== undefined && !last.inFlight && told) {
      this.#drop(last);
      this.#takeChange(news, now);
    } else {
      this.#push('opened', news, now);
    }
  }

  #takeChange(news: News, now: Now): void {
    const last = this.#waiting.get(news.alert.incident)?.at(-1);
    if (last !== undefined && !last.inFlight) {
      this.#replace(last, news.alert);
      return;
    }
    const accepted = this.#accepted.get(news.alert.incident);
    if (this.#rules.resendMs !== null) {
      if (last !== undefined || !sameText(accepted?.alert, news.alert)) this.#push('changed', news, now);
      return;
    }
    if (news.type !== 'blame-changed') {
      // For the next repetition.
      if (accepted !== undefined) this.#accepted.set(news.alert.incident, { ...accepted, alert: news.alert });
      return;
    }
    const sinceLast = accepted?.changedAt == null ? CHANGE_MS : now.at - accepted.changedAt;
    this.#push('changed', news, now, Math.max(0, CHANGE_MS - Math.max(0, sinceLast)));
  }

  #takeEnd(news: News, now: Now): void {
    const { incident } = news.alert;
    const waiting = this.#waiting.get(incident) ?? [];
    if (waiting.some((one) => one.held)) this.withdraw(incident);
    if (!this.#knowsFiring(incident)) return;
    for (const one of waiting) if (!one.inFlight && one.delivery.type !== 'opened') this.#drop(one);
    this.#push('resolved', news, now);
  }

  /** Whether the receiver thinks, or will think after what waits, that the alert fires. */
  #knowsFiring(incident: string): boolean {
    const last = this.#waiting.get(incident)?.at(-1)?.delivery.alert ?? this.#accepted.get(incident)?.alert;
    return last !== undefined && last.endsAt === null;
  }

  #push(type: DeliveryType, news: News, now: Now, delayMs = 0): void {
    const delivery: Delivery = {
      id: this.#store.nextId(now.at),
      type,
      key: `${news.alert.incident}-${type}-${news.at}`,
      alert: news.alert,
      queuedAt: now.at,
    };
    this.#store.put(delivery);
    const held = this.#isHeld(type);
    this.#add(delivery, { readyAt: now.monotonicMs + delayMs, held, since: now.monotonicMs });
  }

  #isHeld(type: DeliveryType): boolean {
    return this.#rules.fallback && type === 'opened';
  }

  #add(delivery: Delivery, when: { readyAt: number; held: boolean; since: number }): void {
    const waiting = { delivery, ...when, inFlight: false, attempts: 0, refusals: 0 };
    const { incident } = delivery.alert;
    const before = this.#waiting.get(incident);
    if (before === undefined) this.#waiting.set(incident, [waiting]);
    else before.push(waiting);
  }

  #replace(one: Waiting, alert: Alert): void {
    one.delivery = { ...one.delivery, alert };
    this.#store.put(one.delivery);
  }

  #drop(one: Waiting): void {
    const { incident } = one.delivery.alert;
    const rest = (this.#waiting.get(incident) ?? []).filter((other) => other !== one);
    if (rest.length === 0) this.#waiting.delete(incident);
    else this.#waiting.set(incident, rest);
    this.#store.remove(one.delivery);
  }

  #forget(incident: string): void {
    this.#accepted.delete(incident);
    this.#store.forget(incident);
  }

  #heads(): Waiting[] {
    return [...this.#waiting.values()]
      .flatMap((all) => all.slice(0, 1))
      .sort((a, b) => a.delivery.id - b.delivery.id);
  }
}

function sameText(a: Alert | undefined, b: Alert): boolean {
  return (
    a !== undefined && JSON.stringify([a.labels, a.annotations]) === JSON.stringify([b.labels, b.annotations])
  );
}

// Changes and repetitions go first, then the oldest.
function lossOrder(a: Waiting, b: Waiting): number {
  const weight = ({ delivery }: Waiting): number =>
    delivery.type === 'changed' || delivery.type === 'repeat' ? 0 : 1;
  return weight(a) - weight(b) || a.delivery.id - b.delivery.id;
}
