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
  /** Where each task stands in the order. */
  #positions: ReadonlyMap<Task, number> = new Map();
  #byTarget: ReadonlyMap<string, readonly Task[]> = new Map();
  /** Those that ran longest ago first. */
  #byAge = new Set<Task>();
  /** Those that may need a first cookie, in order: not tried yet, and none was seen. */
  #seeking: Task[] = [];
  /** Targets whose first attempt at a cookie was made. */
  readonly #tried = new Set<string>();
  /** Those that somebody asked for. */
  #wanted = new Set<Task>();
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
    this.#positions = new Map(this.#tasks.map((task, position) => [task, position]));
    this.#byTarget = Map.groupBy(this.#tasks, targetOf);
    this.#byAge = new Set(this.#tasks.toSorted((a, b) => a.lastStart - b.lastStart || 0));
    this.#seeking = this.#tasks.filter((task) => !this.#tried.has(targetOf(task)));
    this.#wanted = new Set(this.#tasks.filter((task) => task.wanted !== null));
    for (const task of this.#owed) if (!this.#positions.has(task)) this.#owed.delete(task);
    for (const target of this.#tried) if (!this.#byTarget.has(target)) this.#tried.delete(target);
  }

  /** In the order of the round. */
  get tasks(): readonly Task[] {
    return this.#tasks;
  }

  /** Notes that `task.wanted` was set. */
  want(task: Task): void {
    this.#wanted.add(task);
  }

  /**
   * Notes whether a target has a cookie to replay; null = `hasNoCookie` tells. Returns whether it now seeks one, and
   * did not before.
   */
  sawCookie(target: string, has: boolean | null, hasNoCookie: RotationState['hasNoCookie']): boolean {
    const tasks = this.#byTarget.get(target) ?? [];
    const [first] = tasks;
    if (first === undefined) return false;
    if (has ?? !hasNoCookie(first)) {
      this.#tried.delete(target);
      return false;
    }
    if (this.#tried.has(target) || this.#isSeeking(first)) return false;
    for (const task of tasks) {
      const at = this.#placeOf(task);
      if (this.#seeking[at] !== task) this.#seeking.splice(at, 0, task);
    }
    return true;
  }

  /** The next visit, or null when nothing is wanted or can start. */
  next(state: RotationState): Candidate | null {
    const turn = state.rotationDue ? this.#turn(state) : null;
    if (turn !== null && this.#passedOver >= MOST_PASSED_OVER) return { task: turn, reason: 'rotation' };
    const cookieless = this.#withoutCookie(state);
    if (cookieless !== null) return { task: cookieless, reason: 'no-cookie' };
    const wanted = this.#mostWanted(state);
    if (wanted !== null) return { task: wanted, reason: 'wanted' };
    const owed = this.#firstOwed(state);
    if (owed !== null) return { task: owed, reason: 'owed' };
    return turn === null ? null : { task: turn, reason: 'rotation' };
  }

  /** Those that are wanted, now or later, or wait for a request of their path. */
  waiting(now: number): Set<Task> {
    for (const task of this.#wanted) {
      if (task.wanted !== null && task.wanted.until < now) task.wanted = null;
      if (task.wanted === null) this.#wanted.delete(task);
    }
    return new Set([...this.#wanted, ...this.#owed]);
  }

  /** Records that the candidate was started, in the state in which it was chosen. */
  started({ task, reason }: Candidate, { rotationDue, hasNoCookie }: RotationState): void {
    const target = targetOf(task);
    if (hasNoCookie(task)) this.#tried.add(target);
    if (this.#isSeeking(task)) this.#seeking = this.#seeking.filter((other) => targetOf(other) !== target);
    this.#owed.delete(task);
    this.#byAge.delete(task);
    this.#byAge.add(task);
    if (reason === 'rotation') this.#passedOver = 0;
    else if (rotationDue) this.#passedOver += 1;
  }

  /** One at a time: a domain-wide gate's first cookie serves all its targets. */
  #withoutCookie(state: RotationState): Task | null {
    if (state.seeksCookie) return null;
    const left: Task[] = [];
    for (const [index, task] of this.#seeking.entries()) {
      if (!state.hasNoCookie(task)) {
        this.#tried.delete(targetOf(task));
        continue;
      }
      left.push(task);
      if (!canStart(task, state)) continue;
      if (left.length <= index) this.#seeking = [...left, ...this.#seeking.slice(index + 1)];
      return task;
    }
    this.#seeking = left;
    return null;
  }

  #isSeeking(task: Task): boolean {
    return this.#seeking[this.#placeOf(task)] === task;
  }

  /** Where it stands among those that seek, or would stand. */
  #placeOf(task: Task): number {
    const position = this.#positionOf(task);
    let low = 0;
    let high = this.#seeking.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#seeking[middle];
      if (other !== undefined && this.#positionOf(other) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #positionOf(task: Task): number {
    return this.#positions.get(task) ?? -1;
  }

  #mostWanted(state: RotationState): Task | null {
    let found: Task | null = null;
    for (const task of this.#wanted) {
      const { wanted } = task;
      if (wanted === null || wanted.notBefore > state.now || wanted.until < state.now) continue;
      if (!canStart(task, state)) continue;
      const order = wanted.notBefore - (found?.wanted?.notBefore ?? Number.POSITIVE_INFINITY);
      if (order < 0 || (order === 0 && this.#isBefore(task, found))) found = task;
    }
    return found;
  }

  #firstOwed(state: RotationState): Task | null {
    let found: Task | null = null;
    for (const task of this.#owed) if (canStart(task, state) && this.#isBefore(task, found)) found = task;
    return found;
  }

  #isBefore(task: Task, other: Task | null): boolean {
    return other === null || this.#positionOf(task) < this.#positionOf(other);
  }

  /** The task that ran longest ago; while its path has no request, the next one that can start. */
  #turn(state: RotationState): Task | null {
    const first = this.#leastRecent((task) => state.isFree(task));
    if (first === null || state.hasRequest(first)) return first;
    this.#owed.add(first);
    return this.#leastRecent((task) => canStart(task, state));
  }

  #leastRecent(allowed: (task: Task) => boolean): Task | null {
    for (const task of this.#byAge) if (allowed(task)) return task;
    return null;
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
