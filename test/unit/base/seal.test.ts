// Texts at rest: only the right key opens them, for what they were sealed for (threats C8).

import { expect, test } from 'vitest';
import { createSeal } from '../../../src/base/seal.ts';
import { Secret } from '../../../src/base/secret.ts';

const first = new Secret('first key of twenty-four characters');
const second = new Secret('second key of twenty-four characters');
const seal = createSeal([first]);
const sealed = seal.close('geheim', 'monitor');

test('opens with its key, for what it was sealed for', () => {
  expect([seal.open(sealed, 'monitor'), sealed.includes('geheim')]).toEqual(['geheim', false]);
  expect(seal.close('geheim', 'monitor')).not.toBe(sealed);
});

test('an older key still opens, and the first one seals', () => {
  const rotated = createSeal([second, first]);
  expect(rotated.open(sealed, 'monitor')).toBe('geheim');
  expect(createSeal([second]).open(rotated.close('x', 'monitor'), 'monitor')).toBe('x');
});

test('does not open for another account, with another key, or as anything else', () => {
  expect(seal.open(sealed, 'other')).toBeNull();
  expect(createSeal([second]).open(sealed, 'monitor')).toBeNull();
  for (const text of ['', 'nonsense', sealed.slice(0, 20)]) expect(seal.open(text, 'monitor')).toBeNull();
});

test('does not open with any of its bytes changed', () => {
  const bytes = Buffer.from(sealed, 'base64');
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(seal.open(changed.toString('base64'), 'monitor')).toBeNull();
  }
});
