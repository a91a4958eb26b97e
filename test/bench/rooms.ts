// CPU of one result room by room, in this process: where the part of a probe goes that is no network.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { createClassifier } from '../../src/classify/classifier.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { plan } from '../../src/schedule/plan.ts';
import { openStore } from '../../src/store/store.ts';
import { nothingKnown, plannedSite } from '../support/planned-site.ts';
import { probeResult } from '../support/probe-result.ts';
import { type Row, row } from './row.ts';
import { correlatorOf } from './schedule.ts';

const RESULTS = 20_000;
const HOSTS = ['grafana', 'wiki', 'git', 'photos'].map((name) => `${name}.example.com`);
const FIRST_AT = Date.UTC(2026, 3, 16);

/** Microseconds a result of each room; the last row is the making of the results, which is in every other row. */
export function measureRooms(): Row[] {
  const site = plannedSite({ hosts: 300 });
  const subjects = plan(site);
  const subjectOf = (index: number) => subjects[index % subjects.length]!;
  const classifier = createClassifier({
    ...site,
    signatures: [],
    knowledge: nothingKnown,
    certificateWarnMs: 0,
  });
  const metrics = createMetrics();
  const correlator = correlatorOf(subjects);
  const folder = mkdtempSync(join(tmpdir(), 'gatewatch-bench-'));
  const store = openStore({
    file: join(folder, 'gatewatch.db'),
    clock: systemClock,
    log: silentLog(),
    resultsMs: 86_400_000,
    rollupsMs: 86_400_000,
    maxBytes: 2 ** 31,
  });
  const healthy = { verdict: 'up', signature: null, pointsAt: [], extra: false } as const;
  try {
    return [
      timed('classify', (index) => {
        const { observation, at } = resultOf(index);
        classifier.classify(subjectOf(index % 100), observation, at);
      }),
      timed('store', (index) => store.results.insert(resultOf(index))),
      timed('metrics', (index) => metrics.observe(resultOf(index))),
      timed('correlate (300 targets, healthy)', (index) => {
        correlator.accept({
          check: subjectOf(index).id,
          at: index * 50,
          monotonicMs: index * 50,
          ...healthy,
        });
      }),
      timed('a result made up, in the rows above', (index) => void resultOf(index)),
    ];
  } finally {
    store[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  }
}

function resultOf(index: number) {
  return probeResult({ at: FIRST_AT + index * 50, host: HOSTS[index % HOSTS.length]! });
}

/** CPU of all threads, the second time round: the first one is for the compiler. */
function timed(room: string, one: (index: number) => void): Row {
  for (let index = 0; index < RESULTS; index += 1) one(index);
  const before = process.cpuUsage();
  for (let index = RESULTS; index < 2 * RESULTS; index += 1) one(index);
  const { user, system } = process.cpuUsage(before);
  return row(`room: ${room}`, (user + system) / RESULTS, 'µs');
}
