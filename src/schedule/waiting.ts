// Runs that are due and could not start yet, those that ran longest ago first. Whoever meets an obstacle is parked
// behind it and is not looked at again before the obstacle is released: a start costs O(log n), however many wait.

import { DueQueue } from './due-queue.ts';
import type { Task } from './task.ts';

/** Why a run cannot start. */
export interface Obstacle {
  /** What `release` is called with when something about it has changed. */
  readonly key: string;
  /** Monotonic ms from which it is worth to try again without a release. */
  readonly until: number;
}

export interface Waiting {
  /** Whether nothing more may start at all. */
  isFull(): boolean;
  obstacle(task: Task, now: number): Obstacle | null;
  start(task: Task, now: number): void;
}

/** A due run; it is void once the task has run or was forgotten. */
interface Entry {
  readonly task: Task;
  readonly since: number | null;
  /** What it was parked behind last. */
  key: string | null;
}

/** Those behind one obstacle. */
interface Lot {
  readonly queue: DueQueue<Entry>;
  until: number;
}

export class WaitingRoom {
  readonly #tools: Waiting;
  readonly #ready = new DueQueue<Entry>();
  readonly #lots = new Map<string, Lot>();
  /** Lots whose obstacle ends by itself: budgets of paths and outposts, of which there are few. */
  readonly #timed = new Map<string, Lot>();

  constructor(tools: Waiting) {
    this.#tools = tools;
  }

  /** Takes a task whose `waitingSince` has been set. */
  add(task: Task): void {
    this.#ready.push(task.lastStart, { task, since: task.waitingSince, key: null });
  }

  /** Lets the first one behind the obstacle try again; when it starts, goes elsewhere or is void, the next follows. */
  release(key: string): void {
    const lot = this.#lots.get(key);
    if (lot === undefined) return;
    const due = lot.queue.pop();
    if (due !== undefined) this.#ready.push(due.at, due.key);
    if (lot.queue.size > 0) return;
    this.#lots.delete(key);
    this.#timed.delete(key);
  }

  /** Starts what can start; returns when to try again, monotonic ms: never while all is full, for an end will tell. */
  start(now: number): number {
    if (this.#tools.isFull()) return Number.POSITIVE_INFINITY;
    for (const [key, lot] of this.#timed) if (lot.until <= now) this.release(key);
    while (!this.#tools.isFull()) {
      const due = this.#ready.pop();
      if (due === undefined) break;
      if (isValid(due.key)) this.#try(due.key, now);
      else this.#follow(due.key);
    }
    let wakeAt = Number.POSITIVE_INFINITY;
    if (this.#tools.isFull()) return wakeAt;
    for (const { until } of this.#timed.values()) wakeAt = Math.min(wakeAt, until);
    return wakeAt;
  }

  #try(entry: Entry, now: number): void {
    const { task } = entry;
    const obstacle = this.#tools.obstacle(task, now);
    if (obstacle !== null) {
      if (obstacle.key !== entry.key) this.#follow(entry);
      this.#park(entry, obstacle);
      return;
    }
    this.#tools.start(task, now);
    this.#follow(entry);
  }

  /** The next one behind the obstacle that this one was behind: there may be room for it too. */
  #follow(entry: Entry): void {
    if (entry.key !== null) this.release(entry.key);
  }

  #park(entry: Entry, { key, until }: Obstacle): void {
    const lot = this.#lots.get(key) ?? { queue: new DueQueue<Entry>(), until };
    entry.key = key;
    lot.until = until;
    lot.queue.push(entry.task.lastStart, entry);
    this.#lots.set(key, lot);
    if (Number.isFinite(until)) this.#timed.set(key, lot);
  }
}

function isValid({ task, since }: Entry): boolean {
  return since !== null && task.waitingSince === since;
}
