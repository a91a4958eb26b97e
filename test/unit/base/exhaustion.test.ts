// What this process ran out of, for whom it counts, and how many probes a limit of descriptors carries.

import { describe, expect, test } from 'vitest';
import {
  concurrencyWithin,
  createExhaustion,
  descriptorLimit,
  lackOfDescriptors,
} from '../../../src/base/exhaustion.ts';
import { manualClock } from '../../support/manual-clock.ts';

describe('a noted exhaustion', () => {
  test.each(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])('of %s counts for what overlapped it', (code) => {
    const clock = manualClock();
    const exhaustion = createExhaustion(clock);
    clock.advance(10_000);
    const atMs = clock.monotonic();
    exhaustion.note(code);
    expect(exhaustion.during(atMs - 5_000, atMs + 5_000)).toContain(`(${code})`);
    expect(exhaustion.during(atMs - 5_000, atMs - 500)).toContain(code);
    expect(exhaustion.during(atMs - 5_000, atMs - 501)).toBeNull();
    expect(exhaustion.during(atMs + 500, atMs + 5_000)).toContain(code);
    expect(exhaustion.during(atMs + 501, atMs + 5_000)).toBeNull();
  });

  test('is none for other codes', () => {
    const exhaustion = createExhaustion(manualClock());
    for (const code of ['ECONNREFUSED', 'EADDRNOTAVAIL', '__proto__', '']) exhaustion.note(code);
    expect(exhaustion.during(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)).toBeNull();
  });
});

test('a process with descriptors left lacks none', () => {
  expect(lackOfDescriptors()).toBeNull();
});

test.each([
  [1024, 64, 64],
  [192, 64, 64],
  [191, 64, 63],
  [66, 64, 1],
  [64, 64, 1],
  [0, 64, 1],
  [8192, 384, 384],
  [null, 384, 384],
])('a limit of %j descriptors and a wish of %i carry %i probes', (limit, most, carried) => {
  expect(concurrencyWithin(limit, most)).toBe(carried);
});

test('the soft limit is read from the text of the system', () => {
  const text =
    'Limit  Soft Limit  Hard Limit  Units\nMax processes   9   9  processes\nMax open files            1024                 524288               files     \n';
  expect(descriptorLimit(text)).toBe(1024);
  expect(
    descriptorLimit('Max open files            unlimited            unlimited            files'),
  ).toBeNull();
  expect(descriptorLimit('')).toBeNull();
});
