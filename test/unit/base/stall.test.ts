// The stall watch: what our own lateness and clock steps are told of, and what is let pass.

import { expect, test } from 'vitest';
import { createStallWatch } from '../../../src/base/stall.ts';
import { simulatedClock } from '../../support/simulated-clock.ts';

test('says nothing while the process is on time', async () => {
  const clock = simulatedClock();
  using stall = createStallWatch(clock);
  await clock.pass(60_000);
  expect(stall.during(0, clock.monotonic(), 1)).toBeNull();
});

test('tells of a process that stood still, also while it still does', async () => {
  const clock = simulatedClock();
  using stall = createStallWatch(clock);
  await clock.pass(5_000);
  const since = clock.monotonic();
  clock.sleepThrough(3_000);
  expect(stall.during(since, clock.monotonic(), 1_000)).toMatch(/late by \d+ ms/);
  await clock.pass(2_000);
  expect(stall.during(since, clock.monotonic(), 1_000)).toMatch(/late by/);
  expect(stall.during(since, clock.monotonic(), 5_000)).toBeNull();
});

test('adds up what a starved process is late again and again', async () => {
  const clock = simulatedClock();
  using stall = createStallWatch(clock);
  const since = clock.monotonic();
  for (let round = 0; round < 5; round += 1) {
    await clock.pass(900);
    clock.sleepThrough(400);
  }
  await clock.pass(1_000);
  expect(stall.during(since, clock.monotonic(), 1_000)).toMatch(/late by/);
  expect(stall.during(clock.monotonic() - 1, clock.monotonic(), 1_000)).toBeNull();
});

test('counts a freeze for what begins in the crowd after it, and small lateness for nothing later', async () => {
  const clock = simulatedClock();
  using stall = createStallWatch(clock);
  await clock.pass(5_000);
  clock.sleepThrough(3_000);
  await clock.pass(1_500);
  const begun = clock.monotonic();
  await clock.pass(500);
  expect(stall.during(begun, clock.monotonic(), 1_000)).toMatch(/late by/);
  await clock.pass(5_000);
  clock.sleepThrough(1_500);
  await clock.pass(1_500);
  expect(stall.during(clock.monotonic() - 500, clock.monotonic(), 100)).toBeNull();
});

test('forgets what ended before the probe began', async () => {
  const clock = simulatedClock();
  using stall = createStallWatch(clock);
  clock.sleepThrough(5_000);
  await clock.pass(10_000);
  expect(stall.during(clock.monotonic() - 2_000, clock.monotonic(), 100)).toBeNull();
});

test.each([3_600_000, -3_600_000])('tells of a wall clock that jumped by %d ms', async (jump) => {
  const clock = simulatedClock();
  using stall = createStallWatch(clock);
  await clock.pass(1_000);
  const since = clock.monotonic();
  clock.step(jump);
  await clock.pass(1_000);
  expect(stall.during(since, clock.monotonic(), 60_000)).toBe('the clock jumped');
});
