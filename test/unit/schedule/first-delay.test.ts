import { expect, test } from 'vitest';
import { firstDelays, untilPhaseMs } from '../../../src/schedule/first-delay.ts';

test.each([1, 2, 6, 7, 34, 300])('%d checks use every slot of the interval once', (count) => {
  const delays = Array.from({ length: count }, (_, index) => firstDelays(count, 60_000)(index));
  const slots = delays.map((delay) => Math.round(delay / (60_000 / count))).toSorted((a, b) => a - b);
  expect(slots).toEqual(Array.from({ length: count }, (_, index) => index));
  expect(Math.max(...delays)).toBeLessThan(60_000);
});

test('neighbours are far apart', () => {
  const delays = Array.from({ length: 300 }, (_, index) => firstDelays(300, 60_000)(index));
  for (let index = 1; index < delays.length; index += 1) {
    expect(Math.abs((delays[index] ?? 0) - (delays[index - 1] ?? 0))).toBeGreaterThan(10_000);
  }
});

test.each([
  [0, 0, 0],
  [10, 5, 5],
  [10, 15, 95],
  [10, 110, 0],
])('phase %d at %d is %d away', (phase, now, wanted) => expect(untilPhaseMs(phase, 100, now)).toBe(wanted));
