// What one result costs in each room, side by side in one run: read the ratios, not the absolute numbers.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { createClassifier } from '../../src/classify/classifier.ts';
import { createCorrelator } from '../../src/correlate/correlator.ts';
import { createMetrics } from '../../src/metrics/metrics.ts';
import { plan } from '../../src/schedule/plan.ts';
import { openStore } from '../../src/store/store.ts';
import { nothingKnown, plannedSite } from '../support/planned-site.ts';
import { probeResult } from '../support/probe-result.ts';

const HOSTS = ['grafana', 'wiki', 'git', 'photos'].map((name) => `${name}.example.com`);
let turn = 0;
const nextResult = () => {
  turn += 1;
  return probeResult({ at: Date.UTC(2026, 3, 16) + turn * 50, host: HOSTS[turn % HOSTS.length]! });
};

test('one result, room by room', { timeout: 120_000 }, async ({ bench }) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewatch-bench-'));
  const store = openStore({
    file: join(folder, 'gatewatch.db'),
    clock: systemClock,
    log: silentLog(),
    resultsMs: 86_400_000,
    rollupsMs: 86_400_000,
    maxBytes: 2 ** 31,
  });
  process.once('exit', () => {
    store[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const metrics = createMetrics();
  const site = plannedSite({ hosts: 300 });
  const subjects = plan(site);
  const classifier = createClassifier({
    ...site,
    signatures: [],
    knowledge: nothingKnown,
    certificateWarnMs: 0,
  });
  const correlator = createCorrelator({
    subjects,
    vantage: 'here',
    startupGraceMs: 0,
    seenUp: () => true,
    hasControls: true,
    checkpoint: null,
    random: Math.random,
    startedAt: { at: 0, monotonicMs: 0 },
  });

  await bench.compare(
    bench('classify', () => {
      const { observation, at } = nextResult();
      classifier.classify(subjects[turn % 100]!, observation, at);
    }),
    bench('store (batched by 100)', () => {
      store.results.insert(nextResult());
      if (turn % 100 === 0) store.results.flush();
    }),
    bench('store (one by one)', () => {
      store.results.insert(nextResult());
      store.results.flush();
    }),
    bench('metrics', () => {
      metrics.observe(nextResult());
    }),
    bench('correlate (300 targets, healthy)', () => {
      turn += 1;
      const subject = subjects[turn % subjects.length]!;
      const healthy = { verdict: 'up', signature: null, pointsAt: [], extra: false } as const;
      correlator.accept({ check: subject.id, at: turn * 50, monotonicMs: turn * 50, ...healthy });
    }),
  );
});

test('one plan', { timeout: 120_000 }, async ({ bench }) => {
  const small = plannedSite({ hosts: 100 });
  const large = plannedSite({ hosts: 1000 });
  await bench.compare(
    bench('100 targets', () => {
      plan(small);
    }),
    bench('1000 targets', () => {
      plan(large);
    }),
  );
});
