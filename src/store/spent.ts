// What another process tells the daemon of the same store, as counts that only rise: sessions that `gatewatch check`
// has created, which the budget is charged with (DESIGN 3: everything that visits takes from it), and accounts that a
// person has resumed.

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
  return addOne(file, spentKey(outpost));
}

/** Key of the store's state that counts how often a person has resumed the logins of an account. */
export function resumedKey(account: string): string {
  return `resumed:${account}`;
}

/** Resumes the logins of an account for the daemon of that store; false when that could not be written. */
export function addResumed(file: string, account: string): boolean {
  return addOne(file, resumedKey(account));
}

function addOne(file: string, key: string): boolean {
  let db: Database.Database | null = null;
  try {
    db = new Database(storeFiles(file).state, { fileMustExist: true, timeout: BUSY_MS });
    db.prepare(
      "INSERT INTO state (key, value) VALUES (?, '1') ON CONFLICT DO UPDATE SET value = CAST(value AS INTEGER) + 1",
    ).run(key);
    return true;
  } catch {
    return false;
  } finally {
    db?.close();
  }
}
