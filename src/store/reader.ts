// A read-only connection of the thread that probes. It reads what the operating system has in memory, in the usual
// case; where the disk hangs or the file is in trouble, callers get what they say instead.

import Database, { type Database as Connection } from 'better-sqlite3';
import type { MigrationSet } from './migrate.ts';
import { openDatabase } from './open-database.ts';
import { isBroken } from './sqlite-error.ts';
import { StoreError } from './store-error.ts';

export interface Reader<Queries> extends Disposable {
  /** Result of `use`, or `otherwise` when the file cannot be read now. Throws nothing of SQLite's. */
  read<Result>(use: (queries: Queries) => Result, otherwise: Result): Result;
  /** The file may be another one from here on. */
  moved(): void;
}

interface Tools<Queries> {
  readonly set: MigrationSet;
  readonly prepare: (db: Connection) => Queries;
  /** Told of damage. */
  readonly damaged: () => void;
  /** Whether the disk is not to be touched now. */
  readonly isSlow: () => boolean;
}

/** Reader of a migrated file; opens it with the first read. */
export function createReader<Queries>(file: string, tools: Tools<Queries>): Reader<Queries> {
  let open: { readonly db: Connection; readonly queries: Queries } | null = null;
  const close = (): void => {
    open?.db.close();
    open = null;
  };
  const queries = (): Queries => {
    if (open === null) {
      const { db } = openDatabase(file, { set: tools.set, synchronous: 'NORMAL', readonly: true }, 0);
      open = { db, queries: tools.prepare(db) };
    }
    return open.queries;
  };
  return {
    read(use, otherwise) {
      if (tools.isSlow()) return otherwise;
      try {
        return use(queries());
      } catch (error) {
        const cause = error instanceof StoreError ? error.cause : error;
        if (!(error instanceof StoreError || error instanceof Database.SqliteError)) throw error;
        close();
        if (isBroken(cause)) tools.damaged();
        return otherwise;
      }
    },
    moved: close,
    // Closing touches the file too; the end of the process closes it anyway.
    [Symbol.dispose]() {
      if (!tools.isSlow()) close();
    },
  };
}
