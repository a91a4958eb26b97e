// The writing end of the store: does one job after the other on both files, and takes care of what the world does to
// them meanwhile: full, damaged, deleted, replaced. Runs in a thread of its own, where it may wait for the disk.

import { existsSync, statSync } from 'node:fs';
import type { Database } from 'better-sqlite3';
import type { Clock } from '../base/clock.ts';
import type { Answer, Job, Part } from './job.ts';
import { createPrivate, openDatabase, setAside } from './open-database.ts';
import { createReserve, type Reserve } from './reserve.ts';
import { ResultRows } from './result-rows.ts';
import { bytesOf, createRetention } from './retention.ts';
import { createRollups } from './rollups.ts';
import { isBroken, isFull, wordsOf } from './sqlite-error.ts';
import { createStateTables, type StateWrite } from './state-tables.ts';
import type { StoreFiles } from './store-files.ts';

/** Longest wait for another process' lock; nobody waits for this thread. */
const BUSY_MS = 1_000;

export interface DiskOptions {
  readonly files: StoreFiles;
  readonly resultsMs: number;
  readonly rollupsMs: number;
  readonly maxBytes: number;
}

interface OpenFile {
  readonly db: Database;
  /** Which file it is, whatever its name points to by now. */
  readonly identity: string | null;
  walIdentity: string | null;
}

interface OpenState extends OpenFile {
  readonly commit: (writes: readonly StateWrite[]) => void;
}

interface OpenResults extends OpenFile {
  readonly rows: ResultRows;
  lastId: number;
}

type Fresh = NonNullable<Answer['fresh']>;

/** Ends a job whose file was begun anew. */
class BegunAnew extends Error {
  readonly fresh: Fresh;

  constructor(fresh: Fresh) {
    super('file begun anew');
    this.fresh = fresh;
  }
}

/** Files are opened with the first job that needs them, and again after every trouble. */
export class Disk {
  readonly #files: StoreFiles;
  readonly #options: DiskOptions;
  readonly #clock: Clock;
  readonly #reserve: Reserve;
  /** Files whose name led to nothing, or to another file. */
  readonly #lost = new Set<Part>();
  /** Files that are missing because they were set aside. */
  readonly #expected = new Set<Part>();
  #state: OpenState | null = null;
  #results: OpenResults | null = null;
  #retain: ((now: number) => boolean) | null = null;
  #monotonicMs = 0;
  #now = 0;
  #moved = false;

  constructor(options: DiskOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#files = options.files;
    this.#reserve = createReserve(this.#files.reserve, options.maxBytes);
  }

  /** Never throws. */
  do(job: Job): Answer {
    try {
      return this.#answer({ more: this.#attempt(job, true) });
    } catch (error) {
      if (error instanceof BegunAnew) return this.#answer({ fresh: error.fresh });
      return this.#answer({ error: wordsOf(error) });
    }
  }

  close(): void {
    for (const part of ['results', 'state'] as const) this.#close(part);
  }

  #answer(part: Partial<Answer>): Answer {
    const moved = this.#moved;
    this.#moved = false;
    return { error: null, fresh: null, moved, more: false, bytes: this.#bytes(), ...part };
  }

  #attempt(job: Job, again: boolean): boolean {
    try {
      return this.#run(job);
    } catch (error) {
      if (isBroken(error)) throw this.#replace(this.#brokenPart(job));
      if (again && isFull(error) && this.#reserve.drop()) return this.#attempt(job, false);
      throw error;
    }
  }

  #run(job: Job): boolean {
    switch (job.kind) {
      case 'state':
        this.#openState().commit(job.writes);
        return false;
      case 'results':
        this.#write(job.batch);
        return false;
      case 'prune':
        return this.#prune(job);
      case 'damaged':
        if (this.#isSound(job.part)) return false;
        throw this.#replace(job.part);
    }
  }

  // A batch may come again when nobody heard that it is on disk; ids rise.
  #write(batch: Extract<Job, { kind: 'results' }>['batch']): void {
    const results = this.#openResults();
    results.rows.write(batch.filter(({ id }) => id > results.lastId));
    results.lastId = Math.max(results.lastId, batch.at(-1)?.id ?? 0);
  }

  #prune({ now, monotonicMs }: Extract<Job, { kind: 'prune' }>): boolean {
    this.#now = now;
    this.#monotonicMs = monotonicMs;
    const state = this.#openState();
    const results = this.#openResults();
    this.#retain ??= createRetention({
      ...this.#options,
      clock: { now: () => this.#now, monotonic: () => this.#monotonicMs, after: () => () => undefined },
      results: results.db,
      state: state.db,
      rollups: createRollups(results.db),
      rows: results.rows,
    });
    const more = this.#retain(now);
    this.#reserve.restore();
    return more;
  }

  #openState(): OpenState {
    this.#notice('state');
    if (this.#state !== null) return this.#state;
    const file = this.#open('state');
    const write = createStateTables(file.db);
    const commit = file.db.transaction((writes: readonly StateWrite[]) => writes.forEach(write));
    this.#state = { ...file, commit: (writes) => commit.immediate(writes) };
    return this.#state;
  }

  #openResults(): OpenResults {
    this.#notice('results');
    if (this.#results !== null) return this.#results;
    const file = this.#open('results');
    const rows = new ResultRows(file.db);
    this.#results = { ...file, rows, lastId: rows.lastId() };
    return this.#results;
  }

  /** Opens a file; throws BegunAnew when it is not the one that was written so far. */
  #open(part: Part): OpenFile {
    const file = this.#files[part];
    const existed = existsSync(file);
    const synchronous = part === 'state' ? 'FULL' : 'NORMAL';
    const opened = openDatabase(
      file,
      { set: part, synchronous, readonly: false, busyMs: BUSY_MS },
      this.#clock.now(),
    );
    const kept = { db: opened.db, identity: identityOf(file), walIdentity: identityOf(`${file}-wal`) };
    const isExpected = this.#expected.delete(part) || existed;
    const wasLost = this.#lost.delete(part);
    if (isExpected && !wasLost && opened.setAside === null) return kept;
    opened.db.close();
    throw new BegunAnew({ part, setAside: opened.setAside });
  }

  /** Looks whether the names still lead to the open files; SQLite would go on writing to a deleted one. */
  #notice(part: Part): void {
    const open = part === 'state' ? this.#state : this.#results;
    if (open === null) return;
    const file = this.#files[part];
    const identity = identityOf(file);
    if (identity !== open.identity) {
      if (identity === null && rescue(open.db, file)) this.#moved = true;
      else this.#lost.add(part);
      this.#close(part);
      return;
    }
    const wal = identityOf(`${file}-wal`);
    open.walIdentity ??= wal;
    if (wal === open.walIdentity) return;
    // Everything committed goes from the deleted journal, which is still open, into the file.
    open.db.pragma('wal_checkpoint(FULL)');
    this.#close(part);
    this.#moved = true;
  }

  // Pruning works on both files; the small one is looked through.
  #brokenPart(job: Job): Part {
    if (job.kind !== 'prune') return partOf(job);
    try {
      return this.#state?.db.pragma('quick_check(1)', { simple: true }) === 'ok' ? 'results' : 'state';
    } catch {
      return 'state';
    }
  }

  // A reader that opens a file without its journal takes it for damaged. The results are too many to look through.
  #isSound(part: Part): boolean {
    const open = part === 'state' ? this.#openState() : this.#openResults();
    return this.#moved || (part === 'state' && open.db.pragma('quick_check(1)', { simple: true }) === 'ok');
  }

  #replace(part: Part): BegunAnew {
    this.#close(part);
    const name = setAside(this.#files[part], this.#clock.now());
    this.#expected.add(part);
    return new BegunAnew({ part, setAside: name });
  }

  #close(part: Part): void {
    const open = part === 'state' ? this.#state : this.#results;
    if (part === 'state') this.#state = null;
    else this.#results = null;
    this.#retain = null;
    try {
      open?.db.close();
    } catch {
      // Of a file that is gone; nothing more can be had from it.
    }
  }

  #bytes(): number | null {
    try {
      const sizes = (['state', 'results'] as const).map((part) => {
        const open = part === 'state' ? this.#state : this.#results;
        return open === null ? statSync(this.#files[part]).size : bytesOf(open.db).all;
      });
      return sizes.reduce((sum, size) => sum + size, 0);
    } catch {
      return null;
    }
  }
}

function partOf(job: Job): Part {
  if (job.kind === 'damaged') return job.part;
  return job.kind === 'state' ? 'state' : 'results';
}

function identityOf(file: string): string | null {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}

/** Writes a deleted file anew from the one that is still open; false when that cannot be. */
function rescue(db: Database, file: string): boolean {
  try {
    createPrivate(file);
    db.prepare('VACUUM INTO ?').run(file);
    return true;
  } catch {
    return false;
  }
}
