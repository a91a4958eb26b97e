// Remembered facts: in memory for the classifier, which asks for every result, and in the state file for the next
// start. Confirming a fact is free; only a new value or an old confirmation is written.

import type { Database } from 'better-sqlite3';
import type { Clock } from '../base/clock.ts';
import type { EpochMs } from '../model/observation.ts';
import { FACT_KINDS, type Fact, type FactKind, type Knowledge } from '../model/verdict.ts';
import type { StateWriter } from './state-writer.ts';

/** New facts are written together after this. */
const FLUSH_MS = 500;
/** A confirmation is written when the one in the file is older; the shortest use of one is 24 h. */
const CONFIRM_MS = 600_000;

export interface StoredFact {
  readonly key: string;
  readonly value: string;
  /** Last time it was confirmed. */
  readonly at: EpochMs;
}

export interface Facts extends Knowledge {
  /** Remembers or confirms; readable at once, in the file within 500 ms. */
  put(fact: Fact, at: EpochMs): void;
  /** All of one kind, in no order. */
  all(kind: FactKind): StoredFact[];
  /** Writes what waits. */
  flush(): void;
}

interface Known extends StoredFact {
  readonly kind: FactKind;
  readonly storedAt: EpochMs;
}

/** Facts in a migrated state database. */
export function createFacts(db: Database, writer: StateWriter, clock: Clock): Facts & Disposable {
  const put = db.prepare<[string, string, string, number]>(
    `INSERT INTO facts (kind, key, value, at) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at`,
  );
  const known = new Map<FactKind, Map<string, Known>>(FACT_KINDS.map((kind) => [kind, new Map()]));
  for (const row of db.prepare<[], { kind: FactKind } & StoredFact>('SELECT * FROM facts').all()) {
    known.get(row.kind)?.set(row.key, { ...row, storedAt: row.at });
  }
  const dirty = new Map<string, Known>();
  let cancel: (() => void) | null = null;

  function flush(): void {
    cancel?.();
    cancel = null;
    const facts = [...dirty.values()];
    dirty.clear();
    writer.transaction(() => {
      for (const { kind, key, value, at } of facts) writer.write(() => put.run(kind, key, value, at));
    });
  }

  return {
    get: (kind, key) => known.get(kind)?.get(key) ?? null,
    all: (kind) => [...(known.get(kind)?.values() ?? [])],
    put({ kind, key, value }, at) {
      const before = known.get(kind)?.get(key);
      const changed = before === undefined || before.value !== value || at - before.storedAt >= CONFIRM_MS;
      const fact = { kind, key, value, at, storedAt: changed ? at : before.storedAt };
      known.get(kind)?.set(key, fact);
      if (!changed) return;
      dirty.set(`${kind}\n${key}`, fact);
      cancel ??= clock.after(FLUSH_MS, flush);
    },
    flush,
    [Symbol.dispose]: flush,
  };
}
