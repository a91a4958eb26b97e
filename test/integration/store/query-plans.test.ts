// Every statement on the results goes by an index (threats W9), and a batch writes little: what the figures of
// `npm run bench` rest on, without a clock.

import { statSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import { expect, test } from 'vitest';
import { createPastQuery } from '../../../src/store/past.ts';
import { createResultQuery } from '../../../src/store/result-query.ts';
import { ResultRows } from '../../../src/store/result-rows.ts';
import { createRetention } from '../../../src/store/retention.ts';
import { createRollups } from '../../../src/store/rollups.ts';
import { batchesOf } from '../../bench/store-rows.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { resultsFile } from '../../support/results-file.ts';

/** Statements that everything of these rooms prepares, with the plan of each. */
function plansOf(db: Database, state: Database): { sql: string; plan: string[] }[] {
  const sources: string[] = [];
  const recording = new Proxy(db, {
    get(real, name) {
      const value: unknown = Reflect.get(real, name, real);
      if (name === 'prepare') {
        return (sql: string) => {
          sources.push(sql);
          return real.prepare(sql);
        };
      }
      return typeof value === 'function' ? value.bind(real) : value;
    },
  });
  const rows = new ResultRows(recording);
  const rollups = createRollups(recording);
  createResultQuery(recording);
  createPastQuery(recording);
  createRetention({
    results: recording,
    state,
    rows,
    rollups,
    clock: manualClock(),
    resultsMs: 1,
    rollupsMs: 1,
    maxBytes: 1,
  });
  return sources.map((sql) => {
    const named = Object.fromEntries([...sql.matchAll(/@(\w+)/g)].map(([, name]) => [name, 1]));
    const places = [...sql.matchAll(/\?/g)].map(() => 1);
    const plan = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all(...places, named);
    return { sql, plan: plan.map(({ detail }) => detail) };
  });
}

test('no statement reads through all results, shapes or roll-ups, and each query has the index it is meant to have', () => {
  using file = resultsFile();
  const plans = plansOf(file.db, file.state);
  expect(plans.length).toBeGreaterThan(30);
  const scans = plans.filter(({ plan }) =>
    plan.some((line) => /^SCAN (results|shapes|rollups_\w+)\b/.test(line)),
  );
  // The shapes of a day that is over, once an hour, 5000 at most: a few thousand rows in all.
  expect(scans.map(({ sql }) => sql.slice(0, 18))).toEqual(['DELETE FROM shapes']);

  const planOf = (part: string) =>
    plans.filter(({ sql }) => sql.includes(part)).map(({ plan }) => plan.join('\n'));
  const [faults, faultsOfChecks] = planOf('INDEXED BY results_not_up');
  for (const plan of [faults, faultsOfChecks]) {
    expect(plan).toContain('SEARCH results USING INDEX results_not_up (id>? AND id<?)');
    expect(plan).not.toContain('TEMP B-TREE FOR ORDER BY');
  }
  expect(planOf('WITH RECURSIVE walk')[0]).toContain('SEARCH results USING INTEGER PRIMARY KEY (rowid=?)');
  expect(planOf('ORDER BY results.id LIMIT @limit')[0]).toContain(
    'SEARCH results USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)',
  );
  const series = planOf('WITH RECURSIVE starts').join('\n');
  for (const table of ['rollups_5m', 'rollups_1h', 'rollups_1d']) {
    expect(series).toContain(`SEARCH ${table} USING PRIMARY KEY (start=? AND check_id=?)`);
  }
  expect(planOf('SELECT last_id AS last FROM rollups_1h')).toEqual([
    'SEARCH rollups_1h USING PRIMARY KEY (start=? AND check_id=?)',
  ]);
});

test('at 15 results a second each costs at most 100 bytes of the file and 1 kB of the journal, roll-ups included', () => {
  using file = resultsFile();
  const rows = new ResultRows(file.db);
  const site = { targets: 100, visits: 3, rate: 15, startAt: Date.UTC(2026, 3, 16) };
  let results = 0;
  let begin = 0;
  for (const batch of batchesOf(site, 15 * 120 + 15 * 600, 7)) {
    // After two minutes each check and its usual answer are known.
    if (begin === 0 && results > 15 * 120) {
      file.db.pragma('wal_checkpoint(TRUNCATE)');
      file.db.pragma('wal_autocheckpoint = 0');
      begin = results;
    }
    rows.write(batch);
    results += batch.length;
  }
  const count = results - begin;
  const before = statSync(file.file).size;
  const journal = statSync(`${file.file}-wal`).size;
  file.db.pragma('wal_checkpoint(TRUNCATE)');
  const grown = statSync(file.file).size - before;
  expect(count).toBeGreaterThan(8_900);
  expect(grown / count).toBeGreaterThan(50);
  expect(grown / count).toBeLessThanOrEqual(100);
  // Each page of the journal is written once more into the file, if it was not overwritten before that.
  expect((journal + grown) / count).toBeGreaterThan(300);
  expect((journal + grown) / count).toBeLessThanOrEqual(850);
});
