// The order of the fresh visits as plainly as it can be said: every question looks at every task. What the real
// rotation remembers between questions is held against this.

import { type Candidate, type RotationState, returnSibling } from '../../src/schedule/rotation.ts';
import type { Task } from '../../src/schedule/task.ts';

const MOST_PASSED_OVER = 7;

export class SimpleRotation {
  readonly #tasks: readonly Task[];
  readonly #tried = new Set<string>();
  readonly #owed = new Set<Task>();
  #passedOver = 0;

  /** `tasks` in the order of the rotation. */
  constructor(tasks: readonly Task[]) {
    this.#tasks = tasks;
  }

  next(state: RotationState): Candidate | null {
    for (const task of this.#tasks) if (!state.hasNoCookie(task)) this.#tried.delete(targetOf(task));
    const turn = state.rotationDue ? this.#turn(state) : null;
    if (turn !== null && this.#passedOver >= MOST_PASSED_OVER) return { task: turn, reason: 'rotation' };
    const cookieless = state.seeksCookie ? undefined : this.#tasks.find((task) => this.#seeks(task, state));
    if (cookieless !== undefined) return { task: cookieless, reason: 'no-cookie' };
    const [wanted] = this.#tasks
      .filter((task) => isWanted(task, state.now) && canStart(task, state))
      .toSorted((a, b) => (a.wanted?.notBefore ?? 0) - (b.wanted?.notBefore ?? 0));
    if (wanted !== undefined) return { task: wanted, reason: 'wanted' };
    const owed = this.#tasks.find((task) => this.#owed.has(task) && canStart(task, state));
    if (owed !== undefined) return { task: owed, reason: 'owed' };
    return turn === null ? null : { task: turn, reason: 'rotation' };
  }

  started({ task, reason }: Candidate, { rotationDue, hasNoCookie }: RotationState): void {
    if (hasNoCookie(task)) this.#tried.add(targetOf(task));
    this.#owed.delete(task);
    if (reason === 'rotation') this.#passedOver = 0;
    else if (rotationDue) this.#passedOver += 1;
  }

  #seeks(task: Task, state: RotationState): boolean {
    return state.hasNoCookie(task) && !this.#tried.has(targetOf(task)) && canStart(task, state);
  }

  #turn(state: RotationState): Task | null {
    const byAge = this.#tasks.toSorted((a, b) => a.lastStart - b.lastStart || 0);
    const first = byAge.find((task) => state.isFree(task));
    if (first === undefined || state.hasRequest(first)) return first ?? null;
    this.#owed.add(first);
    return byAge.find((task) => canStart(task, state)) ?? null;
  }
}

function isWanted({ wanted }: Task, now: number): boolean {
  return wanted !== null && wanted.notBefore <= now && wanted.until >= now;
}

function canStart(task: Task, state: RotationState): boolean {
  return state.isFree(task) && state.hasRequest(task);
}

export function targetOf(task: Task): string {
  return returnSibling(task).split(':').slice(2).join(':');
}
