// A results file of its own for tests of what is stored and read, with rows made by hand.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database, { type Database as Connection } from 'better-sqlite3';
import type { Clock } from '../../src/base/clock.ts';
import { VERDICTS, type Verdict } from '../../src/model/verdict.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { formFromResult } from '../../src/store/result-form.ts';
import type { PendingResult, ResultRows } from '../../src/store/result-rows.ts';
import { createRetention, type RetentionOptions } from '../../src/store/retention.ts';
import { createRollups } from '../../src/store/rollups.ts';
import { probeResult } from './probe-result.ts';

export interface ResultsFile extends Disposable {
  readonly folder: string;
  readonly file: string;
  /** The writer's connection. */
  readonly db: Connection;
  readonly state: Connection;
  /** A reader's connection, as another thread has it. */
  readonly reader: Connection;
}

export function resultsFile(): ResultsFile {
  const folder = mkdtempSync(join(tmpdir(), 'gatewatch-results-'));
  const file = join(folder, 'gatewatch.db');
  const open = (path: string, set: 'results' | 'state') =>
    openDatabase(path, { set, synchronous: 'NORMAL', readonly: false }, 0).db;
  const db = open(file, 'results');
  const state = open(join(folder, 'gatewatch-state.db'), 'state');
  const reader = new Database(file, { readonly: true });
  return {
    folder,
    file,
    db,
    state,
    reader,
    [Symbol.dispose]() {
      for (const one of [reader, state, db]) one.close();
      rmSync(folder, { recursive: true });
    },
  };
}

export interface PendingWish {
  readonly id: number;
  readonly at: number;
  readonly host?: string;
  readonly visit?: 'fresh' | 'return';
  readonly verdict?: Verdict;
  readonly durationUs?: number;
  readonly reason?: string;
}

const form = formFromResult(probeResult({ at: 0 }));

/** A result on its way into the file; the check is `<visit>:cdn:<host>`. */
export function pendingResult(wish: PendingWish): PendingResult {
  const { id, at, host = 'a.example.com', visit = 'fresh', verdict = 'up', durationUs = 1000 } = wish;
  return {
    id,
    at,
    check: `${visit}:cdn:${host}`,
    kind: 'visit',
    target: host,
    path: 'cdn',
    visit,
    verdict: VERDICTS.indexOf(verdict),
    durationUs,
    extra: false,
    form: { ...form, reason: wish.reason ?? `it is ${verdict}` },
  };
}

/** Retention of such a file: results for 14 days, roll-ups for 400, and a disk with room, unless `part` says otherwise. */
export function retentionOf(
  file: ResultsFile,
  parts: { readonly rows: ResultRows; readonly clock: Clock },
  part: Partial<RetentionOptions> = {},
): ReturnType<typeof createRetention> {
  return createRetention({
    results: file.db,
    state: file.state,
    rollups: createRollups(file.db),
    ...parts,
    resultsMs: 14 * 86_400_000,
    rollupsMs: 400 * 86_400_000,
    maxBytes: 2 ** 31,
    space: () => ({ free: 2 ** 40, all: 2 ** 40 }),
    ...part,
  });
}
