// Roll-ups: counts per verdict and durations, by check and bucket of 5 minutes, an hour and a (UTC) day. They are
// added up in the transaction that writes the results, so the two never disagree, whenever the process dies.

import type { Database } from 'better-sqlite3';
import type { EpochMs } from '../model/observation.ts';
import { VERDICTS, type Verdict } from '../model/verdict.ts';

/** Bucket lengths, shortest first, and the table of each. */
const BUCKETS = [
  { bucket: '5m', lengthMs: 300_000 },
  { bucket: '1h', lengthMs: 3_600_000 },
  { bucket: '1d', lengthMs: 86_400_000 },
] as const;
export type Bucket = (typeof BUCKETS)[number]['bucket'];

/** Longest series one read gives. */
const MOST_BUCKETS = 2_000;

/** One check in one bucket. Only durations of results with a verdict of up or degraded are added up. */
export interface Rollup {
  readonly start: EpochMs;
  readonly counts: Readonly<Record<Verdict, number>>;
  readonly sumMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

export interface RollupSample {
  readonly checkId: number;
  readonly at: EpochMs;
  /** Index in VERDICTS. */
  readonly verdict: number;
  readonly durationUs: number;
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

export interface Rollups {
  /** Adds samples; the caller holds the transaction. */
  add(samples: readonly RollupSample[]): void;
  /** Buckets of one check that begin in [since, until), oldest first, at most 2000; empty buckets are left out. */
  read(checkId: number, range: { bucket: Bucket; since: EpochMs; until: EpochMs }): Rollup[];
  /** Deletes at most `limit` rows of a bucket length that begin before `before`; returns how many. */
  prune(bucket: Bucket, before: EpochMs, limit: number): number;
}

/** Roll-ups in a migrated results database. */
export function createRollups(db: Database): Rollups {
  const tables = {
    '5m': tableOf(db, 'rollups_5m'),
    '1h': tableOf(db, 'rollups_1h'),
    '1d': tableOf(db, 'rollups_1d'),
  };
  return {
    add(samples) {
      for (const { bucket, lengthMs } of BUCKETS) {
        for (const [, sums] of folded(samples, lengthMs)) tables[bucket].upsert.run(sums);
      }
    },
    read(checkId, { bucket, since, until }) {
      const lengthMs = BUCKETS.find((one) => one.bucket === bucket)?.lengthMs ?? 300_000;
      const first = Math.ceil(since / lengthMs) * lengthMs;
      const last = Math.min(until - 1, first + lengthMs * (MOST_BUCKETS - 1));
      return tables[bucket].read.all({ checkId, first, last, lengthMs }).map(rollupFromRow);
    },
    prune: (bucket, before, limit) => tables[bucket].prune.run(before, limit).changes,
  };
}

type TableName = 'rollups_5m' | 'rollups_1h' | 'rollups_1d';

// The rows of a moment lie together, those of a check do not: each bucket of a series is one seek by its key.
function tableOf(db: Database, table: TableName) {
  return {
    upsert: db.prepare<Sums>(
      `INSERT INTO ${table} VALUES (@start, @checkId, @up, @degraded, @down, @unknown, @sumUs, @minUs, @maxUs)
       ON CONFLICT DO UPDATE SET
         up = up + excluded.up, degraded = degraded + excluded.degraded,
         down = down + excluded.down, unknown = unknown + excluded.unknown,
         min_us = CASE WHEN up + degraded = 0 THEN excluded.min_us
                       WHEN excluded.up + excluded.degraded = 0 THEN min_us
                       ELSE min(min_us, excluded.min_us) END,
         sum_us = sum_us + excluded.sum_us, max_us = max(max_us, excluded.max_us)`,
    ),
    read: db.prepare<{ checkId: number; first: number; last: number; lengthMs: number }, Row>(
      `WITH RECURSIVE starts (start) AS (
         SELECT @first WHERE @first <= @last
         UNION ALL SELECT start + @lengthMs FROM starts WHERE start + @lengthMs <= @last)
       SELECT ${table}.* FROM starts CROSS JOIN ${table} USING (start) WHERE check_id = @checkId`,
    ),
    prune: db.prepare<[number, number]>(
      `DELETE FROM ${table} WHERE (start, check_id) IN
         (SELECT start, check_id FROM ${table} WHERE start < ? ORDER BY start LIMIT ?)`,
    ),
  };
}

interface Sums {
  start: number;
  checkId: number;
  up: number;
  degraded: number;
  down: number;
  unknown: number;
  sumUs: number;
  minUs: number;
  maxUs: number;
}

/** Samples added up by check and bucket, so that a batch writes each row once. */
function folded(samples: readonly RollupSample[], lengthMs: number): Map<string, Sums> {
  const all = new Map<string, Sums>();
  for (const { checkId, at, verdict, durationUs } of samples) {
    const start = Math.floor(at / lengthMs) * lengthMs;
    const key = `${start}:${checkId}`;
    let sums = all.get(key);
    if (sums === undefined) {
      sums = { start, checkId, up: 0, degraded: 0, down: 0, unknown: 0, sumUs: 0, minUs: 0, maxUs: 0 };
      all.set(key, sums);
    }
    addSample(sums, VERDICTS[verdict] ?? 'unknown', durationUs);
  }
  return all;
}

// How long a refusal or a time-out took says nothing about how fast the service is.
function addSample(sums: Sums, verdict: Verdict, durationUs: number): void {
  if (verdict === 'up' || verdict === 'degraded') {
    const first = sums.up + sums.degraded === 0;
    sums.minUs = first ? durationUs : Math.min(sums.minUs, durationUs);
    sums.maxUs = Math.max(sums.maxUs, durationUs);
    sums.sumUs += durationUs;
  }
  sums[verdict] += 1;
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
