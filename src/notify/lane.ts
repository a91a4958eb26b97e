// The queue of one receiver, without any I/O: what waits, what is in flight, what was accepted, and by which rules
// one makes the other. Per incident everything is told in order; incidents do not wait for each other.
//
// A receiver that forgets (`resendMs`, Alertmanager) is told every change and hears all that fires every minute.
// One that remembers (webhook) is told openings, changed blame (at most once in 5 minutes), ends, and a repetition.

import { backoffMs } from '../base/backoff.ts';
import type { EpochMs } from '../model/observation.ts';
import type { Alert } from './alert.ts';
import type { Accepted, Delivery, DeliveryType } from './delivery.ts';
import { leastWorth } from './loss.ts';
import {
  type GivenUp,
  isQuarantined,
  type LaneRules,
  type LaneStore,
  type News,
  type Now,
  type Waiting,
} from './waiting.ts';

/** A changed blame is told at most this often to receivers that notify on everything. */
const CHANGE_MS = 300_000;
/** What still fires is said again after this to receivers that remember. */
const REPEAT_MS = 4 * 3_600_000;
/** Resolved alerts are told again for this long to receivers that forget. */
const RESOLVED_MS = 15 * 60_000;
/** Deliveries that wait at most, and how long after the incident's end (threats X26). */
const MOST = 10_000;
const MAX_AGE_MS = 7 * 86_400_000;
/** A restart gives what waits at least this long again: its age is by a wall clock that may have jumped. */
const GRACE_MS = 3_600_000;
/** A delivery in quarantine is tried this seldom. */
const QUARANTINE_MS = 600_000;
const RETRY = { firstMs: 1_000, limitMs: 60_000 };

/** An accepted alert in memory; instants are monotonic ms, so that a stepped clock neither repeats nor forgets. */
interface Told extends Accepted {
  readonly acceptedMs: number;
  readonly changedMs: number | null;
}

export class Lane {
  readonly #rules: LaneRules;
  readonly #store: LaneStore;
  readonly #random: () => number;
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #accepted = new Map<string, Told>();

  constructor(rules: LaneRules, store: LaneStore, random: () => number) {
    this.#rules = rules;
    this.#store = store;
    this.#random = random;
  }

  /** Takes over what an earlier process left. */
  restore(deliveries: readonly Delivery[], accepted: readonly Accepted[], now: Now): void {
    const monotonic = (at: EpochMs): number => now.monotonicMs - Math.max(0, now.at - at);
    for (const one of accepted) {
      const changedMs = one.changedAt === null ? null : monotonic(one.changedAt);
      this.#accepted.set(one.alert.incident, { ...one, acceptedMs: monotonic(one.acceptedAt), changedMs });
    }
    const oldest = now.monotonicMs - (MAX_AGE_MS - GRACE_MS);
    for (const delivery of deliveries) {
      const since = Math.max(oldest, monotonic(delivery.queuedAt));
      this.#add(delivery, { readyAt: now.monotonicMs, held: this.#isHeld(delivery.type), since });
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
    for (const [incident, { alert, acceptedMs }] of this.#accepted) {
      const quiet = !this.#waiting.has(incident) && alert.endsAt === null;
      if (quiet && now.monotonicMs - acceptedMs >= REPEAT_MS)
        this.#push('repeat', { alert, type: 'updated', at: now.at }, now);
    }
  }

  /** First delivery of each incident that may go now and is not in flight, in order of queueing. */
  due(now: Now): Waiting[] {
    const heads = this.#heads().filter((one) => !one.inFlight && !one.held);
    const ready = heads.filter((one) => one.readyAt <= now.monotonicMs);
    if (this.#rules.resendMs === null || !ready.some((one) => !isQuarantined(one))) return ready;
    // Alertmanager takes all in one request: what ends because another one opened must travel with it.
    return heads.filter((one) => !isQuarantined(one) || ready.includes(one));
  }

  /** Accepted alerts to tell again, for receivers that forget; without those of which something new waits. */
  resends(now: Now): Alert[] {
    const alerts: Alert[] = [];
    for (const [incident, { alert, acceptedMs }] of this.#accepted) {
      if (alert.endsAt !== null && now.monotonicMs - acceptedMs > RESOLVED_MS) this.#forget(incident);
      else if (!this.#waiting.has(incident)) alerts.push(alert);
    }
    return alerts;
  }

  accepted(one: Waiting, now: Now): void {
    this.#drop(one);
    const { alert, type } = one.delivery;
    if (alert.endsAt !== null && this.#rules.resendMs === null) {
      this.#forget(alert.incident);
      return;
    }
    const before = this.#accepted.get(alert.incident);
    const changed =
      type === 'changed'
        ? { changedAt: now.at, changedMs: now.monotonicMs }
        : { changedAt: before?.changedAt ?? null, changedMs: before?.changedMs ?? null };
    this.#accepted.set(alert.incident, {
      alert,
      acceptedAt: now.at,
      acceptedMs: now.monotonicMs,
      ...changed,
    });
    this.#store.accept(alert.incident, { alert, acceptedAt: now.at, changedAt: changed.changedAt });
  }

  /** Puts it back; true when that was the refusal by which it comes into quarantine. */
  failed(one: Waiting, now: Now, refused: boolean): boolean {
    const before = isQuarantined(one);
    one.inFlight = false;
    one.attempts += 1;
    one.refusals += refused ? 1 : 0;
    const pauseMs = isQuarantined(one)
      ? QUARANTINE_MS
      : backoffMs(one.attempts, { ...RETRY, random: this.#random });
    one.readyAt = now.monotonicMs + pauseMs;
    return !before && isQuarantined(one);
  }

  /**
   * Gives up what is too old or too much, and says what the receiver will never hear of. What still fires never
   * grows old. An incident that is over and was never heard of shrinks to its end when it is too old or too much.
   */
  expire(now: Now): GivenUp[] {
    const given: GivenUp[] = [];
    const isOld = (one: Waiting): boolean => now.monotonicMs - one.since > MAX_AGE_MS;
    for (const all of [...this.#waiting.values()]) {
      const last = all.at(-1);
      if (last === undefined || last.delivery.alert.endsAt === null || all.some((one) => one.inFlight))
        continue;
      for (const one of all) if (one !== last && isOld(one)) this.#drop(one);
      if (isOld(last)) given.push({ one: last, reason: 'expired' });
    }
    for (const { one } of given) this.#drop(one);
    return [...given, ...this.#shrink()];
  }

  #shrink(): GivenUp[] {
    const lost = leastWorth([...this.#waiting.values()], MOST, (incident) => {
      return this.#accepted.get(incident)?.alert.endsAt === null;
    });
    for (const { one } of lost) this.#drop(one);
    return lost.filter(({ missed }) => missed).map(({ one }) => ({ one, reason: 'overflow' }));
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

  /** Forgets everything, on disk too: the receiver is no longer ours. */
  clear(): void {
    for (const one of this.waiting()) this.#drop(one);
    for (const incident of [...this.#accepted.keys()]) this.#forget(incident);
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
    const sinceLast = accepted?.changedMs == null ? CHANGE_MS : now.monotonicMs - accepted.changedMs;
    this.#push('changed', news, now, Math.max(0, CHANGE_MS - sinceLast));
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
