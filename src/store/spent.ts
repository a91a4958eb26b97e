// Sessions that another process of the same store has created: `gatewatch check` beside a running daemon. The count
// only rises; the daemon charges its budget with what was added (DESIGN 3: everything that visits takes from it).

import Database from 'better-sqlite3';
import { storeFiles } from './store-files.ts';

/** How long to wait for the daemon's own write, ms. */
const BUSY_MS = 2_000;

/** Key of the store's state that holds the count, as decimal text. */
export function spentKey(outpost: string): string {
  return `spent-elsewhere:${outpost}`;
}

/** Adds one session for the daemon of that store to see; false when that could not be written. */
export function addSpent(file: string, outpost: string): boolean {
  let db: Database.Database | null = null;
  try {
    db = new Database(storeFiles(file).state, { fileMustExist: true, timeout: BUSY_MS });
    db.prepare(
      "INSERT INTO state (key, value) VALUES (?, '1') ON CONFLICT DO UPDATE SET value = CAST(value AS INTEGER) + 1",
    ).run(spentKey(outpost));
    return true;
  } catch {
    return false;
  } finally {
    db?.close();
  }
}
