// Migrations: numbered .sql files, each run in one transaction together with its `user_version`.

import { readdirSync, readFileSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import { StoreError } from './store-error.ts';

/** Folder of migrations: one for each of the two files. */
export type MigrationSet = 'results' | 'state';

interface Migration {
  readonly version: number;
  readonly sql: string;
}

function migrations(set: MigrationSet): Migration[] {
  const folder = new URL(`./migrations/${set}/`, import.meta.url);
  return readdirSync(folder)
    .filter((name) => /^\d{4}-.*\.sql$/.test(name))
    .sort()
    .map((name) => ({ version: Number(name.slice(0, 4)), sql: readFileSync(new URL(name, folder), 'utf8') }));
}

/** The form that this program writes. */
export function knownVersion(set: MigrationSet): number {
  return migrations(set).at(-1)?.version ?? 0;
}

function versionOf(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }));
}

/**
 * Brings the database to the program's version. A crash in between leaves the old or the new version, never
 * something between. Ask `refuseNewer` first.
 */
export function migrate(db: Database, set: MigrationSet): void {
  const steps = migrations(set);
  for (const { version, sql } of steps.filter((step) => step.version > versionOf(db))) {
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`user_version = ${version}`);
    }).immediate();
  }
}

/** Throws StoreError unless the database has exactly the program's version. For readers, which change nothing. */
export function requireVersion(db: Database, set: MigrationSet): void {
  refuseNewer(db, set);
  if (versionOf(db) < knownVersion(set)) {
    throw new StoreError(
      'older',
      `${db.name} has an older form; start the daemon once to bring it up to date`,
    );
  }
}

/** Throws StoreError `newer` for a database of a newer program; changes nothing. */
export function refuseNewer(db: Database, set: MigrationSet): void {
  const known = knownVersion(set);
  const found = versionOf(db);
  if (found > known) {
    throw new StoreError(
      'newer',
      `${db.name} was written by a newer gatewatch (form ${found}, this program knows up to ${known}); ` +
        'use that version again, or name another file under store.file',
    );
  }
}
