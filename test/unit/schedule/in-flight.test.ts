// Who may be probed beside whom: an app by two, what hangs never in the way of what answers (threats B7, X30).

import { describe, expect, test } from 'vitest';
import type { Subject } from '../../../src/model/check.ts';
import { InFlight } from '../../../src/schedule/in-flight.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { plannedSite } from '../../support/planned-site.ts';
import { bench } from '../../support/scheduler-bench.ts';
import { simulatedClock } from '../../support/simulated-clock.ts';

const guest = (host: string, more: { address?: string; slow?: boolean } = {}) => ({
  host,
  address: more.address ?? host,
  slow: more.slow ?? false,
});

describe('limits', () => {
  test('two of one host, and a leaving one gives its place back', () => {
    const inFlight = new InFlight(60, manualClock());
    const first = inFlight.enter(guest('a'));
    inFlight.enter(guest('a'));
    expect(inFlight.obstacle(guest('a'))).toBe('host a');
    expect(inFlight.obstacle(guest('b'))).toBeNull();
    expect(inFlight.leave(first)).toContain('host a');
    expect(inFlight.obstacle(guest('a'))).toBeNull();
  });

  test('a sixth of all may be in their handshakes; room comes with time alone', () => {
    const clock = manualClock();
    const inFlight = new InFlight(60, clock);
    for (let index = 0; index < 10; index += 1) inFlight.enter(guest(`h${index}`));
    expect(inFlight.full).toBe(true);
    expect(inFlight.roomAt).toBe(clock.monotonic() + 200);
    clock.advance(200);
    expect(inFlight.full).toBe(false);
  });

  test('slow ones get a third in all and a sixth at one address; the others do not notice', () => {
    const clock = manualClock();
    const inFlight = new InFlight(60, clock);
    for (let index = 0; index < 10; index += 1) {
      inFlight.enter(guest(`h${index}`, { address: 'origin', slow: true }));
      clock.advance(300);
    }
    expect(inFlight.obstacle(guest('x', { address: 'origin', slow: true }))).toBe('slow origin');
    expect(inFlight.obstacle(guest('x', { address: 'origin' }))).toBeNull();
    for (let index = 0; index < 10; index += 1) {
      inFlight.enter(guest(`i${index}`, { slow: true }));
      clock.advance(300);
    }
    expect(inFlight.obstacle(guest('y', { slow: true }))).toBe('slow');
    expect(inFlight.obstacle(guest('y'))).toBeNull();
  });

  test('a probe that hangs becomes slow while it does', () => {
    const clock = manualClock();
    const inFlight = new InFlight(12, clock);
    const stay = inFlight.enter(guest('a', { address: 'origin' }));
    clock.advance(300);
    inFlight.enter(guest('b', { address: 'origin' }));
    expect(inFlight.obstacle(guest('c', { address: 'origin', slow: true }))).toBeNull();
    clock.advance(2_000);
    expect(inFlight.obstacle(guest('c', { address: 'origin', slow: true }))).toBe('slow origin');
    expect(inFlight.leave(stay)).toEqual(['host a', 'slow origin', 'slow']);
  });
});

test('300 tarpits behind the same address: the other 300 keep their schedule', {
  timeout: 120_000,
}, async () => {
  const clock = simulatedClock();
  const isTarpit = (subject: Subject): boolean => /[:]t\d/.test(subject.id);
  const targets = Array.from({ length: 300 }, (_, index) => [
    `  - { url: "https://t${index}.example.com", expect: app, paths: [origin], every: 20s }`,
    `  - { url: "https://h${index}.example.com", expect: app, paths: [origin], every: 20s }`,
  ]).flat();
  const made = bench({
    clock,
    site: plannedSite({ targets, more: 'canaries: none' }),
    concurrency: 384,
    takes: (subject) => (isTarpit(subject) ? 10_000 : 50),
  });
  made.scheduler.start();
  await clock.pass(60_000);
  const healthy = made.runs.filter((run) => !isTarpit(run.subject));
  expect(healthy).toHaveLength(900);
  expect(made.skipped.filter(({ id }) => id.includes(':h'))).toEqual([]);
  // No run is late: each check runs at the same phase of each interval.
  const phases = Map.groupBy(healthy, (run) => run.id);
  for (const runs of phases.values())
    for (const [round, run] of runs.entries())
      expect(Math.abs(run.at - (runs[0]?.at ?? 0) - round * 20_000)).toBeLessThan(100);
  expect(made.most().perHost).toBe(1);
});
