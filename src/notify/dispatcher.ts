// The dispatcher: hears of incidents, queues what each receiver is to know in the transaction of the incident, and
// delivers at least once, in order per incident. Everything it needs after a restart is in the store.

import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Incident, IncidentEvent } from '../model/incident.ts';
import type { EpochMs } from '../model/observation.ts';
import type { ReceiverStatus } from '../model/snapshot.ts';
import { type Alert, alertFromIncident, testAlert, watchdogAlert } from './alert.ts';
import type { AlertContext } from './alert-context.ts';
import { acceptedFromRow, acceptedText, deliveryFromRow, deliveryText, type TestReport } from './delivery.ts';
import { Lane, type LaneStore, type News, type Now } from './lane.ts';
import { instantOf, Post, type PostTools } from './post.ts';
import { createDriver, type ReceiverOptions, wants } from './receivers.ts';

/** Looks after repetitions, fallbacks and ages at least this often. */
const TICK_MS = 15_000;
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
  readonly observe: PostTools['observe'];
  readonly problem: PostTools['problem'];
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

/** Dispatcher for the receivers of one configuration. */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  return new DispatcherOfWatch(options);
}

class DispatcherOfWatch implements Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #posts: readonly Post[];
  readonly #labels = new Map<string, Readonly<Record<string, string>>>();
  readonly #stopping = new AbortController();
  #cancelTick: (() => void) | null = null;
  #state: 'built' | 'started' | 'stopped' = 'built';

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const { clock, userAgent, ca, context } = options;
    this.#posts = options.receivers.map((receiver) => {
      const driver = createDriver(receiver, { clock, userAgent, ca, webUrl: context.webUrl });
      const rules = { resendMs: driver.resendMs, fallback: receiver.fallbackFor !== null };
      const lane = new Lane(rules, laneStore(options.store.outbox, receiver.name), options.random);
      return new Post({ options: receiver, driver, lane }, this.#postTools(receiver.name));
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
    const holdMs = options.hold ? HOLD_MS : null;
    const cancel = this.#options.clock.after(STOP_MS, () => this.#stopping.abort());
    if (started) await Promise.all(this.#posts.map((post) => post.lastWords(holdMs)));
    cancel();
    this.#stopping.abort();
    await Promise.all(this.#posts.map((post) => post.close()));
  }

  status(): ReceiverStatus[] {
    return this.#posts.map((post) => post.status());
  }

  async test(receiver: string, signal: AbortSignal): Promise<TestReport | null> {
    const post = this.#posts.find((one) => one.options.name === receiver);
    return post?.test(testAlert(this.#options.context, this.#options.clock.now()), signal) ?? null;
  }

  #postTools(name: string): PostTools {
    const { clock, log, store, observe, problem } = this.#options;
    return {
      clock,
      log,
      transaction: (run) => store.transaction(run),
      observe,
      problem,
      changed: () => this.#pumpAll(),
      givenUp: (incident) => this.#releaseFor(name, incident),
      signal: this.#stopping.signal,
    };
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
    const now = instantOf(this.#options.clock);
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
    const now = instantOf(this.#options.clock);
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
    const now = instantOf(this.#options.clock);
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
    const now = instantOf(this.#options.clock);
    this.#cancelTick = this.#options.clock.after(TICK_MS, () => this.#tick());
    this.#options.store.transaction(() => {
      for (const post of this.#posts) {
        post.lane.repeat(now);
        for (const { delivery } of post.lane.expire(now)) post.giveUp(delivery.alert, 'expired');
      }
    });
    this.#pumpAll();
  }

  #pumpAll(): void {
    if (this.#state !== 'started') return;
    const now = instantOf(this.#options.clock);
    for (const post of this.#posts) {
      this.#releaseFallbacks(post, now);
      post.pump(now);
      post.judge(now);
    }
  }

  /** The fallbacks of a receiver that gave an alert up go at once. */
  #releaseFor(receiver: string, incident: string): void {
    for (const { options, lane } of this.#posts) {
      const held = options.fallbackFor === receiver ? lane.head(incident) : null;
      if (held?.held) lane.release(held, instantOf(this.#options.clock));
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
}

/** The lane's rows in the outbox. */
function laneStore(outbox: DispatcherStore['outbox'], receiver: string): LaneStore {
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
