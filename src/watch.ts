// Lifetime of one configuration: builds every stage from it, joins them, runs them, and takes them down. A reload
// is a new Watch on the same store: restart and reload are the same way back.

import {
  type AlertingTools,
  createAlerting,
  createOwnWatch,
  hasJoined,
  heartbeatOf,
  tellStanding,
  type Want,
} from './alerting.ts';
import { type Clock, sleep } from './base/clock.ts';
import { LONGEST_DURATION_MS } from './base/duration.ts';
import { concurrencyWithin, descriptorLimit } from './base/exhaustion.ts';
import type { Log } from './base/log.ts';
import type { StallWatch } from './base/stall.ts';
import { VERSION } from './base/version.ts';
import { describeIncident, textsOf } from './config/alert-text.ts';
import type { Config } from './config/config.ts';
import type { Correlator } from './correlate/correlator.ts';
import { createInbound } from './correlate/inbound.ts';
import { createMaintenance } from './correlate/maintenance.ts';
import type { Discovered } from './discover/discovery.ts';
import { logsIn, type Subject } from './model/check.ts';
import type { SourceStatus } from './model/drift.ts';
import type { InboundAlert, WebhookAlert } from './model/inbound.ts';
import type { Incident, ProberReason } from './model/incident.ts';
import type { ProbeOutcome, ProbeWish } from './model/probe-report.ts';
import type { ProbeResult, StoredResult } from './model/result.ts';
import type { GateStatus, Snapshot } from './model/snapshot.ts';
import type { FactKind, SignatureText } from './model/verdict.ts';
import type { Dispatcher } from './notify/dispatcher.ts';
import { type Ages, createAges } from './notify/heartbeat.ts';
import { type Blame, type Consumer, createProbing, runSubject } from './pipeline.ts';
import type { ArtifactFiles } from './probe/browser/artifact-files.ts';
import { createOnDemand, type OnDemand } from './schedule/on-demand.ts';
import { type Outpost, outpostsOf } from './schedule/outpost.ts';
import { plan, type Site } from './schedule/plan.ts';
import { createRequestBudgets, type RequestBudgets } from './schedule/request-budget.ts';
import { createScheduler, type Scheduler, type WantedRun } from './schedule/scheduler.ts';
import { createSessionBudgets, type SessionBudgets } from './schedule/session-budget.ts';
import { createStrangers, type Strangers } from './schedule/strangers.ts';
import { createSigningIn, type SessionMemory, type SigningIn } from './signing-in.ts';
import { spentKey } from './store/spent.ts';
import type { Store } from './store/store.ts';
import type { IncidentsQuery, IncidentText, ResultsQuery } from './web/reads.ts';
import { buildSnapshot } from './web/snapshot.ts';

/**
 * Probes at the same time, at most; each holds one socket and the kept part of one body. A sixth of them may be in
 * their handshakes, which carries 250 a second at any latency; a third may hang (schedule/in-flight.ts).
 */
const CONCURRENCY = 384;
/** How long probes in flight may take to end at a stop. */
const GRACE_MS = 2_000;
/** After a fact that changes the plan (a certificate's name, an authorize URL), how long to gather more. */
const REPLAN_MS = 5_000;
/** Facts that change what is planned or over which components it runs. */
const PLANNING_FACTS: readonly FactKind[] = [
  'certificate',
  'authorize',
  'canary-retired',
  'client',
  'lifetime',
];
/** Keys of the store's state. */
export const STATE = {
  jars: 'jars',
  sessions: 'session-budgets',
  requests: 'request-budgets',
  inbound: 'inbound-alerts',
} as const;

export interface WatchTools extends AlertingTools {
  readonly stall: StallWatch;
  readonly about: () => Snapshot['config'];
  /** Kept sessions that a reload must not lose. */
  readonly memory: SessionMemory;
  /** What the configuration's targets come from, beside its own list. */
  readonly discovered: Discovered;
  readonly sources: () => readonly SourceStatus[];
  /** Files of failed browser visits. */
  readonly artifacts: ArtifactFiles;
}

export interface Watch {
  start(): void;
  /** Lets probes in flight end, writes what must last; on `exit` receivers are told to hold firing alerts. */
  stop(why: 'reload' | 'exit'): Promise<void>;
  snapshot(): Snapshot;
  results(query: ResultsQuery): readonly StoredResult[];
  incidents(query: IncidentsQuery): readonly Incident[];
  incident(id: string): Incident | null;
  texts(id: string): SignatureText | null;
  summary(incident: Incident): IncidentText;
  /** Queues one probe beside the schedule. */
  runNow(check: string): 'queued' | 'no-budget' | 'unknown';
  /** Probes through the corridor and waits for the result. */
  probeNow(wish: ProbeWish): Promise<ProbeOutcome>;
  /** Takes alerts of others; how many of them are evidence. */
  inbound(alerts: readonly WebhookAlert[]): number;
  /** Tells that we cannot do part of our work; null when we can again. `name` is what it is about, default the vantage. */
  finding(reason: ProberReason, detail: string | null, name?: string): void;
  /** Whether it was started and not stopped. */
  isAlive(): boolean;
}

/** Builds everything from a configuration; nothing runs before `start`. Wiring alone: it decides nothing. */
export function createWatch(config: Config, tools: WatchTools): Watch {
  const { clock, log, store, metrics } = tools;
  learnLifetimes(tools);
  const site: Site = { ...config, knowledge: store.facts };
  let subjects = plan(site);
  const saved = store.state.get(STATE.jars);
  const signing = createSigningIn(config, {
    ...tools,
    want: (wanted) => want(wanted),
    told: ({ name }, detail) =>
      blame.find({ kind: 'prober', reason: 'configuration', name: `account:${name}`, detail }),
  });
  const { stages, jars } = createProbing(config, {
    ...{ ...tools, ...signing, knowledge: store.facts, jars: saved },
  });
  const { sessions: strangersOnly, requests } = createBudgets(site, config, tools);
  const sessions = signing.paying(strangersOnly);
  const save = (text: string): void => store.state.put(STATE.jars, text);
  const strangers = createStrangers({ clock, jars, sessions, save });
  const want = (wanted: readonly WantedRun[]): void => scheduler.want(wanted);
  const inbound = createInbound(config.evidence, {
    saved: store.state.get(STATE.inbound),
    save: (text) => store.state.put(STATE.inbound, text),
  });
  const firing = (): readonly InboundAlert[] => inbound.firing(clock.now());
  const alerting = createAlerting(config, { ...tools, subjects, want, inbound });
  const { dispatcher, correlator, blame, checkpoint } = alerting;
  let running = false;
  // In three turns of the loop: with thousands of targets each takes up to a quarter of a second.
  const replan = later(clock, REPLAN_MS, async () => {
    const next = plan(site);
    await sleep(clock, 0);
    if (!running) return;
    subjects = next;
    scheduler.replace(next);
    await sleep(clock, 0);
    if (running) blame.replace(next);
    if (running) signing.replace(next);
  });
  const idle = (subject: Subject): string | null => strangers.idle(subject) ?? signing.idle(subject);
  const demand = createOnDemand({ clock, sessions, requests, idle, want });
  const ages = createAges(clock);
  const parts = {
    ...{ ...tools, config, ages, blame, strangers, signing, requests, demand, want },
    replan: replan.soon,
  };
  const consumers = createConsumers(parts);
  const scheduler = createScheduler({
    clock,
    random: Math.random,
    run: (subject, options, signal) =>
      demand.during(subject.id, async () => {
        // A token is on disk before the visit that it pays for, unless the disk fails (threats B1).
        if (!signing.begin(subject)) return;
        if (isPaid(subject, sessions)) await store.settled('state');
        if (signal.aborted) signing.cancel(subject);
        else await runSubject(subject, options, { ...stages, consumers }, signal);
      }),
    idle,
    sessions,
    requests,
    concurrency: concurrencyWithin(descriptorLimit(), CONCURRENCY),
    observe: metrics,
  });
  const snapshot = createSnapshot(config, {
    ...tools,
    ...{ dispatcher, correlator, sessions, strangers, scheduler },
    subjects: () => subjects,
    firing,
  });
  const heartbeat = heartbeatOf(config, tools, snapshot, ages);
  return {
    start() {
      running = true;
      signing.replace(subjects);
      scheduler.replace(subjects);
      blame.replace(subjects); // what a reload took away ends its incidents
      const { discovered } = tools;
      tellStanding(config, { blame, sessions, discovered, incidents: correlator.incidents() });
      dispatcher.start();
      scheduler.start();
      signing.start();
      heartbeat?.start();
      log.info({ targets: config.targets.length, checks: subjects.length }, 'configuration in force');
    },
    async stop(why) {
      if (!running) return;
      running = false;
      heartbeat?.stop();
      replan.cancel();
      demand.stop();
      signing.stop();
      await scheduler.stop(GRACE_MS);
      blame.stop();
      for (const keeper of [strangers, signing, sessions, requests, store.results]) keeper.flush();
      checkpoint();
      await dispatcher.stop({ hold: why === 'exit' });
    },
    snapshot,
    ...createReads(config, { store, correlator }, firing),
    inbound: (alerts) => inbound.accept(alerts, clock.now()),
    runNow(check) {
      const subject = subjects.find((one) => one.id === check);
      if (subject === undefined) return 'unknown';
      if (!canPay(subject, sessions) || signing.idle(subject) !== null) return 'no-budget';
      want([{ check: subject.id, notBefore: 0, why: 'run-now' }]);
      return 'queued';
    },
    probeNow: (wish) => demand.probe(wish, subjects),
    finding: (reason, detail, name = config.vantage) => blame.find({ kind: 'prober', reason, name, detail }),
    isAlive: () => running,
  };
}

/**
 * What the page reads of the store, in the words of this configuration. An incident is stored when something happens to
 * it, so that of one that goes on the correlator knows the newer numbers.
 */
function createReads(
  config: Config,
  { store, correlator }: { readonly store: Store; readonly correlator: Correlator },
  firing: () => readonly InboundAlert[],
): Pick<Watch, 'results' | 'incidents' | 'incident' | 'texts' | 'summary'> {
  const live = (stored: Incident): Incident =>
    correlator.incidents().find(({ id }) => id === stored.id) ?? stored;
  return {
    results: (query) => store.results.query(storeQuery(query)),
    incidents: (query) => storedIncidents(store, query).map(live),
    incident: (id) => {
      const stored = store.incidents.get(id);
      return stored === null ? null : live(stored);
    },
    texts: textsOf(config),
    summary: (incident) => describeIncident(incident, config, firing),
  };
}

/** Who gets a result, in the order of the corridor. */
function createConsumers(
  parts: WatchTools & {
    readonly config: Config;
    readonly blame: Blame;
    readonly strangers: Strangers;
    readonly signing: SigningIn;
    readonly requests: RequestBudgets;
    readonly demand: OnDemand;
    readonly want: Want;
    readonly replan: () => void;
    readonly ages: Ages;
  },
): readonly Consumer[] {
  const { log, store, metrics, blame, strangers, signing, requests, demand, want } = parts;
  return [
    verdictLog(log),
    store.results.insert,
    metrics.observe,
    (result) => parts.ages.see(result.subject.id, result.monotonicMs),
    (result) => learn(result, store, parts.replan),
    (result) => strangers.settle(result, (check) => want([{ check, notBefore: 0, why: 'cookie' }])),
    signing.settle,
    (result) => requests.charge(result.subject.path?.name ?? '', result.observation.exchanges.length - 1),
    (result) => hasJoined(result.subject, store.facts) && blame.accept(result),
    createOwnWatch(parts),
    demand.accept,
  ];
}

function createSnapshot(
  config: Config,
  parts: WatchTools & {
    readonly dispatcher: Dispatcher;
    readonly correlator: Correlator;
    readonly sessions: SessionBudgets;
    readonly strangers: Strangers;
    readonly scheduler: Scheduler;
    readonly subjects: () => readonly Subject[];
    readonly firing: () => readonly InboundAlert[];
  },
): () => Snapshot {
  const { clock, store, dispatcher, correlator, sessions, strangers, scheduler } = parts;
  const startedAt = clock.now();
  const maintenance = createMaintenance(config.maintenance);
  return () =>
    buildSnapshot({
      at: clock.now(),
      startedAt,
      version: VERSION,
      vantage: config.vantage,
      demo: parts.demo,
      config: parts.about(),
      targets: config.targets,
      discovery: {
        sources: parts.sources(),
        drift: parts.discovered.drift,
        targetSources: parts.discovered.sources,
        unaccepted: parts.discovered.unaccepted,
      },
      subjects: parts.subjects(),
      latest: store.results.latest(),
      schedule: (subject) => scheduler.status(subject.id),
      components: correlator.components(),
      gates: sessions.outposts.map((one) => gateStatus(one, sessions, strangers.seen(one.name))),
      incidents: correlator.incidents(),
      receivers: dispatcher.status(),
      maintenance: maintenance.status(clock.now()),
      inbound: parts.firing(),
    });
}

function createBudgets(site: Site, config: Config, { clock, store }: WatchTools) {
  const sessions = createSessionBudgets({
    outposts: outpostsOf(site),
    clock,
    saved: store.state.get(STATE.sessions),
    save: (text) => store.state.put(STATE.sessions, text),
    elsewhere: (outpost) => Number(store.state.get(spentKey(outpost)) ?? 0),
  });
  const requests = createRequestBudgets({
    paths: config.paths,
    clock,
    saved: store.state.get(STATE.requests),
    save: (text) => store.state.put(STATE.requests, text),
  });
  return { sessions, requests };
}

/** What a source says of sessions counts as one that was seen: it can only make the budget smaller. */
function learnLifetimes({ discovered, store, clock }: WatchTools): void {
  for (const [gate, ms] of Object.entries(discovered.lifetimesMs)) {
    const known = Number(store.facts.get('lifetime', gate)?.value ?? 0);
    const lifetimeMs = Math.min(ms, LONGEST_DURATION_MS);
    if (lifetimeMs > known)
      store.facts.put({ kind: 'lifetime', key: gate, value: String(lifetimeMs) }, clock.now());
  }
}

/** Remembers what the classifier learned; facts that change the plan ask for a new one. */
function learn(result: ProbeResult, store: Store, replan: () => void): void {
  for (const fact of result.judgement.learned) {
    const before = store.facts.get(fact.kind, fact.key);
    store.facts.put(fact, result.at);
    if (before?.value !== fact.value && PLANNING_FACTS.includes(fact.kind)) replan();
  }
}

/** Calls back once, `ms` after the first of several calls. */
function later(clock: Clock, ms: number, run: () => Promise<void>): { soon: () => void; cancel: () => void } {
  let pending: (() => void) | null = null;
  return {
    soon() {
      pending ??= clock.after(ms, () => {
        pending = null;
        void run();
      });
    },
    cancel() {
      pending?.();
      pending = null;
    },
  };
}

function gateStatus(outpost: Outpost, sessions: SessionBudgets, seen: number): GateStatus {
  const { name, store, lifetimeMs, storeSessions, capacity } = outpost;
  return {
    outpost: name,
    gates: outpost.gates.map((gate) => gate.name),
    store,
    budgetPerMinute: outpost.allowedPerMinute,
    tokens: sessions.tokens(name),
    capacity,
    created: sessions.created(name),
    seen,
    held: sessions.held(name),
    storeSessions,
    lifetimeMs,
  };
}

/** Whether something that must be on disk was taken for it: a token, an attempt of a login. */
function isPaid(subject: Subject, sessions: SessionBudgets): boolean {
  if (subject.kind !== 'visit') return false;
  return subject.costsSession || logsIn(subject.visit) || sessions.isMarked(subject.id);
}

function canPay(subject: Subject, sessions: SessionBudgets): boolean {
  if (subject.kind !== 'visit' || !subject.costsSession || subject.gate === null) return true;
  return sessions.tokens(subject.gate.outpost) >= 1;
}

function storeQuery(query: ResultsQuery): Parameters<Store['results']['query']>[0] {
  const { check, target, verdict, since, beforeId, limit } = query;
  return {
    limit,
    ...(check === null ? {} : { check }),
    ...(target === null ? {} : { target }),
    ...(verdict === null ? {} : { verdicts: [verdict] }),
    ...(since === null ? {} : { since }),
    ...(beforeId === null ? {} : { before: beforeId }),
  };
}

function storedIncidents(store: Store, query: IncidentsQuery): readonly Incident[] {
  if (query.state === 'active') return store.incidents.open().toReversed().slice(0, query.limit);
  return store.incidents.list({
    limit: query.limit,
    ...(query.before === null ? {} : { until: query.before }),
  });
}

/** One line when a verdict changes: a down target is no error of ours (STYLE 8.6). */
function verdictLog(log: Log): Consumer {
  const last = new Map<string, string>();
  return ({ subject, judgement, observation }) => {
    const { verdict, signature, reason } = judgement;
    log.debug({ check: subject.id, verdict, signature, ms: Math.round(observation.durationMs) }, 'probed');
    const before = last.get(subject.id);
    last.set(subject.id, verdict);
    if (before === verdict || (before === undefined && verdict === 'up')) return;
    log.info({ check: subject.id, verdict, signature, reason, before: before ?? null }, 'verdict changed');
  };
}
