// Writes batches of results: one transaction for rows, roll-ups and the newest result of each check.

import type { Database } from 'better-sqlite3';
import type { EpochMs } from '../model/observation.ts';
import type { StoredResult } from '../model/result.ts';
import { type ResultForm, shapeFromForm, timingsText } from './result-form.ts';
import { idLeadMs } from './result-ids.ts';
import { readStored, STORED_COLUMNS, type StoredRow } from './result-query.ts';
import { createRollups, type RollupSample, type Rollups } from './rollups.ts';

const DAY_MS = 86_400_000;
/** Shapes held in memory; beyond that the cache starts anew. */
const SHAPES_IN_MEMORY = 20_000;
/** Index of `degraded`: faults are always written out in full. */
const LAST_SHAPED = 1;

/** A result on its way into the file: allowed fields only, so it may wait in memory. */
export interface PendingResult {
  readonly id: number;
  readonly at: EpochMs;
  readonly check: string;
  readonly kind: 'visit' | 'canary';
  readonly target: string;
  readonly path: string | null;
  readonly visit: string;
  /** Index in VERDICTS. */
  readonly verdict: number;
  readonly durationUs: number;
  readonly extra: boolean;
  readonly form: ResultForm;
}

/** The newest result of a check, and since when its verdict is what it is. */
export interface LatestResult extends StoredResult {
  readonly since: EpochMs;
}

interface CheckRow {
  readonly id: number;
  lastId: number;
  since: number;
  verdict: number;
  /** Hash of the newest answer that had no shape yet. */
  lonely: string | null;
}

/** Writer for a migrated results database. */
export class ResultRows {
  readonly #sql: ReturnType<typeof statements>;
  readonly #rollups: Rollups;
  readonly #checks = new Map<string, CheckRow>();
  readonly #shapes = new Map<string, { id: number; day: number }>();
  readonly #writeAll: { immediate(batch: readonly PendingResult[]): void };
  #leadMs = 0;

  constructor(db: Database) {
    this.#sql = statements(db);
    this.#rollups = createRollups(db);
    this.#writeAll = db.transaction((batch: readonly PendingResult[]) => this.#batch(batch));
    this.forget();
  }

  /** Writes the batch, or throws and changes nothing. */
  write(batch: readonly PendingResult[]): void {
    try {
      this.#writeAll.immediate(batch);
    } catch (error) {
      // Ids of checks and shapes that were rolled back must not be used again.
      this.forget();
      throw error;
    }
  }

  /** Newest result of every check, for the start. */
  latest(): LatestResult[] {
    return this.#sql.latest.all().map((row) => ({ ...readStored(row), since: row.since }));
  }

  /** Highest id in the file, 0 when empty. */
  lastId(): number {
    return this.#sql.lastId.get()?.id ?? 0;
  }

  /** Reads anew what is remembered of the file. */
  forget(): void {
    this.#checks.clear();
    this.#shapes.clear();
    this.#leadMs = this.#sql.lead.get()?.value ?? 0;
    for (const row of this.#sql.checks.all()) this.#checks.set(row.name, { ...row, lonely: null });
  }

  #batch(batch: readonly PendingResult[]): void {
    this.#rollups.add(batch.map((one) => this.#one(one)));
    for (const name of new Set(batch.map((one) => one.check))) {
      const check = this.#checks.get(name);
      if (check !== undefined) this.#sql.setNewest.run(check.lastId, check.since, check.id);
    }
    const leadMs = Math.max(...batch.map((one) => idLeadMs(one.id, one.at)));
    if (leadMs <= this.#leadMs) return;
    this.#sql.setLead.run(leadMs);
    this.#leadMs = leadMs;
  }

  #one(one: PendingResult): RollupSample {
    const check = this.#checkOf(one);
    const shapeId = this.#shapeOf(check, one);
    const timings = shapeId === null ? null : timingsText(one.form);
    const detail = shapeId === null ? JSON.stringify(one.form) : null;
    const { id, at, verdict, durationUs } = one;
    const extra = one.extra ? 1 : 0;
    this.#sql.addResult.run(
      id,
      at,
      check.id,
      verdict,
      durationUs,
      check.lastId,
      extra,
      shapeId,
      timings,
      detail,
    );
    if (check.verdict !== verdict) check.since = at;
    check.verdict = verdict;
    check.lastId = id;
    return { checkId: check.id, at, verdict, durationUs };
  }

  #checkOf(one: PendingResult): CheckRow {
    const known = this.#checks.get(one.check);
    if (known !== undefined) return known;
    const added = this.#sql.addCheck.run(one.check, one.kind, one.target, one.path, one.visit);
    const row = { id: Number(added.lastInsertRowid), lastId: 0, since: one.at, verdict: -1, lonely: null };
    this.#checks.set(one.check, row);
    return row;
  }

  // An answer gets a shape when it comes twice in a row: one that never repeats would only fill the table.
  #shapeOf(check: CheckRow, one: PendingResult): number | null {
    if (one.verdict > LAST_SHAPED) return null;
    const shape = shapeFromForm(one.form);
    const key = shape.hash.toString('latin1');
    const known = this.#shapes.get(key) ?? this.#sql.findShape.get(shape.hash);
    if (known === undefined && check.lonely !== key) {
      check.lonely = key;
      return null;
    }
    const day = Math.floor(one.at / DAY_MS);
    const id = known?.id ?? this.#addShape(shape, one);
    if (known !== undefined && known.day < day) this.#sql.seeShape.run(one.at, id);
    if (this.#shapes.size >= SHAPES_IN_MEMORY) this.#shapes.clear();
    this.#shapes.set(key, { id, day: Math.max(day, known?.day ?? day) });
    return id;
  }

  #addShape(shape: { hash: Buffer; evidence: string }, one: PendingResult): number {
    const { signature, status, reason } = one.form;
    return Number(
      this.#sql.addShape.run(shape.hash, signature, status, reason, shape.evidence, one.at).lastInsertRowid,
    );
  }
}

function statements(db: Database) {
  return {
    checks: db.prepare<[], { id: number; name: string; lastId: number; since: number; verdict: number }>(
      `SELECT checks.id, name, last_id AS lastId, since, coalesce(verdict, -1) AS verdict
       FROM checks LEFT JOIN results ON results.id = last_id`,
    ),
    addCheck: db.prepare<[string, string, string, string | null, string]>(
      'INSERT INTO checks (name, kind, target, path, visit) VALUES (?, ?, ?, ?, ?)',
    ),
    setNewest: db.prepare<[number, number, number]>('UPDATE checks SET last_id = ?, since = ? WHERE id = ?'),
    findShape: db.prepare<[Buffer], { id: number; day: number }>(
      `SELECT id, seen_at / ${DAY_MS} AS day FROM shapes WHERE hash = ?`,
    ),
    addShape: db.prepare<[Buffer, string | null, number | null, string, string, number]>(
      'INSERT INTO shapes (hash, signature, status, reason, evidence, seen_at) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    seeShape: db.prepare<[number, number]>('UPDATE shapes SET seen_at = ? WHERE id = ?'),
    addResult: db.prepare<
      [number, number, number, number, number, number, number, number | null, string | null, string | null]
    >('INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    latest: db.prepare<[], StoredRow & { since: number }>(
      `SELECT ${STORED_COLUMNS}, checks.since FROM checks
       JOIN results ON results.id = checks.last_id LEFT JOIN shapes ON shapes.id = shape_id`,
    ),
    lastId: db.prepare<[], { id: number | null }>('SELECT max(id) AS id FROM results'),
    lead: db.prepare<[], { value: number }>("SELECT value FROM meta WHERE key = 'lead'"),
    setLead: db.prepare<[number]>(
      "INSERT INTO meta VALUES ('lead', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    ),
  };
}
