// Reads results back, newest first, in pages. Never holds a cursor open: that would let the WAL grow (threats M16).
// No query reads the whole table: all results and faults are read in the order of ids, those of a check along `prev`.

import type { Database } from 'better-sqlite3';
import type { EpochMs } from '../model/observation.ts';
import type { StoredResult } from '../model/result.ts';
import { type SignatureId, VERDICTS, type Verdict } from '../model/verdict.ts';
import { createShapeReader, evidenceFromShape, formFromDetail } from './result-detail.ts';
import { atOfId, firstIdAt } from './result-ids.ts';
import { hourOf, ROLLED } from './rollups.ts';

/** Most results one query gives, and how many when none is said. */
const MOST = 1_000;
const USUAL = 100;
/** Checks of one target that are read. */
const MOST_CHECKS = 64;
/** Hours after a page's begin in which a place to start the walk is looked for. */
const ANCHOR_HOURS = 6;
const HOUR_MS = 3_600_000;

/** Which results; every field narrows. */
export interface ResultQuery {
  readonly check?: string;
  /** Target id, or name of a canary. */
  readonly target?: string;
  readonly since?: EpochMs;
  /** Not included. */
  readonly until?: EpochMs;
  readonly verdicts?: readonly Verdict[];
  /** Id of the last result of the page before. */
  readonly before?: number;
  /** 1..1000, default 100. */
  readonly limit?: number;
}

/** Columns of `StoredRow`, for a query over results, checks and shapes. */
export const STORED_COLUMNS = `results.id, results.at, checks.name AS "check", results.verdict, duration_us, timings, detail,
  shapes.signature, shapes.status, shapes.reason, shapes.evidence`;

export interface StoredRow {
  id: number;
  at: number;
  check: string;
  verdict: number;
  duration_us: number;
  timings: string | null;
  detail: string | null;
  signature: string | null;
  status: number | null;
  reason: string | null;
  evidence: string | null;
}

interface Bounds {
  lowest: number;
  /** The one upper bound of ids: of two, SQLite seeks by one and reads on to the other. */
  highest: number;
  since: number;
  until: number;
  verdicts: number;
  limit: number;
}

/** Query over a migrated results database; newest first. */
export function createResultQuery(db: Database): (query: ResultQuery) => StoredResult[] {
  const sql = statements(db);
  const rowsOf = (query: ResultQuery): StoredRow[] => {
    const bounds = boundsOf(query, sql.lead.get()?.value ?? 0);
    const upWanted = (bounds.verdicts & 1) === 1;
    if (query.check === undefined && query.target === undefined) {
      return (upWanted ? sql.all : sql.faults).all(bounds);
    }
    const found =
      query.check === undefined ? sql.ofTarget.all(query.target ?? '') : sql.ofName.all(query.check);
    const ids = found
      .filter((check) => query.target === undefined || check.target === query.target)
      .map((check) => check.id);
    if (ids.length === 0) return [];
    const checks = JSON.stringify(ids);
    if (!upWanted) return sql.faultsOf.all({ ...bounds, checks });
    return sql.heads
      .all({ checks })
      .flatMap((head) => sql.walk.all({ ...bounds, start: startOf(head, bounds) }))
      .sort((a, b) => b.id - a.id)
      .slice(0, bounds.limit);
  };

  // Any row of the check at or above the bounds will do, whatever the clock did; the bucket of an hour knows its last.
  function startOf(head: Head, { highest }: Bounds): number {
    const hour = hourOf(atOfId(highest));
    for (let step = 0; highest < head.last && step < ANCHOR_HOURS; step += 1) {
      const anchor = sql.anchor.get(hour + step * HOUR_MS, head.id)?.last ?? 0;
      if (anchor >= highest) return anchor;
    }
    return head.last;
  }

  // One transaction: a writer on another connection may add and prune between two statements.
  const snapshot = db.transaction(rowsOf);
  const read = createRowReader();
  return (query) => snapshot.deferred(query).map(read);
}

function statements(db: Database) {
  const inBounds = `results.id BETWEEN @lowest AND @highest
    AND at >= @since AND at < @until AND (@verdicts >> verdict) & 1`;
  const joined = 'JOIN checks ON checks.id = check_id LEFT JOIN shapes ON shapes.id = shape_id';
  const someChecks = 'check_id IN (SELECT value FROM json_each(@checks))';
  const faults = `FROM results INDEXED BY results_not_up ${joined} WHERE verdict <> 0 AND ${inBounds}`;
  return {
    lead: db.prepare<[], { value: number }>("SELECT value FROM meta WHERE key = 'lead'"),
    ofName: db.prepare<[string], CheckRow>('SELECT id, target FROM checks WHERE name = ?'),
    ofTarget: db.prepare<[string], CheckRow>(
      `SELECT id, target FROM checks WHERE target = ? ORDER BY id DESC LIMIT ${MOST_CHECKS}`,
    ),
    heads: db.prepare<{ checks: string }, Head>(
      `SELECT check_id AS id, max(last_id) AS last FROM (
         SELECT check_id, last_id FROM heads WHERE ${someChecks}
         UNION ALL
         SELECT check_id, id FROM results WHERE id > ${ROLLED} AND ${someChecks})
       GROUP BY check_id`,
    ),
    anchor: db.prepare<[number, number], { last: number }>(
      'SELECT last_id AS last FROM rollups_1h WHERE start = ? AND check_id = ?',
    ),
    all: db.prepare<Bounds, StoredRow>(
      `SELECT ${STORED_COLUMNS} FROM results ${joined} WHERE ${inBounds} ORDER BY results.id DESC LIMIT @limit`,
    ),
    faults: db.prepare<Bounds, StoredRow>(
      `SELECT ${STORED_COLUMNS} ${faults} ORDER BY results.id DESC LIMIT @limit`,
    ),
    faultsOf: db.prepare<Bounds & { checks: string }, StoredRow>(
      `SELECT ${STORED_COLUMNS} ${faults} AND ${someChecks} ORDER BY results.id DESC LIMIT @limit`,
    ),
    walk: db.prepare<Bounds & { start: number }, StoredRow>(
      `WITH RECURSIVE walk (step) AS (
         SELECT @start UNION ALL
         SELECT prev FROM walk CROSS JOIN results ON results.id = step WHERE prev >= @lowest AND prev > 0)
       SELECT ${STORED_COLUMNS} FROM walk CROSS JOIN results ON results.id = step ${joined}
       WHERE ${inBounds} LIMIT @limit`,
    ),
  };
}

interface CheckRow {
  id: number;
  target: string;
}

interface Head {
  /** Id of the check. */
  id: number;
  /** Id of its newest result. */
  last: number;
}

function boundsOf(query: ResultQuery, leadMs: number): Bounds {
  const since = query.since ?? 0;
  const until = query.until ?? Number.MAX_SAFE_INTEGER;
  return {
    lowest: Math.min(firstIdAt(since), Number.MAX_SAFE_INTEGER),
    highest: Math.min(firstIdAt(until + leadMs + 1), (query.before ?? Number.MAX_SAFE_INTEGER) - 1),
    since,
    until,
    verdicts: (query.verdicts ?? VERDICTS).reduce(
      (mask, verdict) => mask | (1 << VERDICTS.indexOf(verdict)),
      0,
    ),
    limit: Math.max(1, Math.min(MOST, Math.floor(query.limit ?? USUAL))),
  };
}

/** Reads rows as nouns. What cannot be read (another program's row) comes out empty, not as an error. */
export function createRowReader(): (row: StoredRow) => StoredResult {
  const shapeOf = createShapeReader();
  return (row) => {
    const form = row.detail === null ? null : formFromDetail(row.detail);
    const signature = form === null ? row.signature : form.signature;
    return {
      id: row.id,
      at: row.at,
      check: row.check,
      verdict: VERDICTS[row.verdict] ?? 'unknown',
      signature: signature as SignatureId | null,
      reason: form?.reason ?? row.reason ?? '',
      status: form === null ? row.status : form.status,
      durationMs: row.duration_us / 1000,
      evidence: form?.evidence ?? evidenceFromShape(shapeOf(row.evidence ?? ''), row.timings ?? '') ?? [],
      ...(form?.flow === undefined ? {} : { flow: form.flow }),
    };
  };
}
