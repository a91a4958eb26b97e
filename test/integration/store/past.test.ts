// Results in the order they came in: page by page nothing is lost or twice, and what blame needs comes back.

import { expect, test } from 'vitest';
import type { SignatureId } from '../../../src/model/verdict.ts';
import { createPastQuery } from '../../../src/store/past.ts';
import { ResultRows } from '../../../src/store/result-rows.ts';
import { pendingResult, resultsFile } from '../../support/results-file.ts';

const ALL = { since: 0, until: 1e12, after: 0, limit: 10_000 };

test('pages of any size are the same rows, oldest first', () => {
  using file = resultsFile();
  const rows = new ResultRows(file.db);
  const at = (index: number) => 1_000_000 + index * 10;
  const batch = Array.from({ length: 230 }, (_, index) =>
    pendingResult({ id: at(index) * 1024 + (index % 3), at: at(index), host: `h${index % 7}` }),
  );
  rows.write(batch);
  const past = createPastQuery(file.reader);
  const whole = past(ALL).map(({ id }) => id);
  expect(whole).toEqual(batch.map(({ id }) => id));
  for (const limit of [1, 7, 229]) {
    const paged: number[] = [];
    for (let page = past({ ...ALL, limit }); page.length > 0; ) {
      paged.push(...page.map(({ id }) => id));
      page = past({ ...ALL, limit, after: paged.at(-1) ?? 0 });
    }
    expect(paged).toEqual(whole);
  }
  const some = past({ ...ALL, since: at(10), until: at(20) });
  expect(some.map((row) => row.at)).toEqual(Array.from({ length: 10 }, (_, index) => at(10 + index)));
});

test('rows of a clock that went back are found by their own time', () => {
  using file = resultsFile();
  const rows = new ResultRows(file.db);
  const hour = 3_600_000;
  rows.write([
    pendingResult({ id: 2 * hour * 1024, at: 2 * hour }),
    pendingResult({ id: 2 * hour * 1024 + 1, at: hour }),
  ]);
  const found = createPastQuery(file.reader)({ ...ALL, since: hour, until: hour + 1 });
  expect(found.map(({ at }) => at)).toEqual([hour]);
});

test('a fault keeps its signature and what it points at, written out or repeated; earlier rows say null', () => {
  using file = resultsFile();
  const rows = new ResultRows(file.db);
  const fault = (index: number) => {
    const one = pendingResult({ id: index + 1, at: 1, verdict: 'down' });
    const signature = 'gate-no-session' as SignatureId;
    return { ...one, form: { ...one.form, signature, pointsAt: ['gate', 'gate-sessions'] } };
  };
  rows.write(Array.from({ length: 8 }, (_, index) => fault(index)));
  rows.write([pendingResult({ id: 9, at: 1 })]);
  const past = createPastQuery(file.reader)(ALL);
  expect(past.map(({ pointsAt }) => pointsAt)).toEqual([
    ...Array.from({ length: 8 }, () => ['gate', 'gate-sessions']),
    null,
  ]);
  expect(past[7]).toMatchObject({
    ...{ check: 'fresh:cdn:a.example.com', kind: 'visit', target: 'a.example.com', verdict: 'down' },
    ...{ signature: 'gate-no-session', durationMs: 1, extra: false },
  });
  expect(file.reader.prepare('SELECT count(*) FROM results WHERE detail IS NULL').pluck().get()).toBe(3);
});
