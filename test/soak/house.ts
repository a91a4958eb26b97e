// The house on a virtual clock: real plan, scheduler, budgets, correlator, corridor's end and dispatcher, with a webhook
// to a real desk. Only the network is simulated: what a probe shows is asked of the faults. What outlives a process is
// kept here as the store would keep it, so that the house can be stopped, or cut off in the middle, and built again.

import { type Clock, sleep } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { alertContext } from '../../src/config/alert-text.ts';
import type { Config } from '../../src/config/config.ts';
import { createCorrelator } from '../../src/correlate/correlator.ts';
import type { Subject } from '../../src/model/check.ts';
import type { Incident } from '../../src/model/incident.ts';
import type { ProbeResult } from '../../src/model/result.ts';
import type { Knowledge, SignatureId } from '../../src/model/verdict.ts';
import { createDispatcher } from '../../src/notify/dispatcher.ts';
import type { DispatcherStore } from '../../src/notify/dispatcher-store.ts';
import { createBlame } from '../../src/pipeline.ts';
import { outpostsOf } from '../../src/schedule/outpost.ts';
import { plan } from '../../src/schedule/plan.ts';
import { createRequestBudgets } from '../../src/schedule/request-budget.ts';
import { createScheduler } from '../../src/schedule/scheduler.ts';
import { createSessionBudgets } from '../../src/schedule/session-budget.ts';
import type { Showing } from '../support/simulator.ts';

/** What survives a process: state by key, incidents, and deliveries. */
export interface Disk extends DispatcherStore {
  readonly state: Map<string, string>;
  /** Targets that were up at least once. */
  readonly seenUp: Set<string>;
  readonly queued: () => number;
}

type Row = { id: number; receiver: string; incident: string; body: string; queuedAt: number };
type Accepted = { receiver: string; incident: string; body: string; acceptedAt: number };

/** An empty disk that loses nothing; what is read back is a copy, as from a file. */
export function createDisk(): Disk {
  const incidents = new Map<string, Incident>();
  const outbox = new Map<number, Row>();
  const accepted = new Map<string, Accepted>();
  let lastId = 0;
  return {
    state: new Map(),
    seenUp: new Set(),
    queued: () => outbox.size,
    transaction: (run) => run(),
    incidents: {
      save: (incident) => void incidents.set(incident.id, structuredClone(incident)),
      get: (id) => structuredClone(incidents.get(id)) ?? null,
      open: () => structuredClone([...incidents.values()].filter(({ state }) => state !== 'resolved')),
    },
    outbox: {
      nextId: (at) => {
        lastId = Math.max(lastId + 1, at * 1024);
        return lastId;
      },
      queued: () => [...outbox.values()].sort((a, b) => a.id - b.id),
      accepted: () => [...accepted.values()],
      put: (row) => void outbox.set(row.id, row),
      remove: (id) => void outbox.delete(id),
      accept: (row) => void accepted.set(`${row.receiver} ${row.incident}`, row),
      forget: (receiver, incident) => void accepted.delete(`${receiver} ${incident}`),
    },
  };
}

export interface House {
  readonly subjects: readonly Subject[];
  probes(): number;
  /** Sessions made by this process. */
  sessions(): number;
  tokens(): number;
  /** As SIGTERM. */
  stop(): Promise<void>;
  /** As SIGKILL: nothing more happens, nothing is written. */
  cut(): void;
}

export interface HouseOptions {
  readonly config: Config;
  readonly knowledge: Knowledge;
  readonly clock: Clock;
  readonly disk: Disk;
  readonly random: () => number;
  readonly show: (subject: Subject) => Showing;
}

/** A time-out or a refusal differ in how long they take, ms. */
const LATENCY = { least: 20, most: 400, timeout: 9_900 };

/** Builds it on what the disk holds, and starts it. */
export function startHouse(options: HouseOptions): House {
  const { config, knowledge, disk, random } = options;
  const clock = cuttable(options.clock);
  const site = { ...config, knowledge };
  const subjects = plan(site);
  const keeping = (key: string) => ({
    saved: disk.state.get(key) ?? null,
    save: (text: string) => void disk.state.set(key, text),
  });
  const sessions = createSessionBudgets({ outposts: outpostsOf(site), clock, ...keeping('sessions') });
  const requests = createRequestBudgets({ paths: config.paths, clock, ...keeping('requests') });
  const correlator = createCorrelator({
    subjects,
    vantage: config.vantage,
    startupGraceMs: config.alerts.startupGraceMs,
    seenUp: (target) => disk.seenUp.has(target),
    hasControls: config.controls.length > 0,
    checkpoint: disk.state.get('correlator') ?? null,
    random,
    startedAt: { at: clock.now(), monotonicMs: clock.monotonic() },
  });
  const checkpoint = (): void => void disk.state.set('correlator', correlator.checkpoint());
  const dispatcher = createDispatcher({
    clock,
    log: silentLog(),
    random,
    store: disk,
    context: alertContext(config),
    receivers: config.receivers,
    watchdog: false,
    userAgent: 'gatewatch/soak',
    ca: [],
    observe: { delivered: () => {}, failed: () => {}, queue: () => {} },
    problem: (receiver, detail) => blame.find({ kind: 'prober', reason: 'delivery', name: receiver, detail }),
  });
  const blame = createBlame({
    clock,
    correlator,
    record: (events) => dispatcher.record(events, checkpoint),
    want: (wanted) => scheduler.want(wanted),
  });
  let probes = 0;
  const scheduler = createScheduler({
    clock,
    random,
    idle: () => null,
    sessions,
    requests,
    concurrency: 64,
    observe: { lag: () => {}, skipped: () => {} },
    async run(subject, { extra }, signal) {
      probes += 1;
      const at = clock.now();
      const showing = options.show(subject);
      const durationMs = latencyMs(showing, random);
      await sleep(clock, durationMs, signal);
      if (signal.aborted || clock.isCut()) return;
      if (showing.verdict === 'up' && subject.kind === 'visit') disk.seenUp.add(subject.target.id);
      blame.accept(resultOf(subject, showing, { at, monotonicMs: clock.monotonic(), durationMs, extra }));
    },
  });
  scheduler.replace(subjects);
  blame.replace(subjects);
  dispatcher.start();
  scheduler.start();
  return {
    subjects,
    probes: () => probes,
    sessions: () => sessions.outposts.reduce((sum, { name }) => sum + sessions.created(name), 0),
    tokens: () => Math.min(...sessions.outposts.map(({ name }) => sessions.tokens(name))),
    async stop() {
      await scheduler.stop(2_000);
      blame.stop();
      for (const keeper of [sessions, requests]) keeper.flush();
      checkpoint();
      await dispatcher.stop({ hold: true });
      clock.cut();
    },
    cut: () => clock.cut(),
  };
}

function latencyMs({ signature }: Showing, random: () => number): number {
  if (signature === 'timeout' || signature === 'connect-timeout') return LATENCY.timeout;
  return LATENCY.least + random() * (LATENCY.most - LATENCY.least);
}

/** As much of a result as the end of the corridor reads. */
function resultOf(
  subject: Subject,
  { verdict, signature, pointsAt }: Showing,
  when: { at: number; monotonicMs: number; durationMs: number; extra: boolean },
): ProbeResult {
  const { at, monotonicMs, durationMs, extra } = when;
  return {
    subject,
    at,
    monotonicMs,
    extra,
    observation: {
      startedAt: at,
      durationMs,
      exchanges: [],
      stop: 'answer',
      error: null,
      flow: null,
      secrets: [],
    },
    judgement: {
      verdict,
      signature: signature as SignatureId | null,
      pointsAt,
      reason: '',
      handover: null,
      sessionsSeen: 0,
      cookieLost: false,
      learned: [],
    },
  } as ProbeResult;
}

/** A clock of one process: its monotonic time begins anew, and after `cut` no timer of it fires. */
function cuttable(clock: Clock): Clock & { cut(): void; isCut(): boolean } {
  const begun = clock.monotonic();
  let isCut = false;
  return {
    now: clock.now,
    monotonic: () => 1_000 + clock.monotonic() - begun,
    after: (ms, callback) =>
      clock.after(ms, () => {
        if (!isCut) callback();
      }),
    cut: () => {
      isCut = true;
    },
    isCut: () => isCut,
  };
}
