// When the heartbeat is withheld, and that its URL is nowhere shown.

import { afterEach, describe, expect, test, vi } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { Secret } from '../../../src/base/secret.ts';
import { component } from '../../../src/model/component.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { createAges, createHeartbeat, cycleFault } from '../../../src/notify/heartbeat.ts';
import { incident } from '../../support/incident.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { type ReceiverStandIn, receiver } from '../../support/receiver.ts';
import { allWell, snapshotOf } from '../../support/web-snapshot.ts';

/** A snapshot in which every check ran just now, changed by `change`. */
function snapshot(
  change: (check: Snapshot['checks'][number], index: number) => object = () => ({}),
): Snapshot {
  const base = allWell();
  const checks = base.checks.map((check, index) => ({
    ...check,
    everyMs: 60_000,
    idle: null,
    lastAt: base.at - 10_000,
    ...change(check, index),
  }));
  return { ...base, checks, receivers: [] };
}

describe('a cycle', () => {
  const half = (_: unknown, index: number): boolean => index % 2 === 0;
  const cases: [what: string, snapshot: () => Snapshot, fault: RegExp | null][] = [
    ['that is whole has no fault', () => snapshot(), null],
    [
      'whose services are down is whole all the same',
      () => ({
        ...snapshot(),
        checks: snapshot((_, i) => (i % 2 ? { verdict: 'down', signature: 'timeout' } : {})).checks,
      }),
      null,
    ],
    ['without anything to probe is none', () => ({ ...snapshot(), checks: [] }), /nothing is probed/],
    [
      'in which all checks are idle is none',
      () => snapshot(() => ({ idle: 'no cookie yet' })),
      /nothing is probed/,
    ],
    [
      'with many late checks is none',
      () => snapshot((one, i) => (half(one, i) ? { lastAt: 0 } : {})),
      /of \d+ checks did not run/,
    ],
    [
      'with many checks that never ran is none',
      () => snapshot((one, i) => (half(one, i) ? { lastAt: null } : {})),
      /did not run/,
    ],
    [
      'with many faults of ours is none',
      () => snapshot((one, i) => (half(one, i) ? { signature: 'prober-fault' } : {})),
      /did not run/,
    ],
    ['with one late check of many is whole', () => snapshot((_, i) => (i === 0 ? { lastAt: 0 } : {})), null],
    [
      'under a refused configuration is none',
      () => ({ ...snapshot(), config: { ...snapshot().config, error: 'bad' } }),
      /configuration was refused/,
    ],
    [
      'whose deliveries are stuck is none',
      () => ({
        ...snapshot(),
        receivers: [
          { name: 'phone', kind: 'webhook', queued: 1, lastDeliveryAt: null, lastError: 'refused' },
        ],
      }),
      /phone does not accept/,
    ],
    [
      'whose delivery is on its way is whole',
      () => ({
        ...snapshot(),
        receivers: [{ name: 'phone', kind: 'webhook', queued: 1, lastDeliveryAt: null, lastError: null }],
      }),
      null,
    ],
  ];
  test.each(cases)('%s', (_, make, fault) => {
    if (fault === null) expect(cycleFault(make())).toBeNull();
    else expect(cycleFault(make())).toMatch(fault);
  });

  const reported = (state: 'open' | 'resolved'): Snapshot => ({
    ...snapshot(),
    incidents: [incident({ kind: 'prober', reason: 'delivery', state, blame: component('prober', 'phone') })],
  });

  test('is none while a receiver is reported dead, though nothing waits for it', () => {
    expect(cycleFault(reported('open'))).toMatch(/phone does not accept/);
    expect(cycleFault(reported('resolved'))).toBeNull();
    expect(cycleFault(reported('open'), { isPrimary: (name) => name !== 'phone' })).toBeNull();
  });

  test('is judged by the monotonic clock: a step of the other one makes nothing late, and nothing fresh', () => {
    const clock = manualClock();
    const ages = createAges(clock);
    const { checks } = snapshot();
    const ageMs = (check: string) => ages.of(check);
    for (const { id } of checks) ages.see(id, clock.monotonic());
    const ahead = { ...snapshot(), at: snapshot().at + 3_600_000 };
    expect(cycleFault(ahead)).toMatch(/did not run/);
    expect(cycleFault(ahead, { ageMs })).toBeNull();
    clock.advance(3_600_000);
    const behind = { ...snapshot(), at: snapshot().at - 86_400_000 };
    expect(cycleFault(behind)).toBeNull();
    expect(cycleFault(behind, { ageMs })).toMatch(/did not run/);
    expect(ages.of('never')).toBeNull();
  });

  test('the snapshot of these tests has enough checks for shares to mean something', () => {
    expect(snapshotOf({ verdict: () => 'up' }).checks.length).toBeGreaterThan(10);
  });
});

describe('the ping', () => {
  let standIn: ReceiverStandIn | null = null;
  afterEach(async () => {
    await standIn?.[Symbol.asyncDispose]();
    standIn = null;
  });

  async function heartbeat(fault: () => string | null) {
    standIn = await receiver();
    const clock = manualClock();
    const log = silentLog();
    const warn = vi.spyOn(log, 'warn');
    const url = new Secret(`${standIn.url}/ping/MARKERpath`);
    const beat = createHeartbeat({ url, everyMs: 60_000, userAgent: 'gatewatch/test', clock, log, fault });
    return { standIn, clock, warn, beat };
  }

  test('goes out once an interval, and not after a stop', async () => {
    const { standIn: seen, clock, beat } = await heartbeat(() => null);
    beat.start();
    clock.advance(59_000);
    expect(clock.timers).toBe(1);
    clock.advance(1_000);
    await seen.until((requests) => requests.length === 1);
    expect(seen.requests[0]).toMatchObject({ method: 'GET', url: '/ping/MARKERpath' });
    expect(seen.requests[0]?.headers['user-agent']).toBe('gatewatch/test');
    beat.stop();
    clock.advance(600_000);
    expect(seen.requests).toHaveLength(1);
  });

  test('is withheld while there is a fault, and goes out when it is over', async () => {
    let fault: string | null = 'nothing is probed';
    const { standIn: seen, clock, beat, warn } = await heartbeat(() => fault);
    beat.start();
    clock.advance(60_000);
    expect(warn).toHaveBeenCalledWith({ fault: 'nothing is probed' }, 'heartbeat withheld');
    fault = null;
    clock.advance(60_000);
    await seen.until((requests) => requests.length > 0);
    expect(seen.requests).toHaveLength(1);
    beat.stop();
  });

  test('never writes its URL into the log', async () => {
    const { standIn: seen, clock, beat, warn } = await heartbeat(() => null);
    seen.answer = 'reset';
    beat.start();
    clock.advance(60_000);
    await vi.waitFor(() => expect(warn).toHaveBeenCalled(), { timeout: 10_000 });
    expect(JSON.stringify(warn.mock.calls)).not.toContain('MARKERpath');
    beat.stop();
  });
});
