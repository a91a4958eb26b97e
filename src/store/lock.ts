// One daemon per store: an exclusive lock on a file of its own. The kernel drops the lock when the process dies,
// however it dies. The file must not be opened by anything else in this process: closing any descriptor of it
// would drop the lock (threats M18).

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import Database, { type Database as Connection } from 'better-sqlite3';
import { createPrivate } from './open-database.ts';
import { StoreError } from './store-error.ts';

/** Takes the lock, waiting up to `waitMs` (blocking: only at start). Throws StoreError `locked`. */
export function lockStore(file: string, waitMs: number): Disposable {
  let db: Connection;
  try {
    createPrivate(file);
    db = new Database(file, { timeout: waitMs });
    // Keeps the lock after the first transaction until the connection is closed.
    db.pragma('locking_mode = EXCLUSIVE');
    db.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    throw lockError(file, cause);
  }
  nameHolder(db);
  return { [Symbol.dispose]: () => void db.close() };
}

// The holder's name is only for people; a full disk must not keep the daemon from starting.
function nameHolder(db: Connection): void {
  try {
    db.exec('CREATE TABLE IF NOT EXISTS holder (text TEXT) STRICT');
    db.exec('DELETE FROM holder');
    db.prepare('INSERT INTO holder VALUES (?)').run(`[pid ${process.pid} on ${hostname()}]`);
    db.exec('COMMIT');
  } catch {
    if (db.inTransaction) db.exec('ROLLBACK');
  }
}

function lockError(file: string, cause: unknown): StoreError {
  const busy = cause instanceof Database.SqliteError && cause.code.startsWith('SQLITE_BUSY');
  if (!busy) return new StoreError('unusable', `${file} cannot be opened`, { cause });
  return new StoreError('locked', `${file} is held by another gatewatch${holder(file)}; one daemon a store`);
}

// Read as plain bytes: the lock keeps SQLite itself from reading. We hold no lock that this could drop.
function holder(file: string): string {
  try {
    const names = readFileSync(file, 'latin1').match(/\[pid \d+ on [\w.-]+\]/g);
    return names === null ? '' : ` ${names.at(-1)}`;
  } catch {
    return '';
  }
}
