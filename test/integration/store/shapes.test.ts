// What is written of answers that repeat: rows stay small, and nothing is lost that tells one fault from the next.

import { expect, test } from 'vitest';
import { createResultQuery } from '../../../src/store/result-query.ts';
import { ResultRows } from '../../../src/store/result-rows.ts';
import { pendingResult, resultsFile } from '../../support/results-file.ts';

const FULL = 'SELECT id FROM results WHERE detail IS NOT NULL ORDER BY id';

test('of the same fault over and over the first five are written out, and again when it comes back', () => {
  using file = resultsFile();
  const rows = new ResultRows(file.db);
  const verdicts = [...'dddddddduddddddd'].map((letter) => (letter === 'd' ? 'down' : 'up'));
  rows.write(verdicts.map((verdict, index) => pendingResult({ id: index + 1, at: 1000 + index, verdict })));
  expect(file.reader.prepare(FULL).pluck().all()).toEqual([1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14]);
  const read = createResultQuery(file.reader)({ verdicts: ['down'] });
  expect(read).toHaveLength(15);
  for (const { reason, evidence } of read) {
    expect(reason).toBe('it is down');
    expect(evidence[0]).toMatchObject({ status: 302, url: 'https://grafana.example.com/' });
  }
});

test('answers that take turns have a shape each', () => {
  using file = resultsFile();
  const rows = new ResultRows(file.db);
  const one = (index: number) => pendingResult({ id: index + 1, at: 1000, reason: `server ${index % 3}` });
  for (let index = 0; index < 12; index += 1) rows.write([one(index)]);
  expect(file.reader.prepare(FULL).pluck().all()).toEqual([1, 2, 3]);
  expect(file.reader.prepare('SELECT count(*) FROM shapes').pluck().get()).toBe(3);
  expect(createResultQuery(file.reader)({}).map(({ reason }) => reason)).toEqual(
    Array.from({ length: 12 }, (_, index) => `server ${(11 - index) % 3}`),
  );
});

test('another fault is written out at once', () => {
  using file = resultsFile();
  const rows = new ResultRows(file.db);
  const reasons = ['a', 'a', 'a', 'a', 'a', 'a', 'b', 'a'];
  rows.write(
    reasons.map((reason, index) => pendingResult({ id: index + 1, at: 1000, verdict: 'down', reason })),
  );
  expect(file.reader.prepare(FULL).pluck().all()).toEqual([1, 2, 3, 4, 5, 7, 8]);
});
