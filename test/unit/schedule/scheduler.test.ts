// The scheduler on a simulated clock: phases, limits, budgets, bursts, reload and stop.

import { describe, expect, test } from 'vitest';
import type { CheckId } from '../../../src/model/check.ts';
import { plan } from '../../../src/schedule/plan.ts';
import { plannedSite } from '../../support/planned-site.ts';
import { type Bench, bench, type Run } from '../../support/scheduler-bench.ts';
import { simulatedClock } from '../../support/simulated-clock.ts';

const APPS = Array.from(
  { length: 12 },
  (_, index) => `  - { url: "https://a${index}.example.com", expect: app, paths: [origin] }`,
);
const NO_CANARIES = 'canaries: none';
const MINUTE = 60_000;

const of = (runs: readonly Run[], id: string): Run[] => runs.filter((run) => run.id === id);
const fresh = (made: Bench): Run[] =>
  made.runs.filter((run) => run.subject.kind === 'visit' && run.subject.costsSession);

describe('intervals', () => {
  test('every check runs once an interval, evenly spread, at a phase that stays', async () => {
    const clock = simulatedClock();
    const made = bench({ clock, site: plannedSite({ targets: APPS, more: NO_CANARIES }) });
    made.scheduler.start();
    await clock.pass(10 * MINUTE - 1);
    expect(made.runs).toHaveLength(120);
    const starts = made.runs.slice(0, 12).map((run) => run.at);
    for (const [index, at] of starts.entries()) expect(at - (starts[0] ?? 0)).toBeCloseTo(index * 5_000, -1);
    for (const subject of made.subjects) {
      const runs = of(made.runs, subject.id);
      for (const [index, run] of runs.entries())
        expect(run.at - (runs[0]?.at ?? 0)).toBeCloseTo(index * MINUTE, -1);
    }
    expect(Math.max(...made.lags)).toBeLessThan(0.01);
    expect(clock.timers).toBeLessThanOrEqual(2); // the scheduler's one, and at most one probe's
  });

  test('a restart neither moves the phases nor adds runs', async () => {
    const clock = simulatedClock();
    const site = plannedSite({ targets: APPS, more: NO_CANARIES });
    const counts = new Map<string, number>();
    for (let start = 0; start < 60; start += 1) {
      const made = bench({ clock, site });
      made.scheduler.start();
      await clock.pass(9_000);
      const stopped = made.scheduler.stop(1_000);
      await clock.pass(1_000);
      await stopped;
      for (const run of made.runs) counts.set(run.id, (counts.get(run.id) ?? 0) + 1);
    }
    for (const subject of plan(site)) expect(counts.get(subject.id)).toBeLessThanOrEqual(10);
  });

  test('a check that still runs when it is due again is skipped and counted', async () => {
    const clock = simulatedClock();
    const made = bench({
      clock,
      site: plannedSite({ targets: APPS.slice(0, 1), more: NO_CANARIES }),
      takes: () => 150_000,
    });
    made.scheduler.start();
    await clock.pass(10 * MINUTE);
    expect(made.runs.length).toBeLessThanOrEqual(4);
    expect(made.skipped.length).toBeGreaterThanOrEqual(5);
    expect(new Set(made.skipped.map(({ reason }) => reason))).toEqual(new Set(['running']));
  });

  test('a return visit without a cookie has nothing to do', async () => {
    const clock = simulatedClock();
    const made = bench({ clock, site: plannedSite({ hosts: 2, more: NO_CANARIES }), cookies: false });
    made.scheduler.start();
    await clock.pass(20 * MINUTE);
    expect(made.runs.filter((run) => run.id.startsWith('return'))).toEqual([]);
    expect(made.scheduler.status('return:cdn:s1.example.com' as CheckId).idle).toBe('no cookie yet');
    expect(made.skipped).toEqual([]);
  });
});

describe('limits', () => {
  test.each([
    ['two of one host', 2, 20, { total: 4, perHost: 2 }],
    ['the concurrency', 40, 5, { total: 5, perHost: 1 }],
  ])('never more than %s at the same time', async (_what, hosts, concurrency, most) => {
    const clock = simulatedClock();
    const targets = Array.from(
      { length: 40 },
      (_, index) =>
        `  - { url: "https://a${index % hosts}.example.com/${index}", expect: app, paths: [origin] }`,
    );
    const site = plannedSite({ targets, more: NO_CANARIES });
    const made = bench({ clock, site, concurrency, takes: () => 9_000 });
    made.scheduler.start();
    await clock.pass(20 * MINUTE);
    expect(made.most()).toEqual(most);
    expect(new Set(made.runs.map((run) => run.id)).size).toBe(40);
  });

  test('a path at its ceiling serves all its checks in turn', async () => {
    const clock = simulatedClock();
    const made = bench({
      clock,
      site: plannedSite({ hosts: 10, cdn: ', requests: 500/day', more: 'canaries: none' }),
    });
    made.scheduler.start();
    await clock.pass(24 * 60 * MINUTE);
    const overCdn = made.runs.filter((run) => run.subject.path?.name === 'cdn');
    expect(overCdn.length).toBeLessThanOrEqual(500);
    expect(overCdn.length).toBeGreaterThan(450);
    const counts = made.subjects
      .filter((subject) => subject.id.startsWith('return:cdn'))
      .map((subject) => of(made.runs, subject.id).length);
    expect(Math.min(...counts)).toBeGreaterThan(Math.max(...counts) / 2);
    expect(made.skipped.some(({ reason }) => reason === 'waiting')).toBe(true);
  });
});

describe('fresh visits', () => {
  const WEEK = '{ store: files, lifetime: 7d }';

  test('at a first start each client gets a cookie, one at a time and over one path', async () => {
    const clock = simulatedClock();
    const made = bench({ clock, site: plannedSite({ hosts: 15, sessions: WEEK, more: NO_CANARIES }) });
    made.scheduler.start();
    await clock.pass(5_000);
    expect(fresh(made)).toHaveLength(15);
    expect(
      new Set(fresh(made).map((run) => run.subject.kind === 'visit' && run.subject.target.id)).size,
    ).toBe(15);
    for (const [index, run] of fresh(made).entries())
      expect(run.at).toBeGreaterThanOrEqual((fresh(made)[index - 1]?.endedAt ?? 0) as number);
  });

  test('while nobody gets a cookie, each is tried once and then the rotation goes on', async () => {
    const clock = simulatedClock();
    const made = bench({
      clock,
      site: plannedSite({ hosts: 5, sessions: WEEK, more: NO_CANARIES }),
      cookies: false,
    });
    made.scheduler.start();
    await clock.pass(5_000);
    expect(fresh(made)).toHaveLength(5);
    await clock.pass(24 * 60 * MINUTE);
    const counts = made.subjects
      .filter((subject) => subject.id.startsWith('fresh'))
      .map((subject) => of(made.runs, subject.id).length);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(Math.max(...counts) - 1);
  });

  test('the rotation visits all targets and paths in turn, at the pace of the budget', async () => {
    const clock = simulatedClock();
    const made = bench({ clock, site: plannedSite({ hosts: 4, sessions: WEEK, more: NO_CANARIES }) });
    made.scheduler.start();
    await clock.pass(24 * 60 * MINUTE);
    const perCheck = made.subjects
      .filter((subject) => subject.id.startsWith('fresh'))
      .map((subject) => of(made.runs, subject.id).length);
    expect(fresh(made).length).toBeGreaterThan(220);
    expect(fresh(made).length).toBeLessThanOrEqual(20 + 235);
    expect(Math.max(...perCheck) - Math.min(...perCheck)).toBeLessThanOrEqual(2);
  });

  test('a suspicion is confirmed at once from the reserve, and starves nobody', async () => {
    const clock = simulatedClock();
    const made = bench({ clock, site: plannedSite({ hosts: 4, sessions: WEEK, more: NO_CANARIES }) });
    made.scheduler.start();
    await clock.pass(60 * MINUTE);
    const before = made.runs.length;
    const checks = made.subjects
      .filter((subject) => subject.id.startsWith('fresh'))
      .map((subject) => subject.id);
    made.scheduler.want(
      checks.map((check) => ({ check, notBefore: clock.monotonic() + 5_000, why: 'suspicion' })),
    );
    await clock.pass(4_000);
    const early = made.runs.slice(before).filter((run) => run.extra);
    expect(early).toEqual([]);
    await clock.pass(3_000);
    expect(
      new Set(
        made.runs
          .slice(before)
          .filter((run) => run.extra)
          .map((run) => run.id),
      ),
    ).toEqual(new Set(checks));
  });

  test('an asked-for pace is kept when the budget allows more', async () => {
    const clock = simulatedClock();
    const site = plannedSite({
      hosts: 1,
      sessions: '{ store: database }',
      more: 'checks: { fresh: { every: 10m } }\ncanaries: none',
    });
    const made = bench({ clock, site });
    made.scheduler.start();
    await clock.pass(120 * MINUTE);
    expect(fresh(made).length).toBeLessThanOrEqual(26);
    expect(fresh(made).length).toBeGreaterThanOrEqual(23);
  });

  test('a check that brought a gate cookie needs a token from then on', async () => {
    const clock = simulatedClock();
    const targets = [
      '  - https://a.example.com',
      '  - { url: "https://www.example.com", expect: public, paths: [origin] }',
    ];
    const made = bench({ clock, site: plannedSite({ targets, sessions: WEEK, more: NO_CANARIES }) });
    const id = 'fresh:origin:www.example.com' as CheckId;
    made.sessions.mark(id);
    made.scheduler.start();
    await clock.pass(24 * 60 * MINUTE);
    expect(of(made.runs, id).length + fresh(made).length).toBe(made.sessions.created('authentik'));
    expect(made.sessions.created('authentik')).toBeLessThanOrEqual(20 + 235);
    made.sessions.unmark(id);
    const before = of(made.runs, id).length;
    await clock.pass(60 * MINUTE);
    expect(of(made.runs, id).length - before).toBeGreaterThanOrEqual(59);
  });
});

describe('changes', () => {
  test('what stays over a reload keeps its phase', async () => {
    const clock = simulatedClock();
    const made = bench({ clock, site: plannedSite({ targets: APPS, more: NO_CANARIES }) });
    made.scheduler.start();
    await clock.pass(5 * MINUTE);
    const before = made.scheduler.status(made.subjects[3]!.id).nextAt;
    made.scheduler.replace(plan(plannedSite({ targets: APPS.slice(3), more: NO_CANARIES })));
    expect(made.scheduler.status(made.subjects[3]!.id).nextAt).toBe(before);
    expect(made.scheduler.status(made.subjects[0]!.id)).toEqual({ lastAt: null, nextAt: null, idle: null });
    const count = made.runs.length;
    await clock.pass(10 * MINUTE);
    expect(made.runs.length - count).toBe(90);
  });

  test('a wish for a check that is gone, or before the start, harms nobody', async () => {
    const clock = simulatedClock();
    const made = bench({ clock, site: plannedSite({ targets: APPS, more: NO_CANARIES }) });
    made.scheduler.want([{ check: 'fresh:x:y' as CheckId, notBefore: 0, why: 'test' }]);
    await clock.pass(MINUTE);
    expect(made.runs).toEqual([]);
  });

  test('after a suspend, what is late is skipped and the phases hold', async () => {
    const clock = simulatedClock();
    const made = bench({ clock, site: plannedSite({ targets: APPS, more: NO_CANARIES }), takes: () => 10 });
    made.scheduler.start();
    await clock.pass(MINUTE);
    const count = made.runs.length;
    clock.sleepThrough(600 * MINUTE);
    await clock.pass(100);
    expect(made.runs.length - count).toBeLessThanOrEqual(1);
    expect(made.skipped.filter(({ reason }) => reason === 'late').length).toBeGreaterThanOrEqual(11);
    await clock.pass(MINUTE);
    expect(made.runs.length - count).toBeGreaterThanOrEqual(11);
  });

  test('stop waits for what runs, aborts it after the grace, and can be called again', async () => {
    const clock = simulatedClock();
    const made = bench({
      clock,
      site: plannedSite({ targets: APPS, more: NO_CANARIES }),
      takes: () => 3_600_000,
    });
    made.scheduler.start();
    await clock.pass(MINUTE);
    const running = made.runs.filter((run) => run.endedAt === null).length;
    expect(running).toBeGreaterThan(0);
    const stopped = made.scheduler.stop(5_000);
    await clock.pass(5_000);
    await stopped;
    await made.scheduler.stop(5_000);
    expect(made.runs.filter((run) => run.endedAt === null)).toEqual([]);
    const count = made.runs.length;
    await clock.pass(10 * MINUTE);
    expect(made.runs).toHaveLength(count);
  });
});
