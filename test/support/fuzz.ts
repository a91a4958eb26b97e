// What the fuzzers share: a seed that is fixed unless told otherwise and always printed, a box of time, arbitrary
// bytes and hostile texts, and the canary for polluted prototypes.

import fc from 'fast-check';
import { expect } from 'vitest';
import { ALL_HOSTILE } from './hostile-strings.ts';

/** `FUZZ_SEED=n` tries another one, `FUZZ_MS=n` goes on for longer than the box of CI. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20260418);
const BOX_MS = Number(process.env['FUZZ_MS'] ?? 0);

/** Parameters of a fuzzer that goes on for about `ms`, however many cases that is. */
export function timeBox<T>(ms: number): fc.Parameters<T> {
  console.info(`fuzz seed ${SEED}`);
  return {
    seed: SEED,
    numRuns: 1_000_000,
    interruptAfterTimeLimit: BOX_MS > 0 ? BOX_MS : ms,
    markInterruptAsFailure: false,
  };
}

/** Bytes as Node gives those of headers: one character each. */
export const latin1: fc.Arbitrary<string> = fc
  .uint8Array({ maxLength: 120 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));

/** Hostile texts, their parts and mixtures, and anything else. */
export const hostile: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...ALL_HOSTILE) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...ALL_HOSTILE), fc.constantFrom(...ALL_HOSTILE))
      .map(([one, other]) => (one + other).slice(0, 400)),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 1, arbitrary: latin1 },
);

/** Names that reach a prototype where a map is a plain object. */
export const hostileKey: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'),
  hostile,
);

/** Fails when something was put into, or taken from, what every object inherits. */
export function expectCleanPrototypes(): void {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(Object.getOwnPropertyNames(Object.prototype).toSorted()).toEqual(OBJECT_MEMBERS);
  expect(Object.keys(Array.prototype)).toEqual([]);
}

const OBJECT_MEMBERS = Object.getOwnPropertyNames(Object.prototype).toSorted();
