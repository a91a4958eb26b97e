// The dispatcher: hears of incidents, queues what each receiver is to know in the transaction of the incident, and
// delivers at least once, in order per incident. Everything it needs after a restart is in the store.

import type { Clock } from '../base/clock.ts';
import { deadline } from '../base/clock.ts';
import { errorText, type Log } from '../base/log.ts';
import type { Incident, IncidentEvent } from '../model/incident.ts';
import type { EpochMs } from '../model/observation.ts';
import type { ReceiverStatus } from '../model/snapshot.ts';
import { type Alert, alertFromIncident, testAlert, WATCHDOG, watchdogAlert } from './alert.ts';
import type { AlertContext } from './alert-context.ts';
import {
  acceptedFromRow,
  acceptedText,
  type Driver,
  deliveryFromRow,
  deliveryText,
  type FailureReason,
  type Outgoing,
  type TestReport,
} from './delivery.ts';
import { Lane, type LaneStore, type News, type Now, type Waiting } from './lane.ts';
import { createDriver, type ReceiverOptions, receiverPlace, wants } from './receivers.ts';

/** Looks after repetitions, fallbacks and ages at least this often. */
const TICK_MS = 15_000;
/** After this long without acceptance the receiver is reported as a problem. */
const PROBLEM_MS = 300_000;
/** A clean stop takes at most this long; firing alerts then live so long without us (DESIGN 10, Time). */
const STOP_MS = 8_000;
const HOLD_MS = 15 * 60_000;
/** Labels of ended incidents that are remembered for a reopening. */
const LABELS_KEPT = 2_000;

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

export interface DispatcherOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly store: DispatcherStore;
  readonly context: AlertContext;
  readonly receivers: readonly ReceiverOptions[];
  /** `GatewatchWatchdog` fires while the dispatcher runs. */
  readonly watchdog: boolean;
  readonly userAgent: string;
  /** Further trusted roots, PEM (`tls.ca`). */
  readonly ca: readonly string[];
  readonly observe: {
    delivered(receiver: string): void;
    failed(receiver: string, reason: FailureReason): void;
    queue(receiver: string, length: number): void;
  };
  /** A receiver does not take what it should (one sentence), or does again (null). */
  readonly problem: (receiver: string, detail: string | null) => void;
}

export interface Dispatcher {
  /**
   * Saves the incidents, with labels frozen at the first event, and queues their deliveries; one transaction with
   * whatever `also` writes to the same store. Events of one call that go to an Alertmanager travel in one request.
   */
  record(events: readonly IncidentEvent[], also?: () => void): void;
  /** Takes over what was queued before and begins to deliver. */
  start(): void;
  /**
   * Delivers once more, and ends within 8 s. With `hold`, firing alerts live 15 minutes without us, so that an
   * upgrade resolves nothing; a reload does not need it. Idempotent.
   */
  stop(options?: { hold: boolean }): Promise<void>;
  status(): ReceiverStatus[];
  /** Sends a short alert to one receiver; null when there is none of that name. */
  test(receiver: string, signal: AbortSignal): Promise<TestReport | null>;
}

interface Post {
  readonly options: ReceiverOptions;
  readonly driver: Driver;
  readonly lane: Lane;
  calls: number;
  /** Monotonic ms of the next resend. */
  resendAt: number;
  lastDeliveryAt: EpochMs | null;
  lastError: string | null;
  problem: boolean;
  wake: (() => void) | null;
}

/** Dispatcher for the receivers of one configuration. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  return new DispatcherOfWatch(options);
}

class DispatcherOfWatch implements Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #posts: readonly Post[];
  readonly #labels = new Map<string, Readonly<Record<string, string>>>();
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #cancelTick: (() => void) | null = null;
  #state: 'built' | 'started' | 'stopped' = 'built';

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const { clock, userAgent, ca, context } = options;
    this.#posts = options.receivers.map((receiver) => {
      const driver = createDriver(receiver, { clock, userAgent, ca, webUrl: context.webUrl });
      const rules = { resendMs: driver.resendMs, fallback: receiver.fallbackFor !== null };
      return {
        options: receiver,
        driver,
        lane: new Lane(rules, this.#laneStore(receiver.name), options.random),
        calls: 0,
        resendAt: 0,
        lastDeliveryAt: null,
        lastError: null,
        problem: false,
        wake: null,
      };
    });
  }

  record(events: readonly IncidentEvent[], also?: () => void): void {
    this.#options.store.transaction(() => {
      also?.();
      for (const event of events) this.#recordOne(event);
    });
    this.#pumpAll();
  }

  start(): void {
    if (this.#state !== 'built') return;
    this.#state = 'started';
    this.#restore();
    this.#options.store.transaction(() => this.#reconcile());
    this.#tick();
  }

  async stop(options: { hold: boolean } = { hold: true }): Promise<void> {
    if (this.#state === 'stopped') return;
    const started = this.#state === 'started';
    this.#state = 'stopped';
    this.#cancelTick?.();
    for (const post of this.#posts) post.wake?.();
    using limit = deadline(this.#options.clock, STOP_MS, new AbortController().signal);
    limit.signal.addEventListener('abort', () => this.#stopping.abort(), { once: true });
    if (started) {
      await Promise.all(this.#running);
      await Promise.all(this.#posts.map((post) => this.#lastWords(post, options.hold ? HOLD_MS : null)));
    }
    this.#stopping.abort();
    await Promise.all(this.#posts.map((post) => post.driver.close()));
  }

  status(): ReceiverStatus[] {
    return this.#posts.map(({ options, lane, lastDeliveryAt, lastError }) => ({
      name: options.name,
      kind: options.kind,
      queued: lane.waiting().filter((one) => !one.held).length,
      lastDeliveryAt,
      lastError,
    }));
  }

  async test(receiver: string, signal: AbortSignal): Promise<TestReport | null> {
    const post = this.#posts.find((one) => one.options.name === receiver);
    if (post === undefined) return null;
    return post.driver.test(testAlert(this.#options.context, this.#options.clock.now()), signal);
  }

  #recordOne(event: IncidentEvent): void {
    const { store, context } = this.#options;
    const { id } = event.incident;
    const frozen = this.#labels.get(id) ?? event.incident.labels ?? store.incidents.get(id)?.labels ?? null;
    const alert = alertFromIncident({ ...event.incident, labels: frozen }, context);
    this.#remember(id, alert.labels);
    store.incidents.save({ ...event.incident, labels: alert.labels });
    this.#tell({ alert, type: event.type, at: event.at });
  }

  #tell(news: News): void {
    const now = this.#now();
    // The end is for all who know the beginning, whatever their filter is by now.
    const over = news.alert.endsAt !== null;
    for (const { options, lane } of this.#posts)
      if (over || wants(options, news.alert.labels)) lane.take(news, now);
  }

  #remember(id: string, labels: Readonly<Record<string, string>>): void {
    this.#labels.delete(id);
    this.#labels.set(id, labels);
    const oldest = this.#labels.size > LABELS_KEPT ? this.#labels.keys().next().value : undefined;
    if (oldest !== undefined) this.#labels.delete(oldest);
  }

  #restore(): void {
    const { outbox } = this.#options.store;
    const queued = outbox.queued();
    const accepted = outbox.accepted();
    const now = this.#now();
    for (const { options, lane } of this.#posts) {
      const mine = (row: { receiver: string }): boolean => row.receiver === options.name;
      lane.restore(
        queued.filter(mine).flatMap((row) => deliveryFromRow(row) ?? []),
        accepted.filter(mine).flatMap((row) => acceptedFromRow(row) ?? []),
        now,
      );
    }
  }

  /** Makes what receivers believe the same as what is so: after a reload with other receivers, or a lost file. */
  #reconcile(): void {
    const { store, context, clock, watchdog } = this.#options;
    const now = this.#now();
    const firing = store.incidents.open().filter((incident) => incident.labels !== null);
    const alerts = firing.map((incident) => alertFromIncident(incident, context));
    if (watchdog) alerts.push(watchdogAlert(context, clock.now()));
    for (const { incident, labels } of alerts) this.#remember(incident, labels);
    for (const { options, lane } of this.#posts) {
      const known = lane.firing();
      for (const alert of alerts) {
        const news = { alert, type: 'updated', at: now.at } as const;
        if (wants(options, alert.labels) && !known.includes(alert.incident)) lane.take(news, now);
      }
      const over = known.filter((incident) => !alerts.some((alert) => alert.incident === incident));
      for (const incident of over) this.#end(lane, incident, now);
    }
  }

  #end(lane: Lane, incident: string, now: Now): void {
    const known = lane.acceptedOf(incident)?.alert ?? lane.head(incident)?.delivery.alert;
    const ended = this.#options.store.incidents.get(incident);
    if (known === undefined) return;
    const alert: Alert =
      ended?.state === 'resolved'
        ? alertFromIncident(ended, this.#options.context)
        : { ...known, endsAt: Math.max(now.at, known.startsAt) };
    lane.take({ alert, type: 'resolved', at: now.at }, now);
  }

  #tick(): void {
    const now = this.#now();
    this.#cancelTick = this.#options.clock.after(TICK_MS, () => this.#tick());
    this.#options.store.transaction(() => {
      for (const post of this.#posts) {
        post.lane.repeat(now);
        for (const { delivery } of post.lane.expire(now)) this.#giveUp(post, delivery.alert, 'expired');
      }
    });
    this.#pumpAll();
  }

  #pumpAll(): void {
    if (this.#state !== 'started') return;
    const now = this.#now();
    for (const post of this.#posts) {
      this.#releaseFallbacks(post, now);
      this.#pump(post, now);
      this.#judge(post, now);
    }
  }

  /** A held delivery goes when its first receiver has had long enough, and is taken back when that one accepted. */
  #releaseFallbacks({ options, lane }: Post, now: Now): void {
    const first = this.#posts.find((other) => other.options.name === options.fallbackFor);
    if (first === undefined) return;
    for (const one of lane.waiting().filter((waiting) => waiting.held)) {
      const { incident } = one.delivery.alert;
      const theirs = first.lane.head(incident);
      if (theirs === null || theirs.delivery.type !== 'opened') lane.withdraw(incident);
      else if (!theirs.held && now.monotonicMs - theirs.since >= options.afterMs) lane.release(one, now);
    }
  }

  #pump(post: Post, now: Now): void {
    const { driver, lane } = post;
    post.wake?.();
    post.wake = null;
    const due = lane.due(now);
    const resending = driver.resendMs !== null && now.monotonicMs >= post.resendAt && post.calls === 0;
    const extra = resending ? lane.resends(now) : [];
    if (resending) post.resendAt = now.monotonicMs + (driver.resendMs ?? 0);
    const batches = batched(due, extra, driver.batch);
    if (driver.parallel > 1)
      for (const batch of batches.slice(0, driver.parallel - post.calls)) this.#send(post, [batch]);
    else if (post.calls === 0 && batches.length > 0) this.#send(post, batches);
    this.#options.observe.queue(post.options.name, lane.waiting().filter((one) => !one.held).length);
    this.#wakeLater(post, now);
  }

  #wakeLater(post: Post, now: Now): void {
    const next = post.lane.nextAt();
    const resend = post.driver.resendMs === null ? null : post.resendAt;
    const times = [next, resend].filter((time) => time !== null);
    if (times.length === 0 || post.calls >= post.driver.parallel) return;
    const delayMs = Math.max(50, Math.min(...times) - now.monotonicMs);
    post.wake = this.#options.clock.after(delayMs, () => this.#pumpAll());
  }

  /** Delivers the batches one after the other. */
  #send(post: Post, batches: readonly Batch[]): void {
    post.calls += 1;
    for (const { waiting } of batches) for (const one of waiting) one.inFlight = true;
    const run = this.#deliverAll(post, batches, null)
      .catch((error: unknown) => {
        this.#options.log.error({ receiver: post.options.name, error: errorText(error) }, 'delivery broke');
      })
      .finally(() => {
        post.calls -= 1;
        this.#running.delete(run);
        this.#pumpAll();
      });
    this.#running.add(run);
  }

  async #deliverAll(post: Post, batches: readonly Batch[], holdMs: number | null): Promise<void> {
    for (const batch of batches) await this.#deliver(post, batch, holdMs);
  }

  async #deliver(post: Post, { waiting, extra }: Batch, holdMs: number | null): Promise<void> {
    const { store } = this.#options;
    const items: Outgoing[] = [...waiting.map((one) => one.delivery), ...extra.map(asResend)];
    const outcomes = await post.driver.deliver(items, { holdMs }, this.#stopping.signal);
    const now = this.#now();
    store.transaction(() => {
      waiting.forEach((one, index) => {
        const outcome = outcomes[index] ?? { outcome: 'failed', reason: 'internal' };
        if (outcome.outcome === 'accepted') this.#accept(post, one, now);
        else this.#fail(post, one, { now, reason: outcome.reason, refused: outcome.outcome === 'rejected' });
      });
    });
    for (const outcome of outcomes.slice(waiting.length)) {
      if (outcome.outcome === 'accepted') this.#works(post, now);
      else this.#note(post, outcome.reason);
    }
  }

  #works(post: Post, now: Now): void {
    post.lastDeliveryAt = now.at;
    post.lastError = null;
  }

  #accept(post: Post, one: Waiting, now: Now): void {
    post.lane.accepted(one, now);
    this.#works(post, now);
    this.#options.observe.delivered(post.options.name);
    const { incident } = one.delivery.alert;
    this.#options.log.info(
      { receiver: post.options.name, incident, type: one.delivery.type },
      'alert delivered',
    );
  }

  #fail(post: Post, one: Waiting, how: { now: Now; reason: FailureReason; refused: boolean }): void {
    this.#note(post, how.reason);
    if (!post.lane.failed(one, how.now, how.refused)) this.#giveUp(post, one.delivery.alert, how.reason);
  }

  #note(post: Post, reason: FailureReason): void {
    if (post.lastError !== reason) {
      const place = receiverPlace(post.options);
      this.#options.log.warn(
        { receiver: post.options.name, place, reason },
        'alert not delivered, will be tried again',
      );
    }
    post.lastError = reason;
    this.#options.observe.failed(post.options.name, reason);
  }

  #giveUp(post: Post, alert: Alert, reason: FailureReason): void {
    this.#options.observe.failed(post.options.name, reason);
    this.#options.log.error(
      { receiver: post.options.name, incident: alert.incident, reason },
      'alert given up',
    );
    post.problem = true;
    this.#options.problem(
      post.options.name,
      `receiver ${post.options.name} does not take an alert (${reason})`,
    );
  }

  /** Reports a receiver that has taken nothing for long, and one that takes alerts again. */
  #judge(post: Post, now: Now): void {
    const waiting = post.lane.waiting().filter((one) => !one.held && one.attempts > 0);
    const late = waiting.some((one) => now.monotonicMs - one.since > PROBLEM_MS);
    if (late && !post.problem) {
      post.problem = true;
      const reason = post.lastError ?? 'timeout';
      this.#options.problem(post.options.name, `receiver ${post.options.name} takes no alerts (${reason})`);
    } else if (post.problem && waiting.length === 0 && post.lastError === null) {
      post.problem = false;
      this.#options.problem(post.options.name, null);
    }
  }

  async #lastWords(post: Post, holdMs: number | null): Promise<void> {
    const now = this.#now();
    const firing = post.driver.resendMs !== null ? post.lane.resends(now) : [];
    // The watchdog must not outlive us.
    const extra = firing.filter((alert) => holdMs === null || alert.incident !== WATCHDOG);
    await this.#deliverAll(post, batched(post.lane.due(now), extra, post.driver.batch), holdMs);
  }

  #now(): Now {
    return { at: this.#options.clock.now(), monotonicMs: this.#options.clock.monotonic() };
  }

  #laneStore(receiver: string): LaneStore {
    const { outbox } = this.#options.store;
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
}

interface Batch {
  readonly waiting: readonly Waiting[];
  readonly extra: readonly Alert[];
}

function batched(due: readonly Waiting[], extra: readonly Alert[], size: number): Batch[] {
  const batches: Batch[] = [];
  for (let from = 0; from < due.length + extra.length; from += size) {
    batches.push({
      waiting: due.slice(from, from + size),
      extra: extra.slice(Math.max(0, from - due.length), Math.max(0, from + size - due.length)),
    });
  }
  return batches;
}

function asResend(alert: Alert): Outgoing {
  return { type: alert.endsAt === null ? 'repeat' : 'resolved', key: `${alert.incident}-resend`, alert };
}
