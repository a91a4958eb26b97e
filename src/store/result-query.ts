// Reads results back, newest first, in pages. Never holds a cursor open: that would let the WAL grow (threats M16).

import type { Database } from 'better-sqlite3';
import type { EpochMs } from '../model/observation.ts';
import type { StoredResult } from '../model/result.ts';
import { type SignatureId, VERDICTS, type Verdict } from '../model/verdict.ts';
import { evidenceFromShape, formFromDetail } from './result-form.ts';
import { firstIdAt } from './result-ids.ts';

/** Most results one query gives, and how many when none is said. */
const MOST = 1_000;
const USUAL = 100;
/** Checks of one target that are read. */
const MOST_CHECKS = 64;

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
  before: number;
  lowest: number;
  highest: number;
  since: number;
  until: number;
  verdicts: number;
  limit: number;
}

/** Query over a migrated results database; newest first. */
export function createResultQuery(db: Database): (query: ResultQuery) => StoredResult[] {
  const sql = statements(db);
  return (query) => {
    const bounds = boundsOf(query, sql.lead.get()?.value ?? 0);
    if (query.check === undefined && query.target === undefined) {
      const upWanted = query.verdicts === undefined || query.verdicts.includes('up');
      return (upWanted ? sql.all : sql.faults).all(bounds).map(readStored);
    }
    const checks =
      query.check === undefined ? sql.ofTarget.all(query.target ?? '') : sql.ofName.all(query.check);
    return checks
      .filter((check) => query.target === undefined || check.target === query.target)
      .flatMap((check) => sql.walk.all({ ...bounds, start: startOf(check, query.before) }))
      .sort((a, b) => b.id - a.id)
      .slice(0, bounds.limit)
      .map(readStored);
  };

  function startOf(check: { id: number; last_id: number }, before: number | undefined): number {
    if (before === undefined) return check.last_id;
    return sql.prevOf.get(before, check.id)?.prev ?? check.last_id;
  }
}

// The last page's row of the same check leads on at once; without it the walk begins at the newest row.
function statements(db: Database) {
  const inBounds = `results.id < @before AND results.id BETWEEN @lowest AND @highest
    AND at >= @since AND at < @until AND (@verdicts >> verdict) & 1`;
  const joined = 'JOIN checks ON checks.id = check_id LEFT JOIN shapes ON shapes.id = shape_id';
  return {
    lead: db.prepare<[], { value: number }>("SELECT value FROM meta WHERE key = 'lead'"),
    ofName: db.prepare<[string], CheckRow>('SELECT id, last_id, target FROM checks WHERE name = ?'),
    ofTarget: db.prepare<[string], CheckRow>(
      `SELECT id, last_id, target FROM checks WHERE target = ? ORDER BY last_id DESC LIMIT ${MOST_CHECKS}`,
    ),
    prevOf: db.prepare<[number, number], { prev: number }>(
      'SELECT prev FROM results WHERE id = ? AND check_id = ?',
    ),
    all: db.prepare<Bounds, StoredRow>(
      `SELECT ${STORED_COLUMNS} FROM results ${joined} WHERE ${inBounds} ORDER BY results.id DESC LIMIT @limit`,
    ),
    faults: db.prepare<Bounds, StoredRow>(
      `SELECT ${STORED_COLUMNS} FROM results ${joined}
       WHERE verdict <> 0 AND ${inBounds} ORDER BY results.id DESC LIMIT @limit`,
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
  last_id: number;
  target: string;
}

function boundsOf(query: ResultQuery, leadMs: number): Bounds {
  const since = query.since ?? 0;
  const until = query.until ?? Number.MAX_SAFE_INTEGER;
  return {
    before: query.before ?? Number.MAX_SAFE_INTEGER,
    lowest: Math.min(firstIdAt(since), Number.MAX_SAFE_INTEGER),
    highest: Math.min(firstIdAt(until + leadMs + 1), Number.MAX_SAFE_INTEGER),
    since,
    until,
    verdicts: (query.verdicts ?? VERDICTS).reduce(
      (mask, verdict) => mask | (1 << VERDICTS.indexOf(verdict)),
      0,
    ),
    limit: Math.max(1, Math.min(MOST, Math.floor(query.limit ?? USUAL))),
  };
}

/** A row as the noun. What cannot be read (another program's row) comes out empty, not as an error. */
export function readStored(row: StoredRow): StoredResult {
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
    evidence: form?.evidence ?? evidenceFromShape(row.evidence ?? '', row.timings ?? '') ?? [],
  };
}
