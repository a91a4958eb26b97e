// Who waits for what: in order, never forgotten, and not looked at again before something has changed.

import { beforeEach, expect, test } from 'vitest';
import { plan } from '../../../src/schedule/plan.ts';
import { createTask, type Task } from '../../../src/schedule/task.ts';
import { type Obstacle, WaitingRoom } from '../../../src/schedule/waiting.ts';
import { plannedSite } from '../../support/planned-site.ts';

const [SUBJECT] = plan(plannedSite());

let obstacles: Map<Task, Obstacle>;
let started: string[];
let looks: number;
let room: number;
let waiting: WaitingRoom;

beforeEach(() => {
  obstacles = new Map();
  started = [];
  looks = 0;
  room = 1_000;
  waiting = new WaitingRoom({
    isFull: () => room === 0,
    obstacle(task) {
      looks += 1;
      return obstacles.get(task) ?? null;
    },
    start(task) {
      room -= 1;
      started.push(task.host);
      task.waitingSince = null;
    },
  });
});

/** A task that last ran then, behind the obstacle with that key. */
function waits(
  host: string,
  lastStart: number,
  key: string | null = null,
  until = Number.POSITIVE_INFINITY,
): Task {
  const task: Task = { ...createTask(SUBJECT!), host, lastStart, waitingSince: 0 };
  if (key !== null) obstacles.set(task, { key, until });
  waiting.add(task);
  return task;
}

test('those that ran longest ago come first, of equals those that came first', () => {
  waits('late', 9);
  waits('never', Number.NEGATIVE_INFINITY);
  waits('never either', Number.NEGATIVE_INFINITY);
  waits('early', 3);
  expect(waiting.start(10)).toBe(Number.POSITIVE_INFINITY);
  expect(started).toEqual(['never', 'never either', 'early', 'late']);
});

test('a thousand behind one obstacle cost one look when one place is free, and two when the next has one too', () => {
  const tasks = Array.from({ length: 1_000 }, (_, index) => waits(`t${index}`, index, 'host'));
  waiting.start(0);
  expect([looks, started]).toEqual([1_000, []]);
  looks = 0;
  waiting.start(1);
  expect(looks).toBe(0);
  obstacles.delete(tasks[0]!);
  waiting.release('host');
  waiting.start(2);
  expect([looks, started]).toEqual([2, ['t0']]); // t1 was looked at too: there might have been room for it
});

test('who meets another obstacle lets the next one behind the first try', () => {
  const first = waits('first', 1, 'host');
  const second = waits('second', 2, 'host');
  waiting.start(0);
  obstacles.set(first, { key: 'path', until: 50 });
  obstacles.delete(second);
  waiting.release('host');
  expect(waiting.start(10)).toBe(50);
  expect(started).toEqual(['second']);
  obstacles.delete(first);
  expect(waiting.start(49)).toBe(50);
  waiting.start(50);
  expect(started).toEqual(['second', 'first']);
});

test('who was forgotten meanwhile starts no more, and holds nobody up', () => {
  const first = waits('first', 1, 'host');
  waits('second', 2, 'host');
  waiting.start(0);
  first.waitingSince = null;
  obstacles.clear();
  waiting.release('host');
  waiting.start(1);
  expect(started).toEqual(['second']);
});

test('while all is full nothing is looked at, and no time to come back is named', () => {
  waits('one', 1, 'path', 20);
  waiting.start(0);
  waits('two', 2);
  room = 0;
  looks = 0;
  expect(waiting.start(30)).toBe(Number.POSITIVE_INFINITY);
  expect(looks).toBe(0);
  room = 2;
  obstacles.clear();
  waiting.start(31);
  expect(started).toEqual(['one', 'two']);
});
