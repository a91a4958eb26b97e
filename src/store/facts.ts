// Remembered facts: in memory for the classifier, which asks for every result, and in the state file for the next
// start. Confirming a fact is free; only a new value or an old confirmation is written.

import type { Clock } from '../base/clock.ts';
import type { EpochMs } from '../model/observation.ts';
import { FACT_KINDS, type Fact, type FactKind, type Knowledge } from '../model/verdict.ts';
import type { Journal } from './journal.ts';
import type { FactRow, StateWrite } from './state-tables.ts';

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
  /** Remembers or confirms; readable at once, on its way into the file within 500 ms. */
  put(fact: Fact, at: EpochMs): void;
  /** All of one kind, in no order. */
  all(kind: FactKind): StoredFact[];
  /** Hands what waits to the writer. */
  flush(): void;
}

interface Known extends FactRow {
  readonly storedAt: EpochMs;
}

/** Facts that go on from what a start has read. */
export function createFacts(
  start: readonly FactRow[],
  journal: Journal,
  clock: Clock,
): Facts & Disposable & { copy(): StateWrite[] } {
  const known = new Map<FactKind, Map<string, Known>>(FACT_KINDS.map((kind) => [kind, new Map()]));
  for (const row of start) known.get(row.kind)?.set(row.key, { ...row, storedAt: row.at });
  const dirty = new Map<string, Known>();
  let cancel: (() => void) | null = null;

  function flush(): void {
    cancel?.();
    cancel = null;
    const facts = [...dirty.values()];
    dirty.clear();
    journal.transaction(() => {
      for (const fact of facts) journal.write(writeOf(fact), () => undefined);
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
    copy: () => [...known.values()].flatMap((facts) => [...facts.values()].map(writeOf)),
    [Symbol.dispose]: flush,
  };
}

function writeOf({ kind, key, value, at }: Known): StateWrite {
  return ['fact', { kind, key, value, at }];
}
