// Simulated days with restarts, crashes, bursts, a walking wall clock and slow answers: budgets and limits hold always,
// and nobody starves (DESIGN 3; threats B1, B2, B3, B7).

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { outpostsOf } from '../../../src/schedule/outpost.ts';
import { plannedSite } from '../../support/planned-site.ts';
import { bench } from '../../support/scheduler-bench.ts';
import { simulatedClock } from '../../support/simulated-clock.ts';

const HOUR = 3_600_000;
const OPTIONS = { seed: 20260418, interruptAfterTimeLimit: 25_000, numRuns: 30 };

const step = fc.record({
  passMs: fc.integer({ min: 1_000, max: 6 * HOUR }),
  burst: fc.nat(40),
  wallStepMs: fc.integer({ min: -400 * 24 * HOUR, max: 400 * 24 * HOUR }),
  end: fc.constantFrom('nothing', 'restart', 'crash', 'reload', 'refund'),
});
const world = fc.record({
  hosts: fc.integer({ min: 1, max: 12 }),
  lifetime: fc.constantFrom('1h', '24h', '7d'),
  ceiling: fc.integer({ min: 20, max: 5_000 }),
  takesMs: fc.integer({ min: 1, max: 20_000 }),
  concurrency: fc.integer({ min: 1, max: 8 }),
  cookies: fc.boolean(),
  steps: fc.array(step, { minLength: 1, maxLength: 8 }),
});

test('sessions stay below rate x time + capacity, requests below the ceiling, hosts below two', async () => {
  await fc.assert(
    fc.asyncProperty(world, async (given) => {
      const clock = simulatedClock();
      const site = plannedSite({
        hosts: given.hosts,
        sessions: `{ store: files, lifetime: ${given.lifetime} }`,
        cdn: `, requests: ${given.ceiling}/day`,
        more: 'checks: { return: { every: 10m } }\ncontrol: ["https://www.example.net"]',
      });
      const [outpost] = outpostsOf(site);
      let saved: { sessions: string | null; requests: string | null } = { sessions: null, requests: null };
      const open = () => {
        const made = bench({
          ...given,
          site,
          clock,
          saved,
          takes: () => given.takesMs,
          save: (levels) => (saved = levels),
        });
        made.scheduler.start();
        return made;
      };
      let made = open();
      const startedAt = clock.monotonic();
      let sessions = 0;
      const overCdn: number[] = [];
      const settle = () => {
        sessions += made.sessions.created('authentik');
        overCdn.push(...made.runs.filter((run) => run.subject.path?.name === 'cdn').map((run) => run.at));
        expect(made.most().perHost).toBeLessThanOrEqual(2);
        expect(made.most().total).toBeLessThanOrEqual(given.concurrency);
        expectNoOverlap(made.runs);
      };
      for (const { passMs, burst, wallStepMs, end } of given.steps) {
        const ids = made.subjects.map((subject) => subject.id);
        made.scheduler.want(
          Array.from({ length: burst }, (_, index) => ({
            check: ids[index % ids.length]!,
            notBefore: 0,
            why: 'suspicion',
          })),
        );
        await clock.pass(passMs);
        clock.step(wallStepMs);
        if (end === 'refund') made.sessions.refund('authentik');
        if (end === 'reload') made.scheduler.replace(made.subjects.toReversed());
        if (end === 'nothing' || end === 'reload' || end === 'refund') continue;
        if (end === 'restart') {
          const stopped = made.scheduler.stop(1_000);
          await clock.pass(2_000);
          await stopped;
          made.sessions.flush();
          made.requests.flush();
        } else {
          void made.scheduler.stop(0); // a crash: nothing is flushed
          await clock.pass(1_001);
        }
        settle();
        made = open();
      }
      settle();
      const minutes = (clock.monotonic() - startedAt) / 60_000;
      expect(sessions).toBeLessThanOrEqual(
        (outpost?.allowedPerMinute ?? 0) * minutes + (outpost?.capacity ?? 0) + 1e-6,
      );
      expect(mostInADay(overCdn)).toBeLessThanOrEqual(given.ceiling);
      void made.scheduler.stop(0);
      await clock.pass(1_001);
    }),
    OPTIONS,
  );
}, 60_000);

test('nobody starves: every check runs, however the limits bite', async () => {
  const crowd = fc.record({
    hosts: fc.integer({ min: 1, max: 15 }),
    concurrency: fc.integer({ min: 1, max: 4 }),
    takesMs: fc.integer({ min: 1, max: 3_000 }),
    cookies: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(crowd, async (given) => {
      const clock = simulatedClock();
      const site = plannedSite({
        hosts: given.hosts,
        sessions: '{ store: files, lifetime: 24h }',
        cdn: ', requests: 2000/day',
      });
      const made = bench({ ...given, site, clock, takes: () => given.takesMs });
      made.scheduler.start();
      const ids = made.subjects.map((subject) => subject.id);
      for (let hour = 0; hour < 6; hour += 1) {
        // Somebody asks for the same few fresh visits all the time.
        made.scheduler.want(ids.slice(0, 2).map((check) => ({ check, notBefore: 0, why: 'suspicion' })));
        await clock.pass(HOUR);
      }
      const ran = new Set(made.runs.map((run) => run.id));
      const due = made.subjects.filter((subject) => given.cookies || !subject.id.startsWith('return'));
      expect(due.filter((subject) => !ran.has(subject.id)).map((subject) => subject.id)).toEqual([]);
      void made.scheduler.stop(0);
      await clock.pass(1_001);
    }),
    { ...OPTIONS, numRuns: 15 },
  );
}, 60_000);

function expectNoOverlap(runs: readonly { id: string; at: number; endedAt: number | null }[]): void {
  const last = new Map<string, number>();
  for (const run of runs) {
    expect(run.at).toBeGreaterThanOrEqual(last.get(run.id) ?? 0);
    last.set(run.id, run.endedAt ?? Number.POSITIVE_INFINITY);
  }
}

function mostInADay(instants: readonly number[]): number {
  let most = 0;
  let first = 0;
  const sorted = instants.toSorted((a, b) => a - b);
  for (const [index, at] of sorted.entries()) {
    while ((sorted[first] ?? at) <= at - 24 * HOUR) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
