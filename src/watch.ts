// Lifetime of one configuration: builds every stage from it, joins them, runs them, and takes them down. A reload
// is a new Watch on the same store: restart and reload are the same way back.

import type { Clock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import type { StallWatch } from './base/stall.ts';
import { VERSION } from './base/version.ts';
import { alertContext, describeIncident, textsOf } from './config/alert-text.ts';
import type { Config } from './config/config.ts';
import { type CertificateWatch, createCertificateWatch } from './correlate/certificates.ts';
import { type CorrelatorOptions, createCorrelator } from './correlate/correlator.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Subject } from './model/check.ts';
import type { Incident, IncidentEvent, ProberReason } from './model/incident.ts';
import type { ProbeOutcome, ProbeWish } from './model/probe-report.ts';
import type { ProbeResult, StoredResult } from './model/result.ts';
import type { GateStatus, Snapshot } from './model/snapshot.ts';
import type { FactKind, Knowledge, SignatureText } from './model/verdict.ts';
import { createDispatcher, type DispatcherOptions } from './notify/dispatcher.ts';
import { createHeartbeat, cycleFault, type Heartbeat } from './notify/heartbeat.ts';
import { type Blame, type Consumer, createBlame, createProbing, runSubject, USER_AGENT } from './pipeline.ts';
import { createOnDemand } from './schedule/on-demand.ts';
import { type Outpost, outpostsOf } from './schedule/outpost.ts';
import { plan, type Site } from './schedule/plan.ts';
import { createRequestBudgets } from './schedule/request-budget.ts';
import { createScheduler } from './schedule/scheduler.ts';
import { createSessionBudgets, type SessionBudgets } from './schedule/session-budget.ts';
import { createStrangers } from './schedule/strangers.ts';
import { spentKey } from './store/spent.ts';
import type { Store } from './store/store.ts';
import type { IncidentsQuery, IncidentText, ResultsQuery } from './web/reads.ts';
import { buildSnapshot } from './web/snapshot.ts';

/** Probes at the same time, at most; each holds one socket and the kept part of one body. */
const CONCURRENCY = 64;
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
  correlator: 'correlator',
  jars: 'jars',
  sessions: 'session-budgets',
  requests: 'request-budgets',
} as const;
/** Share of a gate's store that our own visits may be projected to fill before it is a warning (DESIGN 5). */
const STORE_SHARE = 0.8;

export interface WatchTools {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
  readonly metrics: Metrics;
  readonly stall: StallWatch;
  readonly demo: boolean;
  readonly about: () => Snapshot['config'];
}

export interface Watch {
  start(): void;
  /** Lets probes in flight end, writes what must last; on `exit` receivers are told to hold firing alerts. */
  stop(why: 'reload' | 'exit'): Promise<void>;
  snapshot(): Snapshot;
  results(query: ResultsQuery): readonly StoredResult[];
  incidents(query: IncidentsQuery): readonly Incident[];
  texts(id: string): SignatureText | null;
  summary(incident: Incident): IncidentText;
  /** Queues one probe beside the schedule. */
  runNow(check: string): 'queued' | 'no-budget' | 'unknown';
  /** Probes through the corridor and waits for the result. */
  probeNow(wish: ProbeWish): Promise<ProbeOutcome>;
  /** Tells that we cannot do part of our work; null when we can again. */
  finding(reason: ProberReason, detail: string | null): void;
  /** Whether it was started and not stopped. */
  isAlive(): boolean;
}

/**
 * Builds everything from a configuration; nothing runs before `start`. Long, because it is the wiring: every line joins
 * two rooms, and none decides anything.
 */
export function createWatch(config: Config, tools: WatchTools): Watch {
  const { clock, log, store, metrics } = tools;
  const startedAt = clock.now();
  const site: Site = { ...config, knowledge: store.facts };
  let subjects = plan(site);
  const saved = store.state.get(STATE.jars);
  const { stages, jars } = createProbing(config, { ...tools, knowledge: store.facts, jars: saved });
  const { sessions, requests } = createBudgets(site, config, tools);
  const save = (text: string): void => store.state.put(STATE.jars, text);
  const strangers = createStrangers({ clock, jars, sessions, save });
  const problem = (receiver: string, detail: string | null): void =>
    blame.find({ kind: 'prober', reason: 'delivery', name: receiver, detail });
  const dispatcher = createDispatcher(dispatcherOptions(config, tools, problem));
  const correlator = createCorrelator(correlatorOptions(config, tools, subjects));
  const checkpoint = (): void => store.state.put(STATE.correlator, correlator.checkpoint());
  const blame = createBlame({
    clock,
    correlator,
    record(events) {
      dispatcher.record(events, checkpoint);
      for (const event of events) logEvent(log, event);
    },
    want: (wanted) => scheduler.want(wanted),
  });
  const replan = later(clock, REPLAN_MS, () => {
    subjects = plan(site);
    scheduler.replace(subjects);
    blame.replace(subjects);
  });
  const { idle } = strangers;
  const demand = createOnDemand({ clock, sessions, requests, idle, want: (runs) => scheduler.want(runs) });
  const certificates = createCertificateWatch(config.alerts.certificateWarnMs);
  const consumers: readonly Consumer[] = [
    verdictLog(log),
    store.results.insert,
    metrics.observe,
    (result) => learn(result, store, replan.soon),
    (result) => strangers.settle(result, (check) => scheduler.want([{ check, notBefore: 0, why: 'cookie' }])),
    (result) => requests.charge(result.subject.path?.name ?? '', result.observation.exchanges.length - 1),
    (result) => hasJoined(result.subject, store.facts) && blame.accept(result),
    (result) => tellCertificate(certificates(result, clock.now()), blame),
    demand.accept,
  ];
  const scheduler = createScheduler({
    clock,
    random: Math.random,
    run: (subject, options, signal) =>
      demand.during(subject.id, () => runSubject(subject, options, { ...stages, consumers }, signal)),
    idle,
    sessions,
    requests,
    concurrency: CONCURRENCY,
    observe: metrics,
  });
  const snapshot = (): Snapshot =>
    buildSnapshot({
      at: clock.now(),
      startedAt,
      version: VERSION,
      vantage: config.vantage,
      demo: tools.demo,
      config: tools.about(),
      targets: config.targets,
      subjects,
      latest: store.results.latest(),
      schedule: (subject) => scheduler.status(subject.id),
      components: correlator.components(),
      gates: sessions.outposts.map((one) => gateStatus(one, sessions, strangers.seen(one.name))),
      incidents: correlator.incidents(),
      receivers: dispatcher.status(),
    });
  const heartbeat = heartbeatOf(config, tools, snapshot);
  let running = false;
  return {
    start() {
      running = true;
      scheduler.replace(subjects);
      blame.replace(subjects); // what a reload took away ends its incidents
      for (const outpost of sessions.outposts) {
        blame.find({ kind: 'budget', reason: null, name: outpost.name, detail: storeProjection(outpost) });
      }
      dispatcher.start();
      scheduler.start();
      heartbeat?.start();
      log.info({ targets: config.targets.length, checks: subjects.length }, 'configuration in force');
    },
    async stop(why) {
      if (!running) return;
      running = false;
      heartbeat?.stop();
      replan.cancel();
      demand.stop();
      await scheduler.stop(GRACE_MS);
      blame.stop();
      for (const keeper of [strangers, sessions, requests, store.results]) keeper.flush();
      checkpoint();
      await dispatcher.stop({ hold: why === 'exit' });
    },
    snapshot,
    results: (query) => store.results.query(storeQuery(query)),
    incidents: (query) => storedIncidents(store, query),
    texts: textsOf(config),
    summary: (incident) => describeIncident(incident, config),
    runNow(check) {
      const subject = subjects.find((one) => one.id === check);
      if (subject === undefined) return 'unknown';
      if (!canPay(subject, sessions)) return 'no-budget';
      scheduler.want([{ check: subject.id, notBefore: 0, why: 'run-now' }]);
      return 'queued';
    },
    probeNow: (wish) => demand.probe(wish, subjects),
    finding: (reason, detail) => blame.find({ kind: 'prober', reason, name: config.vantage, detail }),
    isAlive: () => running,
  };
}

function dispatcherOptions(
  config: Config,
  { clock, log, store, metrics }: WatchTools,
  problem: DispatcherOptions['problem'],
): DispatcherOptions {
  return {
    clock,
    log: log.child({ room: 'notify' }),
    random: Math.random,
    store,
    context: alertContext(config),
    receivers: config.receivers,
    watchdog: config.watchdog,
    userAgent: USER_AGENT,
    ca: config.ca,
    observe: { delivered: metrics.notified, failed: metrics.notificationFailed, queue: () => {} },
    problem,
  };
}

function correlatorOptions(
  config: Config,
  { clock, store }: WatchTools,
  subjects: readonly Subject[],
): CorrelatorOptions {
  return {
    subjects,
    vantage: config.vantage,
    startupGraceMs: config.alerts.startupGraceMs,
    seenUp: (target) => store.facts.get('seen-up', target) !== null,
    hasControls: config.controls.length > 0,
    checkpoint: store.state.get(STATE.correlator),
    random: Math.random,
    startedAt: { at: clock.now(), monotonicMs: clock.monotonic() },
  };
}

/** The heartbeat, where one is configured; the demo has none, whatever the file says (threats P6). */
function heartbeatOf(config: Config, tools: WatchTools, snapshot: () => Snapshot): Heartbeat | null {
  if (config.heartbeat === null || tools.demo) return null;
  const { clock, log } = tools;
  return createHeartbeat({
    ...config.heartbeat,
    userAgent: USER_AGENT,
    clock,
    log: log.child({ room: 'notify' }),
    fault: () => cycleFault(snapshot()),
  });
}

function tellCertificate(state: ReturnType<CertificateWatch>, blame: Blame): void {
  if (state !== null)
    blame.find({ kind: 'certificate', reason: null, name: state.name, detail: state.detail });
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

/**
 * A canary accuses nobody before its healthy answer was seen once (DESIGN 3): here it may never have one. Controls
 * are configured by name, and without them an uplink that is down from the start would be blamed on the site.
 */
function hasJoined(subject: Subject, facts: Knowledge): boolean {
  if (subject.kind === 'visit' || subject.canary === 'control') return true;
  return facts.get('canary', subject.id) !== null;
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
function later(clock: Clock, ms: number, run: () => void): { soon: () => void; cancel: () => void } {
  let pending: (() => void) | null = null;
  return {
    soon() {
      pending ??= clock.after(ms, () => {
        pending = null;
        run();
      });
    },
    cancel() {
      pending?.();
      pending = null;
    },
  };
}

/** Why the outpost's store is in danger by our own visits, or null. */
function storeProjection(outpost: Outpost): string | null {
  if (outpost.storeSessions === null || outpost.allowedPerMinute === null) return null;
  const held = Math.round(
    (Math.min(outpost.allowedPerMinute, outpost.wantedPerMinute) * outpost.lifetimeMs) / 60_000,
  );
  if (held <= STORE_SHARE * outpost.storeSessions) return null;
  return `our own fresh visits would hold ${held} of the ${outpost.storeSessions} sessions that the store of ${outpost.name} has room for`;
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

function logEvent(log: Log, { type, incident }: IncidentEvent): void {
  const { id, kind, blame, reason, signature, targets, probability } = incident;
  log.info(
    {
      incident: id,
      event: type,
      kind,
      blame: blame?.id ?? null,
      reason,
      signature,
      targets: targets.length,
      probability,
    },
    'incident',
  );
}
