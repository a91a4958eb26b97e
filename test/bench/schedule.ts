// What scheduling costs with thousands of targets: how late runs start, how long a plan and a reload take, and how
// many bytes a check holds. A prober that only waits stands for the network, so that nothing else is measured.

import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sleep, systemClock } from '../../src/base/clock.ts';
import { createCorrelator } from '../../src/correlate/correlator.ts';
import type { Subject } from '../../src/model/check.ts';
import { outpostsOf } from '../../src/schedule/outpost.ts';
import { plan, type Site } from '../../src/schedule/plan.ts';
import { createRequestBudgets } from '../../src/schedule/request-budget.ts';
import { createScheduler, type Scheduler } from '../../src/schedule/scheduler.ts';
import { createSessionBudgets } from '../../src/schedule/session-budget.ts';
import { plannedSite } from '../support/planned-site.ts';
import { type Row, row } from './row.ts';

const TARGETS = 5_000;
const EVERY_MS = 20_000;
/** What a probe takes on its way. */
const PROBE_MS = 50;
/** How long lag is measured, after one interval in which everything was seen once. */
const MEASURED_MS = 20_000;
/** Most that one step of a reload may hold up the event loop, ms. */
const STALL_MS = 250;

/** Rows about the schedule; takes about 45 s. */
export async function measureSchedule(): Promise<Row[]> {
  const site = siteOf(TARGETS);
  const planned = cpuOf(() => plan(site));
  const heap = heapOf(() => plan(siteOf(TARGETS)));
  const subjects = planned.result;
  const believed = heapOf(() => correlatorOf(subjects));
  const judged = correlatorOf(subjects);
  const replaced = cpuOf(() => judged.replace(subjects, { at: 0, monotonicMs: 0 }));
  return [
    row(`plan of ${TARGETS} targets, CPU`, planned.ms, 'ms', STALL_MS),
    row('the same again in the correlator, CPU', replaced.ms, 'ms', STALL_MS),
    row('heap of a plan, a check', heap / subjects.length, 'B'),
    row('heap of the evidence, a check', believed / subjects.length, 'B'),
    ...(await measureLag(site, subjects)),
  ];
}

async function measureLag(site: Site, subjects: readonly Subject[]): Promise<Row[]> {
  const lags: number[] = [];
  let runs = 0;
  const before = usedHeap();
  const scheduler = schedulerOf(site, {
    lag: (seconds) => void lags.push(seconds * 1000),
    run() {
      runs += 1;
    },
  });
  const replaced = cpuOf(() => scheduler.replace(subjects));
  const bytes = usedHeap() - before;
  const keepAlive = setInterval(() => undefined, 1_000);
  scheduler.start();
  await sleep(systemClock, EVERY_MS);
  lags.length = 0;
  runs = 0;
  const cpu = process.threadCpuUsage();
  await sleep(systemClock, MEASURED_MS);
  const spent = process.threadCpuUsage(cpu);
  const again = cpuOf(() => scheduler.replace(subjects));
  await scheduler.stop(1_000);
  clearInterval(keepAlive);
  const sorted = lags.toSorted((a, b) => a - b);
  return [
    row('reload of the scheduler while it runs, CPU', Math.max(replaced.ms, again.ms), 'ms', STALL_MS),
    row('heap of the scheduler, a check', bytes / subjects.length, 'B'),
    row(`starts a second, ${TARGETS} targets every 20 s`, (runs / MEASURED_MS) * 1000, '/s'),
    row('CPU of one start', (spent.user + spent.system) / Math.max(1, runs), 'us'),
    row('scheduling lag p50', quantile(sorted, 0.5), 'ms'),
    row('scheduling lag p99', quantile(sorted, 0.99), 'ms', 100),
  ];
}

function siteOf(hosts: number): Site {
  return plannedSite({ hosts, more: `checks: { return: { every: ${EVERY_MS}ms } }\ncanaries: none` });
}

/** A correlator of these subjects that has seen nothing. */
export function correlatorOf(subjects: readonly Subject[]) {
  return createCorrelator({
    subjects,
    vantage: 'here',
    startupGraceMs: 0,
    seenUp: () => true,
    hasControls: true,
    checkpoint: null,
    random: Math.random,
    startedAt: { at: 0, monotonicMs: 0 },
  });
}

/** A scheduler whose every target has its cookie: the state in which a daemon spends its life. */
function schedulerOf(
  site: Site,
  observe: { readonly lag: (seconds: number) => void; readonly run: () => void },
): Scheduler {
  const levels = { clock: systemClock, saved: null, save: () => {} };
  return createScheduler({
    clock: systemClock,
    random: Math.random,
    sessions: createSessionBudgets({ outposts: outpostsOf(site), ...levels }),
    requests: createRequestBudgets({ paths: site.paths, ...levels }),
    concurrency: 384,
    idle: () => null,
    observe: { lag: observe.lag, skipped: () => {} },
    async run(_subject, _options, signal) {
      observe.run();
      await sleep(systemClock, PROBE_MS, signal);
    },
  });
}

function cpuOf<Result>(work: () => Result): { result: Result; ms: number } {
  const before = process.threadCpuUsage();
  const result = work();
  const { user, system } = process.threadCpuUsage(before);
  return { result, ms: (user + system) / 1000 };
}

/** Bytes that what is made holds. */
function heapOf(make: () => unknown): number {
  const before = usedHeap();
  const made = make();
  const bytes = usedHeap() - before;
  return made === null ? 0 : bytes;
}

function usedHeap(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  runInNewContext('gc')();
  const { used_heap_size: used, external_memory: external } = getHeapStatistics();
  return used + external;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
