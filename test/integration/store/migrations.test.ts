// A process killed in the middle of a migration leaves the old form or the new one (threats X32). What SIGKILL leaves
// at a statement are the files as they are then: they are copied, and opened as the next start opens them.

import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database, { type Database as Connection } from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type MigrationSet, migrate } from '../../../src/store/migrate.ts';
import { openDatabase } from '../../../src/store/open-database.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatewatch-migrations-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs the migrations one statement at a time and copies the files after each; how many copies. */
function migrateInSteps(db: Connection, set: MigrationSet): number {
  let copies = 0;
  const copy = (): void => {
    for (const ending of ['', '-wal', '-shm']) {
      if (existsSync(db.name + ending)) copyFileSync(db.name + ending, copyName(copies) + ending);
    }
    copies += 1;
  };
  const slow = new Proxy(db, {
    get(real, name) {
      const value: unknown = Reflect.get(real, name, real);
      if (name === 'exec') {
        return (sql: string) => {
          for (const statement of statementsOf(sql)) {
            real.exec(statement);
            copy();
          }
        };
      }
      if (name === 'pragma') {
        return (...args: [string]) => {
          const answer: unknown = real.pragma(...args);
          if (args[0].startsWith('user_version =')) copy();
          return answer;
        };
      }
      return typeof value === 'function' ? value.bind(real) : value;
    },
  });
  copy();
  migrate(slow, set);
  copy();
  return copies;
}

const copyName = (index: number): string => join(folder, `copy-${index}.db`);

function statementsOf(sql: string): string[] {
  return sql
    .replace(/--.*$/gm, '')
    .split(';')
    .filter((statement) => statement.trim() !== '');
}

const schemaOf = (db: Connection): unknown[] =>
  db
    .prepare("SELECT name, replace(sql, char(10), ' ') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
    .raw()
    .all();

test.each(['results', 'state'] as const)(
  'killed at any statement, the %s file is old or new, and opens',
  (set) => {
    const db = new Database(join(folder, 'killed.db'));
    // So small a cache that the migration is written to the journal before it is committed.
    db.pragma('journal_mode = WAL');
    db.pragma('cache_size = 1');
    const copies = migrateInSteps(db, set);
    expect(copies).toBeGreaterThan(set === 'results' ? 12 : 9);
    const names = schemaOf(db).map((row) => (row as string[])[0]);
    const version = Number(db.pragma('user_version', { simple: true }));
    db.close();
    const forms: [form: number, parts: number][] = [];
    for (let index = 0; index < copies; index += 1) {
      const left = new Database(copyName(index));
      forms.push([Number(left.pragma('user_version', { simple: true })), schemaOf(left).length]);
      expect(left.pragma('integrity_check', { simple: true })).toBe('ok');
      left.close();
      const opened = openDatabase(copyName(index), { set, synchronous: 'NORMAL', readonly: false }, 0);
      expect(opened.setAside).toBeNull();
      expect(schemaOf(opened.db).map((row) => (row as string[])[0])).toEqual(names);
      opened.db.close();
    }
    // Each form is whole: nothing, or every table and index of that one.
    for (const [form, parts] of forms) expect(parts).toBe(form === 0 ? 0 : names.length);
    const seen = forms.map(([form]) => form);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect([...new Set(seen)]).toEqual(Array.from({ length: version + 1 }, (_, form) => form));
  },
);
