// What of a source's answers is believed, and when: the last good set outlives failures, restarts and empty lists.

import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Discoverer, DiscoveryError, type Listing } from '../../../src/discover/discoverer.ts';
import { createRefresh, type Kept } from '../../../src/discover/refresh.ts';
import { keptFromText, savedText } from '../../../src/discover/saved-listing.ts';
import { found } from '../../support/found.ts';
import { manualClock } from '../../support/manual-clock.ts';

const EVERY_MS = 30_000;
const listing = (...names: string[]): Listing => ({
  found: names.map((name) => found(`${name}.example.com`)),
  notes: [],
});

function refreshing(kept: Kept | null = null, pushes = false) {
  const clock = manualClock();
  const events: string[] = [];
  let answer: Listing | Error | 'never' = listing();
  let push = (_: Listing): void => {};
  const discoverer: Discoverer = {
    view: 'proxy',
    list(signal) {
      events.push('list');
      if (answer instanceof Error) return Promise.reject(answer);
      if (answer !== 'never') return Promise.resolve(answer);
      return new Promise((_, fail) =>
        signal.addEventListener('abort', () => fail(new DiscoveryError('x', 'late'))),
      );
    },
    ...(pushes
      ? {
          watch: (tell, signal) => {
            push = tell;
            return new Promise((done) => signal.addEventListener('abort', () => done()));
          },
        }
      : {}),
    async [Symbol.asyncDispose]() {
      events.push('disposed');
    },
  };
  const refresh = createRefresh({
    discoverer,
    clock,
    random: () => 0,
    everyMs: EVERY_MS,
    timeoutMs: 10_000,
    kept,
    changed: () => events.push('changed'),
    confirmed: () => events.push('confirmed'),
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn += 1) await setImmediate();
  };
  return {
    clock,
    refresh,
    events,
    push: (next: Listing) => push(next),
    hosts: () => refresh.state().kept?.listing.found.map(({ host }) => host.split('.')[0]) ?? null,
    /** One interval later, with this answer. */
    async next(next: Listing | Error | 'never', ms = EVERY_MS) {
      answer = next;
      clock.advance(ms);
      await settle();
    },
    async begin(next: Listing | Error) {
      answer = next;
      refresh.start();
      await settle();
    },
    settle,
  };
}

test('takes the first set as it is, and tells only of what changes', async () => {
  const one = refreshing();
  await one.begin(listing('a', 'b'));
  expect(one.hosts()).toEqual(['a', 'b']);
  expect(one.events).toEqual(['list', 'confirmed', 'changed']);
  await one.next(listing('a', 'b'));
  await one.next(listing('a', 'b', 'c'));
  expect(one.events.slice(3)).toEqual(['list', 'confirmed', 'list', 'confirmed', 'changed']);
  await one.refresh.stop();
  expect(one.events.at(-1)).toBe('disposed');
});

test('keeps the last good set while the source fails, with its age, and recovers', async () => {
  const one = refreshing();
  await one.begin(listing('a'));
  const { at } = one.refresh.state().kept!;
  await one.next(new DiscoveryError('proxy', 'list: HTTP 503'));
  expect(one.refresh.state()).toMatchObject({
    kept: { at },
    problem: 'proxy: list: HTTP 503',
    problemSince: at + EVERY_MS,
  });
  await one.next(listing('a', 'b'));
  expect(one.refresh.state()).toMatchObject({ problem: null, problemSince: null });
  expect(one.hosts()).toEqual(['a', 'b']);
});

test('asks less often while the source fails, but at least every five intervals', async () => {
  const one = refreshing();
  await one.begin(new DiscoveryError('proxy', 'no'));
  for (let minutes = 0; minutes < 60; minutes += 1) await one.next(new DiscoveryError('proxy', 'no'), 60_000);
  const listed = one.events.filter((event) => event === 'list').length;
  expect(listed).toBeGreaterThan(24);
  expect(listed).toBeLessThan(61);
});

test.each([
  ['empty', listing()],
  ['halved', listing('a')],
  ['another', listing('x', 'y', 'z')],
])('believes a set that is %s only when it comes three times in a row', async (_, loss) => {
  const one = refreshing();
  await one.begin(listing('a', 'b', 'c'));
  await one.next(loss);
  expect(one.refresh.state().problem).toMatch(/^lists \d targets less than before/);
  await one.next(loss);
  await one.next(new DiscoveryError('proxy', 'no'));
  await one.next(loss, 5 * EVERY_MS);
  await one.next(loss);
  expect(one.hosts()).toEqual(['a', 'b', 'c']);
  await one.next(loss);
  expect(one.hosts()).toEqual(loss.found.map(({ host }) => host.split('.')[0]));
  expect(one.refresh.state().problem).toBeNull();
});

test('begins with the set of an earlier process, and doubts an empty list all the same', async () => {
  const kept = { listing: listing('a', 'b'), at: 5 };
  const saved = keptFromText(savedText(kept, 'x'), 'x');
  expect(saved).toEqual(kept);
  expect(keptFromText(savedText(kept, 'x'), 'y')).toBeNull();
  expect(keptFromText('{', 'x')).toBeNull();
  const one = refreshing(saved);
  expect(one.hosts()).toEqual(['a', 'b']);
  await one.begin(listing());
  expect(one.hosts()).toEqual(['a', 'b']);
  expect(one.refresh.state().kept?.at).toBe(5);
});

test('gives up a list that takes too long', async () => {
  const one = refreshing();
  await one.begin(listing('a'));
  await one.next('never');
  one.clock.advance(10_000);
  await one.settle();
  expect(one.refresh.state().problem).toBe('x: late');
});

test('a source that pushes is of now while it is watched, and is asked again when it is not believed', async () => {
  const one = refreshing(null, true);
  await one.begin(listing('a'));
  one.push(listing('a', 'b', 'c'));
  expect(one.refresh.state()).toMatchObject({ isLive: true, problem: null });
  one.push(listing());
  expect(one.refresh.state()).toMatchObject({ isLive: false });
  expect(one.hosts()).toEqual(['a', 'b', 'c']);
  await one.next(listing());
  await one.next(listing());
  expect(one.hosts()).toEqual([]);
  expect(one.events.filter((event) => event === 'list')).toHaveLength(2);
  await one.refresh.stop();
});

test('tells nothing after it was stopped', async () => {
  const one = refreshing();
  await one.begin(listing('a'));
  await one.refresh.stop();
  const before = [...one.events];
  await one.next(listing('b'));
  expect(one.events).toEqual(before);
});
