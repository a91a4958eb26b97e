// The store: two SQLite files. `gatewatch.db` holds results and roll-ups and may lose its last half second with the
// power; `gatewatch-state.db` holds incidents, deliveries, facts and budgets and loses nothing. Opening may fail with
// StoreError; afterwards nothing throws: what cannot be written waits in memory and is reported as a problem.

import Database, { type Database as Connection } from 'better-sqlite3';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { EpochMs } from '../model/observation.ts';
import { createFacts, type Facts } from './facts.ts';
import { createIncidents, type Incidents } from './incidents.ts';
import { lockStore } from './lock.ts';
import { openDatabase, refuseNetworkFileSystem } from './open-database.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { createReserve } from './reserve.ts';
import { createResultQuery } from './result-query.ts';
import { ResultRows } from './result-rows.ts';
import { createResults, type Results } from './results.ts';
import { bytesOf, createRetention } from './retention.ts';
import { type Bucket, createRollups, type Rollup } from './rollups.ts';
import { createStateWriter } from './state-writer.ts';
import { createTrouble } from './trouble.ts';

/** How long a start waits for the daemon before it to end; blocking. */
const LOCK_WAIT_MS = 15_000;

export interface StoreOptions {
  /** The results file; the state file beside it is named after it. */
  readonly file: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How long results are kept. */
  readonly resultsMs: number;
  /** How long daily roll-ups and resolved incidents are kept. */
  readonly rollupsMs: number;
  /** Size of both files at which the oldest results go before their time. */
  readonly maxBytes: number;
  /** Reads only: no lock, no migration, beside a running daemon. */
  readonly readonly?: boolean;
  /** One sentence when writing begins to fail, null when it works again. */
  readonly problem?: (detail: string | null) => void;
  readonly lockWaitMs?: number;
}

export interface Store extends Disposable {
  readonly results: Results;
  readonly incidents: Incidents;
  readonly outbox: Outbox;
  readonly facts: Facts;
  /** Durable texts of other rooms, by key. Reads the file: ask at the start, then keep it. */
  readonly state: { get(key: string): string | null; put(key: string, value: string): void };
  /** Incidents, outbox and state written by `run` become durable together; see StateWriter. */
  transaction(run: () => void): void;
  /** Roll-ups of a check, oldest first; empty buckets are left out, at most 2000 buckets are looked at. */
  rollups(check: string, range: { bucket: Bucket; since: EpochMs; until: EpochMs }): Rollup[];
  /** One slice of retention; true when there is more to do now. Call it every few seconds. */
  prune(now: EpochMs): boolean;
  /** Bytes of both files. */
  sizeBytes(): number;
}

/** Opens or creates the store and takes its lock. Throws StoreError. Dispose writes what waits and lets go. */
export function openStore(options: StoreOptions): Store {
  const { file, clock, log } = options;
  const base = file.replace(/\.db$/, '');
  const readonly = options.readonly ?? false;
  using stack = new DisposableStack();
  if (!readonly) {
    refuseNetworkFileSystem(file);
    stack.use(lockStore(`${base}.lock-file`, options.lockWaitMs ?? LOCK_WAIT_MS));
  }
  const trouble = createTrouble(log, options.problem ?? (() => undefined));
  const open = (path: string, set: 'results' | 'state'): Connection => {
    const synchronous = set === 'state' ? 'FULL' : 'NORMAL';
    const opened = openDatabase(path, { set, synchronous, readonly }, clock.now());
    stack.defer(() => void opened.db.close());
    if (opened.setAside !== null)
      log.error({ setAside: opened.setAside }, 'store file is damaged, began a new one');
    return opened.db;
  };
  const stateDb = open(`${base}-state.db`, 'state');
  const resultsDb = open(file, 'results');

  const reserve = createReserve(`${base}.reserve`, options.maxBytes);
  if (!readonly) reserve.restore();
  const makeRoom = (error: unknown): boolean => isFull(error) && reserve.drop();

  const writer = stack.use(createStateWriter(stateDb, { clock, trouble, makeRoom }));
  const facts = stack.use(createFacts(stateDb, writer, clock));
  const rows = new ResultRows(resultsDb);
  const query = createResultQuery(resultsDb);
  const results = stack.use(createResults({ clock, log, trouble, rows, query, makeRoom }));
  const rollups = createRollups(resultsDb);
  const sizeBytes = (): number => bytesOf(resultsDb).all + bytesOf(stateDb).all;
  const retain = createRetention({
    ...options,
    results: resultsDb,
    state: stateDb,
    rollups,
    rows,
  });
  const checkIdOf = resultsDb.prepare<[string], { id: number }>('SELECT id FROM checks WHERE name = ?');

  const end = stack.move();
  return {
    results,
    incidents: createIncidents(stateDb, writer, log),
    outbox: createOutbox(stateDb, writer),
    facts,
    state: createState(stateDb, writer.write),
    transaction: writer.transaction,
    rollups(check, range) {
      results.flush();
      const id = checkIdOf.get(check)?.id;
      return id === undefined ? [] : rollups.read(id, range);
    },
    prune(now) {
      try {
        const more = retain(now);
        reserve.restore();
        return more;
      } catch (error) {
        if (!makeRoom(error)) trouble.failed('results', error);
        return false;
      }
    },
    sizeBytes,
    [Symbol.dispose]: () => end.dispose(),
  };
}

function createState(db: Connection, write: (write: () => void) => void): Store['state'] {
  const get = db.prepare<[string], { value: string }>('SELECT value FROM state WHERE key = ?');
  const put = db.prepare<[string, string]>(
    'INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  );
  return {
    get: (key) => get.get(key)?.value ?? null,
    put: (key, value) => write(() => put.run(key, value)),
  };
}

function isFull(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_FULL');
}
