// Roll-ups: counts per verdict and durations, by check and bucket of 5 minutes, an hour and a (UTC) day. They are
// added up from the stored results, all up to the id `meta.rolled` and none beyond, in one transaction with that id:
// no result counts twice or never, whenever the process dies and whatever the clock does. Readers add what is newer.

import type { Database } from 'better-sqlite3';
import type { EpochMs } from '../model/observation.ts';
import { VERDICTS, type Verdict } from '../model/verdict.ts';

/** Bucket lengths, shortest first. */
const LENGTH_MS = { '5m': 300_000, '1h': 3_600_000, '1d': 86_400_000 } as const;
export type Bucket = keyof typeof LENGTH_MS;
export const BUCKETS = ['5m', '1h', '1d'] as const satisfies readonly Bucket[];

/** Longest series one read gives. */
const MOST_BUCKETS = 2_000;
/** The id up to which results are added up. */
export const ROLLED = "(SELECT coalesce(max(value), 0) FROM meta WHERE key = 'rolled')";

/** One check in one bucket. Only durations of results with a verdict of up or degraded are added up. */
export interface Rollup {
  readonly start: EpochMs;
  readonly counts: Readonly<Record<Verdict, number>>;
  readonly sumMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

interface Row {
  start: number;
  up: number;
  degraded: number;
  down: number;
  unknown: number;
  sum_us: number;
  min_us: number;
  max_us: number;
}

interface Span {
  readonly checkId: number;
  readonly first: number;
  readonly last: number;
  readonly lengthMs: number;
}

export interface Rollups {
  /** Adds up all results up to the id `to` that are not yet; the caller holds the transaction. */
  rollUp(to: number): void;
  /** Results that are not added up yet; for the start. */
  waiting(): number;
  /** Buckets of one check that begin in [since, until), oldest first, at most 2000; empty buckets are left out. */
  read(checkId: number, range: { bucket: Bucket; since: EpochMs; until: EpochMs }): Rollup[];
  /** Start of the oldest bucket of a length, null when there is none. */
  oldest(bucket: Bucket): EpochMs | null;
  /** Deletes at most `limit` rows of a bucket length that begin before `before`; returns how many. */
  prune(bucket: Bucket, before: EpochMs, limit: number): number;
}

/** Which bucket of five minutes an instant is in. When it changes, results wait to be added up. */
export function shortestBucket(at: EpochMs): number {
  return Math.floor(at / LENGTH_MS['5m']);
}

/** Start of the hour of an instant, for `rollups_1h`. */
export function hourOf(at: EpochMs): EpochMs {
  return Math.floor(at / LENGTH_MS['1h']) * LENGTH_MS['1h'];
}

/** Roll-ups in a migrated results database. */
export function createRollups(db: Database): Rollups {
  const tables = {
    '5m': tableOf(db, '5m'),
    '1h': tableOf(db, '1h'),
    '1d': tableOf(db, '1d'),
  };
  const sql = statements(db);
  // One transaction, so that a writer on another connection cannot add a result up between the two reads.
  const read = db.transaction((bucket: Bucket, span: Span): Row[] => [
    ...tables[bucket].read.all(span),
    ...sql.newer.all(span),
  ]);
  return {
    rollUp(to) {
      const from = sql.rolled.get()?.id ?? 0;
      const { rows } = sql.count.get(from, to) ?? { rows: 0 };
      if (rows === 0) return;
      for (const bucket of BUCKETS) tables[bucket].add.run(from, to);
      sql.setMeta.run('rolled', to);
      sql.addMeta.run('rows', rows);
    },
    waiting: () => sql.count.get(sql.rolled.get()?.id ?? 0, Number.MAX_SAFE_INTEGER)?.rows ?? 0,
    read(checkId, { bucket, since, until }) {
      const lengthMs = LENGTH_MS[bucket];
      const first = Math.ceil(since / lengthMs) * lengthMs;
      const last = Math.min(until - 1, first + lengthMs * (MOST_BUCKETS - 1));
      return merged(read.deferred(bucket, { checkId, first, last, lengthMs })).map(rollupFromRow);
    },
    oldest: (bucket) => tables[bucket].oldest.get()?.start ?? null,
    prune: (bucket, before, limit) => tables[bucket].prune.run(before, limit).changes,
  };
}

// How long a refusal or a time-out took says nothing about how fast the service is.
const TIMED_US = 'CASE WHEN verdict <= 1 THEN duration_us END';
const SUMS = `${VERDICTS.map((verdict, index) => `sum(verdict = ${index}) AS ${verdict}`).join(', ')},
  coalesce(sum(${TIMED_US}), 0) AS sum_us, coalesce(min(${TIMED_US}), 0) AS min_us,
  coalesce(max(${TIMED_US}), 0) AS max_us`;

// The rows of a moment lie together, those of a check do not: each bucket of a series is one seek by its key.
function tableOf(db: Database, bucket: Bucket) {
  const table = `rollups_${bucket}`;
  const start = `at - at % ${LENGTH_MS[bucket]}`;
  return {
    add: db.prepare<[number, number]>(
      `INSERT INTO ${table}
       SELECT ${start}, check_id, ${SUMS}, max(id)
       FROM results WHERE id > ? AND id <= ? GROUP BY 1, 2
       ON CONFLICT DO UPDATE SET
         up = up + excluded.up, degraded = degraded + excluded.degraded,
         down = down + excluded.down, unknown = unknown + excluded.unknown,
         min_us = CASE WHEN up + degraded = 0 THEN excluded.min_us
                       WHEN excluded.up + excluded.degraded = 0 THEN min_us
                       ELSE min(min_us, excluded.min_us) END,
         sum_us = sum_us + excluded.sum_us, max_us = max(max_us, excluded.max_us),
         last_id = excluded.last_id`,
    ),
    read: db.prepare<Span, Row>(
      `WITH RECURSIVE starts (start) AS (
         SELECT @first WHERE @first <= @last
         UNION ALL SELECT start + @lengthMs FROM starts WHERE start + @lengthMs <= @last)
       SELECT ${table}.* FROM starts CROSS JOIN ${table} USING (start) WHERE check_id = @checkId`,
    ),
    oldest: db.prepare<[], { start: number | null }>(`SELECT min(start) AS start FROM ${table}`),
    prune: db.prepare<[number, number]>(
      `DELETE FROM ${table} WHERE (start, check_id) IN
         (SELECT start, check_id FROM ${table} WHERE start < ? ORDER BY start LIMIT ?)`,
    ),
  };
}

function statements(db: Database) {
  return {
    rolled: db.prepare<[], { id: number }>(`SELECT ${ROLLED} AS id`),
    count: db.prepare<[number, number], { rows: number }>(
      'SELECT count(*) AS rows FROM results WHERE id > ? AND id <= ?',
    ),
    newer: db.prepare<Span, Row>(
      `SELECT at - at % @lengthMs AS start, ${SUMS}
       FROM results WHERE id > ${ROLLED} AND check_id = @checkId
         AND at >= @first AND at - at % @lengthMs <= @last
       GROUP BY 1`,
    ),
    setMeta: db.prepare<[string, number]>(
      'INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
    ),
    addMeta: db.prepare<[string, number]>(
      'INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value',
    ),
  };
}

/** Rows of the same bucket put together, in order of time. */
function merged(rows: readonly Row[]): Row[] {
  const byStart = new Map<number, Row>();
  for (const row of rows) {
    const before = byStart.get(row.start);
    byStart.set(row.start, before === undefined ? row : sumOf(before, row));
  }
  return [...byStart.values()].sort((a, b) => a.start - b.start);
}

function sumOf(a: Row, b: Row): Row {
  const timed = [a, b].filter((row) => row.up + row.degraded > 0);
  return {
    start: a.start,
    up: a.up + b.up,
    degraded: a.degraded + b.degraded,
    down: a.down + b.down,
    unknown: a.unknown + b.unknown,
    sum_us: a.sum_us + b.sum_us,
    min_us: timed.length === 0 ? 0 : Math.min(...timed.map((row) => row.min_us)),
    max_us: Math.max(a.max_us, b.max_us),
  };
}

function rollupFromRow(row: Row): Rollup {
  return {
    start: row.start,
    counts: { up: row.up, degraded: row.degraded, down: row.down, unknown: row.unknown },
    sumMs: row.sum_us / 1000,
    minMs: row.min_us / 1000,
    maxMs: row.max_us / 1000,
  };
}
