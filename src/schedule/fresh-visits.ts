// The fresh visits that cost sessions: one rotation an outpost, started as its tokens last (DESIGN 3, Session budget).

import type { Clock } from '../base/clock.ts';
import type { CheckId } from '../model/check.ts';
import { type Candidate, Rotation } from './rotation.ts';
import type { SessionBudgets } from './session-budget.ts';
import { budgetOf, type Task } from './task.ts';

/** Shortest wait before trying again, ms. */
export const SHORTEST_WAIT_MS = 1;

interface FreshTools {
  readonly clock: Clock;
  readonly random: () => number;
  readonly sessions: SessionBudgets;
  isFree(task: Task): boolean;
  requestWaitMs(task: Task): number;
  takeRequest(task: Task): boolean;
  hasNoCookie(task: Task): boolean;
  run(task: Task, extra: boolean): void;
}

/** The fresh visits of one outpost. */
interface Turn {
  readonly outpost: string;
  readonly rotation: Rotation;
  /** The rotation's own next visit, monotonic ms. */
  dueAt: number;
  /** The visit for a first cookie that is under way. */
  cookieVisit: CheckId | null;
}

export class FreshVisits {
  readonly #tools: FreshTools;
  readonly #turns = new Map<string, Turn>();

  constructor(tools: FreshTools) {
    this.#tools = tools;
  }

  /** Sets the tasks; those without a session budget are left out. */
  replace(tasks: Iterable<Task>): void {
    const outposts = Map.groupBy(tasks, (task) => budgetOf(task.subject));
    for (const name of this.#turns.keys()) if (!outposts.has(name)) this.#turns.delete(name);
    for (const [name, own] of outposts) {
      if (name === null) continue;
      const turn = this.#turns.get(name) ?? this.#firstTurn(name);
      turn.rotation.replace(own);
      this.#turns.set(name, turn);
    }
  }

  /** Starts what can start; returns when to try again, monotonic ms. */
  start(): number {
    let wakeAt = Number.POSITIVE_INFINITY;
    for (const turn of this.#turns.values()) wakeAt = Math.min(wakeAt, this.#startTurn(turn));
    return wakeAt;
  }

  /** A visit has ended. */
  ended(id: CheckId): void {
    for (const turn of this.#turns.values()) if (turn.cookieVisit === id) turn.cookieVisit = null;
  }

  #firstTurn(outpost: string): Turn {
    const { clock, random, sessions } = this.#tools;
    const dueAt = clock.monotonic() + random() * (sessions.paceMs(outpost) ?? 0);
    return { outpost, rotation: new Rotation(random()), dueAt, cookieVisit: null };
  }

  #startTurn(turn: Turn): number {
    const { clock, sessions, isFree, requestWaitMs, hasNoCookie } = this.#tools;
    for (;;) {
      const now = clock.monotonic();
      const rotationDue = now >= turn.dueAt;
      const candidate = turn.rotation.next({
        now,
        rotationDue,
        seeksCookie: turn.cookieVisit !== null,
        isFree,
        hasRequest: (task) => requestWaitMs(task) === 0,
        hasNoCookie,
      });
      if (candidate === null) return this.#nextAt(turn, now);
      const waitMs = sessions.waitMs(turn.outpost);
      if (waitMs > 0) return now + waitMs;
      if (!this.#startVisit(candidate, turn, rotationDue)) return now + SHORTEST_WAIT_MS;
    }
  }

  #startVisit(candidate: Candidate, turn: Turn, rotationDue: boolean): boolean {
    const { clock, sessions, takeRequest, run } = this.#tools;
    const { outpost } = turn;
    if (!sessions.take(outpost)) return false;
    if (!takeRequest(candidate.task)) {
      sessions.refund(outpost);
      return false;
    }
    if (candidate.reason === 'rotation') {
      // While confirmations have drained the bucket, the rotation takes every second token only.
      const slow = sessions.tokens(outpost) < sessions.reserve(outpost) ? 2 : 1;
      turn.dueAt = clock.monotonic() + slow * (sessions.paceMs(outpost) ?? 0);
    }
    if (candidate.reason === 'no-cookie') turn.cookieVisit = candidate.task.subject.id;
    turn.rotation.started(candidate, rotationDue);
    run(candidate.task, candidate.reason === 'wanted');
    return true;
  }

  /** When the rotation's turn, a wish or a request of a path comes; a visit that ends brings us back anyway. */
  #nextAt(turn: Turn, now: number): number {
    let wakeAt = turn.dueAt > now ? turn.dueAt : Number.POSITIVE_INFINITY;
    for (const task of turn.rotation.tasks) {
      if (task.wanted !== null && task.wanted.until < now) task.wanted = null;
      if (task.wanted !== null && task.wanted.notBefore > now)
        wakeAt = Math.min(wakeAt, task.wanted.notBefore);
      const waits = task.wanted !== null || turn.rotation.owes(task);
      const waitMs = waits && this.#tools.isFree(task) ? this.#tools.requestWaitMs(task) : 0;
      if (waitMs > 0) wakeAt = Math.min(wakeAt, now + waitMs);
    }
    return wakeAt;
  }
}
