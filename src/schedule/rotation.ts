// The order of the fresh visits of one outpost (DESIGN 3, Session budget): clients without a stranger's cookie first,
// one path each; then what is wanted to confirm a suspicion or a recovery; then the rotation over all targets and
// paths. No class can starve the last one: whatever is asked for, every few tokens one goes to the rotation.

import { checkId } from '../model/check.ts';
import type { Task } from './task.ts';

/** Tokens that may pass a due rotation by. */
const MOST_PASSED_OVER = 7;

export type FreshReason = 'no-cookie' | 'wanted' | 'owed' | 'rotation';

export interface Candidate {
  readonly task: Task;
  readonly reason: FreshReason;
}

/** What the choice depends on. */
export interface RotationState {
  /** Monotonic ms. */
  readonly now: number;
  /** The rotation's own turn has come. */
  readonly rotationDue: boolean;
  /** A visit for a first cookie is under way: its answer may serve the other targets too. */
  readonly seeksCookie: boolean;
  /** Whether the task is not running and its host has room. */
  isFree(task: Task): boolean;
  /** Whether its path has a request to spend. */
  hasRequest(task: Task): boolean;
  /** Whether the return visit beside it has no cookie to replay. */
  hasNoCookie(task: Task): boolean;
}

export class Rotation {
  #tasks: readonly Task[] = [];
  /** Targets whose first attempt at a cookie was made. */
  readonly #tried = new Set<string>();
  /** Whose turn came while their path had no request to spend: they start as soon as it has. */
  readonly #owed = new Set<Task>();
  #passedOver = 0;
  readonly #first: number;

  /** `first` in [0, 1) is where the round begins: a daemon that restarts often must not always begin at the same. */
  constructor(first: number) {
    this.#first = first;
  }

  /** Sets the fresh tasks of the outpost. */
  replace(tasks: readonly Task[]): void {
    this.#tasks = diagonal(tasks, Math.floor(this.#first * tasks.length));
    const present = new Set(tasks);
    for (const task of this.#owed) if (!present.has(task)) this.#owed.delete(task);
  }

  get tasks(): readonly Task[] {
    return this.#tasks;
  }

  /** The next visit, or null when nothing is wanted or can start. */
  next(state: RotationState): Candidate | null {
    const turn = state.rotationDue ? this.#turn(state) : null;
    if (turn !== null && this.#passedOver >= MOST_PASSED_OVER) return { task: turn, reason: 'rotation' };
    const cookieless = this.#withoutCookie(state);
    if (cookieless !== null) return { task: cookieless, reason: 'no-cookie' };
    const wanted = this.#wanted(state);
    if (wanted !== null) return { task: wanted, reason: 'wanted' };
    const owed = this.#tasks.find((task) => this.#owed.has(task) && canStart(task, state)) ?? null;
    if (owed !== null) return { task: owed, reason: 'owed' };
    return turn === null ? null : { task: turn, reason: 'rotation' };
  }

  /** Whether the task waits for a request of its path. */
  owes(task: Task): boolean {
    return this.#owed.has(task);
  }

  /** Records that the candidate was started. */
  started(candidate: Candidate, rotationDue: boolean): void {
    this.#tried.add(targetOf(candidate.task));
    this.#owed.delete(candidate.task);
    if (candidate.reason === 'rotation') this.#passedOver = 0;
    else if (rotationDue) this.#passedOver += 1;
  }

  /** One at a time: a domain-wide gate's first cookie serves all its targets. */
  #withoutCookie(state: RotationState): Task | null {
    if (state.seeksCookie) return null;
    let found: Task | null = null;
    for (const task of this.#tasks) {
      const target = targetOf(task);
      if (!state.hasNoCookie(task)) this.#tried.delete(target);
      else if (this.#tried.has(target)) continue;
      else if (found === null && canStart(task, state)) found = task;
    }
    return found;
  }

  #wanted(state: RotationState): Task | null {
    let found: Task | null = null;
    for (const task of this.#tasks) {
      const { wanted } = task;
      if (
        wanted === null ||
        wanted.notBefore > state.now ||
        wanted.until < state.now ||
        !canStart(task, state)
      )
        continue;
      if (found === null || wanted.notBefore < (found.wanted?.notBefore ?? 0)) found = task;
    }
    return found;
  }

  /** The task that ran longest ago; while its path has no request, the next one that can start. */
  #turn(state: RotationState): Task | null {
    const first = this.#leastRecent((task) => state.isFree(task));
    if (first === null || state.hasRequest(first)) return first;
    this.#owed.add(first);
    return this.#leastRecent((task) => canStart(task, state));
  }

  #leastRecent(allowed: (task: Task) => boolean): Task | null {
    let found: Task | null = null;
    for (const task of this.#tasks) {
      if ((found === null || task.lastStart < found.lastStart) && allowed(task)) found = task;
    }
    return found;
  }
}

function canStart(task: Task, state: RotationState): boolean {
  return state.isFree(task) && state.hasRequest(task);
}

/** Id of the return check beside a fresh one. */
export function returnSibling(task: Task): ReturnType<typeof checkId> {
  return checkId('return', task.subject.path?.name ?? '', targetOf(task));
}

function targetOf(task: Task): string {
  return task.subject.kind === 'visit' ? task.subject.target.id : task.subject.id;
}

/**
 * Neighbours differ in target and, where possible, in path: a fault of one path shows after two visits.
 *
 *    a/cdn a/origin b/cdn b/origin -> a/cdn b/origin a/origin b/cdn
 */
function diagonal(tasks: readonly Task[], first: number): Task[] {
  const byTarget = new Map<string, Task[]>();
  for (const task of tasks) byTarget.set(targetOf(task), [...(byTarget.get(targetOf(task)) ?? []), task]);
  const groups = [...byTarget.values()];
  const rounds = Math.max(0, ...groups.map((group) => group.length));
  const order: Task[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, group] of groups.entries()) {
      const task = round < group.length ? group[(round + index) % group.length] : undefined;
      if (task !== undefined) order.push(task);
    }
  }
  return [...order.slice(first), ...order.slice(0, first)];
}
