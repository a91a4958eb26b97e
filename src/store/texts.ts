// Durable texts of other rooms by key: budgets, jars, the correlator's checkpoint.

import type { Database } from 'better-sqlite3';
import type { Journal } from './journal.ts';
import type { Reader } from './reader.ts';
import type { StateContents, StateWrite } from './state-tables.ts';

export interface Texts {
  /** What was put last; of keys that this process never put, what the file says now: another process may write. */
  get(key: string): string | null;
  put(key: string, value: string): void;
}

interface Tools {
  readonly journal: Journal;
  readonly reader: Reader<ReturnType<typeof textQueries>>;
}

/** Texts that go on from what a start has read. */
export function createTexts(
  start: StateContents['texts'],
  { journal, reader }: Tools,
): Texts & { copy(): StateWrite[] } {
  const all = new Map(start.map(({ key, value }) => [key, value]));
  const ours = new Set<string>();
  return {
    get(key) {
      const known = all.get(key) ?? null;
      if (ours.has(key)) return known;
      const value = reader.read((sql) => sql.text.get(key)?.value ?? null, known);
      if (value !== null) all.set(key, value);
      return value;
    },
    put: (key, value) =>
      journal.write(['put', key, value], () => {
        ours.add(key);
        all.set(key, value);
      }),
    copy: () => [...all].map(([key, value]) => ['put', key, value] as const),
  };
}

/** Reading statement in a migrated state database. */
export function textQueries(db: Database) {
  return { text: db.prepare<[string], { value: string }>('SELECT value FROM state WHERE key = ?') };
}
