// The real Alertmanager, with a webhook that counts what people would get: one notification for one incident and one
// for its end, whatever happens to us or to the Alertmanager in between.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Incident, IncidentEvent } from '../../../src/model/incident.ts';
import { startDispatcher } from '../../support/dispatcher.ts';
import { incident } from '../../support/incident.ts';
import { realAlertmanager } from '../../support/real-alertmanager.ts';
import { type Received, receiver } from '../../support/receiver.ts';
import { waitFor } from '../../support/wait.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatewatch-notify-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const event = (type: IncidentEvent['type'], part: Partial<Incident> = {}): IncidentEvent => {
  const at = Date.now();
  return { type, at, incident: incident({ startedAt: at - 60_000, openedAt: at, ...part }) };
};
const am = (url: string) => [{ name: 'am', kind: 'alertmanager', urls: [url] }];
const statuses = (requests: readonly Received[]): string[] => requests.map(({ body }) => body.status);

test('one notification for the incident, none for its growth and a restart, one for its end', async () => {
  await using pager = await receiver();
  await using alertmanager = await realAlertmanager(pager.url);
  const opened = event('opened');
  {
    await using first = startDispatcher(folder, am(alertmanager.url));
    first.dispatcher.record([opened]);
    await pager.until((requests) => requests.length === 1);
    first.dispatcher.record([
      event('updated', { ...opened.incident, targets: ['a.example.com', 'b.example.com', 'c.example.com'] }),
    ]);
    await waitFor('the growth', async () =>
      (await alertmanager.alerts())[0]?.annotations.targets.includes('c.example.com'),
    );
  }
  const [held] = await alertmanager.alerts();
  expect(Date.parse(held.endsAt) - Date.now()).toBeGreaterThan(10 * 60_000);
  {
    await using second = startDispatcher(folder, am(alertmanager.url));
    expect(second.store.incidents.open().map((one) => one.labels?.['alertname'])).toEqual([
      'GatewatchSharedFault',
    ]);
    const resolvedAt = Date.now();
    await waitFor('the resend', () => second.dispatcher.status()[0]?.lastDeliveryAt !== null);
    second.dispatcher.record([event('resolved', { ...opened.incident, state: 'resolved', resolvedAt })]);
    await pager.until((requests) => requests.length === 2);
    expect(second.observed.failed).toEqual([]);
  }
  expect(statuses(pager.requests)).toEqual(['firing', 'resolved']);
  const [firing, resolved] = pager.requests.map(({ body }) => body.alerts[0]);
  expect(firing.labels).toEqual({
    alertname: 'GatewatchSharedFault',
    severity: 'critical',
    component: 'gate-sessions',
    name: 'embedded',
  });
  // Alertmanager writes times without trailing zeros: compare moments, not their text.
  expect(Date.parse(firing.startsAt)).toBe(opened.incident.startedAt);
  expect(resolved.startsAt).toBe(firing.startsAt);
  expect(resolved.annotations.summary).toContain('Over after');
});

test('an Alertmanager that is away gets its alerts when it returns', async () => {
  await using pager = await receiver();
  await using alertmanager = await realAlertmanager(pager.url);
  await alertmanager.stop();
  await using running = startDispatcher(folder, am(alertmanager.url));
  running.dispatcher.record([event('opened')]);
  await waitFor('a failure', () => running.observed.failed.includes('am connection'));
  expect(running.dispatcher.status()).toMatchObject([
    { queued: 1, lastError: 'connection', lastDeliveryAt: null },
  ]);
  await alertmanager.start();
  await pager.until((requests) => requests.length === 1);
  await waitFor('an empty queue', () => running.dispatcher.status()[0]?.queued === 0);
  expect(running.observed.delivered).toEqual(['am']);
});

test('a service taken over ends in the same request in which the shared fault opens', async () => {
  await using pager = await receiver();
  await using alertmanager = await realAlertmanager(pager.url);
  await using running = startDispatcher(folder, am(alertmanager.url));
  const service = { id: 'i1', kind: 'service', blame: null, targets: ['grafana.example.com'] } as const;
  running.dispatcher.record([event('opened', service)]);
  await pager.until((requests) => requests.length === 1);
  running.dispatcher.record([
    event('opened', { id: 'i2' }),
    event('resolved', { ...service, state: 'resolved', resolvedAt: Date.now(), supersededBy: 'i2' }),
  ]);
  await pager.until((requests) => requests.length === 3);
  const ended = pager.requests.find(({ body }) => body.status === 'resolved')?.body.alerts[0];
  expect(ended.labels.alertname).toBe('GatewatchServiceDown');
  expect(ended.annotations.superseded_by).toBe('i2');
});

test('a test alert tells which receivers it reaches, and ends', async () => {
  await using pager = await receiver();
  await using alertmanager = await realAlertmanager(pager.url);
  await using running = startDispatcher(folder, am(alertmanager.url));
  const report = await running.dispatcher.test('am', new AbortController().signal);
  expect(report).toMatchObject({ ok: true, reaches: ['pager'] });
  await pager.until((requests) => requests.length === 2);
  expect(statuses(pager.requests)).toEqual(['firing', 'resolved']);
  expect(pager.requests[0]?.body.alerts[0].labels).toEqual({ alertname: 'GatewatchTest', severity: 'none' });
  expect(await running.dispatcher.test('nobody', new AbortController().signal)).toBeNull();
});

test('an incident that re-opens is one notification more and keeps its labels and start', async () => {
  await using pager = await receiver();
  await using alertmanager = await realAlertmanager(pager.url);
  await using running = startDispatcher(folder, am(alertmanager.url));
  const opened = event('opened');
  running.dispatcher.record([opened]);
  await pager.until((requests) => requests.length === 1);
  running.dispatcher.record([
    event('resolved', { ...opened.incident, state: 'resolved', resolvedAt: Date.now() }),
  ]);
  await pager.until((requests) => requests.length === 2);
  running.dispatcher.record([event('reopened', { ...opened.incident, flaps: 1 })]);
  await pager.until((requests) => requests.length === 3);
  expect(statuses(pager.requests)).toEqual(['firing', 'resolved', 'firing']);
  const [first, , third] = pager.requests.map(({ body }) => body.alerts[0]);
  expect(third.labels).toEqual(first.labels);
  expect(third.startsAt).toBe(first.startsAt);
});
