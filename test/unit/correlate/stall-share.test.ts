// When our own lateness is told: again and again, not once.

import { expect, test } from 'vitest';
import { createStallShare } from '../../../src/correlate/stall-share.ts';

/** Ten probes a second; those of the given seconds are spoiled. */
function watch(seconds: number, isSpoiled: (second: number) => boolean): (string | null)[] {
  const share = createStallShare();
  const told: (string | null)[] = [];
  for (let second = 0; second < seconds; second += 1)
    for (let n = 0; n < 10; n += 1) told.push(share(isSpoiled(second), second * 1_000 + n));
  return told;
}

test('a process that is on time says nothing', () => {
  expect(watch(600, () => false).every((one) => one === null)).toBe(true);
});

test('one freeze is over when it could be told', () => {
  expect(watch(600, (second) => second >= 100 && second < 130).every((one) => one === null)).toBe(true);
});

test('more than a twentieth spoiled, again and again, is told, and ends five minutes after the last', () => {
  const told = watch(1_200, (second) => second < 600 && second % 10 === 0);
  expect(told.findIndex((one) => one !== null)).toBeGreaterThanOrEqual(60 * 10);
  expect(told[600 * 10 - 1]).toMatch(/^\d+ of \d+ probes of the last minutes were spoiled because/);
  expect(told.slice(900 * 10).every((one) => one === null)).toBe(true);
});

test('a share below that is everyday life', () => {
  const told = watch(900, (second) => second % 100 === 0);
  expect(told.slice(300).every((one) => one === null)).toBe(true);
});
