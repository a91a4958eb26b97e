// Alertmanagers in every bad state (threats X25): what is tried again and why, that a healthy peer gets its alerts at
// once beside any dead one, and that everything arrives after the cure.

import { describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Incident, IncidentEvent } from '../../../src/model/incident.ts';
import { createAddresses } from '../../../src/notify/addresses.ts';
import { createHttp } from '../../../src/notify/http.ts';
import { startDispatcher } from '../../support/dispatcher.ts';
import { freePort } from '../../support/free-port.ts';
import { incident } from '../../support/incident.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { type Behaviour, type Received, receiver } from '../../support/receiver.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { waitFor } from '../../support/wait.ts';

vi.setConfig({ maxConcurrency: 28 });

const event = (type: IncidentEvent['type'], part: Partial<Incident> = {}): IncidentEvent => {
  const at = Date.now();
  const end: Partial<Incident> = type === 'resolved' ? { state: 'resolved', resolvedAt: at } : {};
  return { type, at, incident: incident({ startedAt: at - 60_000, openedAt: at, ...end, ...part }) };
};
const am = (...urls: string[]) => ({ name: 'am', kind: 'alertmanager', urls });
const hook = (url: string) => ({ name: 'hook', kind: 'webhook', url });
const fine = ({ method }: Received): Behaviour => ({ status: method === 'GET' ? 404 : 200 });
const states = (requests: readonly Received[]): string[] =>
  requests
    .filter(({ method }) => method === 'POST')
    .flatMap(({ body }) => body as { endsAt: string }[])
    .map(({ endsAt }) => (Date.parse(endsAt) > Date.now() ? 'firing' : 'resolved'));

const page = '<!doctype html><title>Log in</title>';
const BEHAVIOURS: readonly (readonly [what: string, behaviour: Behaviour, reason: string])[] = [
  ['hangs', 'hang', 'timeout'],
  ['begins to answer and stops', 'stuck', 'timeout'],
  ['drips its answer', 'drip', 'timeout'],
  ['breaks off in the middle of its answer', 'half', 'connection'],
  ['resets the connection', 'reset', 'connection'],
  ['does not speak HTTP', 'noise', 'connection'],
  ['answers 400 to everything', { status: 400 }, 'rejected'],
  ['limits us', { status: 429 }, 'limited'],
  ['answers 500', { status: 500 }, 'server-error'],
  ['does not let us in', { status: 401 }, 'unauthorized'],
  ['redirects to a login', { status: 302, headers: { location: '/login' } }, 'status'],
  ['answers 200 with a page', { status: 200, body: page }, 'garbage'],
  ['answers 200 with a body without end', { status: 200, body: `"${'x'.repeat(200_000)}"` }, 'garbage'],
  ['answers 202', { status: 202 }, 'status'],
];

describe.concurrent('an Alertmanager that', () => {
  test.each(BEHAVIOURS)(
    '%s has accepted nothing, and gets all of it when it is well',
    async (_, behaviour, reason) => {
      await using folder = await tempFolder('notify');
      await using server = await receiver();
      server.answer = behaviour;
      await using running = startDispatcher(folder.path, [am(server.url)]);
      running.dispatcher.record([event('opened')]);
      await waitFor('the failure', () => running.observed.failed.includes(`am ${reason}`));
      expect(running.observed.delivered).toEqual([]);
      expect(running.dispatcher.status()).toMatchObject([{ queued: 1 }]);
      running.dispatcher.record([event('resolved')]);
      const before = server.requests.length;
      server.answer = fine;
      await waitFor('both', () => running.observed.delivered.length === 2);
      expect(states(server.requests.slice(before)).slice(-2)).toEqual(['firing', 'resolved']);
      expect(server.requests.every(({ url }) => url.startsWith('/api/v2/'))).toBe(true);
    },
  );

  test.each(BEHAVIOURS)('%s does not keep its healthy peer waiting', async (_, behaviour) => {
    await using folder = await tempFolder('notify');
    await using dead = await receiver();
    await using alive = await receiver();
    dead.answer = behaviour;
    alive.answer = fine;
    await using running = startDispatcher(folder.path, [am(dead.url, alive.url)]);
    running.dispatcher.record([event('opened')]);
    await waitFor('the acceptance', () => running.observed.delivered.length === 1, { limitMs: 9_000 });
    running.dispatcher.record([event('resolved')]);
    await waitFor('the end', () => running.observed.delivered.length === 2, { limitMs: 9_000 });
    expect(states(alive.requests)).toEqual(['firing', 'resolved']);
    expect(running.observed.problems).not.toContainEqual(expect.any(String));
  });
});

test('an Alertmanager has one request of ours in flight, however many incidents there are', async () => {
  await using folder = await tempFolder('notify');
  await using server = await receiver();
  server.answer = 'hang';
  await using running = startDispatcher(folder.path, [am(server.url)]);
  for (let n = 0; n < 20; n += 1) running.dispatcher.record([event('opened', { id: `i${n}`, blame: null })]);
  await waitFor('a try', () => server.requests.some(({ method }) => method === 'POST'));
  await waitFor('the next one', () => running.observed.failed.length > 0);
  const posts = server.requests.filter(({ method }) => method === 'POST');
  expect(posts.length).toBeLessThanOrEqual(2);
});

test('nothing leaves before it is on disk', async () => {
  await using folder = await tempFolder('notify');
  await using server = await receiver();
  const asked: (() => void)[] = [];
  const settled = (): Promise<void> => new Promise((resolve) => void asked.push(resolve));
  await using running = startDispatcher(folder.path, [hook(server.url)], { settled });
  running.dispatcher.record([event('opened')]);
  await waitFor('the store to be asked', () => asked.length === 1);
  // Of another dispatcher, begun later and not held back: were ours under way, it would be there first.
  await using otherFolder = await tempFolder('notify');
  await using other = startDispatcher(otherFolder.path, [hook(`${server.url}/other`)]);
  other.dispatcher.record([event('opened')]);
  await waitFor('the other delivery', () => other.observed.delivered.length === 1);
  expect(server.requests.map(({ url }) => url)).toEqual(['/other']);
  asked[0]?.();
  await server.until((requests) => requests.length === 2);
});

describe('a receiver that the configuration no longer has', () => {
  test.each(['hook', 'am'])(
    'hears once that what it knows is over, even while it is away: %s',
    async (kind) => {
      await using folder = await tempFolder('notify');
      await using server = await receiver();
      server.answer = fine;
      const options = kind === 'hook' ? hook(server.url) : am(server.url);
      const opened = event('opened');
      {
        const first = startDispatcher(folder.path, [options]);
        first.dispatcher.record([opened]);
        await waitFor('the opening', () => first.observed.delivered.length === 1);
        await first.dispatcher.stop({ hold: false });
        first.store[Symbol.dispose]();
      }
      server.answer = { status: 503 };
      const before = server.requests.length;
      await using second = startDispatcher(folder.path, [], {}, [options]);
      await waitFor('a try in vain', () => server.requests.length > before);
      server.answer = fine;
      await waitFor('nothing left of it', () => second.store.outbox.accepted().length === 0);
      expect(second.store.outbox.queued()).toEqual([]);
      expect(second.observed.problems).toEqual([]);
      const last = server.requests.findLast(({ method }) => method === 'POST')?.body;
      const told = kind === 'hook' ? last.alerts[0] : last[0];
      expect(told.annotations.summary).toMatch(/^Ended \(receiver removed from the configuration\) after/);
      expect(second.store.incidents.open().map(({ state }) => state)).toEqual(['open']);
      const after = server.requests.length;
      second.dispatcher.record([event('resolved', { ...opened.incident, state: 'resolved' })]);
      await second.dispatcher.stop({ hold: true });
      expect(server.requests).toHaveLength(after);
    },
  );

  test('leaves no rows behind when nobody knows any more where it was', async () => {
    await using folder = await tempFolder('notify');
    await using server = await receiver();
    {
      await using first = startDispatcher(folder.path, [hook(server.url)]);
      first.dispatcher.record([event('opened')]);
      await waitFor('the opening', () => first.observed.delivered.length === 1);
    }
    await using second = startDispatcher(folder.path, []);
    expect([second.store.outbox.accepted(), second.store.outbox.queued()]).toEqual([[], []]);
  });
});

describe('DNS that fails', () => {
  test.each(['fails', 'hangs'] as const)(
    'and %s does not keep an alert here whose way was known',
    async (how) => {
      await using server = await receiver();
      const clock = manualClock();
      let state: 'works' | 'fails' | 'hangs' = 'works';
      const find = (): Promise<{ address: string; family: number }[]> => {
        if (state === 'fails') return Promise.reject(new Error('EAI_AGAIN'));
        return state === 'hangs'
          ? new Promise(() => {})
          : Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
      };
      const http = createHttp({
        auth: null,
        ca: [],
        userAgent: 'x',
        clock: systemClock,
        addresses: createAddresses(clock, find),
      });
      const url = `http://alertmanager.example:${server.port}/`;
      http.remember(url);
      await new Promise((resolve) => setImmediate(resolve));
      state = how;
      const answer = http.send({ method: 'GET', url }, AbortSignal.timeout(20_000));
      await waitFor('the patience to be needed, or not', () => {
        clock.advance(2_000);
        return server.requests.length === 1;
      });
      expect((await answer).status).toBe(200);
      await http.close();
    },
  );

  test('from the start leaves the alert here, and is no answer of the receiver', async () => {
    const addresses = createAddresses(systemClock, () => Promise.reject(new Error('EAI_AGAIN')));
    const http = createHttp({ auth: null, ca: [], userAgent: 'x', clock: systemClock, addresses });
    const sent = http.send({ method: 'GET', url: 'http://nowhere.example/' }, AbortSignal.timeout(20_000));
    await expect(sent).rejects.toMatchObject({ reason: 'connection' });
    await http.close();
  });
});

test('a receiver that nobody has anything to tell is asked whether it is there, and reported when it is not', async () => {
  await using folder = await tempFolder('notify');
  const port = await freePort();
  await using running = startDispatcher(folder.path, [am(`http://127.0.0.1:${port}`)]);
  await waitFor('the failure', () => running.observed.failed.includes('am connection'));
  expect(running.dispatcher.status()).toMatchObject([{ queued: 0, lastError: 'connection' }]);
});
