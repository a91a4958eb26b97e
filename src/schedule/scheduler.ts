// The scheduler: runs every subject at its interval, fresh visits as their outpost's budget allows, and what is wanted
// beside the schedule. One timer to the next thing that can happen, never a tick (reference/performance.md 4).

import { type Clock, sleep } from '../base/clock.ts';
import type { CheckId, Subject } from '../model/check.ts';
import type { EpochMs } from '../model/observation.ts';
import { DueQueue } from './due-queue.ts';
import { firstDelayMs, untilPhaseMs } from './first-delay.ts';
import { FreshVisits, SHORTEST_WAIT_MS } from './fresh-visits.ts';
import { InFlight } from './in-flight.ts';
import type { RequestBudgets } from './request-budget.ts';
import { returnSibling } from './rotation.ts';
import type { SessionBudgets } from './session-budget.ts';
import { budgetOf, createTask, type Task } from './task.ts';

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
  /** Probes at the same time, at most. */
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
  readonly #queue = new DueQueue<CheckId>();
  readonly #abort = new AbortController();
  readonly #running = new Set<CheckId>();
  readonly #runs = new Set<Promise<void>>();
  #tasks = new Map<CheckId, Task>();
  /** Tasks that are due, or wanted, and wait for room or for tokens of their path. */
  readonly #waiting = new Set<Task>();
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
    this.#inFlight = new InFlight(tools.concurrency);
    this.#fresh = new FreshVisits({
      ...tools,
      isFree: (task) => this.#isFree(task),
      requestWaitMs: (task) => this.#requestWaitMs(task),
      takeRequest: (task) => this.#takeRequest(task),
      hasNoCookie: (task) => this.#hasNoCookie(task),
      run: (task, extra) => this.#run(task, extra),
    });
  }

  replace(subjects: readonly Subject[]): void {
    const before = this.#tasks;
    this.#tasks = new Map(subjects.map((subject) => [subject.id, taskFor(subject, before.get(subject.id))]));
    for (const task of this.#waiting)
      if (this.#tasks.get(task.subject.id) !== task) this.#waiting.delete(task);
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
      if (budgetOf(task.subject) === null) this.#waiting.add(task);
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
      for (const [index, task] of tasks.entries()) {
        task.dueAt ??= now + untilPhaseMs(firstDelayMs(index, tasks.length, everyMs), everyMs, wall);
        this.#queue.push(task.dueAt, task.subject.id);
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
    let wakeAt = Number.POSITIVE_INFINITY;
    for (const kind of order) {
      const count = this.#started;
      wakeAt = Math.min(wakeAt, kind === 'fresh' ? this.#fresh.start() : this.#startWaiting());
      if (this.#started > count) this.#last = kind;
    }
    wakeAt = Math.min(wakeAt, this.#queue.peek()?.at ?? Number.POSITIVE_INFINITY);
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (!Number.isFinite(wakeAt)) return;
    const waitMs = Math.max(SHORTEST_WAIT_MS, wakeAt - this.#clock.monotonic());
    this.#cancelTimer = this.#clock.after(waitMs, () => this.#pump());
  }

  #collectDue(): void {
    const now = this.#clock.monotonic();
    for (let due = this.#queue.peek(); due !== undefined && due.at <= now; due = this.#queue.peek()) {
      this.#queue.pop();
      const task = this.#tasks.get(due.key);
      const everyMs = task?.subject.everyMs;
      if (task === undefined || everyMs === null || everyMs === undefined || task.dueAt !== due.at) continue;
      const missed = Math.floor((now - due.at) / everyMs);
      task.dueAt = due.at + (missed + 1) * everyMs;
      this.#queue.push(task.dueAt, due.key);
      this.#becomeDue(task, due.at, missed > 0);
    }
  }

  /** A late, running or waiting task is skipped and counted, never queued twice. */
  #becomeDue(task: Task, at: number, late: boolean): void {
    const { subject } = task;
    const reason = late
      ? 'late'
      : this.#running.has(subject.id)
        ? 'running'
        : task.waitingSince !== null
          ? 'waiting'
          : null;
    if (reason !== null) this.#tools.observe.skipped(subject, reason);
    else if (this.#tools.idle(subject) === null) {
      task.waitingSince = at;
      this.#waiting.add(task);
    }
  }

  /** Starts waiting tasks, wanted ones and those that ran longest ago first; returns when to try the rest again. */
  #startWaiting(): number {
    const now = this.#clock.monotonic();
    let wakeAt = Number.POSITIVE_INFINITY;
    const order = [...this.#waiting].sort((a, b) => rank(a, now) - rank(b, now) || a.lastStart - b.lastStart);
    for (const task of order) {
      if (this.#inFlight.full) break;
      wakeAt = Math.min(wakeAt, this.#tryWaiting(task, now));
    }
    return wakeAt;
  }

  /** Starts it, forgets it, or returns when to try again. */
  #tryWaiting(task: Task, now: number): number {
    if (task.wanted !== null && task.wanted.until < now) task.wanted = null;
    if (task.waitingSince === null && task.wanted === null) this.#waiting.delete(task);
    if (task.waitingSince === null && (task.wanted === null || task.wanted.notBefore > now)) {
      return task.wanted?.notBefore ?? Number.POSITIVE_INFINITY;
    }
    if (!this.#isFree(task)) return Number.POSITIVE_INFINITY;
    const waitMs = Math.max(this.#requestWaitMs(task), this.#markWaitMs(task));
    if (waitMs > 0) return now + waitMs;
    this.#startPlain(task, now);
    return Number.POSITIVE_INFINITY;
  }

  #startPlain(task: Task, now: number): void {
    if (this.#tools.idle(task.subject) !== null) {
      this.#forget(task);
      return;
    }
    if (!this.#takeMark(task) || !this.#takeRequest(task)) return;
    const extra = task.waitingSince === null;
    if (task.waitingSince !== null) this.#tools.observe.lag((now - task.waitingSince) / 1000);
    this.#run(task, extra);
  }

  #hasNoCookie(task: Task): boolean {
    const sibling = this.#tasks.get(returnSibling(task));
    return sibling !== undefined && this.#tools.idle(sibling.subject) !== null;
  }

  #isFree(task: Task): boolean {
    return !this.#running.has(task.subject.id) && this.#inFlight.hasRoom(task.host);
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
    this.#waiting.delete(task);
  }

  #run(task: Task, extra: boolean): void {
    const { subject, host } = task;
    this.#forget(task);
    task.lastStart = this.#clock.monotonic();
    task.lastAt = this.#clock.now();
    this.#started += 1;
    this.#running.add(subject.id);
    this.#inFlight.enter(host);
    const run = this.#tools.run(subject, { extra }, this.#abort.signal).finally(() => {
      this.#running.delete(subject.id);
      this.#runs.delete(run);
      this.#inFlight.leave(host);
      this.#fresh.ended(subject.id);
      this.#pump();
    });
    this.#runs.add(run);
  }
}

/** The task of a subject: one that is known stays, with its phase while the interval is the same. */
function taskFor(subject: Subject, known: Task | undefined): Task {
  if (known === undefined) return createTask(subject);
  if (known.subject.everyMs !== subject.everyMs) known.dueAt = null;
  known.subject = subject;
  return known;
}

function rank(task: Task, now: number): number {
  return task.wanted !== null && task.wanted.notBefore <= now ? 0 : 1;
}
