// Opens one SQLite file the way this program wants it: private, WAL, bounded waits, migrated.

import { closeSync, existsSync, openSync, readdirSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database, { type Database as Connection } from 'better-sqlite3';
import { type MigrationSet, migrate, refuseNewer, requireVersion } from './migrate.ts';
import { isBroken } from './sqlite-error.ts';
import { StoreError } from './store-error.ts';

/** Marks our files: the bytes `gwat`. */
const APPLICATION_ID = 0x67776174;
/** Longest wait of a reader for another connection's lock. The default of 5 s would stop all probing (threats M15). */
const BUSY_MS = 50;
/** The WAL is cut back to this after a checkpoint, bytes. */
const WAL_LIMIT = 16 * 2 ** 20;
/** File systems on which SQLite's locks do not hold, by statfs(2) type: NFS, CIFS, SMB2, 9p, FUSE. */
const NETWORK_FILE_SYSTEMS = new Set([0x6969, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546]);

export interface OpenOptions {
  readonly set: MigrationSet;
  /** FULL waits for the disk at every commit; NORMAL may lose the last commits with the power, never more. */
  readonly synchronous: 'FULL' | 'NORMAL';
  readonly readonly: boolean;
  /** Longest wait for another connection's lock. */
  readonly busyMs?: number;
}

/** An open, migrated database; `setAside` is the new name of a broken one that it replaces. */
export interface Opened {
  readonly db: Connection;
  readonly setAside: string | null;
}

/**
 * Opens or creates the file. Throws StoreError. A file that is no database any more is renamed, not lost; `use` reads
 * from it what is needed first, and so finds more of the damage.
 */
export function openDatabase(
  file: string,
  options: OpenOptions,
  now: number,
  use: (db: Connection) => void = () => undefined,
): Opened {
  const opened = (): Connection => {
    const db = open(file, options);
    try {
      use(db);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  };
  try {
    return { db: opened(), setAside: null };
  } catch (error) {
    if (!isBroken(error) || options.readonly) throw asStoreError(file, error);
  }
  try {
    const name = setAside(file, now);
    return { db: opened(), setAside: name };
  } catch (error) {
    throw asStoreError(file, error);
  }
}

/** Renames a damaged file and what belongs to it; the new name, null when there was no file. One is kept. */
export function setAside(file: string, now: number): string | null {
  const name = `${file}.corrupt-${now}`;
  removeEarlierBroken(file);
  if (!existsSync(file)) return null;
  renameSync(file, name);
  for (const ending of ['-wal', '-shm'])
    if (existsSync(file + ending)) renameSync(file + ending, name + ending);
  return name;
}

/** Throws StoreError when the folder of `file` is on a network file system. */
export function refuseNetworkFileSystem(file: string): void {
  let type: number;
  try {
    type = statfsSync(dirname(file)).type >>> 0;
  } catch (cause) {
    throw new StoreError('unusable', `the folder of ${file} cannot be used`, { cause });
  }
  if (NETWORK_FILE_SYSTEMS.has(type)) {
    throw new StoreError('unusable', `${file} is on a network file system, where SQLite's locks do not hold`);
  }
}

function open(file: string, options: OpenOptions): Connection {
  if (!options.readonly) createPrivate(file);
  const db = new Database(file, {
    timeout: options.busyMs ?? BUSY_MS,
    readonly: options.readonly,
    fileMustExist: options.readonly,
  });
  try {
    db.pragma('trusted_schema = OFF');
    if (options.readonly) {
      requireVersion(db, options.set);
    } else {
      prepareForWriting(db, options);
    }
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function prepareForWriting(db: Connection, options: OpenOptions): void {
  refuseNewer(db, options.set);
  // These two only have an effect before the first table exists. A batch of results writes whole pages: with 4096 bytes
  // each result costs 40 % more (test/bench/store.ts). Pruning gives pages back to the disk.
  if (options.set === 'results') db.pragma('page_size = 2048');
  db.pragma('auto_vacuum = INCREMENTAL');
  db.pragma('journal_mode = WAL');
  db.pragma(`synchronous = ${options.synchronous}`);
  db.pragma(`journal_size_limit = ${WAL_LIMIT}`);
  // The state file is small; the results may be gigabytes, where this would take minutes.
  if (options.set === 'state' && db.pragma('quick_check(1)', { simple: true }) !== 'ok')
    throw new Database.SqliteError('the file is damaged', 'SQLITE_CORRUPT');
  db.pragma(`application_id = ${APPLICATION_ID}`);
  migrate(db, options.set);
}

// One is kept, so that a failing disk does not also fill up.
function removeEarlierBroken(file: string): void {
  for (const name of readdirSync(dirname(file))) {
    if (name.startsWith(`${basename(file)}.corrupt-`)) rmSync(join(dirname(file), name), { force: true });
  }
}

/**
 * Creates the file, readable by its owner alone, unless it exists. SQLite gives its WAL and shared memory the mode
 * of the database, so this covers them too.
 */
export function createPrivate(file: string): void {
  if (!existsSync(file)) closeSync(openSync(file, 'wx', 0o600));
}

function asStoreError(file: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  return new StoreError('unusable', `${file} cannot be opened`, { cause });
}
