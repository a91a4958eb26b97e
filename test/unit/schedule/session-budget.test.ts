// Session budgets over restarts, clock steps and refunds.

import { describe, expect, test } from 'vitest';
import { outpostsOf } from '../../../src/schedule/outpost.ts';
import { createSessionBudgets, type SessionBudgets } from '../../../src/schedule/session-budget.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { plannedSite, type SiteOptions } from '../../support/planned-site.ts';

function budgets(
  clock: ManualClock,
  options: SiteOptions & { saved?: string | null; save?: (text: string) => void } = {},
): SessionBudgets {
  return createSessionBudgets({
    outposts: outpostsOf(plannedSite({ sessions: '{ store: files, lifetime: 7d }', ...options })),
    clock,
    saved: options.saved ?? null,
    save: options.save ?? (() => undefined),
  });
}

function takeAll(sessions: SessionBudgets): number {
  let taken = 0;
  while (sessions.take('authentik')) taken += 1;
  return taken;
}

describe('a bucket', () => {
  test('is full at the first start: 20 tokens, or one for each client', () => {
    expect(takeAll(budgets(manualClock()))).toBe(20);
    expect(takeAll(budgets(manualClock(), { hosts: 34 }))).toBe(34);
  });

  test('refills by the monotonic clock alone', () => {
    const clock = manualClock();
    const sessions = budgets(clock);
    takeAll(sessions);
    clock.step(365 * 86_400_000);
    expect(sessions.take('authentik')).toBe(false);
    clock.advance(370_000);
    expect(takeAll(sessions)).toBe(1);
  });

  test('waitMs is when the next token is there', () => {
    const clock = manualClock();
    const sessions = budgets(clock);
    takeAll(sessions);
    clock.advance(sessions.waitMs('authentik') - 1);
    expect(sessions.take('authentik')).toBe(false);
    clock.advance(1);
    expect(sessions.take('authentik')).toBe(true);
  });

  test('gets a refund once for each token taken', () => {
    const sessions = budgets(manualClock());
    takeAll(sessions);
    for (let count = 0; count < 50; count += 1) sessions.refund('authentik');
    expect(takeAll(sessions)).toBe(20);
    expect(sessions.created('authentik')).toBe(20);
  });
});

describe('a restart', () => {
  test('keeps the level and adds nothing, however long it took', () => {
    const clock = manualClock();
    let saved: string | null = null;
    const before = budgets(clock, { save: (text) => (saved = text) });
    for (let count = 0; count < 15; count += 1) before.take('authentik');
    clock.advance(86_400_000);
    expect(takeAll(budgets(manualClock(clock.now()), { saved }))).toBe(5);
  });

  test('finds the level saved before the token was given away', () => {
    const clock = manualClock();
    let saved: string | null = null;
    const sessions = budgets(clock, { save: (text) => (saved = text) });
    for (let taken = 1; taken <= 20; taken += 1) {
      sessions.take('authentik');
      expect(takeAll(budgets(clock, { saved }))).toBeLessThanOrEqual(20 - taken);
    }
  });

  test.each(['', '{}', 'null', '[]', '{"levels":"x"}', '{"levels":{"authentik":"9"}}'])(
    'a record that cannot be trusted (%s) counts as empty',
    (saved) => {
      expect(takeAll(budgets(manualClock(), { saved }))).toBe(0);
    },
  );

  test('a level above the capacity is cut to it', () => {
    const saved = JSON.stringify({ levels: { authentik: 1e9 } });
    expect(takeAll(budgets(manualClock(), { saved }))).toBe(20);
  });

  test('an outpost that is new gets its first burst', () => {
    const saved = JSON.stringify({ levels: { other: 3 } });
    expect(takeAll(budgets(manualClock(), { saved }))).toBe(20);
  });
});

test('what other processes of the store spend is taken from the budget once, over restarts', () => {
  const clock = manualClock();
  const outposts = outpostsOf(plannedSite({ sessions: '{ store: files, lifetime: 7d }' }));
  let spent = 4;
  let saved: string | null = null;
  const open = (): SessionBudgets =>
    createSessionBudgets({ outposts, clock, saved, save: (text) => (saved = text), elsewhere: () => spent });
  const first = open();
  first.take('authentik');
  expect(first.tokens('authentik')).toBe(15);
  spent = 10;
  first.take('authentik');
  expect(first.tokens('authentik')).toBe(8);
  expect(takeAll(open())).toBe(8);
  spent = 100;
  expect(first.take('authentik')).toBe(false);
});

test('sessions held are those of the last lifetime, over restarts', () => {
  const clock = manualClock();
  const first = budgets(clock, { sessions: '{ store: files, lifetime: 1h }' });
  for (let count = 0; count < 5; count += 1) first.take('authentik');
  expect(first.held('authentik')).toBe(5);
  clock.advance(1_800_000);
  const second = budgets(clock, { sessions: '{ store: files, lifetime: 1h }', saved: first.levels() });
  expect(second.held('authentik')).toBe(5);
  second.take('authentik');
  expect(second.held('authentik')).toBe(6);
  clock.advance(2_000_000);
  expect(second.held('authentik')).toBe(1);
});

test('an outpost without a store has no budget, an unknown one has no tokens', () => {
  const sessions = budgets(manualClock(), { sessions: '{ store: none }' });
  for (let count = 0; count < 1000; count += 1) expect(sessions.take('authentik')).toBe(true);
  expect(sessions.take('other')).toBe(false);
});
