// Too many starts in a row that no clean end explains.

import { expect, test } from 'vitest';
import { noteEnd, noteStart } from '../../../src/store/starts.ts';
import type { Texts } from '../../../src/store/texts.ts';

const MINUTE = 60_000;
const T0 = Date.UTC(2026, 3, 16, 17);

function texts(): Texts {
  const all = new Map<string, string>();
  return { get: (key) => all.get(key) ?? null, put: (key, value) => void all.set(key, value) };
}

test('the sixth start within ten minutes is one too many, and so is every further one', () => {
  const state = texts();
  const said = [0, 1, 2, 3, 4, 5, 6].map((minute) => noteStart(state, T0 + minute * MINUTE));
  expect(said.slice(0, 5)).toEqual([null, null, null, null, null]);
  expect(said[5]).toMatch(/^gatewatch has started 6 times in 10 minutes /);
  expect(said[6]).toMatch(/^gatewatch has started 7 times in 10 minutes /);
});

test('starts that are ten minutes old do not count, nor those of a clock that was ahead', () => {
  const state = texts();
  for (let minute = 0; minute < 30; minute += 2) expect(noteStart(state, T0 + minute * MINUTE)).toBeNull();
  for (let times = 0; times < 5; times += 1) noteStart(state, T0 + 400 * 24 * 60 * MINUTE);
  expect(noteStart(state, T0 + 60 * MINUTE)).toBeNull();
});

test('a clean end strikes all of them out, and a text that is none of ours counts as none', () => {
  const state = texts();
  for (let times = 0; times < 5; times += 1) noteStart(state, T0 + times);
  noteEnd(state);
  expect(noteStart(state, T0 + 10)).toBeNull();
  state.put('starts', 'garbage NaN 12x');
  expect(noteStart(state, T0 + 20)).toBeNull();
});
