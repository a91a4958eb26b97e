// Receivers that misbehave, on real connections: nothing is lost, nobody waits for somebody else, nothing leaks.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Incident, IncidentEvent } from '../../../src/model/incident.ts';
import { startDispatcher } from '../../support/dispatcher.ts';
import { incident } from '../../support/incident.ts';
import { type Behaviour, type Received, receiver } from '../../support/receiver.ts';
import { waitFor } from '../../support/wait.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatewatch-notify-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const event = (type: IncidentEvent['type'], part: Partial<Incident> = {}): IncidentEvent => {
  const at = Date.now();
  const end: Partial<Incident> = type === 'resolved' ? { state: 'resolved', resolvedAt: at } : {};
  return { type, at, incident: incident({ startedAt: at - 60_000, openedAt: at, ...end, ...part }) };
};
const hook = (url: string, part: object = {}) => ({ name: 'hook', kind: 'webhook', url, ...part });
const am = (...urls: string[]) => ({ name: 'am', kind: 'alertmanager', urls });
const posts = (requests: readonly Received[]): Received[] =>
  requests.filter(({ method }) => method === 'POST');
const namesIn = (request: Received): string[] =>
  request.body.map((one: { labels: { name: string } }) => one.labels.name);

describe('a webhook', () => {
  test("gets Alertmanager's payload version 4, with a key that is the same for every attempt", async () => {
    await using server = await receiver();
    server.answer = { status: 500 };
    await using running = startDispatcher(folder, [
      hook(`${server.url}/T0KEN`, { auth: { bearer: 'S3CRET' } }),
    ]);
    running.dispatcher.record([event('opened')]);
    await server.until((requests) => requests.length === 1);
    server.answer = { status: 204 };
    await server.until((requests) => requests.length === 2);
    const [first, second] = server.requests;
    expect(first?.headers['idempotency-key']).toMatch(/^i1-opened-\d+$/);
    expect(second?.headers['idempotency-key']).toBe(first?.headers['idempotency-key']);
    expect(first?.headers).toMatchObject({ authorization: 'Bearer S3CRET', 'user-agent': 'gatewatch/test' });
    const labels = {
      alertname: 'GatewatchSharedFault',
      severity: 'critical',
      component: 'gate-sessions',
      name: 'embedded',
    };
    expect(second?.body).toMatchObject({
      version: '4',
      receiver: 'hook',
      status: 'firing',
      notification_reason: 'first notification',
      groupKey:
        '{}:{alertname="GatewatchSharedFault", component="gate-sessions", name="embedded", severity="critical"}',
      commonLabels: labels,
      truncatedAlerts: 0,
      alerts: [
        {
          status: 'firing',
          labels,
          endsAt: '0001-01-01T00:00:00Z',
          fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
        },
      ],
    });
    await waitFor('the acceptance', () => running.observed.delivered.length === 1);
    expect(running.observed.failed).toEqual(['hook server-error']);
    expect(running.observed.queue.get('hook')).toBe(0);
    expect(JSON.stringify([running.dispatcher.status(), running.observed])).not.toMatch(/T0KEN|S3CRET/);
  });

  test.each<[string, Behaviour, string]>([
    ['answers 500', { status: 500 }, 'server-error'],
    ['answers 403', { status: 403 }, 'unauthorized'],
    ['answers 404', { status: 404 }, 'not-found'],
    ['limits us', { status: 429 }, 'limited'],
    ['redirects us', { status: 302, headers: { location: '/elsewhere' } }, 'status'],
    ['closes the connection', 'reset', 'connection'],
  ])('that %s is tried again', async (_, behaviour, reason) => {
    await using server = await receiver();
    server.answer = behaviour;
    await using running = startDispatcher(folder, [hook(server.url)]);
    running.dispatcher.record([event('opened')]);
    await waitFor('a failure', () => running.observed.failed.includes(`hook ${reason}`));
    server.answer = { status: 200 };
    await waitFor('the acceptance', () => running.observed.delivered.length === 1);
    expect(server.requests.every(({ url }) => url === '/')).toBe(true);
  });

  test('that hangs on one incident does not keep others waiting', async () => {
    await using server = await receiver();
    server.answer = ({ body }) => (body.alerts[0].labels.name === 'i1' ? 'hang' : { status: 200 });
    await using running = startDispatcher(folder, [hook(server.url)]);
    running.dispatcher.record([
      event('opened', { id: 'i1', blame: null }),
      event('opened', { id: 'i2', blame: null }),
    ]);
    await waitFor('the other', () => running.observed.delivered.length === 1);
    running.dispatcher.record([event('resolved', { id: 'i2', blame: null })]);
    await waitFor('its end', () => running.observed.delivered.length === 2);
    expect(running.dispatcher.status()).toMatchObject([{ queued: 1 }]);
  });

  test('is told in order after a restart, and what was accepted is not told again', async () => {
    await using server = await receiver();
    server.answer = ({ body }) => ({ status: body.alerts[0].labels.name === 'i2' ? 500 : 200 });
    const parts = { i1: { id: 'i1', blame: null }, i2: { id: 'i2', blame: null } };
    {
      await using running = startDispatcher(folder, [hook(server.url)]);
      running.dispatcher.record([event('opened', parts.i1), event('opened', parts.i2)]);
      await waitFor(
        'one',
        () => running.observed.delivered.length === 1 && running.observed.failed.length > 0,
      );
      running.dispatcher.record([event('resolved', parts.i2)]);
    }
    server.answer = { status: 200 };
    const before = server.requests.length;
    await using running = startDispatcher(folder, [hook(server.url)]);
    await waitFor('both', () => running.observed.delivered.length === 2);
    const told = server.requests
      .slice(before)
      .map(({ body }) => `${body.alerts[0].labels.name} ${body.status}`);
    expect(told).toEqual(['i2 firing', 'i2 resolved']);
  });

  test('answers a test alert', async () => {
    await using server = await receiver();
    await using running = startDispatcher(folder, [hook(server.url)]);
    expect(await running.dispatcher.test('hook', new AbortController().signal)).toMatchObject({ ok: true });
    expect(server.requests.map(({ body }) => `${body.alerts[0].labels.alertname} ${body.status}`)).toEqual([
      'GatewatchTest firing',
      'GatewatchTest resolved',
    ]);
    server.answer = { status: 500 };
    expect(await running.dispatcher.test('hook', new AbortController().signal)).toEqual({
      ok: false,
      detail: `${server.url}: server-error`,
      reaches: null,
    });
  });
});

describe('an Alertmanager', () => {
  test('that refuses one alert of a batch still gets the others, and the refused one is reported', async () => {
    await using server = await receiver();
    server.answer = ({ method, body }) =>
      method === 'POST' && JSON.stringify(body).includes('"i3"')
        ? { status: 400, body: '"bad"' }
        : { status: method === 'GET' ? 404 : 200 };
    await using running = startDispatcher(folder, [am(server.url)]);
    running.dispatcher.record([1, 2, 3, 4, 5].map((n) => event('opened', { id: `i${n}`, blame: null })));
    await waitFor('the others', () => running.observed.delivered.length === 4);
    expect(
      posts(server.requests)
        .filter(({ body }) => body.length === 1)
        .some((one) => namesIn(one)[0] === 'i3'),
    ).toBe(true);
    await waitFor('the report', () => running.observed.problems.length > 0, { limitMs: 55_000 });
    expect(running.observed.problems[0]).toBe('receiver am does not take an alert (rejected)');
    expect(running.observed.failed).toContain('am rejected');
  });

  test.each<[string, Behaviour, string]>([
    ['a page with status 200', { status: 200, body: '<html>log in</html>' }, 'garbage'],
    ['a redirect', { status: 302, headers: { location: 'https://login' } }, 'status'],
    ['a bad gateway', { status: 502 }, 'server-error'],
  ])('behind %s has accepted nothing', async (_, behaviour, reason) => {
    await using server = await receiver();
    server.answer = behaviour;
    await using running = startDispatcher(folder, [am(server.url)]);
    running.dispatcher.record([event('opened')]);
    await waitFor('a failure', () => running.observed.failed.includes(`am ${reason}`));
    expect(running.observed.delivered).toEqual([]);
    server.answer = ({ method }) => ({ status: method === 'GET' ? 404 : 200, body: '' });
    await waitFor('the acceptance', () => running.observed.delivered.length === 1);
  });

  test('that took an alert and does not know it has not accepted it', async () => {
    await using server = await receiver();
    server.answer = ({ method }) => ({ status: 200, body: method === 'GET' ? '[]' : '' });
    await using running = startDispatcher(folder, [am(server.url)]);
    running.dispatcher.record([event('opened')]);
    await waitFor('a failure', () => running.observed.failed.includes('am not-active'));
    expect(running.observed.delivered).toEqual([]);
  });

  test('with a hanging peer has accepted when another one did, at once', async () => {
    await using dead = await receiver();
    await using alive = await receiver();
    dead.answer = 'hang';
    alive.answer = ({ method }) => ({ status: method === 'GET' ? 404 : 200 });
    await using running = startDispatcher(folder, [am(dead.url, alive.url)]);
    running.dispatcher.record([event('opened')]);
    await waitFor('the acceptance', () => running.observed.delivered.length === 1, { limitMs: 8_000 });
    running.dispatcher.record([event('resolved')]);
    await waitFor('the end', () => running.observed.delivered.length === 2, { limitMs: 8_000 });
    expect(posts(dead.requests)).toHaveLength(1);
  });

  test.each([[-3_600_000], [-300_000], [600_000]])(
    'whose clock is %i ms off is told in its own time',
    async (skewMs) => {
      await using server = await receiver();
      server.answer = ({ method }) => ({
        status: method === 'GET' ? 404 : 200,
        headers: { date: new Date(Date.now() + skewMs).toUTCString() },
      });
      await using running = startDispatcher(folder, [am(server.url)]);
      running.dispatcher.record([event('opened')]);
      await waitFor('the acceptance', () => running.observed.delivered.length === 1);
      const told = posts(server.requests).at(-1)?.body[0];
      const theirs = Date.now() + skewMs;
      expect(Date.parse(told.endsAt) - theirs).toBeGreaterThan(200_000);
      expect(Date.parse(told.endsAt) - theirs).toBeLessThan(260_000);
      expect(Date.parse(told.startsAt)).toBeLessThan(theirs);
    },
  );
});

describe('a fallback', () => {
  test('gets what the first receiver has not accepted in time, and its end', async () => {
    await using first = await receiver();
    await using spare = await receiver();
    first.answer = { status: 500 };
    const receivers = [am(first.url), hook(spare.url, { 'fallback-for': 'am', after: '100ms' })];
    await using running = startDispatcher(folder, receivers);
    running.dispatcher.record([event('opened')]);
    await spare.until((requests) => requests.length === 1);
    running.dispatcher.record([event('resolved')]);
    await spare.until((requests) => requests.length === 2);
    expect(spare.requests.map(({ body }) => body.status)).toEqual(['firing', 'resolved']);
  });

  test('gets what the first receiver was given up for', async () => {
    await using first = await receiver();
    await using spare = await receiver();
    first.answer = { status: 400 };
    const spareHook = { name: 'spare', kind: 'webhook', url: spare.url, 'fallback-for': 'hook', after: '1h' };
    await using running = startDispatcher(folder, [hook(first.url), spareHook]);
    running.dispatcher.record([event('opened')]);
    await spare.until((requests) => requests.length === 1);
    expect(first.requests).toHaveLength(5);
    expect(running.observed.problems).toEqual(['receiver hook does not take an alert (rejected)']);
  });

  test('gets nothing when the first receiver accepts', async () => {
    await using first = await receiver();
    await using spare = await receiver();
    first.answer = ({ method }) => ({ status: method === 'GET' ? 404 : 200 });
    const receivers = [am(first.url), hook(spare.url, { 'fallback-for': 'am', after: '60s' })];
    await using running = startDispatcher(folder, receivers);
    running.dispatcher.record([event('opened')]);
    await waitFor('the acceptance', () => running.observed.delivered.length === 1);
    await waitFor('nothing left', () => running.store.outbox.queued().length === 0);
    running.dispatcher.record([event('resolved')]);
    await waitFor('the end', () => running.observed.delivered.length === 2);
    expect(spare.requests).toEqual([]);
    expect(running.observed.delivered).toEqual(['am', 'am']);
  });
});

test('a receiver gets only what it matches, and the watchdog fires without an incident', async () => {
  await using pages = await receiver();
  await using all = await receiver();
  const receivers = [
    hook(pages.url, { match: { severity: 'critical' } }),
    { name: 'all', kind: 'webhook', url: all.url, match: { severity: ['warning', 'none'] } },
  ];
  await using running = startDispatcher(folder, receivers, { watchdog: true });
  running.dispatcher.record([
    event('opened', { id: 'i1' }),
    event('opened', { id: 'i2', kind: 'service', blame: null }),
  ]);
  await waitFor('three', () => running.observed.delivered.length === 3);
  const names = (requests: readonly Received[]) =>
    requests.map(({ body }) => body.alerts[0].labels.alertname).sort();
  expect(names(pages.requests)).toEqual(['GatewatchSharedFault']);
  expect(names(all.requests)).toEqual(['GatewatchServiceDown', 'GatewatchWatchdog']);
});

test('a crash between saving and sending loses nothing, and the labels stay those of the first moment', async () => {
  await using server = await receiver();
  server.answer = 'hang';
  const opened = event('opened');
  const first = startDispatcher(folder, [hook(server.url)]);
  first.dispatcher.record([opened], () => first.store.state.put('checkpoint', 'with it'));
  // As after SIGKILL: nobody says goodbye, the file alone remains.
  first.store[Symbol.dispose]();
  server.answer = { status: 200 };
  await using second = startDispatcher(folder, [hook(server.url)]);
  await waitFor('the delivery', () => second.observed.delivered.length === 1);
  expect(second.store.state.get('checkpoint')).toBe('with it');
  second.dispatcher.record([
    event('resolved', { ...opened.incident, blame: null, state: 'resolved', resolvedAt: Date.now() }),
  ]);
  await waitFor('the end', () => second.observed.delivered.length === 2);
  expect(server.requests.at(-1)?.body.alerts[0].labels).toMatchObject({
    component: 'gate-sessions',
    name: 'embedded',
  });
});
