// What /metrics says: series of the live state, zeros up front, nothing of what is gone or unknown.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CATALOGUE, type MetricText } from '../../../src/metrics/catalogue.ts';
import { createMetrics } from '../../../src/metrics/metrics.ts';
import { type Canary, canaryId } from '../../../src/model/check.ts';
import { component } from '../../../src/model/component.ts';
import type { NetworkPath, PathName } from '../../../src/model/network-path.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { exchange, probeResult } from '../../support/probe-result.ts';
import { allWell, INCIDENT, NOW, sessionsFull, snapshotOf } from '../../support/web-snapshot.ts';

/** Lines of one metric. */
async function series(metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> {
  const lines = (await metrics.text()).split('\n');
  return lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
}

function boundTo(snapshot: Snapshot, storeBytes?: () => number): ReturnType<typeof createMetrics> {
  const metrics = createMetrics();
  metrics.bind(() => snapshot, storeBytes);
  return metrics;
}

test('the catalogue is the golden one', () => {
  const lines = Object.entries<MetricText>(CATALOGUE).map(
    ([name, { type, labels, help }]) => `${name}{${labels.join(',')}} ${type}: ${help}`,
  );
  expect(`${lines.join('\n')}\n`).toBe(readFileSync('test/fixtures/metrics.txt', 'utf8'));
});

test('every help is a sentence', () => {
  for (const [name, { help }] of Object.entries(CATALOGUE)) expect(help, name).toMatch(/^[A-Z].*[^.]\.$/);
});

describe('checks', () => {
  test('are 1 while up or degraded, 0 while down, absent while unknown or never run', async () => {
    const verdicts = { ci: 'down', git: 'degraded', wiki: 'unknown', mail: null } as const;
    const metrics = boundTo(
      snapshotOf({
        verdict: (_visit, _path, target) => {
          const name = target.split('.')[0] as keyof typeof verdicts;
          return name in verdicts ? verdicts[name] : 'up';
        },
      }),
    );
    const up = await series(metrics, 'gatewatch_check_up');
    const of = (name: string) => up.filter((line) => line.includes(`target="${name}.example.com"`));
    expect(of('ci')).toContain('gatewatch_check_up{target="ci.example.com",path="cdn",visit="fresh"} 0');
    expect(of('git')).toContain(
      'gatewatch_check_up{target="git.example.com",path="origin",visit="return"} 1',
    );
    expect([of('wiki'), of('mail')]).toEqual([[], []]);
    const ran = await series(metrics, 'gatewatch_check_last_run_timestamp_seconds');
    expect(ran.some((line) => line.includes('wiki.') && line.endsWith(` ${(NOW - 22_000) / 1000}`))).toBe(
      true,
    );
    expect(ran.some((line) => line.includes('mail.'))).toBe(false);
  });

  test('of removed targets leave no series', async () => {
    let snapshot = allWell();
    const metrics = createMetrics();
    metrics.bind(() => snapshot);
    metrics.observe(probeResult({ at: NOW, exchanges: [withCertificate(NOW + 1_000)] }));
    expect(await metrics.text()).toContain('grafana.example.com');
    expect(await series(metrics, 'gatewatch_certificate_not_after_timestamp_seconds')).toHaveLength(1);
    const isGone = (id: string): boolean => id.includes('grafana');
    snapshot = { ...snapshot, checks: snapshot.checks.filter((check) => !isGone(check.id)) };
    expect(await metrics.text()).not.toContain('grafana.example.com');
    expect(await series(metrics, 'gatewatch_certificate_not_after_timestamp_seconds')).toEqual([]);
  });
});

describe('probes', () => {
  test('are counted by path and visit, failures by signature, from zero on', async () => {
    const metrics = boundTo(allWell());
    expect(await series(metrics, 'gatewatch_probes_total')).toContain(
      'gatewatch_probes_total{path="cdn",visit="return"} 0',
    );
    metrics.observe(probeResult({ at: NOW }));
    metrics.observe(probeResult({ at: NOW, verdict: 'down', signature: 'gate-no-session' }));
    metrics.observe(probeResult({ at: NOW, verdict: 'unknown', signature: 'path-not-taken' }));
    metrics.observe(probeResult({ at: NOW, verdict: 'degraded' }));
    expect(await series(metrics, 'gatewatch_probes_total')).toContain(
      'gatewatch_probes_total{path="cdn",visit="fresh"} 4',
    );
    expect(await series(metrics, 'gatewatch_probe_failures_total')).toEqual([
      'gatewatch_probe_failures_total{path="cdn",visit="fresh",signature="gate-no-session"} 1',
      'gatewatch_probe_failures_total{path="cdn",visit="fresh",signature="path-not-taken"} 1',
    ]);
  });

  test('count requests a path, hops included and undialled ones not', async () => {
    const metrics = boundTo(allWell());
    metrics.observe(
      probeResult({ at: NOW, exchanges: [exchange(), exchange(), exchange({ remote: null })] }),
    );
    expect(await series(metrics, 'gatewatch_path_requests_total')).toContain(
      'gatewatch_path_requests_total{path="cdn"} 2',
    );
  });

  test('observe the phases that were reached, in seconds', async () => {
    const metrics = boundTo(allWell());
    metrics.observe(probeResult({ at: NOW }));
    const counts = await series(metrics, 'gatewatch_probe_phase_seconds_count');
    expect(counts.sort()).toEqual([
      'gatewatch_probe_phase_seconds_count{path="cdn",phase="connect"} 1',
      'gatewatch_probe_phase_seconds_count{path="cdn",phase="first_byte"} 1',
      'gatewatch_probe_phase_seconds_count{path="cdn",phase="tls"} 1',
      'gatewatch_probe_phase_seconds_count{path="cdn",phase="transfer"} 1',
    ]);
    const sums = await series(metrics, 'gatewatch_probe_phase_seconds_sum');
    expect(sums).toContain('gatewatch_probe_phase_seconds_sum{path="cdn",phase="first_byte"} 0.02004');
  });

  test('that were skipped and late are counted', async () => {
    const metrics = boundTo(allWell());
    metrics.skipped(probeResult({ at: NOW }).subject, 'no-token');
    metrics.lag(0.02);
    expect(await series(metrics, 'gatewatch_probe_skips_total')).toEqual([
      'gatewatch_probe_skips_total{path="cdn",visit="fresh",reason="no-token"} 1',
    ]);
    expect(await series(metrics, 'gatewatch_scheduler_lag_seconds_count')).toEqual([
      'gatewatch_scheduler_lag_seconds_count 1',
    ]);
  });
});

const withCertificate = (notAfter: number) =>
  exchange({
    tls: {
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_128_GCM_SHA256',
      matchedName: '*.example.com',
      issuer: 'Example CA',
      notBefore: 0,
      notAfter,
      fingerprint: 'ab',
    },
  });

test('certificates show the earliest end by name and path, and never a later hop of another host', async () => {
  const metrics = boundTo(allWell());
  metrics.observe(probeResult({ at: NOW, exchanges: [withCertificate(2_000_000), withCertificate(1_000)] }));
  metrics.observe(
    probeResult({ at: NOW, host: 'wiki.example.com', exchanges: [withCertificate(1_500_000)] }),
  );
  expect(await series(metrics, 'gatewatch_certificate_not_after_timestamp_seconds')).toEqual([
    'gatewatch_certificate_not_after_timestamp_seconds{certificate="*.example.com@cdn"} 1500',
  ]);
});

test('a canary shows with the component it separates once it ran', async () => {
  const metrics = boundTo(allWell());
  expect(await series(metrics, 'gatewatch_canary_up')).toEqual([]);
  const canary: Canary = {
    kind: 'canary',
    id: canaryId('gate-ping', null, 'embedded'),
    canary: 'gate-ping',
    name: 'embedded',
    about: component('gate', 'embedded').id,
    path: { name: 'cdn' as PathName } as NetworkPath,
    gate: null,
    url: 'https://grafana.example.com/outpost.goauthentik.io/ping',
    links: [],
    everyMs: 60_000,
    timeoutMs: 10_000,
  };
  metrics.observe({ ...probeResult({ at: NOW }), subject: canary });
  expect(await series(metrics, 'gatewatch_canary_up')).toEqual([
    'gatewatch_canary_up{canary="gate-ping",component="gate",name="embedded"} 1',
  ]);
  expect(await series(metrics, 'gatewatch_probes_total')).toContain(
    'gatewatch_probes_total{path="cdn",visit="canary"} 1',
  );
});

describe('incidents', () => {
  test('count at their component, which is there with 0 before', async () => {
    const at = async (snapshot: Snapshot) => series(boundTo(snapshot), 'gatewatch_incident_active');
    expect(await at(allWell())).toContain(
      'gatewatch_incident_active{component="gate-sessions",name="embedded"} 0',
    );
    expect(await at(sessionsFull())).toContain(
      'gatewatch_incident_active{component="gate-sessions",name="embedded"} 1',
    );
  });

  test.each([
    ['unmodelled', { kind: 'shared', blame: null }, 'component="unmodelled",name=""'],
    [
      'of the prober',
      { kind: 'prober', blame: null, reason: 'path-not-taken' },
      'component="prober",name="path-not-taken"',
    ],
  ] as const)('%s go by their kind', async (_name, part, labels) => {
    const snapshot = { ...allWell(), incidents: [{ ...INCIDENT, ...part }] };
    expect(await series(boundTo(snapshot), 'gatewatch_incident_active')).toContain(
      `gatewatch_incident_active{${labels}} 1`,
    );
  });
});

test('gates, receivers, configuration and store come from the live state', async () => {
  const snapshot = snapshotOf({ verdict: () => 'up', configError: 'line 3: bad' });
  const metrics = boundTo(snapshot, () => 4096);
  metrics.notified('am');
  metrics.notificationFailed('phone', 'timeout');
  const text = await metrics.text();
  for (const line of [
    'gatewatch_sessions_created_total{gate="embedded"} 712',
    'gatewatch_sessions_seen_total{gate="embedded"} 698',
    'gatewatch_sessions_held{gate="embedded"} 1604',
    `gatewatch_session_budget_per_second{gate="embedded"} ${1 / 6 / 60}`,
    'gatewatch_notifications_total{receiver="am"} 1',
    'gatewatch_notifications_total{receiver="phone"} 0',
    'gatewatch_notification_failures_total{receiver="phone",reason="timeout"} 1',
    'gatewatch_notification_queue_length{receiver="am"} 0',
    'gatewatch_config_last_reload_successful 0',
    `gatewatch_config_last_reload_success_timestamp_seconds ${snapshot.config.loadedAt / 1000}`,
    'gatewatch_store_size_bytes 4096',
    'gatewatch_demo 0',
    `gatewatch_build_info{version="0.1.0",node_version="${process.versions.node}"} 1`,
    'gatewatch_component_suspicion{component="gate-sessions",name="embedded"} 0.002',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});

test('what nobody told is absent, not zero', async () => {
  const metrics = createMetrics();
  expect(await series(metrics, 'gatewatch_config_last_reload_successful')).toEqual([]);
  metrics.bind(allWell);
  expect(await series(metrics, 'gatewatch_store_size_bytes')).toEqual([]);
});

test('two sets of metrics do not share anything', async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.notified('am');
  expect(await series(other, 'gatewatch_notifications_total')).toEqual([]);
});
