// The newest result of each check, as a start reads it.

import type { Database } from 'better-sqlite3';
import type { EpochMs } from '../model/observation.ts';
import type { StoredResult } from '../model/result.ts';
import { createRowReader, STORED_COLUMNS, type StoredRow } from './result-query.ts';
import { ResultRows } from './result-rows.ts';

/** The newest result of a check, and since when its verdict is what it is. */
export interface LatestResult extends StoredResult {
  readonly since: EpochMs;
}

/** What a migrated results database knows at a start: newest result of every check, and the highest id, 0 when empty. */
export function readNewest(db: Database): { latest: LatestResult[]; lastId: number } {
  const rows = new ResultRows(db);
  const read = createRowReader();
  const result = db.prepare<[number], StoredRow>(
    `SELECT ${STORED_COLUMNS} FROM results
     JOIN checks ON checks.id = check_id LEFT JOIN shapes ON shapes.id = shape_id WHERE results.id = ?`,
  );
  const latest = rows.heads().flatMap(({ lastId, since }) => {
    const row = result.get(lastId);
    return row === undefined ? [] : [{ ...read(row), since }];
  });
  return { latest, lastId: rows.lastId() };
}
