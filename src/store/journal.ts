// What waits to be written, in order. Writes are handed to the thread that may wait for the disk, one job at a time;
// while it cannot write they wait here and are tried again. Nothing is thrown at the rooms that decide about alerts,
// and nobody waits but those who ask to (threats X4, X5).

import type { Clock } from '../base/clock.ts';
import type { EpochMs } from '../model/observation.ts';
import { Courier, HANG_MS } from './courier.ts';
import type { Answer, Job, Listener, Part, Writer } from './job.ts';
import type { PendingResult } from './result-rows.ts';
import type { StateWrite } from './state-tables.ts';
import type { Trouble } from './trouble.ts';
import { Waiters } from './waiters.ts';

/** Pause between attempts while a file cannot be written. */
const RETRY_MS = 5_000;
/** How long a clean stop may take. */
const END_MS = 5_000;
/** Rows of one batch of results. */
const BATCH = 500;
/** Results that wait while the file cannot be written; the oldest are dropped first (threats X4). */
const RING = 10_000;
/** Writes of the state file that wait; beyond it one copy of all that memory holds takes their place. */
const MOST_WRITES = 5_000;

/** What must be on disk: everything, or the state file alone. */
export type Extent = 'all' | 'state';

interface Tools {
  readonly clock: Clock;
  readonly trouble: Trouble;
  readonly random: () => number;
  readonly start: (listener: Listener) => Writer;
  /** Everything that memory holds of the state file. */
  readonly copy: () => StateWrite[];
  /** Readers must open their files again. */
  readonly moved: () => void;
}

interface Change {
  readonly write: StateWrite;
  /** Makes it visible in memory. */
  readonly apply: () => void;
}

/** What was taken in so far, counted. */
type Counts = Record<Part, number>;

const PARTS = ['state', 'results'] as const satisfies readonly Part[];

export class Journal implements Disposable {
  readonly #tools: Tools;
  readonly #courier: Courier;
  #group: Change[] | null = null;
  #writes: StateWrite[] = [];
  readonly #results: PendingResult[] = [];
  readonly #taken: Counts = { state: 0, results: 0 };
  readonly #done: Counts = { state: 0, results: 0 };
  /** Id of the newest result that is to be written now. */
  #dueTo = 0;
  #prune: { readonly now: EpochMs; readonly tell: (more: boolean) => void } | null = null;
  readonly #damaged = new Set<Part>();
  /** Parts that failed and wait to be tried again. */
  readonly #failing = new Set<Part>();
  #ended = false;
  readonly #timers = new Set<() => void>();
  readonly #waiters: Waiters;
  #bytes: number;
  #dropped = 0;

  constructor(tools: Tools, bytes: number) {
    this.#tools = tools;
    this.#bytes = bytes;
    this.#waiters = new Waiters(tools.clock, HANG_MS);
    this.#courier = new Courier({
      ...tools,
      answered: (job, answer) => this.#answered(job, answer),
      changed: () => this.#changed(),
    });
  }

  /** Takes a write, or makes it part of the running transaction; `apply` makes it visible in memory. */
  write(write: StateWrite, apply: () => void): void {
    if (this.#group === null) this.#take([{ write, apply }]);
    else this.#group.push({ write, apply });
  }

  /**
   * Everything written by `run` becomes durable together; reads inside it do not see it yet. When `run` throws,
   * nothing is written. Calls may nest: the outermost counts.
   */
  transaction(run: () => void): void {
    if (this.#group !== null) {
      run();
      return;
    }
    const group: Change[] = [];
    this.#group = group;
    try {
      run();
    } finally {
      this.#group = null;
    }
    this.#take(group);
  }

  /** Takes a result; it is written with the next `flush`, or when many wait. */
  insert(result: PendingResult): void {
    this.#results.push(result);
    this.#taken.results += 1;
    if (this.#results.length > RING) {
      const gone = this.#results.splice(0, this.#results.length - RING).length;
      this.#dropped += gone;
      this.#done.results += gone;
    }
    if (this.#results.length >= BATCH) this.flush();
  }

  /** Hands the results that wait to the writer; waits for nothing. */
  flush(): void {
    this.#dueTo = this.#results.at(-1)?.id ?? this.#dueTo;
    this.#pump();
  }

  /** One slice of retention; whether there is more to do now. Never rejects. */
  prune(now: EpochMs): Promise<boolean> {
    this.#prune?.tell(false);
    return new Promise((resolve) => {
      this.#prune = { now, tell: resolve };
      if (this.#ended) resolve(false);
      else this.#pump();
    });
  }

  /** A reader met damage in a file. */
  damaged(part: Part): void {
    this.#damaged.add(part);
    this.#pump();
  }

  settled(extent: Extent): Promise<void> {
    if (extent === 'all') this.flush();
    const until = { state: this.#taken.state, results: extent === 'all' ? this.#taken.results : 0 };
    return this.#waiters.until(() => this.#isSettled(until));
  }

  /** Results that are not known to be on disk, oldest first. */
  get pending(): readonly PendingResult[] {
    return this.#results;
  }

  /** Whether nothing of the state file waits to be written. */
  get isStateWritten(): boolean {
    return this.#done.state === this.#taken.state;
  }

  get isSlow(): boolean {
    return this.#courier.isSlow;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Results given up because the file could not be written. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Writes what waits, for a few seconds at most, and lets go of the files. */
  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const cancel of this.#timers) cancel();
    const batches: Job[] = [];
    for (let at = 0; at < this.#results.length; at += BATCH)
      batches.push({ kind: 'results', batch: this.#results.slice(at, at + BATCH) });
    const state: Job[] = this.#writes.length > 0 ? [{ kind: 'state', writes: this.#writes }] : [];
    if (!this.#courier.end([...state, ...batches], END_MS)) {
      const waiting = this.#writes.length + this.#results.length;
      this.#tools.trouble.failed(
        'end',
        `${waiting} writes may be missing: the disk did not take them in time`,
      );
    }
    this.#prune?.tell(false);
    this.#waiters.look();
  }

  #take(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    for (const { write, apply } of changes) {
      apply();
      this.#writes.push(write);
    }
    this.#taken.state += changes.length;
    if (this.#writes.length > MOST_WRITES && this.#courier.job?.kind !== 'state') this.#copyAll();
    this.#pump();
  }

  /** One copy of what memory holds in place of all single writes that wait. */
  #copyAll(): void {
    this.#writes = this.#tools.copy();
    this.#done.state = this.#taken.state - this.#writes.length;
  }

  #pump(): void {
    const job = this.#courier.isFree ? this.#next() : null;
    if (job !== null) this.#courier.send(job);
  }

  #changed(): void {
    this.#waiters.look();
    this.#pump();
  }

  #next(): Job | null {
    const [part] = this.#damaged;
    if (part !== undefined) return { kind: 'damaged', part };
    if (this.#writes.length > 0 && !this.#failing.has('state'))
      return { kind: 'state', writes: [...this.#writes] };
    const [oldest] = this.#results;
    if (oldest !== undefined && oldest.id <= this.#dueTo && !this.#failing.has('results'))
      return { kind: 'results', batch: this.#results.slice(0, BATCH) };
    if (this.#prune === null) return null;
    return { kind: 'prune', now: this.#prune.now, monotonicMs: this.#tools.clock.monotonic() };
  }

  #answered(job: Job, answer: Answer): void {
    this.#bytes = answer.bytes ?? this.#bytes;
    if (job.kind === 'damaged') this.#damaged.delete(job.part);
    if (answer.moved || answer.fresh !== null) this.#tools.moved();
    if (answer.fresh !== null) this.#beganAnew(answer.fresh);
    else if (answer.error !== null) this.#failed(job, answer.error);
    else this.#wrote(job, answer.more);
  }

  #wrote(job: Job, more: boolean): void {
    const { trouble } = this.#tools;
    if (job.kind === 'prune') {
      this.#tellPruned(more);
      trouble.works('retention');
    } else if (job.kind === 'state') {
      this.#writes = this.#writes.slice(job.writes.length);
      this.#done.state += job.writes.length;
      trouble.works('state');
    } else if (job.kind === 'results') {
      const last = job.batch.at(-1)?.id ?? 0;
      const next = this.#results.findIndex(({ id }) => id > last);
      this.#done.results += this.#results.splice(0, next === -1 ? this.#results.length : next).length;
      trouble.works('results');
    }
  }

  #failed(job: Job, error: string): void {
    if (job.kind === 'prune') {
      this.#tellPruned(false);
      this.#tools.trouble.failed('retention', `the store cannot delete what is old: ${error}`);
      return;
    }
    const part = job.kind === 'damaged' ? job.part : job.kind;
    if (!this.#failing.has(part)) {
      this.#failing.add(part);
      this.#after(RETRY_MS, () => {
        this.#failing.delete(part);
        this.#pump();
      });
    }
    this.#tools.trouble.failed(part, `the store cannot write its ${part}: ${error}`);
  }

  #beganAnew({ part, setAside }: NonNullable<Answer['fresh']>): void {
    if (part === 'state') this.#copyAll();
    const was = setAside === null ? 'was gone' : `was damaged and is kept as ${setAside}`;
    this.#tools.trouble.notice(
      `new-${part}`,
      `the file with the store's ${part} ${was}; a new one was begun`,
    );
  }

  #tellPruned(more: boolean): void {
    const tell = this.#prune?.tell;
    this.#prune = null;
    tell?.(more);
  }

  #isSettled(until: Counts): boolean {
    return (
      this.#courier.isLost ||
      PARTS.every((part) => this.#done[part] >= until[part] || this.#failing.has(part))
    );
  }

  #after(ms: number, run: () => void): void {
    const cancel = this.#tools.clock.after(ms, () => {
      this.#timers.delete(cancel);
      run();
    });
    this.#timers.add(cancel);
  }
}
