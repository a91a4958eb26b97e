// Runs that somebody waits for: which check is chosen, what it may cost, and what those who wait get.

import { describe, expect, test } from 'vitest';
import type { CheckId, Subject } from '../../../src/model/check.ts';
import type { ProbeModule, ProbeWish } from '../../../src/model/probe-report.ts';
import { createOnDemand } from '../../../src/schedule/on-demand.ts';
import { plan } from '../../../src/schedule/plan.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { plannedSite } from '../../support/planned-site.ts';
import { probeResult } from '../../support/probe-result.ts';
import { bench } from '../../support/scheduler-bench.ts';
import { simulatedClock } from '../../support/simulated-clock.ts';

const subjects = plan(
  plannedSite({
    targets: ['  - https://s1.example.com', '  - { url: "https://p.example.com", expect: public }'],
  }),
);
const subjectOf = (id: string): Subject => subjects.find((subject) => subject.id === id)!;
const wish = (part: Partial<ProbeWish> = {}): ProbeWish => ({
  target: 's1.example.com',
  path: 'origin',
  module: 'http_2xx',
  patienceMs: null,
  ...part,
});

/** A doorman with a scheduler that runs when told. */
function door(given: { cookies?: boolean; sessionWaitMs?: number; requestWaitMs?: number } = {}) {
  const clock = manualClock();
  const wanted: { check: string; notBefore: number; until?: number }[] = [];
  const demand = createOnDemand({
    clock,
    sessions: { waitMs: () => given.sessionWaitMs ?? 0, isMarked: () => false },
    requests: { waitMs: () => given.requestWaitMs ?? 0 },
    idle: ({ id }) => (id.startsWith('return') && given.cookies !== true ? 'no cookie yet' : null),
    want: (runs) => void wanted.push(...runs),
  });
  return {
    clock,
    demand,
    wanted,
    ask: (part: Partial<ProbeWish> = {}) => demand.probe(wish(part), subjects),
    /** One run as the scheduler makes it; it ends with `finish`. */
    begin(id: string) {
      const ended = Promise.withResolvers<void>();
      const run = demand.during(id as CheckId, async () => {
        await ended.promise;
        const { subject: _, ...result } = probeResult({ at: clock.now() });
        demand.accept({ ...result, subject: subjectOf(id), monotonicMs: clock.monotonic() });
      });
      return {
        finish() {
          ended.resolve();
          return run;
        },
        abort: () => demand.during(id as CheckId, () => Promise.resolve()),
      };
    },
  };
}

describe('the check', () => {
  test.each<[string, boolean, string, ProbeModule, string]>([
    ['behind a login with a cookie', true, 's1.example.com', 'http_2xx', 'return:origin:s1.example.com'],
    ['behind a login for a session', true, 's1.example.com', 'fresh', 'fresh:origin:s1.example.com'],
    ['that is public', false, 'p.example.com', 'http_2xx', 'fresh:origin:p.example.com'],
  ])('of a target %s', async (_, cookies, target, module, check) => {
    const { ask, wanted, demand } = door({ cookies });
    const answer = ask({ target, module });
    expect(wanted.map((run) => run.check)).toEqual([check]);
    demand.stop();
    await answer;
  });

  test('is none where only a session would help', async () => {
    const { ask, wanted } = door();
    expect(await ask()).toMatchObject({ kind: 'not-run', why: expect.stringContaining('module=fresh') });
    expect(await ask({ target: 'gone.example.com', module: 'fresh' })).toMatchObject({ kind: 'not-run' });
    expect(wanted).toEqual([]);
  });
});

describe('budgets', () => {
  test('a session that cannot be paid is refused, a visit that costs none is not', async () => {
    const { ask, wanted, demand } = door({ cookies: true, sessionWaitMs: 1 });
    expect(await ask({ module: 'fresh' })).toEqual({
      kind: 'not-run',
      why: 'the session budget of authentik has no token left',
    });
    const answer = ask();
    expect(wanted).toHaveLength(1);
    demand.stop();
    expect(await answer).toMatchObject({ kind: 'not-run' });
  });

  test('a path without requests is refused', async () => {
    const { ask } = door({ cookies: true, requestWaitMs: 1 });
    expect(await ask()).toEqual({ kind: 'not-run', why: 'the request budget of path origin is used up' });
  });

  test('a wish lapses with the waiting, so that no token is spent for nobody', async () => {
    const clock = simulatedClock();
    const made = bench({ site: plannedSite(), clock, takes: () => 5_000, cookies: false });
    made.scheduler.start();
    await clock.pass(60_000);
    const id = 'fresh:origin:s2.example.com' as CheckId;
    const now = clock.monotonic();
    made.scheduler.want([{ check: id, notBefore: now + 1_000, until: now + 900, why: 'probe' }]);
    const extra = () => made.runs.filter((run) => run.extra).length;
    const before = extra();
    await clock.pass(10_000);
    expect(extra()).toBe(before);
    made.scheduler.want([{ check: id, notBefore: clock.monotonic(), why: 'probe' }]);
    await clock.pass(10_000);
    expect(extra()).toBe(before + 1);
  });
});

describe('those who wait', () => {
  const RETURN = 'return:origin:s1.example.com';

  test('get the result, and all of them the same one', async () => {
    const { ask, begin, wanted } = door({ cookies: true });
    const answers = [ask(), ask()];
    const run = begin(RETURN);
    answers.push(ask());
    await run.finish();
    for (const answer of await Promise.all(answers)) {
      expect(answer).toMatchObject({ kind: 'result', ageMs: 0, report: { check: RETURN, verdict: 'up' } });
    }
    expect(wanted).toHaveLength(1);
  });

  test('get the scheduled run that is under way instead of a second one', async () => {
    const { ask, begin, wanted } = door({ cookies: true });
    const run = begin(RETURN);
    const answer = ask();
    await run.finish();
    expect(await answer).toMatchObject({ kind: 'result' });
    expect(wanted).toEqual([]);
  });

  test('get the last result for ten seconds, with its age', async () => {
    const { ask, begin, wanted, clock, demand } = door({ cookies: true });
    const first = ask();
    await begin(RETURN).finish();
    await first;
    clock.advance(9_999);
    expect(await ask()).toMatchObject({ kind: 'result', ageMs: 9_999 });
    expect(wanted).toHaveLength(1);
    clock.advance(1);
    const again = ask();
    expect(wanted).toHaveLength(2);
    demand.stop();
    await again;
  });

  test('are let go when their patience ends; the result still is the next answer', async () => {
    const { ask, begin, clock } = door({ cookies: true });
    const answer = ask({ patienceMs: 2_000 });
    const run = begin(RETURN);
    clock.advance(2_000);
    expect(await answer).toEqual({ kind: 'late', waitedMs: 2_000 });
    await run.finish();
    expect(await ask()).toMatchObject({ kind: 'result', ageMs: 0 });
  });

  test('wait no longer than the check itself may take', async () => {
    const { ask, begin, clock } = door({ cookies: true });
    const answer = ask({ patienceMs: 3_600_000 });
    void begin(RETURN);
    clock.advance(subjectOf(RETURN).timeoutMs + 1_000);
    expect(await answer).toMatchObject({ kind: 'late' });
  });

  test('hear that nothing was sent, when nothing was', async () => {
    const { ask, clock, wanted } = door({ cookies: true });
    const answer = ask({ patienceMs: 2_000 });
    clock.advance(2_000);
    expect(await answer).toEqual({ kind: 'not-run', why: 'other probes were before it' });
    expect(wanted[0]).toMatchObject({ notBefore: 1_000, until: 3_000 });
  });

  test('hear that a run was cut short, and that a configuration ends', async () => {
    const { ask, begin, demand } = door({ cookies: true });
    const first = ask();
    await begin(RETURN).abort();
    expect(await first).toEqual({ kind: 'not-run', why: 'the probe was cut short' });
    const second = ask();
    demand.stop();
    expect(await second).toMatchObject({ kind: 'not-run' });
    expect(await ask()).toMatchObject({ kind: 'not-run' });
  });
});
