// The store: two SQLite files. `gatewatch.db` holds results and roll-ups and may lose its last half second with the
// power; `gatewatch-state.db` holds incidents, deliveries, facts and budgets and loses nothing. Opening may fail with
// StoreError; afterwards nothing throws and nothing waits for the disk: a thread of its own writes, what it cannot
// write waits in memory, and that is reported as a problem.

import type { Clock } from '../base/clock.ts';
import { sleep } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { EpochMs } from '../model/observation.ts';
import type { PastResult } from '../model/result.ts';
import { beginStore } from './beginning.ts';
import { createFacts, type Facts } from './facts.ts';
import { createIncidents, type Incidents, incidentQueries } from './incidents.ts';
import type { Listener, Writer } from './job.ts';
import { type Extent, Journal } from './journal.ts';
import { lockStore } from './lock.ts';
import { refuseNetworkFileSystem } from './open-database.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { createPastQuery, type PastQuery } from './past.ts';
import { createReader } from './reader.ts';
import { createReserve } from './reserve.ts';
import { createResultQuery } from './result-query.ts';
import { createResults, type Results } from './results.ts';
import { type Bucket, createRollups, type Rollup } from './rollups.ts';
import type { StateWrite } from './state-tables.ts';
import { StoreError } from './store-error.ts';
import { storeFiles } from './store-files.ts';
import { createTexts, type Texts, textQueries } from './texts.ts';
import { createTrouble } from './trouble.ts';
import { type StartWriter, threadStarter } from './writer.ts';

/** How long a start waits for the daemon before it to end, and how often it looks. */
const LOCK_WAIT_MS = 15_000;
const LOCK_LOOK_MS = 250;

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
  /** One sentence when something is wrong, another one when that changes, null when all works again. */
  readonly problem?: (detail: string | null) => void;
  /** How long to wait for the lock, blocking; default not at all. */
  readonly lockWaitMs?: number;
  /** What writes; default a thread. */
  readonly startWriter?: StartWriter;
}

export interface Store extends Disposable {
  readonly results: Results;
  readonly incidents: Incidents;
  readonly outbox: Outbox;
  readonly facts: Facts;
  /** Durable texts of other rooms, by key. */
  readonly state: Texts;
  /** Incidents, outbox and state written by `run` become durable together, in order; see Journal. */
  transaction(run: () => void): void;
  /**
   * Resolves when everything written before (with `state`: everything but results) is on disk, or is known to wait in
   * memory because the disk fails, or after 5 s: a disk that hangs must not stop alerting. Never rejects.
   */
  settled(extent?: Extent): Promise<void>;
  /**
   * Roll-ups of a check, oldest first; empty buckets are left out, at most 2000 buckets are looked at. Without results
   * that are still on their way into the file.
   */
  rollups(check: string, range: { bucket: Bucket; since: EpochMs; until: EpochMs }): Rollup[];
  /**
   * One page of results in the order they came in, without what is still on its way into the file. Throws StoreError
   * when it cannot be read: a gap must not pass for the end.
   */
  past(query: PastQuery): PastResult[];
  /** One slice of retention; whether there is more to do now. Call it every few seconds. Never rejects. */
  prune(now: EpochMs): Promise<boolean>;
  /** Bytes of both files. */
  sizeBytes(): number;
  /** What is wrong, in one sentence; null when nothing is. */
  readonly problem: string | null;
}

/**
 * Opens or creates the store and takes its lock. Throws StoreError. Dispose writes what waits, blocking for some
 * seconds at most, and lets go.
 */
export function openStore(options: StoreOptions): Store {
  const { clock, log, resultsMs, rollupsMs, maxBytes } = options;
  const readonly = options.readonly ?? false;
  const named = storeFiles(options.file);
  using stack = new DisposableStack();
  if (!readonly) {
    refuseNetworkFileSystem(named.results);
    stack.use(lockStore(named.lock, options.lockWaitMs ?? 0));
  }
  const start = beginStore(named, { readonly, now: clock.now() });
  if (!readonly) createReserve(named.reserve, maxBytes).restore();

  let tell = (_detail: string | null): void => undefined;
  const trouble = createTrouble(clock, log, (detail) => tell(detail));
  for (const { part, sentence, lasting } of start.notices)
    trouble[lasting ? 'failed' : 'notice'](`begun-${part}`, sentence);
  const startWriter = readonly ? nowhere : (options.startWriter ?? threadStarter());
  const isSlow = (): boolean => journal.isSlow;
  const journal = stack.use(
    new Journal(
      {
        clock,
        trouble,
        random: Math.random,
        start: (listener) => startWriter({ files: start.files, resultsMs, rollupsMs, maxBytes }, listener),
        copy: () => copy(),
        moved() {
          stateReader.moved();
          resultsReader.moved();
        },
      },
      start.bytes,
    ),
  );
  const stateReader = stack.use(
    createReader(start.files.state, {
      set: 'state',
      prepare: (db) => ({ ...incidentQueries(db), ...textQueries(db) }),
      damaged: () => journal.damaged('state'),
      isSlow,
    }),
  );
  const resultsReader = stack.use(
    createReader(start.files.results, {
      set: 'results',
      prepare: (db) => ({
        results: createResultQuery(db),
        rollups: createRollups(db),
        past: createPastQuery(db),
        checkId: db.prepare<[string], { id: number }>('SELECT id FROM checks WHERE name = ?'),
      }),
      damaged: () => journal.damaged('results'),
      isSlow,
    }),
  );
  const incidents = createIncidents(start.state, { journal, reader: stateReader, log });
  const outbox = createOutbox(start.state, journal);
  const state = createTexts(start.state.texts, { journal, reader: stateReader });
  const facts = stack.use(createFacts(start.state.facts, journal, clock));
  const copy = (): StateWrite[] => [
    ['copy'],
    ...[incidents, outbox, facts, state].flatMap((each) => each.copy()),
  ];
  const query: Results['query'] = (wanted) => resultsReader.read((sql) => sql.results(wanted), []);
  const results = stack.use(createResults({ clock, log, journal, query, start }));

  tell = options.problem ?? tell;
  const end = stack.move();
  return {
    results,
    incidents,
    outbox,
    facts,
    state,
    transaction: (run) => journal.transaction(run),
    settled: (extent = 'all') => journal.settled(extent),
    rollups: (check, range) =>
      resultsReader.read((sql) => {
        const id = sql.checkId.get(check)?.id;
        return id === undefined ? [] : sql.rollups.read(id, range);
      }, []),
    past(query) {
      const page = resultsReader.read((sql) => sql.past(query), null);
      if (page === null) throw new StoreError('unusable', `${start.files.results} cannot be read now`);
      return page;
    },
    prune: (now) => journal.prune(now),
    sizeBytes: () => journal.bytes,
    get problem() {
      return trouble.sentence;
    },
    [Symbol.dispose]: () => end.dispose(),
  };
}

/** As openStore, and waits some seconds for another daemon to end; says so. Rejects with StoreError. */
export async function openStoreWhenFree(options: StoreOptions, signal: AbortSignal): Promise<Store> {
  const { clock, log } = options;
  const until = clock.monotonic() + LOCK_WAIT_MS;
  for (let said = false; ; said = true) {
    try {
      return openStore(options);
    } catch (error) {
      const locked = error instanceof StoreError && error.code === 'locked';
      if (!locked || signal.aborted || clock.monotonic() >= until) throw error;
      if (!said) log.warn({ problem: error.message, limitMs: LOCK_WAIT_MS }, 'waiting for the store');
    }
    await sleep(clock, LOCK_LOOK_MS, signal);
  }
}

/** The writer of a store that is only read. */
function nowhere(_options: unknown, listener: Listener): Writer {
  const answer = { error: null, fresh: null, moved: false, more: false, bytes: null };
  return { send: () => listener.answered(answer), end: () => true };
}
