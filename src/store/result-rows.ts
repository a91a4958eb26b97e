// Writes batches of results. A batch touches the end of one table; what is known beside the rows (roll-ups and the
// newest result of each check) is brought up to date once in five minutes, and read from the rows until then.

import type { Database } from 'better-sqlite3';
import type { EpochMs } from '../model/observation.ts';
import { type ResultForm, shapeFromForm, timingsText } from './result-form.ts';
import { idLeadMs } from './result-ids.ts';
import { createRollups, ROLLED, type Rollups, shortestBucket } from './rollups.ts';

const DAY_MS = 86_400_000;
/** Shapes held in memory; beyond that the cache starts anew. */
const SHAPES_IN_MEMORY = 20_000;
/** Index of `degraded`: what is worse is a fault. */
const LAST_GOOD = 1;
/** Faults in a row of one check that are written out in full; more of the same say nothing new. */
const FULL_FAULTS = 5;
/** Answers of a check that came once, remembered for when they come again. */
const LONELY = 8;
/** Results that may wait to be added up: what a reader or a start has to look through, some milliseconds. */
const MOST_WAITING = 10_000;

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

interface CheckRow {
  readonly id: number;
  lastId: number;
  since: number;
  verdict: number;
  /** Whether the file's `heads` are behind. */
  moved: boolean;
  /** Hashes of the newest answers that had no shape yet. */
  lonely: readonly string[];
  /** The same fault over and over: its hash, and how often in a row. */
  fault: { readonly hash: string; readonly times: number };
}

const NO_FAULT = { hash: '', times: 0 };

/** Writer for a migrated results database. */
export class ResultRows {
  readonly #sql: ReturnType<typeof statements>;
  readonly #rollups: Rollups;
  readonly #checks = new Map<string, CheckRow>();
  readonly #shapes = new Map<string, { id: number; day: number }>();
  readonly #writeAll: { immediate(batch: readonly PendingResult[]): void };
  #leadMs = 0;
  #lastId = 0;
  /** Results of the file that are not added up yet, and the bucket of the newest. */
  #waiting = 0;
  #bucket = 0;

  constructor(db: Database) {
    this.#sql = statements(db);
    this.#rollups = createRollups(db);
    this.#writeAll = db.transaction((batch: readonly PendingResult[]) => this.#batch(batch));
    this.forget();
  }

  /** Writes the batch, or throws and changes nothing. */
  write(batch: readonly PendingResult[]): void {
    if (batch.length === 0) return;
    try {
      this.#writeAll.immediate(batch);
    } catch (error) {
      // Ids of checks and shapes that were rolled back must not be used again.
      this.forget();
      throw error;
    }
  }

  /** Newest result of every check: its id, and since when the verdict is what it is. */
  heads(): { readonly lastId: number; readonly since: EpochMs }[] {
    return [...this.#checks.values()].map(({ lastId, since }) => ({ lastId, since }));
  }

  /** Highest id in the file, 0 when empty. */
  lastId(): number {
    return this.#sql.lastId.get()?.id ?? 0;
  }

  /** Call it when shapes were deleted. */
  forgetShapes(): void {
    this.#shapes.clear();
  }

  /** Reads anew what is remembered of the file. */
  forget(): void {
    this.#checks.clear();
    this.#shapes.clear();
    this.#leadMs = this.#sql.lead.get()?.value ?? 0;
    this.#lastId = this.lastId();
    this.#waiting = this.#rollups.waiting();
    const byId = new Map<number, CheckRow>();
    for (const { name, ...row } of this.#sql.checks.all()) {
      const check = { ...row, moved: false, lonely: [], fault: NO_FAULT };
      this.#checks.set(name, check);
      byId.set(check.id, check);
    }
    for (const { id, checkId, at, verdict } of this.#sql.newer.all()) {
      const check = byId.get(checkId);
      if (check !== undefined) advance(check, { id, at, verdict });
      this.#bucket = shortestBucket(at);
    }
  }

  #batch(batch: readonly PendingResult[]): void {
    const bucket = Math.max(...batch.map((one) => shortestBucket(one.at)));
    // Slow probes of the bucket before come late: only a clock that went back makes an earlier bucket the current one.
    const turned = bucket > this.#bucket || bucket < this.#bucket - 1;
    if (turned) this.#bucket = bucket;
    if (turned || this.#waiting + batch.length > MOST_WAITING) this.#addUp();
    for (const one of batch) this.#one(one);
    this.#lastId = batch.at(-1)?.id ?? this.#lastId;
    this.#waiting += batch.length;
    const leadMs = Math.max(...batch.map((one) => idLeadMs(one.id, one.at)));
    if (leadMs <= this.#leadMs) return;
    this.#sql.setLead.run(leadMs);
    this.#leadMs = leadMs;
  }

  // Heads and roll-ups belong to the same id: readers look through the rows behind it.
  #addUp(): void {
    this.#rollups.rollUp(this.#lastId);
    for (const check of this.#checks.values()) {
      if (check.moved) this.#sql.setHead.run(check.id, check.lastId, check.since);
      check.moved = false;
    }
    this.#waiting = 0;
  }

  #one(one: PendingResult): void {
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
    advance(check, one);
  }

  #checkOf(one: PendingResult): CheckRow {
    const known = this.#checks.get(one.check);
    if (known !== undefined) return known;
    const added = this.#sql.addCheck.run(one.check, one.kind, one.target, one.path, one.visit);
    const row: CheckRow = {
      id: Number(added.lastInsertRowid),
      lastId: 0,
      since: one.at,
      verdict: -1,
      moved: false,
      lonely: [],
      fault: NO_FAULT,
    };
    this.#checks.set(one.check, row);
    return row;
  }

  // An answer gets a shape when it comes a second time: one that never repeats would only fill the table. A fault
  // has its details each time (the CDN's ray, the date) until it has come often.
  #shapeOf(check: CheckRow, one: PendingResult): number | null {
    const shape = shapeFromForm(one.form);
    const key = shape.hash.toString('latin1');
    if (one.verdict <= LAST_GOOD) {
      check.fault = NO_FAULT;
    } else {
      check.fault = { hash: key, times: check.fault.hash === key ? check.fault.times + 1 : 1 };
      if (check.fault.times <= FULL_FAULTS) return null;
    }
    const known = this.#shapes.get(key) ?? this.#sql.findShape.get(shape.hash);
    if (known === undefined && one.verdict <= LAST_GOOD && !check.lonely.includes(key)) {
      check.lonely = [key, ...check.lonely].slice(0, LONELY);
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
    const { signature, status, reason, pointsAt } = one.form;
    const { hash, evidence } = shape;
    const pointed = pointsAt?.join(' ') ?? null;
    const added = this.#sql.addShape.run(hash, signature, status, reason, evidence, one.at, pointed);
    return Number(added.lastInsertRowid);
  }
}

function advance(check: CheckRow, newest: { id: number; at: number; verdict: number }): void {
  if (check.verdict !== newest.verdict) check.since = newest.at;
  check.verdict = newest.verdict;
  check.lastId = newest.id;
  check.moved = true;
}

function statements(db: Database) {
  return {
    checks: db.prepare<[], { id: number; name: string; lastId: number; since: number; verdict: number }>(
      `SELECT checks.id, name, coalesce(last_id, 0) AS lastId, coalesce(since, 0) AS since,
         coalesce(verdict, -1) AS verdict
       FROM checks LEFT JOIN heads ON heads.check_id = checks.id LEFT JOIN results ON results.id = last_id`,
    ),
    newer: db.prepare<[], { id: number; checkId: number; at: number; verdict: number }>(
      `SELECT id, check_id AS checkId, at, verdict FROM results WHERE id > ${ROLLED} ORDER BY id`,
    ),
    addCheck: db.prepare<[string, string, string, string | null, string]>(
      'INSERT INTO checks (name, kind, target, path, visit) VALUES (?, ?, ?, ?, ?)',
    ),
    setHead: db.prepare<[number, number, number]>(
      `INSERT INTO heads VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET last_id = excluded.last_id, since = excluded.since`,
    ),
    findShape: db.prepare<[Buffer], { id: number; day: number }>(
      `SELECT id, seen_at / ${DAY_MS} AS day FROM shapes WHERE hash = ?`,
    ),
    addShape: db.prepare<[Buffer, string | null, number | null, string, string, number, string | null]>(
      `INSERT INTO shapes (hash, signature, status, reason, evidence, seen_at, points_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    seeShape: db.prepare<[number, number]>('UPDATE shapes SET seen_at = ? WHERE id = ?'),
    addResult: db.prepare<
      [number, number, number, number, number, number, number, number | null, string | null, string | null]
    >('INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    lastId: db.prepare<[], { id: number | null }>('SELECT max(id) AS id FROM results'),
    lead: db.prepare<[], { value: number }>("SELECT value FROM meta WHERE key = 'lead'"),
    setLead: db.prepare<[number]>(
      "INSERT INTO meta VALUES ('lead', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    ),
  };
}
