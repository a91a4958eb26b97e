// The scheduler: runs every subject at its interval, fresh visits as their outpost's budget allows, and what is wanted
// beside the schedule. One timer to the next thing that can happen, never a tick (reference/performance.md 4).

import { type Clock, sleep } from '../base/clock.ts';
import type { CheckId, Subject } from '../model/check.ts';
import type { EpochMs } from '../model/observation.ts';
import { DueQueue } from './due-queue.ts';
import { firstDelays, untilPhaseMs } from './first-delay.ts';
import { FreshVisits, SHORTEST_WAIT_MS } from './fresh-visits.ts';
import { InFlight, SLOW_MS } from './in-flight.ts';
import type { RequestBudgets } from './request-budget.ts';
import { returnSibling } from './rotation.ts';
import type { SessionBudgets } from './session-budget.ts';
import { budgetOf, type Task, taskFor } from './task.ts';
import { type Obstacle, WaitingRoom } from './waiting.ts';

/** Why a due run did not take place. */
export type SkipReason = 'running' | 'waiting' | 'late';

/** A run beside the schedule. */
export interface WantedRun {
  readonly check: CheckId;
  /** Monotonic ms. */
  readonly notBefore: number;
  /** Monotonic ms after which nobody wants it any more; default ten minutes from now or from `notBefore`. */
  readonly until?: number;
  readonly why: string;
}

export interface Scheduler {
  /** Sets the subjects; what stays keeps its phase, what runs is left to end. */
  replace(subjects: readonly Subject[]): void;
  /** Asks for runs beside the schedule; they obey the budgets, and lapse unmet. */
  want(wanted: readonly WantedRun[]): void;
  start(): void;
  /** Starts nothing more, waits for what runs up to `graceMs`, then aborts it. Idempotent. */
  stop(graceMs: number): Promise<void>;
  status(id: CheckId): {
    readonly lastAt: EpochMs | null;
    readonly nextAt: EpochMs | null;
    readonly idle: string | null;
  };
}

export interface SchedulerTools {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Executes one probe; never rejects. */
  readonly run: (
    subject: Subject,
    options: { readonly extra: boolean },
    signal: AbortSignal,
  ) => Promise<void>;
  /** Why a subject has nothing to do now, for example `no cookie yet`; null when it has. */
  readonly idle: (subject: Subject) => string | null;
  readonly sessions: SessionBudgets;
  readonly requests: RequestBudgets;
  /** Probes at the same time, at most; how they are shared out: in-flight.ts. */
  readonly concurrency: number;
  readonly observe: {
    /** How late a scheduled run started. */
    lag(seconds: number): void;
    skipped(subject: Subject, reason: SkipReason): void;
  };
}

/** How long an unmet wish lasts, ms: after that the suspicion it was for is settled, or renewed. */
const WISH_MS = 600_000;
/** After an abort, how long to wait for the aborted, ms. */
const ABORT_MS = 1_000;

/** A scheduler that does nothing before `start`. */
export function createScheduler(tools: SchedulerTools): Scheduler {
  const loop = new Loop(tools);
  return {
    replace: (subjects) => loop.replace(subjects),
    want: (wanted) => loop.want(wanted),
    start: () => loop.start(),
    stop: (graceMs) => loop.stop(graceMs),
    status: (id) => loop.status(id),
  };
}

class Loop {
  readonly #tools: SchedulerTools;
  readonly #clock: Clock;
  readonly #inFlight: InFlight;
  readonly #queue = new DueQueue<Task>();
  readonly #abort = new AbortController();
  readonly #runs = new Set<Promise<void>>();
  #tasks = new Map<CheckId, Task>();
  /** Return visit beside each budgeted fresh one. */
  readonly #siblings = new Map<Task, Task>();
  readonly #waiting: WaitingRoom;
  /** Tasks outside the session budgets that somebody asked for; a burst asks for a few dozen at most. */
  readonly #wished = new Set<Task>();
  readonly #fresh: FreshVisits;
  #cancelTimer: (() => void) | null = null;
  /** Runs started so far, and what the last one was. */
  #started = 0;
  #last: 'fresh' | 'plain' = 'plain';
  #state: 'new' | 'started' | 'stopped' = 'new';
  #stopped: Promise<void> | null = null;

  constructor(tools: SchedulerTools) {
    this.#tools = tools;
    this.#clock = tools.clock;
    this.#inFlight = new InFlight(tools.concurrency, tools.clock);
    this.#waiting = new WaitingRoom({
      isFull: () => this.#inFlight.full,
      obstacle: (task, now) => this.#obstacle(task, now),
      start: (task, now) => this.#startPlain(task, now),
    });
    this.#fresh = new FreshVisits({
      ...tools,
      isFull: () => this.#inFlight.full,
      isFree: (task) => !task.running && this.#inFlight.obstacle(task) === null,
      requestWaitMs: (task) => this.#requestWaitMs(task),
      takeRequest: (task) => this.#takeRequest(task),
      hasNoCookie: (task) => this.#hasNoCookie(task),
      run: (task, extra) => this.#run(task, extra),
    });
  }

  replace(subjects: readonly Subject[]): void {
    const before = this.#tasks;
    this.#tasks = new Map(subjects.map((subject) => [subject.id, taskFor(subject, before.get(subject.id))]));
    for (const [id, task] of before) if (this.#tasks.get(id) !== task) this.#forget(task);
    this.#siblings.clear();
    for (const task of this.#tasks.values()) {
      const sibling = budgetOf(task.subject) === null ? undefined : this.#tasks.get(returnSibling(task));
      if (sibling !== undefined) this.#siblings.set(task, sibling);
    }
    this.#fresh.replace(this.#tasks.values());
    if (this.#state !== 'started') return;
    this.#assignPhases();
    this.#pump();
  }

  want(wanted: readonly WantedRun[]): void {
    const now = this.#clock.monotonic();
    for (const { check, notBefore, until = Math.max(now, notBefore) + WISH_MS } of wanted) {
      const task = this.#tasks.get(check);
      if (task === undefined) continue;
      // A wish that ends soon must not take an older, longer one with it.
      task.wanted = { notBefore, until: Math.max(until, task.wanted?.until ?? until) };
      if (budgetOf(task.subject) === null) this.#wished.add(task);
      else this.#fresh.want(task);
    }
    this.#pump();
  }

  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'started';
    this.#assignPhases();
    this.#pump();
  }

  stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    return this.#stopped;
  }

  status(id: CheckId): ReturnType<Scheduler['status']> {
    const task = this.#tasks.get(id);
    if (task === undefined) return { lastAt: null, nextAt: null, idle: null };
    const inMs = task.dueAt === null ? null : Math.max(0, task.dueAt - this.#clock.monotonic());
    return {
      lastAt: task.lastAt,
      nextAt: inMs === null ? null : Math.round(this.#clock.now() + inMs),
      idle: this.#tools.idle(task.subject),
    };
  }

  async #stop(graceMs: number): Promise<void> {
    this.#state = 'stopped';
    this.#cancelTimer?.();
    const drained = (): Promise<unknown> => Promise.allSettled([...this.#runs]);
    await Promise.race([drained(), sleep(this.#clock, graceMs)]);
    this.#abort.abort();
    await Promise.race([drained(), sleep(this.#clock, ABORT_MS)]);
  }

  /** Gives every task without one its next instant; equal intervals are spread evenly. */
  #assignPhases(): void {
    const now = this.#clock.monotonic();
    const wall = this.#clock.now();
    const groups = Map.groupBy(this.#tasks.values(), (task) => task.subject.everyMs);
    this.#queue.clear();
    for (const [everyMs, tasks] of groups) {
      if (everyMs === null) continue;
      const delayMs = firstDelays(tasks.length, everyMs);
      for (const [index, task] of tasks.entries()) {
        task.dueAt ??= now + untilPhaseMs(delayMs(index), everyMs, wall);
        this.#queue.push(task.dueAt, task);
      }
    }
  }

  /** Starts everything that can start now, and sets the timer to when something else may. */
  #pump(): void {
    if (this.#state !== 'started') return;
    this.#collectDue();
    // Where requests of a path are short, scheduled and fresh visits take turns: neither starves the other.
    const order: readonly ('fresh' | 'plain')[] =
      this.#last === 'fresh' ? ['plain', 'fresh'] : ['fresh', 'plain'];
    let wakeAt = this.#queue.peek()?.at ?? Number.POSITIVE_INFINITY;
    for (const kind of order) {
      const count = this.#started;
      wakeAt = Math.min(wakeAt, kind === 'fresh' ? this.#fresh.start() : this.#startPlainOnes());
      if (this.#started > count) this.#last = kind;
    }
    if (this.#inFlight.full) wakeAt = Math.min(wakeAt, this.#inFlight.roomAt);
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (!Number.isFinite(wakeAt)) return;
    // Timers cut fractions of a millisecond off: without rounding up, each would fire once too early.
    const waitMs = Math.max(SHORTEST_WAIT_MS, Math.ceil(wakeAt - this.#clock.monotonic()));
    this.#cancelTimer = this.#clock.after(waitMs, () => this.#pump());
  }

  #collectDue(): void {
    const now = this.#clock.monotonic();
    for (let due = this.#queue.peek(); due !== undefined && due.at <= now; due = this.#queue.peek()) {
      this.#queue.pop();
      const { at, key: task } = due;
      const { everyMs } = task.subject;
      if (everyMs === null || task.dueAt !== at) continue;
      const missed = Math.floor((now - at) / everyMs);
      task.dueAt = at + (missed + 1) * everyMs;
      this.#queue.push(task.dueAt, task);
      this.#becomeDue(task, at, missed > 0);
    }
  }

  /** A late, running or waiting task is skipped and counted, never queued twice. */
  #becomeDue(task: Task, at: number, late: boolean): void {
    const reason = late ? 'late' : task.running ? 'running' : task.waitingSince !== null ? 'waiting' : null;
    if (reason !== null) {
      this.#tools.observe.skipped(task.subject, reason);
      return;
    }
    const isIdle = this.#tools.idle(task.subject) !== null;
    this.#fresh.sawCookie(task.subject, !isIdle);
    if (isIdle) return;
    task.waitingSince = at;
    this.#waiting.add(task);
  }

  /** Starts what is wanted, then what is due; returns when to try the rest again. */
  #startPlainOnes(): number {
    const now = this.#clock.monotonic();
    return Math.min(this.#startWished(now), this.#waiting.start(now));
  }

  #startWished(now: number): number {
    if (this.#wished.size === 0) return Number.POSITIVE_INFINITY;
    let wakeAt = Number.POSITIVE_INFINITY;
    for (const task of [...this.#wished].sort((a, b) => a.lastStart - b.lastStart)) {
      if (this.#inFlight.full) break;
      wakeAt = Math.min(wakeAt, this.#tryWished(task, now));
    }
    return wakeAt;
  }

  /** Starts it, forgets it, or returns when to try again; Infinity where the end of a run will tell. */
  #tryWished(task: Task, now: number): number {
    if (task.wanted !== null && task.wanted.until < now) task.wanted = null;
    if (task.wanted === null) {
      this.#wished.delete(task);
      return Number.POSITIVE_INFINITY;
    }
    if (task.wanted.notBefore > now) return task.wanted.notBefore;
    const obstacle = this.#obstacle(task, now);
    if (obstacle !== null) return obstacle.until;
    this.#startPlain(task, now);
    return Number.POSITIVE_INFINITY;
  }

  #startPlain(task: Task, now: number): void {
    const isIdle = this.#tools.idle(task.subject) !== null;
    if (isIdle || !this.#takeMark(task) || !this.#takeRequest(task)) {
      this.#forget(task);
      return;
    }
    const extra = task.waitingSince === null;
    if (task.waitingSince !== null) this.#tools.observe.lag((now - task.waitingSince) / 1000);
    this.#run(task, extra);
  }

  #hasNoCookie(task: Task): boolean {
    const sibling = this.#siblings.get(task);
    return sibling !== undefined && this.#tools.idle(sibling.subject) !== null;
  }

  /** Why a task outside the session budgets cannot start now; null when it can. */
  #obstacle(task: Task, now: number): Obstacle | null {
    if (task.running) return { key: `run ${task.subject.id}`, until: Number.POSITIVE_INFINITY };
    const key = this.#inFlight.obstacle(task);
    if (key !== null) return { key, until: Number.POSITIVE_INFINITY };
    const markMs = this.#markWaitMs(task);
    if (markMs > 0) return { key: `gate ${task.subject.gate?.outpost}`, until: now + markMs };
    const requestMs = this.#requestWaitMs(task);
    return requestMs > 0 ? { key: `path ${task.subject.path?.name}`, until: now + requestMs } : null;
  }

  /** A check without a budget that brought a gate cookie waits for a token like a budgeted one. */
  #markWaitMs(task: Task): number {
    const { sessions } = this.#tools;
    const { gate, id } = task.subject;
    return gate !== null && sessions.isMarked(id) ? sessions.waitMs(gate.outpost) : 0;
  }

  #takeMark(task: Task): boolean {
    const { sessions } = this.#tools;
    const { gate, id } = task.subject;
    return gate === null || !sessions.isMarked(id) || sessions.take(gate.outpost);
  }

  #requestWaitMs(task: Task): number {
    const { path } = task.subject;
    return path === null ? 0 : this.#tools.requests.waitMs(path.name);
  }

  #takeRequest(task: Task): boolean {
    const { path } = task.subject;
    return path === null || this.#tools.requests.take(path.name);
  }

  #forget(task: Task): void {
    task.waitingSince = null;
    task.wanted = null;
    this.#wished.delete(task);
  }

  #run(task: Task, extra: boolean): void {
    this.#forget(task);
    task.lastStart = this.#clock.monotonic();
    task.lastAt = this.#clock.now();
    task.running = true;
    this.#started += 1;
    const stay = this.#inFlight.enter(task);
    const { subject } = task;
    const run = this.#tools.run(subject, { extra }, this.#abort.signal).finally(() => {
      this.#runs.delete(run);
      task.running = false;
      task.slow = this.#clock.monotonic() - stay.since >= SLOW_MS;
      for (const key of this.#inFlight.leave(stay)) this.#waiting.release(key);
      this.#waiting.release(`run ${subject.id}`);
      if (subject.gate !== null) this.#waiting.release(`gate ${subject.gate.outpost}`);
      this.#fresh.ended(task);
      this.#pump();
    });
    this.#runs.add(run);
  }
}
