// Figures of the store: queries, bytes stored and written, and slices of retention, over a database of its own.

import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import Database, { type Database as Connection } from 'better-sqlite3';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { readNewest } from '../../src/store/newest.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { createResultQuery, type ResultQuery } from '../../src/store/result-query.ts';
import { ResultRows } from '../../src/store/result-rows.ts';
import { createRetention } from '../../src/store/retention.ts';
import { type Bucket, createRollups } from '../../src/store/rollups.ts';
import { openStore } from '../../src/store/store.ts';
import { incident } from '../support/incident.ts';
import { type Row, row } from './row.ts';
import { batchesOf, checkName, type Site, targetName } from './store-rows.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const START = Date.UTC(2026, 3, 16);
/** 900 checks, each once a minute. */
const LARGE: Site = { targets: 300, visits: 3, rate: 15, startAt: START };
/** Ids a millisecond, as in result-ids.ts. */
const IDS_A_MS = 1024;
/** Rows of one transaction while the database is built. */
const BUILD_BATCH = 5_000;
/** Incidents in the state file, a few years of them. */
const INCIDENTS = 5_000;
/** Arguments each query is tried with; the slowest counts. */
const TRIES = 10;

/** The figures of the store. Builds a database of `rows` results (1 GB for 10 million) and removes it. */
export async function measureStore(rows = 1_000_000): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'gatewatch-bench-'));
  try {
    const file = join(folder, 'large.db');
    const { end, figures } = build(file, rows);
    return [
      ...figures,
      ...queryRows(file, end),
      ...incidentRows(file),
      ...[1.5, 15, 250].map((rate) => written(join(folder, `${rate}.db`), rate)),
      ...retentionRows(file, end),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function openResults(file: string): Connection {
  return openDatabase(file, { set: 'results', synchronous: 'NORMAL', readonly: false }, START).db;
}

/** Results of a day of `LARGE`: what is written row by row; further days are copies of it. */
const DAY_ROWS = LARGE.rate * (DAY_MS / 1000);

function build(file: string, rows: number): { end: number; figures: Row[] } {
  const db = openResults(file);
  const first = Math.min(rows, DAY_ROWS);
  const begin = process.cpuUsage();
  const writer = new ResultRows(db);
  for (const batch of batchesOf(LARGE, first, BUILD_BATCH)) writer.write(batch);
  const { user, system } = process.cpuUsage(begin);
  const days = Math.ceil(rows / DAY_ROWS);
  for (let day = 1; day < days; day += 1) copyDay(db, day);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  const stored = first * days;
  return {
    end: START + (first * 1000) / LARGE.rate + (days - 1) * DAY_MS,
    figures: [
      row(`CPU a result written, ${BUILD_BATCH} a batch`, (user + system) / first, 'us'),
      row(`bytes stored a result, of ${stored}`, statSync(file).size / stored, 'B', 100),
    ],
  };
}

/** The first day once more, `day` days later: five times faster than writing it. */
function copyDay(db: Connection, day: number): void {
  const ms = day * DAY_MS;
  const ids = ms * IDS_A_MS;
  db.transaction(() => {
    db.exec(`INSERT INTO results
      SELECT id + ${ids}, at + ${ms}, check_id, verdict, duration_us,
        CASE prev WHEN 0 THEN (SELECT last_id FROM heads WHERE heads.check_id = results.check_id) ELSE prev + ${ids} END,
        extra, shape_id, timings, detail
      FROM results WHERE id < ${(START + DAY_MS) * IDS_A_MS}`);
    for (const table of ['rollups_5m', 'rollups_1h', 'rollups_1d']) {
      db.exec(`INSERT INTO ${table}
        SELECT start + ${ms}, check_id, up, degraded, down, unknown, sum_us, min_us, max_us, last_id + ${ids}
        FROM ${table} WHERE start < ${START + DAY_MS}`);
    }
    db.exec(`UPDATE heads SET last_id = (SELECT id FROM results WHERE id > ${ids} AND results.check_id = heads.check_id
      ORDER BY id DESC LIMIT 1)`);
    db.exec(`UPDATE meta SET value = (SELECT max(id) FROM results) WHERE key = 'rolled'`);
    db.exec(`UPDATE meta SET value = (SELECT count(*) FROM results) WHERE key = 'rows'`);
  })();
}

/** Each query of the page, the API and the command line, on a connection of its own, as a reader has it. */
function queryRows(file: string, end: number): Row[] {
  const db = new Database(file, { readonly: true });
  const query = createResultQuery(db);
  const rollups = createRollups(db);
  const checkId = db.prepare<[string], { id: number }>('SELECT id FROM checks WHERE name = ?');
  const rollup = (bucket: Bucket, days: number) => (index: number) =>
    rollups.read(checkId.get(checkName(index))?.id ?? 0, {
      bucket,
      since: end - days * DAY_MS,
      until: end + 1,
    });
  const results = (part: (index: number) => ResultQuery) => (index: number) => query(part(index));
  const middle = (START + end) / 2;
  const firstPages = new Map<number, number | undefined>();
  for (let index = 0; index < TRIES; index += 1) {
    firstPages.set(index, query({ target: targetName(index * 29), until: middle }).at(-1)?.id);
  }
  const before = (index: number) => firstPages.get(index) ?? 1;
  const down = { verdicts: ['down'] } as const;
  const one: readonly [string, (index: number) => unknown][] = [
    ['newest of a check', results((index) => ({ check: checkName(index * 29), limit: 1 }))],
    ['history of a check', results((index) => ({ check: checkName(index * 29) }))],
    ['history of a target', results((index) => ({ target: targetName(index * 29) }))],
    [
      'history of a target, next page',
      results((index) => ({ target: targetName(index * 29), before: before(index) })),
    ],
    [
      'history of a target, a day in the past',
      results((index) => ({ target: targetName(index * 29), since: middle, until: middle + DAY_MS })),
    ],
    ['faults of a target', results((index) => ({ target: targetName(index * 29), ...down }))],
    ['roll-ups of a check, 1 h', rollup('5m', 1 / 24)],
    ['roll-ups of a check, 1 d', rollup('5m', 1)],
    ['roll-ups of a check, 30 d', rollup('1h', 30)],
    ['roll-ups of a check, 400 d', rollup('1d', 400)],
  ];
  const all: readonly [string, (index: number) => unknown][] = [
    ['newest of all', results(() => ({}))],
    ['newest of all, 1000', results(() => ({ limit: 1000 }))],
    ['history of a target, 1000', results((index) => ({ target: targetName(index * 29), limit: 1000 }))],
    ['all that are up', results(() => ({ verdicts: ['up'] }))],
    ['all that are down', results(() => ({ ...down, limit: 1000 }))],
    ['all that are unknown: none', results(() => ({ verdicts: ['unknown'] }))],
    ['all since an hour ago', results(() => ({ since: end - HOUR_MS }))],
    ['all of an hour in the past', results(() => ({ since: middle, until: middle + HOUR_MS }))],
    [
      'faults of a check in 1 d',
      results((index) => ({ check: checkName(index * 29), ...down, since: end - DAY_MS })),
    ],
    ['all before a page', results((index) => ({ before: before(index) }))],
    [
      'unknown of a check: none',
      results((index) => ({ check: checkName(index * 29), verdicts: ['unknown'] })),
    ],
    ['start: newest of every check', () => readNewest(db)],
  ];
  try {
    return [
      ...one.map(([what, run]) => row(`query: ${what}`, slowest(run), 'ms', 10)),
      ...all.map(([what, run]) => row(`query: ${what}`, slowest(run), 'ms', 100)),
    ];
  } finally {
    db.close();
  }
}

/** A page of incidents, read as the daemon reads them, of some years of faults. */
function incidentRows(file: string): Row[] {
  const state = openDatabase(
    file.replace('.db', '-state.db'),
    { set: 'state', synchronous: 'FULL', readonly: false },
    START,
  ).db;
  const add = state.prepare(
    "INSERT INTO incidents VALUES (@id, @at, @at + 60000, 'resolved', 'shared', 'cdn:cdn', '{}', @body)",
  );
  state.transaction(() => {
    for (let index = 0; index < INCIDENTS; index += 1) {
      const [id, at] = [`i${index}`, START - index * HOUR_MS];
      const body = JSON.stringify(incident({ id, state: 'resolved', openedAt: at, resolvedAt: at + 60_000 }));
      add.run({ id, at, body });
    }
  })();
  state.close();
  using store = openStore({
    file,
    clock: systemClock,
    log: silentLog(),
    resultsMs: 400 * DAY_MS,
    rollupsMs: 400 * DAY_MS,
    maxBytes: 2 ** 40,
    readonly: true,
  });
  return [
    row(
      'query: newest incidents',
      slowest(() => store.incidents.list({})),
      'ms',
      100,
    ),
    row(
      'query: incidents, 1000',
      slowest(() => store.incidents.list({ limit: 1000 })),
      'ms',
      100,
    ),
    row(
      'query: incidents of a time in the past',
      slowest((index) =>
        store.incidents.list({ since: START - (index + 90) * DAY_MS, until: START - 90 * DAY_MS }),
      ),
      'ms',
      100,
    ),
  ];
}

/**
 * The slowest of some arguments; of each the fastest of five runs: the machine may be busy with others, and a daemon
 * has run each query before.
 */
function slowest(run: (index: number) => unknown): number {
  return Math.max(
    ...Array.from({ length: TRIES }, (_, index) =>
      Math.min(...Array.from({ length: 5 }, () => milliseconds(() => run(index)))),
    ),
  );
}

function milliseconds(run: () => unknown): number {
  const begin = performance.now();
  run();
  return performance.now() - begin;
}

/**
 * Bytes handed to the disk for each result, in batches of half a second, with the roll-ups: over an hour, after a
 * quarter of an hour in which checks and shapes are made.
 */
function written(file: string, rate: number): Row {
  const checks = Math.round(rate * (rate > 100 ? 20 : 60));
  const site: Site = { targets: Math.ceil(checks / 3), visits: 3, rate, startAt: START };
  const [warm, measured] = [Math.round(rate * 900), Math.round(rate * (rate > 100 ? 600 : 3600))];
  const db = openResults(file);
  const writer = new ResultRows(db);
  let [results, bytes] = [0, 0];
  for (const batch of batchesOf(site, warm + measured, Math.max(1, Math.floor(rate / 2)))) {
    if (results < warm) bytes = writtenBytes();
    writer.write(batch);
    results += batch.length;
  }
  db.close();
  const what = `bytes written a result at ${rate} a second`;
  return row(what, (writtenBytes() - bytes) / measured, 'B', rate === 15 ? 1000 : null);
}

/** Bytes this process has given to write(2) and its like. Source: proc(5), `wchar`. */
function writtenBytes(): number {
  return Number(/^wchar: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

/** One hour of slices. Ends with a smaller database. */
function retentionRows(file: string, end: number): Row[] {
  const db = openResults(file);
  const state = openDatabase(
    `${file}-state`,
    { set: 'state', synchronous: 'FULL', readonly: false },
    START,
  ).db;
  const start = systemClock.monotonic();
  let ahead = 0;
  const prune = (resultsMs: number, maxBytes: number) => {
    const retain = createRetention({
      results: db,
      state,
      rollups: createRollups(db),
      rows: new ResultRows(db),
      clock: { ...systemClock, now: () => end + ahead, monotonic: () => start + ahead },
      resultsMs,
      rollupsMs: 400 * DAY_MS,
      maxBytes,
    });
    ahead += 2 * HOUR_MS;
    return Array.from({ length: 40 }, () => milliseconds(() => retain(end)));
  };
  try {
    const byAge = prune((end - START) / 2, 2 ** 40);
    const bySize = prune(400 * DAY_MS, 1);
    return [
      row('retention by age, longest slice', Math.max(...byAge), 'ms', 50),
      row('retention by size, longest slice', Math.max(...bySize), 'ms', 50),
    ];
  } finally {
    db.close();
    state.close();
  }
}
