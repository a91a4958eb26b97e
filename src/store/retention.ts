// Retention: old results, roll-ups and incidents go, in slices of bounded work. The wall clock alone never deletes
// much (threats X18): it must have run evenly for an hour, "old" is relative to the newest result, an hour takes at
// most a tenth of the rows, and results that are in no roll-up yet stay.

import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Database } from 'better-sqlite3';
import type { Clock } from '../base/clock.ts';
import type { EpochMs } from '../model/observation.ts';
import type { ResultRows } from './result-rows.ts';
import { BUCKETS, type Bucket, ROLLED, type Rollups } from './rollups.ts';

/** Rows deleted in one slice: some 10 ms (reference performance.md section 8). */
const SLICE = 5_000;
/** Pages given back to the disk in one slice. */
const VACUUM_PAGES = 1_000;
/** Results that are looked through for an old one behind others of a time that has not come. */
const LOOK_AHEAD = 50_000;
/** Share of the rows that an hour, or one slice for the size's sake, may take. */
const SHARE = 0.1;
/** Space of the file system that stays free (threats section 6). */
const FREE_SHARE = 0.05;
/** Wall and monotonic clock may differ this much between two looks. */
const STEP_MS = 2_000;
/** A clock is believed this long after its last step (threats X18). */
const BELIEVED_MS = 3_600_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Longest life of the finer roll-ups; days live as long as `store.rollups`. */
const FINE_MS: Readonly<Record<Bucket, number>> = {
  '5m': 7 * DAY_MS,
  '1h': 90 * DAY_MS,
  '1d': Number.MAX_SAFE_INTEGER,
};

export interface RetentionOptions {
  readonly results: Database;
  readonly state: Database;
  readonly rollups: Rollups;
  readonly rows: Pick<ResultRows, 'forgetShapes'>;
  readonly clock: Clock;
  readonly resultsMs: number;
  readonly rollupsMs: number;
  readonly maxBytes: number;
  /** Space of the file system, bytes; by default that of the results file. */
  readonly space?: () => { readonly free: number; readonly all: number };
}

/** What an hour of the monotonic clock may still take. */
interface Hour {
  readonly endsAt: number;
  /** Results. */
  rowsLeft: number;
  /** Roll-ups of each length that begin before these; null until a believed clock has said. */
  before: Readonly<Record<Bucket, EpochMs>> | null;
}

/** One slice of deleting; the returned function says whether there is more to do now. Throws what SQLite throws. */
export function createRetention(options: RetentionOptions): (now: EpochMs) => boolean {
  const { clock, maxBytes } = options;
  const sql = statements(options);
  const believed = createBelief(clock);
  const space = options.space ?? (() => spaceOf(dirname(options.results.name)));
  const byAge = createAgeRule(options, sql);
  const bySize = createSizeRule(options, sql);
  let hour: Hour | null = null;
  return (now) => {
    if (hour === null || clock.monotonic() >= hour.endsAt) {
      hour = { endsAt: clock.monotonic() + HOUR_MS, rowsLeft: tenthOf(sql), before: null };
    }
    const { free, all } = space();
    // With room for all that the store may become, deleting would gain nothing.
    const isShort = free < all * FREE_SHARE && free < maxBytes;
    const older = believed() && byAge(now, hour);
    const larger = bySize(isShort, hour);
    return giveBack(options, isShort) || older || larger;
  };
}

function createAgeRule(options: RetentionOptions, sql: Statements): (now: EpochMs, hour: Hour) => boolean {
  const { resultsMs, rollupsMs, rollups } = options;
  const beginHour = (today: EpochMs): Readonly<Record<Bucket, EpochMs>> => {
    sql.pruneIncidents.run(today - rollupsMs, SHARE);
    sql.pruneFacts.run(today - rollupsMs);
    const beforeOf = (bucket: Bucket): EpochMs => {
      const keepMs = Math.min(rollupsMs, FINE_MS[bucket]);
      return Math.min(today - keepMs, (rollups.oldest(bucket) ?? today) + keepMs * SHARE);
    };
    return { '5m': beforeOf('5m'), '1h': beforeOf('1h'), '1d': beforeOf('1d') };
  };
  return (now, hour) => {
    const today = Math.min(now, sql.newest.get()?.at ?? now);
    hour.before ??= beginHour(today);
    let left = SLICE;
    for (const bucket of BUCKETS) left -= rollups.prune(bucket, hour.before[bucket], left);
    const before = today - resultsMs;
    const oldest = sql.oldest.get()?.at ?? today;
    const limit = Math.min(left, hour.rowsLeft);
    const look = oldest > today ? LOOK_AHEAD : SLICE;
    const deleted = sql.deleteOld({ before, today, look, limit });
    hour.rowsLeft -= deleted;
    // Two days of grace: the last use of a shape is noted once a day.
    const shapes = oldest < before ? 0 : sql.pruneShapes.run(before - 2 * DAY_MS, SLICE).changes;
    if (shapes > 0) options.rows.forgetShapes();
    return left === 0 || (deleted > 0 && deleted === limit && hour.rowsLeft > 0);
  };
}

// The own size is exact, so no clock can mislead it. The disk may be short for the sake of others, and for long.
function createSizeRule(
  options: RetentionOptions,
  sql: Statements,
): (isShort: boolean, hour: Hour) => boolean {
  const { results, state, maxBytes, rollups } = options;
  return (isShort, hour) => {
    const isLarge = bytesOf(results).used + bytesOf(state).used > maxBytes;
    const limit = Math.min(SLICE, tenthOf(sql), isLarge ? SLICE : isShort ? hour.rowsLeft : 0);
    const deleted = limit > 0 ? sql.deleteOldest(limit) : 0;
    if (!isLarge) hour.rowsLeft -= deleted;
    return deleted > 0 || (isLarge && rollups.prune('5m', Number.MAX_SAFE_INTEGER, SLICE) > 0);
  };
}

function giveBack({ results, state, maxBytes }: RetentionOptions, isShort: boolean): boolean {
  if (!isShort && bytesOf(results).all + bytesOf(state).all <= maxBytes) return false;
  const before = freePages(results);
  // By `pragma`: a prepared statement would free one page only.
  results.pragma(`incremental_vacuum(${VACUUM_PAGES})`);
  const after = freePages(results);
  return after > 0 && after < before;
}

/** A tenth of the results that are in roll-ups; the others are never deleted. */
function tenthOf(sql: Statements): number {
  return Math.ceil((sql.rows.get()?.rows ?? 0) * SHARE);
}

type Statements = ReturnType<typeof statements>;

function statements({ results, state }: RetentionOptions) {
  const pruneOld = results.prepare<{ before: number; today: number; look: number; limit: number }>(
    // Up to the last old one, those of a time that has not come go too: a clock was wrong when they were written.
    // One upper bound: of two, SQLite seeks by one and reads on to it.
    `DELETE FROM results WHERE id IN (
       SELECT id FROM results
       WHERE id > 0 AND (at < @before OR at > @today) AND id <= min(${ROLLED}, (
         SELECT max(id) FROM (SELECT id, at FROM results WHERE id > 0 ORDER BY id LIMIT @look) WHERE at < @before))
       ORDER BY id LIMIT @limit)`,
  );
  const pruneOldest = results.prepare<[number]>(
    `DELETE FROM results WHERE id IN (SELECT id FROM results WHERE id > 0 AND id <= ${ROLLED} ORDER BY id LIMIT ?)`,
  );
  const countRows = results.prepare<[number]>("UPDATE meta SET value = value - ? WHERE key = 'rows'");
  const counted = results.transaction((run: () => number) => {
    const deleted = run();
    if (deleted > 0) countRows.run(deleted);
    return deleted;
  });
  return {
    newest: results.prepare<[], { at: number }>(
      'SELECT at FROM results WHERE id > 0 ORDER BY id DESC LIMIT 1',
    ),
    oldest: results.prepare<[], { at: number }>('SELECT at FROM results WHERE id > 0 ORDER BY id LIMIT 1'),
    rows: results.prepare<[], { rows: number }>("SELECT value AS rows FROM meta WHERE key = 'rows'"),
    deleteOld: (part: { before: number; today: number; look: number; limit: number }): number =>
      counted.immediate(() => pruneOld.run(part).changes),
    deleteOldest: (limit: number): number => counted.immediate(() => pruneOldest.run(limit).changes),
    pruneShapes: results.prepare<[number, number]>(
      'DELETE FROM shapes WHERE id IN (SELECT id FROM shapes WHERE seen_at < ? LIMIT ?)',
    ),
    pruneIncidents: state.prepare<[number, number]>(
      `DELETE FROM incidents WHERE id IN (
         SELECT id FROM incidents WHERE state = 'resolved' AND resolved_at < ?
         ORDER BY opened_at LIMIT (SELECT CAST(count(*) * ? AS INTEGER) + 1 FROM incidents))`,
    ),
    pruneFacts: state.prepare<[number]>('DELETE FROM facts WHERE at < ?'),
  };
}

/** Bytes of a file, and of what is in use of it: deleted rows leave free pages behind. */
export function bytesOf(db: Database): { all: number; used: number } {
  const pages = Number(db.pragma('page_count', { simple: true }));
  const page = Number(db.pragma('page_size', { simple: true }));
  return { all: pages * page, used: (pages - freePages(db)) * page };
}

function freePages(db: Database): number {
  return Number(db.pragma('freelist_count', { simple: true }));
}

function spaceOf(folder: string): { free: number; all: number } {
  const disk = statfsSync(folder);
  return { free: disk.bavail * disk.bsize, all: disk.blocks * disk.bsize };
}

/** Whether the wall clock has run evenly with the monotonic one for the last hour, and since the start. */
function createBelief(clock: Clock): () => boolean {
  let lead = clock.now() - clock.monotonic();
  let evenSince = clock.monotonic();
  return () => {
    const leadNow = clock.now() - clock.monotonic();
    if (Math.abs(leadNow - lead) > STEP_MS) evenSince = clock.monotonic();
    lead = leadNow;
    return clock.monotonic() - evenSince >= BELIEVED_MS;
  };
}
