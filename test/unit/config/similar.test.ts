import { expect, test } from 'vitest';
import { didYouMean } from '../../../src/config/similar.ts';

test.each([
  ['taargets', 'targets'],
  ['tragets', 'targets'],
  ['chek', 'checks'],
  ['log', 'log'],
  ['x', ''],
  ['completely-different', ''],
])('%s is taken for %s', (word, wanted) => {
  expect(didYouMean(word, ['targets', 'checks', 'log', 'receivers'])).toBe(
    wanted === '' ? '' : `; did you mean "${wanted}"?`,
  );
});
