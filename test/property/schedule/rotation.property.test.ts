// What the rotation and the fresh visits remember never changes whom they choose: random histories beside the plain
// form of the same rules, and beside one that forgets everything before each question.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FreshTools, FreshVisits } from '../../../src/schedule/fresh-visits.ts';
import { plan } from '../../../src/schedule/plan.ts';
import { Rotation, type RotationState } from '../../../src/schedule/rotation.ts';
import { budgetOf, createTask, type Task } from '../../../src/schedule/task.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { plannedSite } from '../../support/planned-site.ts';
import { SimpleRotation, targetOf } from '../../support/simple-rotation.ts';

const OPTIONS = { seed: 20260418, interruptAfterTimeLimit: 10_000, numRuns: 300 };
const SUBJECTS = plan(plannedSite({ hosts: 6 })).filter((subject) => budgetOf(subject) !== null);
/** A visit of each host that costs no session. */
const OTHERS = new Map(
  plan(plannedSite({ hosts: 6 }))
    .filter((subject) => subject.id.startsWith('return'))
    .map(createTask)
    .map((task) => [task.host, task]),
);

const pick = fc.nat(100);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('ask' as const), which: pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('want' as const), which: pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cookie' as const), which: pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('busy' as const), which: pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('path' as const), which: pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('turn' as const), which: pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('seek' as const), which: pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reload' as const), which: pick }) },
);

/** Toggles: in the set or not. */
function toggle<Item>(set: Set<Item>, item: Item): boolean {
  return set.delete(item) ? false : set.add(item).has(item);
}

test('the rotation chooses as its plain form does, whatever happens in between', () => {
  let starts = 0;
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 50, maxLength: 120 }),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      (steps, first) => {
        const tasks = SUBJECTS.map(createTask);
        const rotation = new Rotation(first);
        rotation.replace(tasks);
        const simple = new SimpleRotation(rotation.tasks);
        const cookies = new Set<string>();
        const busy = new Set<Task>();
        const dry = new Set<string>();
        let now = 0;
        let rotationDue = false;
        let seeksCookie = false;
        for (const { kind, which } of steps) {
          now += 1;
          const task = tasks[which % tasks.length]!;
          if (kind === 'want') {
            task.wanted = { notBefore: now + (which % 7) - 3, until: now + (which % 23) };
            rotation.want(task);
          }
          if (kind === 'cookie') {
            const has = toggle(cookies, targetOf(task));
            rotation.sawCookie(targetOf(task), has, () => !has);
          }
          if (kind === 'busy') toggle(busy, task);
          if (kind === 'path') toggle(dry, task.subject.path!.name);
          if (kind === 'turn') rotationDue = !rotationDue;
          if (kind === 'seek') seeksCookie = !seeksCookie;
          if (kind === 'reload') rotation.replace(tasks);
          const state: RotationState = {
            now,
            rotationDue,
            seeksCookie,
            isFree: (one) => !busy.has(one),
            hasRequest: (one) => !dry.has(one.subject.path!.name),
            hasNoCookie: (one) => !cookies.has(targetOf(one)),
          };
          const chosen = rotation.next(state);
          const expected = simple.next(state);
          expect([chosen?.task.subject.id, chosen?.reason]).toEqual([
            expected?.task.subject.id,
            expected?.reason,
          ]);
          if (kind !== 'ask' || chosen === null || expected === null) continue;
          rotation.started(chosen, state);
          simple.started(expected, state);
          chosen.task.wanted = null;
          chosen.task.lastStart = now;
          starts += 1;
        }
      },
    ),
    OPTIONS,
  );
  expect(starts).toBeGreaterThan(2_000);
});

const event = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pass' as const), which: fc.nat(90_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('want' as const), which: pick }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('end' as const), which: pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cookie' as const), which: pick }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('full' as const), which: pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('other' as const), which: pick }) },
);

/** Fresh visits beside a world that both forms see alike; `eager` forgets before each question what it was told. */
function world(eager: boolean) {
  const clock = manualClock();
  const tasks = SUBJECTS.map(createTask);
  const cookies = new Set<string>();
  /** Hosts at their limit by other visits. */
  const crowded = new Set<string>();
  const started: string[] = [];
  let tokens = 20;
  let full = false;
  const run: FreshTools['run'] = (task, extra) => {
    task.running = true;
    task.wanted = null;
    task.lastStart = clock.monotonic();
    clock.advance(1); // no two starts at the same instant
    started.push(`${clock.monotonic()} ${task.subject.id} ${extra}`);
  };
  const visits = new FreshVisits({
    clock,
    random: () => 0.3,
    sessions: {
      take() {
        if (tokens === 0) return false;
        tokens -= 1;
        return true;
      },
      refund() {
        tokens += 1;
      },
      tokens: () => tokens,
      waitMs: () => (tokens > 0 ? 0 : 60_000),
      paceMs: () => 30_000,
      reserve: () => 10,
    },
    isFull: () => full,
    isFree: (task) => !task.running && !crowded.has(task.host),
    requestWaitMs: () => 0,
    takeRequest: () => true,
    hasNoCookie: (task) => !cookies.has(targetOf(task)),
    run,
  });
  visits.replace(tasks);
  let wakeAt = visits.start();
  const look = (): void => {
    if (eager) visits.replace(tasks);
    wakeAt = visits.start();
  };
  return {
    started,
    apply({ kind, which }: { kind: string; which: number }) {
      const task = tasks[which % tasks.length]!;
      if (kind === 'pass') {
        // A scheduler comes when it was told to; the eager one looks at every step of the way too.
        const end = clock.monotonic() + which;
        while (wakeAt < end) {
          clock.advance(Math.max(0.5, wakeAt - clock.monotonic()));
          look();
        }
        clock.advance(Math.max(0, end - clock.monotonic()));
        tokens = Math.min(20, tokens + 1);
      }
      if (kind === 'want') {
        task.wanted = { notBefore: clock.monotonic(), until: clock.monotonic() + 600_000 };
        visits.want(task);
      }
      if (kind === 'end' && task.running) {
        task.running = false;
        visits.ended(task);
      }
      if (kind === 'cookie') visits.sawCookie(task.subject, toggle(cookies, targetOf(task)));
      if (kind === 'other' && !toggle(crowded, task.host)) visits.ended(OTHERS.get(task.host)!);
      if (kind === 'full') full = !full;
      look();
    },
  };
}

test('fresh visits that look only when something happened start what those start that look at everything', () => {
  let starts = 0;
  fc.assert(
    fc.property(fc.array(event, { minLength: 30, maxLength: 80 }), (events) => {
      const lazy = world(false);
      const eager = world(true);
      for (const one of events) {
        lazy.apply(one);
        eager.apply(one);
        expect(lazy.started).toEqual(eager.started);
      }
      starts += lazy.started.length;
    }),
    OPTIONS,
  );
  expect(starts).toBeGreaterThan(500);
});
