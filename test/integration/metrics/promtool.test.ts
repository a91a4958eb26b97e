// Prometheus' own linter reads our text.

import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { createMetrics } from '../../../src/metrics/metrics.ts';
import { exchange, probeResult } from '../../support/probe-result.ts';
import { NOW, sessionsFull } from '../../support/web-snapshot.ts';

const promtool = (text: string) =>
  spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8', timeout: 30_000 });

test('promtool check metrics has no complaint', async () => {
  const metrics = createMetrics();
  metrics.bind(sessionsFull, () => 4096);
  metrics.observe(
    probeResult({ at: NOW, verdict: 'down', signature: 'gate-no-session', exchanges: [exchange()] }),
  );
  metrics.skipped(probeResult({ at: NOW }).subject, 'no-token');
  metrics.lag(0.1);
  metrics.notified('am');
  metrics.notificationFailed('am', 'timeout');
  const { status, stdout, stderr } = promtool(await metrics.text());
  expect({ status, output: stdout + stderr }).toEqual({ status: 0, output: '' });
});

test('promtool does complain when there is something', () => {
  expect(promtool('some_total 1\n').stderr).toContain('no help text');
});
