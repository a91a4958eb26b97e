// What `store:` takes and refuses.

import { expect, test } from 'vitest';
import { storeSchema } from '../../../src/store/options.ts';

test('has defaults', () => {
  expect(storeSchema.parse({})).toEqual({
    file: 'gatewatch.db',
    resultsMs: 14 * 86_400_000,
    rollupsMs: 400 * 86_400_000,
    maxBytes: 2 ** 31,
    keys: [],
  });
});

test('takes one key, or several of which the first one seals', () => {
  const [first, second] = ['a key of twenty-four characters', 'another key of twenty-four'];
  const keys = (key: unknown) => storeSchema.parse({ key }).keys.map((one) => one.reveal());
  expect([keys(first), keys([first, second])]).toEqual([[first], [first, second]]);
});

test.each([
  [{ results: 'soon' }, 'must be a duration such as 90s, 5m or 7d'],
  [{ max: '1MiB' }, 'is out of range'],
  [{ file: '' }, 'Too small: expected string to have >=1 characters'],
  [{ colour: 'red' }, 'Unrecognized key: "colour"'],
])('refuses %j', (raw, message) => {
  expect(storeSchema.safeParse(raw).error?.issues[0]?.message).toBe(message);
});
