// Retention: old results, roll-ups and incidents go, in slices of bounded work, and never because a clock jumped.

import type { Database } from 'better-sqlite3';
import type { Clock } from '../base/clock.ts';
import type { EpochMs } from '../model/observation.ts';
import type { ResultRows } from './result-rows.ts';
import type { Bucket, Rollups } from './rollups.ts';

/** Rows deleted in one slice: about 10 ms (reference performance.md section 8). */
const SLICE = 5_000;
/** The same when only the size asks for it, so that a small store keeps most of its rows. */
const SMALL_SLICE = 500;
/** Pages given back to the disk in one slice. */
const VACUUM_PAGES = 1_000;
/** Wall and monotonic clock may differ this much between two looks. */
const STEP_MS = 2_000;
/** A clock is believed this long after its last step (threats X18). */
const BELIEVED_MS = 3_600_000;
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
  readonly rows: ResultRows;
  readonly clock: Clock;
  readonly resultsMs: number;
  readonly rollupsMs: number;
  readonly maxBytes: number;
}

/** One slice of deleting; the returned function says whether there is more to do now. Throws what SQLite throws. */
export function createRetention(options: RetentionOptions): (now: EpochMs) => boolean {
  const { results, state, clock, rollups } = options;
  const sql = statements(options);
  const believed = createBelief(clock);

  const byAge = (now: EpochMs): boolean => {
    const newest = sql.newest.get()?.at ?? now;
    const today = Math.min(now, newest);
    const deleted = sql.prune.run(SLICE, today - options.resultsMs).changes;
    let more = deleted === SLICE;
    for (const bucket of ['5m', '1h', '1d'] as const) {
      const keepMs = Math.min(options.rollupsMs, FINE_MS[bucket]);
      if (rollups.prune(bucket, today - keepMs, SLICE) === SLICE) more = true;
    }
    // Two days of grace: the last use of a shape is noted once a day.
    const shapes =
      deleted === 0 ? sql.pruneShapes.run(today - options.resultsMs - 2 * DAY_MS, SLICE).changes : 0;
    if (shapes > 0) options.rows.forget();
    sql.pruneIncidents.run(today - options.rollupsMs, SLICE);
    sql.pruneFacts.run(today - options.rollupsMs);
    return more;
  };

  return (now) => {
    let more = believed() && byAge(now);
    if (bytesOf(results).used + bytesOf(state).used > options.maxBytes) {
      const deleted = sql.pruneOldest.run(SMALL_SLICE).changes;
      more ||= deleted > 0 || rollups.prune('5m', Number.MAX_SAFE_INTEGER, SMALL_SLICE) > 0;
    }
    if (bytesOf(results).all + bytesOf(state).all > options.maxBytes) {
      // By `pragma`: a prepared statement would free one page only.
      results.pragma(`incremental_vacuum(${VACUUM_PAGES})`);
    }
    return more;
  };
}

function statements({ results, state }: RetentionOptions) {
  return {
    newest: results.prepare<[], { at: number }>('SELECT at FROM results ORDER BY id DESC LIMIT 1'),
    prune: results.prepare<[number, number]>(
      'DELETE FROM results WHERE id IN (SELECT id FROM (SELECT id, at FROM results ORDER BY id LIMIT ?) WHERE at < ?)',
    ),
    pruneOldest: results.prepare<[number]>(
      'DELETE FROM results WHERE id IN (SELECT id FROM results ORDER BY id LIMIT ?)',
    ),
    pruneShapes: results.prepare<[number, number]>(
      'DELETE FROM shapes WHERE id IN (SELECT id FROM shapes WHERE seen_at < ? LIMIT ?)',
    ),
    pruneIncidents: state.prepare<[number, number]>(
      "DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE state = 'resolved' AND resolved_at < ? LIMIT ?)",
    ),
    pruneFacts: state.prepare<[number]>('DELETE FROM facts WHERE at < ?'),
  };
}

/** Bytes of a file, and of what is in use of it: deleted rows leave free pages behind. */
export function bytesOf(db: Database): { all: number; used: number } {
  const pages = Number(db.pragma('page_count', { simple: true }));
  const free = Number(db.pragma('freelist_count', { simple: true }));
  const page = Number(db.pragma('page_size', { simple: true }));
  return { all: pages * page, used: (pages - free) * page };
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
