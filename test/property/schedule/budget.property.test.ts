// Budgets alone, under any order of visits, refunds, waits, wall steps and crashes.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { outpostsOf } from '../../../src/schedule/outpost.ts';
import { createRequestBudgets } from '../../../src/schedule/request-budget.ts';
import { createSessionBudgets } from '../../../src/schedule/session-budget.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { knowing, plannedSite } from '../../support/planned-site.ts';

const OPTIONS = { seed: 20260418, interruptAfterTimeLimit: 10_000, numRuns: 300 };
const operations = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('take' as const), by: fc.nat(30) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), by: fc.nat(7_200_000) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('crash' as const), by: fc.nat(60_000) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('step' as const), by: fc.integer({ min: -1e11, max: 1e11 }) }),
    },
  ),
  { maxLength: 200 },
);

test('sessions never exceed rate x running time + capacity', () => {
  const outposts = outpostsOf(plannedSite({ sessions: '{ store: files, lifetime: 24h }' }));
  fc.assert(
    fc.property(operations, (list) => {
      const clock = manualClock();
      let saved: string | null = null;
      const open = () => createSessionBudgets({ outposts, clock, saved, save: (text) => (saved = text) });
      let budgets = open();
      let taken = 0;
      const start = clock.monotonic();
      for (const { kind, by } of list) {
        if (kind === 'take')
          for (let count = 0; count < by && budgets.take('authentik'); count += 1) taken += 1;
        if (kind === 'wait') clock.advance(by);
        if (kind === 'step') clock.step(by);
        if (kind === 'crash') budgets = open();
      }
      const allowed = ((outposts[0]?.allowedPerMinute ?? 0) * (clock.monotonic() - start)) / 60_000;
      expect(taken).toBeLessThanOrEqual(allowed + 20 + 1e-6);
    }),
    OPTIONS,
  );
});

test('requests never exceed the ceiling of a day, hops included', () => {
  const { paths } = plannedSite({ cdn: ', requests: 3000/day' });
  fc.assert(
    fc.property(operations, (list) => {
      const clock = manualClock();
      let saved: string | null = null;
      const open = () => createRequestBudgets({ paths, clock, saved, save: (text) => (saved = text) });
      let budgets = open();
      let made = 0;
      const start = clock.monotonic();
      for (const { kind, by } of list) {
        if (kind === 'take') {
          for (let count = 0; count < by && budgets.take('cdn'); count += 1) made += 1;
          budgets.charge('cdn', 1);
          made += 1;
        }
        if (kind === 'wait') clock.advance(by);
        if (kind === 'step') clock.step(by);
        if (kind === 'crash') budgets = open();
      }
      // What is charged afterwards comes in before it is paid for: at most one for each visit of the list here.
      const days = (clock.monotonic() - start) / 86_400_000;
      const charges = list.filter(({ kind }) => kind === 'take').length;
      expect(made).toBeLessThanOrEqual(3000 * days + 21 + charges);
    }),
    OPTIONS,
  );
});

test('a lifetime that was seen, however hostile, makes the automatic budget slower or leaves it', () => {
  const lifetime = fc.oneof(
    fc.double().map(String),
    fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(String),
    fc.constantFrom('', '-0', 'NaN', 'Infinity', '1e308', '-1e308', '0x10', '{}', '60000; 1'),
  );
  const given = fc.record({ seen: lifetime, configured: fc.constantFrom('1h', '24h', '7d') });
  fc.assert(
    fc.property(given, ({ seen, configured }) => {
      const sessions = `{ store: files, lifetime: ${configured} }`;
      const [plain] = outpostsOf(plannedSite({ sessions }));
      const [told] = outpostsOf(
        plannedSite({ sessions, knowledge: knowing({ 'lifetime authentik': seen }) }),
      );
      expect(told?.allowedPerMinute).toBeGreaterThanOrEqual(0);
      expect(told?.allowedPerMinute).toBeLessThanOrEqual(plain?.allowedPerMinute ?? 0);
      expect(told?.capacity).toBe(plain?.capacity);
    }),
    { ...OPTIONS, numRuns: 100 },
  );
});
