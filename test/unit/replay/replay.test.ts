// Replay of stored results: what was open before, pauses, clocks that went back, what is no longer configured, and the
// difference between two configurations.

import { describe, expect, test } from 'vitest';
import { differenceOf } from '../../../src/cli/replay-difference.ts';
import type { PastResult } from '../../../src/model/result.ts';
import type { ReplayedIncident } from '../../../src/replay.ts';
import { pastResult, record, replayConfig, replayResults } from '../../support/replay-site.ts';
import { componentFault, down, EPOCH, targetFault } from '../../support/simulator.ts';

const MINUTE = 60_000;
const config = replayConfig();

function recorded(what: string, from: number, until: number, ms = 40 * MINUTE): readonly PastResult[] {
  const span = { from: from * MINUTE, until: until * MINUTE };
  const faults = [what.includes(':') ? componentFault(what, span) : targetFault([what], span)];
  return record(config, { seed: 7, faults }, ms).results;
}

const full = recorded('gate-sessions:embedded', 10, 20);

describe('a replay', () => {
  test('gives the incident with its alert, as the daemon would have sent it', async () => {
    const [replayed] = await replayResults(full, [config]);
    expect(replayed).toMatchObject({ results: full.length, leftOut: [], pauses: 0 });
    expect(replayed?.incidents).toHaveLength(1);
    const incident = replayed?.incidents[0];
    expect(incident).toMatchObject({
      kind: 'shared',
      blame: 'gate-sessions:embedded',
      alertname: 'GatewatchSharedFault',
      severity: 'critical',
      labels: { component: 'gate-sessions', name: 'embedded' },
      summary: expect.stringMatching(/^Over after .*authentik could not create new sessions/),
    });
    expect(incident?.openedAt).toBeGreaterThan(EPOCH + 10 * MINUTE);
    expect(incident?.openedAt).toBeLessThan(EPOCH + 12 * MINUTE);
    expect(incident?.resolvedAt).toBeGreaterThan(EPOCH + 20 * MINUTE);
  });

  test('says what was open before the period, and not what was over', async () => {
    const since = EPOCH + 15 * MINUTE;
    const [during] = await replayResults(full, [config], { since });
    expect(during?.incidents).toMatchObject([{ blame: 'gate-sessions:embedded', openedAt: null }]);
    expect(during?.results).toBe(full.filter(({ at }) => at >= since).length);
    const [after] = await replayResults(full, [config], { since: EPOCH + 35 * MINUTE });
    expect(after?.incidents).toEqual([]);
    const [cut] = await replayResults(full, [config], { until: since });
    expect(cut?.incidents).toMatchObject([{ resolvedAt: null }]);
  });

  test('keeps an incident over a time in which the daemon did not run', async () => {
    const gap = 6 * 60 * MINUTE;
    const paused = full.map((result) =>
      result.at < EPOCH + 15 * MINUTE
        ? result
        : { ...result, id: result.id + gap * 1024, at: result.at + gap },
    );
    const [replayed] = await replayResults(paused, [config]);
    expect(replayed?.pauses).toBe(1);
    expect(replayed?.incidents).toHaveLength(1);
    expect(replayed?.incidents[0]?.resolvedAt).toBeGreaterThan(EPOCH + 20 * MINUTE + gap);
  });

  test('goes on when the clock went back an hour in the middle of a fault', async () => {
    const back = full.map((result) =>
      result.at < EPOCH + 12 * MINUTE ? result : { ...result, at: result.at - 60 * MINUTE },
    );
    const [replayed] = await replayResults(back, [config]);
    expect(replayed?.incidents).toMatchObject([{ blame: 'gate-sessions:embedded' }]);
    expect(replayed?.incidents[0]?.resolvedAt).toBeLessThan(EPOCH - 30 * MINUTE);
  });

  test('names targets that are no longer configured, and leaves them out', async () => {
    const gone = recorded('app0.example.com', 10, 20);
    const fewer = replayConfig({ targets: ['https://app1.example.com', 'https://app2.example.com'] });
    const [replayed] = await replayResults(gone, [fewer]);
    expect(replayed?.incidents).toEqual([]);
    expect(replayed?.leftOut).toContainEqual({
      id: 'app0.example.com',
      results: gone.filter(({ kind, target }) => kind === 'visit' && target === 'app0.example.com').length,
    });
    expect(replayed?.leftOut.map(({ id }) => id)).not.toContain('app1.example.com');
  });

  test('takes from the catalogue what rows of earlier versions do not say', async () => {
    const early = recorded('cdn:cdn', 10, 20).map((result) => ({ ...result, pointsAt: null }));
    const [replayed] = await replayResults(early, [config]);
    expect(replayed?.incidents).toMatchObject([{ blame: 'cdn:cdn' }]);
  });

  test('of no results is empty', async () => {
    expect(await replayResults([], [config])).toEqual([
      { results: 0, leftOut: [], pauses: 0, incidents: [] },
    ]);
  });

  test('asks for extra probes in vain: results alone count', async () => {
    const check = 'fresh:origin:open0.example.com';
    const failing = Array.from({ length: 8 }, (_, at) =>
      pastResult(check, EPOCH + at * MINUTE, down('app-error', 'target', 'origin')),
    );
    const [replayed] = await replayResults(failing, [config]);
    expect(replayed?.incidents).toMatchObject([
      { alertname: 'GatewatchServiceDown', labels: { target: 'open0.example.com', fault: 'app-error' } },
    ]);
  });
});

describe('two configurations compared', () => {
  test('a label that becomes a component blames it, instead of each of its targets', async () => {
    const node = replayConfig({ shared: ['node'] }, { login: 1, open: 12 });
    const alone = replayConfig({}, { login: 1, open: 12 });
    const failing = ['open0.example.com', 'open3.example.com', 'open6.example.com', 'open9.example.com'];
    const faults = [targetFault(failing, { from: 10 * MINUTE, until: 20 * MINUTE })];
    const { results } = record(node, { seed: 3, faults }, 30 * MINUTE);
    const [before, after] = await replayResults(results, [alone, node]);
    expect(after?.incidents).toMatchObject([{ blame: 'node:node0', alertname: 'GatewatchSharedFault' }]);
    const difference = differenceOf(before?.incidents ?? [], after?.incidents ?? []);
    expect(difference.onlyAfter).toEqual([]);
    expect(difference.changed[0]).toMatchObject({ blamedDifferently: true, after: { blame: 'node:node0' } });
  });

  test('the same twice differ in nothing', async () => {
    const [one, other] = await replayResults(full, [config, replayConfig()]);
    expect(differenceOf(one?.incidents ?? [], other?.incidents ?? [])).toEqual({
      onlyBefore: [],
      onlyAfter: [],
      changed: [],
      same: 1,
    });
  });

  const row = (part: Partial<ReplayedIncident>): ReplayedIncident => ({
    ...{ id: 'i1', kind: 'service', alertname: 'GatewatchServiceDown', severity: 'warning', labels: {} },
    ...{
      blame: 'a',
      firstBlame: null,
      startedAt: 1000,
      openedAt: 2000,
      resolvedAt: 9000,
      supersededBy: null,
    },
    ...{ flaps: 0, targets: ['a'], summary: '' },
    ...part,
  });
  const own = row({ kind: 'prober', blame: 'vantage:vps', alertname: 'GatewatchProber' });

  test.each([
    ['later', [row({})], [row({ openedAt: 5000 })], { changed: [{ opensLaterMs: 3000 }] }],
    ['earlier', [row({})], [row({ resolvedAt: 8000 })], { changed: [{ endsLaterMs: -1000 }] }],
    ['never ending', [row({})], [row({ resolvedAt: null })], { changed: [{ endsOnlyIn: 'before' }] }],
    ['at another time', [row({})], [row({ startedAt: 10_000 })], { onlyBefore: [{}], onlyAfter: [{}] }],
    ['about others', [row({})], [row({ blame: 'b', targets: ['b'] })], { onlyBefore: [{}], onlyAfter: [{}] }],
    ['about ourselves', [row({})], [own], { onlyBefore: [{}], onlyAfter: [{}], changed: [] }],
    [
      'one for two, the like one first',
      [row({ id: 'i1', blame: 'x' }), row({ id: 'i2' })],
      [row({ id: 'i9' })],
      { onlyBefore: [{ id: 'i1' }], changed: [], same: 1 },
    ],
  ])('%s', (_, before, after, expected) => {
    expect(differenceOf(before, after)).toMatchObject(expected);
  });
});
