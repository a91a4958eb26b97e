import { expect, test } from 'vitest';
import { createRequestBudgets, type RequestBudgets } from '../../../src/schedule/request-budget.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { plannedSite } from '../../support/planned-site.ts';

function budgets(
  clock = manualClock(),
  saved: string | null = null,
  save: (text: string) => void = () => undefined,
): RequestBudgets {
  return createRequestBudgets({
    paths: plannedSite({ cdn: ', requests: 20000/day' }).paths,
    clock,
    saved,
    save,
  });
}

function takeAll(requests: RequestBudgets): number {
  let taken = 0;
  while (requests.take('cdn')) taken += 1;
  return taken;
}

test('a first day with a burst stays within the ceiling', () => {
  const clock = manualClock();
  const requests = budgets(clock);
  let taken = takeAll(requests);
  for (let minute = 0; minute < 1440; minute += 1) {
    clock.advance(60_000);
    taken += takeAll(requests);
  }
  expect(taken).toBeLessThanOrEqual(20_000);
  expect(taken).toBeGreaterThan(19_800);
});

test('further hops are paid for by later requests', () => {
  const clock = manualClock();
  const requests = budgets(clock);
  const burst = takeAll(requests);
  requests.charge('cdn', 10);
  clock.advance(10 * 4_400);
  expect(takeAll(requests)).toBe(0);
  expect(requests.made('cdn')).toBe(burst + 10);
});

test('a crash loop gives no new burst, and is not written to disk for each request', () => {
  const clock = manualClock();
  let saved: string | null = null;
  let saves = 0;
  let taken = 0;
  for (let start = 0; start < 100; start += 1) {
    const requests = budgets(clock, saved, (text) => {
      saved = text;
      saves += 1;
    });
    for (let count = 0; count < 10 && requests.take('cdn'); count += 1) taken += 1;
  }
  expect(taken).toBeLessThanOrEqual(139);
  expect(saves).toBeLessThan(taken);
});

test('a path without a ceiling has no budget', () => {
  const requests = budgets();
  for (let count = 0; count < 1000; count += 1) expect(requests.take('origin')).toBe(true);
});
