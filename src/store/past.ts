// Results in the order they came in, for a replay: few columns, in pages by id, so that millions need the memory of
// one page, and no cursor stays open, which would let the WAL grow (threats M16).

import type { Database } from 'better-sqlite3';
import type { EpochMs } from '../model/observation.ts';
import type { PastResult } from '../model/result.ts';
import { type SignatureId, VERDICTS } from '../model/verdict.ts';
import { firstIdAt } from './result-ids.ts';

/** Most results of one page. */
const MOST = 10_000;

/** Which page. */
export interface PastQuery {
  readonly since: EpochMs;
  /** Not included. */
  readonly until: EpochMs;
  /** Id of the last result of the page before; 0 = none. */
  readonly after: number;
  /** 1..10000. */
  readonly limit: number;
}

interface PastRow {
  id: number;
  at: number;
  check: string;
  kind: 'visit' | 'canary';
  target: string;
  verdict: number;
  durationUs: number;
  extra: number;
  signature: string | null;
  /** Of a shape with spaces between; of a detail a list in JSON. */
  shapePointsAt: string | null;
  detailPointsAt: string | null;
}

/** Pages of a migrated results database, oldest first; an empty one is the end. */
export function createPastQuery(db: Database): (query: PastQuery) => PastResult[] {
  const lead = db.prepare<[], { value: number }>("SELECT value FROM meta WHERE key = 'lead'");
  // One lower and one upper bound of ids: of two, SQLite seeks by one and reads on to the other.
  const page = db.prepare<
    { lowest: number; highest: number; since: number; until: number; limit: number },
    PastRow
  >(
    `SELECT results.id, at, checks.name AS "check", kind, target, verdict, duration_us AS durationUs, extra,
       coalesce(shapes.signature, detail ->> '$.signature') AS signature,
       points_at AS shapePointsAt, detail ->> '$.pointsAt' AS detailPointsAt
     FROM results JOIN checks ON checks.id = check_id LEFT JOIN shapes ON shapes.id = shape_id
     WHERE results.id BETWEEN @lowest AND @highest AND at >= @since AND at < @until
     ORDER BY results.id LIMIT @limit`,
  );
  return ({ since, until, after, limit }) => {
    const leadMs = lead.get()?.value ?? 0;
    return page
      .all({
        lowest: Math.max(after + 1, Math.min(firstIdAt(since), Number.MAX_SAFE_INTEGER)),
        highest: Math.min(firstIdAt(until + leadMs + 1), Number.MAX_SAFE_INTEGER),
        since,
        until,
        limit: Math.max(1, Math.min(MOST, Math.floor(limit))),
      })
      .map(resultFromRow);
  };
}

function resultFromRow(row: PastRow): PastResult {
  const { id, at, check, kind, target, durationUs, signature } = row;
  return {
    ...{ id, at, check, kind, target },
    verdict: VERDICTS[row.verdict] ?? 'unknown',
    signature: signature as SignatureId | null,
    pointsAt: pointsAtFrom(row),
    durationMs: durationUs / 1000,
    extra: row.extra === 1,
  };
}

function pointsAtFrom({ shapePointsAt, detailPointsAt }: PastRow): readonly string[] | null {
  if (shapePointsAt !== null) return shapePointsAt.split(' ');
  if (detailPointsAt === null) return null;
  try {
    const list: unknown = JSON.parse(detailPointsAt);
    return Array.isArray(list) ? list.filter((type) => typeof type === 'string') : null;
  } catch {
    return null;
  }
}
