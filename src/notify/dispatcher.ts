// The dispatcher: hears of incidents, queues what each receiver is to know in the transaction of the incident, and
// delivers at least once, in order per incident. Everything it needs after a restart is in the store.

import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { IncidentEvent } from '../model/incident.ts';
import type { ReceiverStatus } from '../model/snapshot.ts';
import { type Alert, alertFromIncident, testAlert, watchdogAlert } from './alert.ts';
import type { AlertContext } from './alert-context.ts';
import { acceptedFromRow, deliveryFromRow, type TestReport } from './delivery.ts';
import { type DispatcherStore, laneStore } from './dispatcher-store.ts';
import { Lane } from './lane.ts';
import { endAll } from './leaving.ts';
import { instantOf, Post, type PostTools } from './post.ts';
import { createDriver, type ReceiverOptions, wants } from './receivers.ts';
import type { News, Now } from './waiting.ts';

/** Looks after repetitions, fallbacks and ages at least this often. */
const TICK_MS = 15_000;
/** A clean stop takes at most this long; firing alerts then live so long without us (DESIGN 10, Time). */
const STOP_MS = 8_000;
const HOLD_MS = 15 * 60_000;
/** Labels of ended incidents that are remembered for a reopening. */
const LABELS_KEPT = 2_000;
/** A receiver that the configuration no longer has is told for so long that its alerts are over (threats X31). */
const LEAVE_MS = 5 * 60_000;
/** Names of receivers are looked up this often, so that one good address is known when DNS fails. */
const REMEMBER_MS = 5 * 60_000;

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
  /** Receivers of the configuration before that this one does not have: they are told that all is over. */
  readonly leaving?: readonly ReceiverOptions[];
  /** Resolves when everything written before is on disk; no delivery leaves earlier. Default: it is at once. */
  readonly settled?: () => Promise<void>;
}

export interface Dispatcher {
  /**
   * Saves the incidents, with labels frozen at the first event, and queues their deliveries; one transaction with
   * whatever `also` writes to the same store. Events of one call that go to an Alertmanager travel in one request.
   */
  record(events: readonly IncidentEvent[], also?: () => void): void;
  /** Begins to deliver, also what was queued before. */
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
  /** Posts of receivers that are gone; empty once they were told. */
  #leaving: readonly Post[];
  readonly #labels = new Map<string, Readonly<Record<string, string>>>();
  readonly #stopping = new AbortController();
  #cancelTick: (() => void) | null = null;
  #startedMs = 0;
  #rememberAt = 0;
  #state: 'built' | 'started' | 'stopped' = 'built';

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#posts = options.receivers.map((receiver) => this.#postOf(receiver, options.problem));
    // Nobody needs to hear of the trouble of a receiver that is no longer wanted.
    this.#leaving = (options.leaving ?? []).map((receiver) => this.#postOf(receiver, () => {}));
    // Before the first event: what it means depends on what each receiver was told already.
    this.#restore();
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
    this.#startedMs = this.#options.clock.monotonic();
    this.#options.store.transaction(() => {
      this.#reconcile();
      const now = instantOf(this.#options.clock);
      for (const { lane } of this.#leaving) endAll(lane, this.#options, now);
    });
    this.#tick();
  }

  async stop(options: { hold: boolean } = { hold: true }): Promise<void> {
    if (this.#state === 'stopped') return;
    const started = this.#state === 'started';
    this.#state = 'stopped';
    this.#cancelTick?.();
    const holdMs = options.hold ? HOLD_MS : null;
    const cancel = this.#options.clock.after(STOP_MS, () => this.#stopping.abort());
    const all = [...this.#posts, ...this.#leaving];
    if (started) await Promise.all(all.map((post) => post.lastWords(holdMs)));
    cancel();
    this.#stopping.abort();
    await Promise.all(all.map((post) => post.close()));
  }

  status(): ReceiverStatus[] {
    return this.#posts.map((post) => post.status());
  }

  async test(receiver: string, signal: AbortSignal): Promise<TestReport | null> {
    const post = this.#posts.find((one) => one.options.name === receiver);
    return post?.test(testAlert(this.#options.context, this.#options.clock.now()), signal) ?? null;
  }

  #postOf(receiver: ReceiverOptions, problem: PostTools['problem']): Post {
    const { clock, log, store, userAgent, ca, context, random } = this.#options;
    const { name } = receiver;
    const skewed = (place: string, skewMs: number): void =>
      log.warn({ receiver: name, place, skewMs }, 'the clock of a receiver is far from ours');
    const driver = createDriver(receiver, { clock, userAgent, ca, webUrl: context.webUrl, skewed });
    const rules = { resendMs: driver.resendMs, fallback: receiver.fallbackFor !== null };
    const lane = new Lane(rules, laneStore(store.outbox, name), random);
    return new Post({ options: receiver, driver, lane }, this.#postTools(name, problem));
  }

  #postTools(name: string, problem: PostTools['problem']): PostTools {
    const { clock, log, store, observe, settled = () => Promise.resolve() } = this.#options;
    return {
      clock,
      log,
      transaction: (run) => store.transaction(run),
      observe,
      problem,
      changed: () => this.#pumpAll(),
      givenUp: (incident) => this.#releaseFor(name, incident),
      settled,
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
    const ours = new Set<string>();
    for (const { options, lane } of [...this.#posts, ...this.#leaving]) {
      ours.add(options.name);
      const mine = (row: { receiver: string }): boolean => row.receiver === options.name;
      lane.restore(
        queued.filter(mine).flatMap((row) => deliveryFromRow(row) ?? []),
        accepted.filter(mine).flatMap((row) => acceptedFromRow(row) ?? []),
        now,
      );
    }
    // Nobody knows any more where those receivers are.
    this.#options.store.transaction(() => {
      for (const { id, receiver } of queued) if (!ours.has(receiver)) outbox.remove(id);
      for (const row of accepted) if (!ours.has(row.receiver)) outbox.forget(row.receiver, row.incident);
    });
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

  /** Lets go of receivers that were told, or cannot be told any more. */
  #letGo(now: Now): void {
    if (this.#leaving.length === 0) return;
    const late = now.monotonicMs - this.#startedMs >= LEAVE_MS;
    const done = this.#leaving.filter((post) => late || post.lane.waiting().length === 0);
    if (done.length === 0) return;
    this.#leaving = this.#leaving.filter((post) => !done.includes(post));
    this.#options.store.transaction(() => {
      for (const { lane } of done) lane.clear();
    });
    for (const post of done) post.close().catch(() => undefined);
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
        for (const { one, reason } of post.lane.expire(now)) post.giveUp(one.delivery.alert, reason);
      }
    });
    if (now.monotonicMs >= this.#rememberAt) {
      this.#rememberAt = now.monotonicMs + REMEMBER_MS;
      for (const post of this.#posts) post.remember();
    }
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
    for (const post of this.#leaving) post.pump(now);
    this.#letGo(now);
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
