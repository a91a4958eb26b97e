// A seeded part of the benchmark (`npm run bench:correlate`): few trials of the rows, each by its own marks.

import { expect, test } from 'vitest';
import { ROWS } from '../bench/correlate/rows.ts';
import type { Size } from '../world/site.ts';

/** Row, size and trials: what a minute of CPU allows. */
const QUICK: readonly (readonly [string, Size, number])[] = [
  ['2', 30, 6],
  ['4b', 30, 5],
  ['5', 30, 6],
  ['6', 30, 5],
  ['8', 30, 4],
  ['9', 30, 4],
  ['10', 30, 4],
  ['11', 30, 6],
  ['12', 30, 5],
  ['20', 30, 5],
  ['3', 300, 2],
  ['13', 300, 2],
];
const SEED = 20260418;

test.each(QUICK)('row %s at %i services holds its marks in %i trials', (id, size, count) => {
  const row = ROWS.find((each) => each.id === id)!;
  const trials = Array.from({ length: count }, (_, at) => row.run(size, SEED + at));
  for (const { name, mark, value, ok } of row.marks(size)) {
    const figure = value(trials);
    expect(
      ok(figure),
      `${name} ${mark}: ${figure}\n${JSON.stringify(
        trials.map(({ seed, truth, told }) => ({ seed, truth, told })),
        null,
        1,
      )}`,
    ).toBe(true);
  }
});
