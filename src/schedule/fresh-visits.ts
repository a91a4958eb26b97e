// The fresh visits that cost sessions: one rotation an outpost, started as its tokens last (DESIGN 3, Session budget).
// A rotation is asked only when a token is there and something has changed that it depends on: a wish, the end of a
// visit that was in the way, a cookie, or its own turn.

import type { Clock } from '../base/clock.ts';
import type { Subject } from '../model/check.ts';
import { type Candidate, Rotation, type RotationState } from './rotation.ts';
import type { SessionBudgets } from './session-budget.ts';
import { budgetOf, type Task } from './task.ts';

/** Shortest wait before trying again, ms. */
export const SHORTEST_WAIT_MS = 1;
/** `lookAt` of a rotation that is to be asked at once. */
const NOW = Number.NEGATIVE_INFINITY;

export interface FreshTools {
  readonly clock: Clock;
  readonly random: () => number;
  readonly sessions: Pick<SessionBudgets, 'take' | 'refund' | 'tokens' | 'waitMs' | 'paceMs' | 'reserve'>;
  /** Whether nothing more may start at all. */
  isFull(): boolean;
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
  cookieVisit: Task | null;
  /** Nothing can start before this, monotonic ms, unless something happens. */
  lookAt: number;
  /** Something was passed over because it, or too much beside it, was running. */
  isBlocked: boolean;
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
      turn.lookAt = NOW;
      this.#turns.set(name, turn);
    }
  }

  /** Starts what can start; returns when to try again, monotonic ms: never while all is full, for an end will tell. */
  start(): number {
    let wakeAt = Number.POSITIVE_INFINITY;
    for (const turn of this.#turns.values()) {
      if (this.#tools.isFull()) return Number.POSITIVE_INFINITY;
      if (turn.lookAt <= this.#tools.clock.monotonic()) turn.lookAt = this.#startTurn(turn);
      wakeAt = Math.min(wakeAt, turn.lookAt);
    }
    return wakeAt;
  }

  /** Tells that a budgeted task is wanted from now on. */
  want(task: Task): void {
    const turn = this.#turns.get(budgetOf(task.subject) ?? '');
    if (turn === undefined) return;
    turn.rotation.want(task);
    turn.lookAt = NOW;
  }

  /** A visit has ended: there may be room, a token that was given back, a new cookie, or one less. */
  ended(task: Task): void {
    const { subject } = task;
    for (const turn of this.#turns.values()) {
      if (turn.cookieVisit === task) turn.cookieVisit = null;
      if (turn.isBlocked || budgetOf(subject) === turn.outpost) turn.lookAt = NOW;
    }
    if (subject.kind === 'visit') this.sawCookie(subject, null);
  }

  /** Whether a target of ours has a cookie to replay, where a visit to it has just shown that; null = look. */
  sawCookie(subject: Subject, has: boolean | null): void {
    if (subject.kind !== 'visit' || subject.gate === null) return;
    const turn = this.#turns.get(subject.gate.outpost);
    if (turn?.rotation.sawCookie(subject.target.id, has, this.#tools.hasNoCookie)) turn.lookAt = NOW;
  }

  #firstTurn(outpost: string): Turn {
    const { clock, random, sessions } = this.#tools;
    const dueAt = clock.monotonic() + random() * (sessions.paceMs(outpost) ?? 0);
    const rotation = new Rotation(random());
    return { outpost, rotation, dueAt, cookieVisit: null, lookAt: NOW, isBlocked: false };
  }

  /** Starts what can start; returns when to look again. */
  #startTurn(turn: Turn): number {
    const { clock, sessions } = this.#tools;
    for (;;) {
      const now = clock.monotonic();
      const waitMs = sessions.waitMs(turn.outpost);
      if (waitMs > 0) return now + waitMs;
      const state = this.#stateOf(turn, now);
      const candidate = turn.rotation.next(state);
      if (candidate === null) return this.#nextAt(turn, now);
      if (!this.#startVisit(candidate, turn, state)) return now + SHORTEST_WAIT_MS;
      if (this.#tools.isFull()) return NOW;
    }
  }

  #stateOf(turn: Turn, now: number): RotationState {
    const { isFree, requestWaitMs, hasNoCookie } = this.#tools;
    turn.isBlocked = false;
    return {
      now,
      rotationDue: now >= turn.dueAt,
      seeksCookie: turn.cookieVisit !== null,
      isFree(task) {
        const free = isFree(task);
        turn.isBlocked ||= !free;
        return free;
      },
      hasRequest: (task) => requestWaitMs(task) === 0,
      hasNoCookie,
    };
  }

  #startVisit(candidate: Candidate, turn: Turn, state: RotationState): boolean {
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
    if (candidate.reason === 'no-cookie') turn.cookieVisit = candidate.task;
    turn.rotation.started(candidate, state);
    run(candidate.task, candidate.reason === 'wanted');
    return true;
  }

  /** When the rotation's turn, a wish or a request of a path comes; a visit that ends brings us back anyway. */
  #nextAt({ rotation, dueAt }: Turn, now: number): number {
    let wakeAt = dueAt > now ? dueAt : Number.POSITIVE_INFINITY;
    for (const task of rotation.waiting(now)) {
      const { wanted } = task;
      if (wanted !== null && wanted.notBefore > now) wakeAt = Math.min(wakeAt, wanted.notBefore);
      const waitMs = this.#tools.isFree(task) ? this.#tools.requestWaitMs(task) : 0;
      if (waitMs > 0) wakeAt = Math.min(wakeAt, now + waitMs);
    }
    return wakeAt;
  }
}
