// Everything that comes of a process is found and ended, whoever adopted it, and nobody else.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { ProcessTree } from '../../../src/probe/browser/process-tree.ts';
import { waitFor } from '../../support/wait.ts';

/** In the environment of what is started here. */
const MARK = `mark-of-a-tree-${process.pid}`;

function start(script: string, mark: string = MARK): ChildProcess {
  const env = { PATH: process.env['PATH'], MARK: mark };
  const child = spawn('sh', ['-c', script], { detached: true, stdio: 'ignore', env });
  onTestFinished(() => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // Gone, as it should be.
    }
  });
  return child;
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('finds children and sessions of their own, and kills them all, orphans that nobody saw included', async () => {
  const { pid } = start(
    'sleep 300 & setsid sleep 301 & (setsid sh -c "sleep 302 & sleep 303; true" &) ; wait',
  );
  const tree = new ProcessTree(pid!, MARK);
  await waitFor('the children', () => tree.look().length >= 3);
  expect(tree.look()).toContain(pid);
  expect(tree.look()).not.toContain(process.pid);
  expect(tree.memoryBytes()).toBeGreaterThan(0);
  const members = await waitFor('all of them', () => {
    const found = commandsOf(MARK);
    return found.length >= 6 ? found : null;
  });
  process.kill(pid!, 'SIGKILL');
  await waitFor('the first to be gone', () => !tree.look().includes(pid!));
  expect(tree.look().length).toBeGreaterThan(1); // orphans now
  tree.kill();
  await waitFor('all to be gone', () => members.every((one) => one === pid || !alive(one)));
  expect(tree.look()).toEqual([]);
});

test('spares the one that asks, and processes that are none of it', async () => {
  const other = start('sleep 304', 'mark of another tree');
  const { pid } = start('sleep 305 & wait');
  const tree = new ProcessTree(pid!, MARK);
  await waitFor('the child', () => tree.look().length === 2);
  tree.kill(pid);
  await waitFor('the child to be gone', () => tree.look().length <= 1);
  expect(alive(other.pid!)).toBe(true);
});

test('a process that is not there has no relatives', () => {
  const tree = new ProcessTree(2 ** 30, 'a mark that nobody has');
  expect(tree.look()).toEqual([]);
  expect(tree.memoryBytes()).toBe(0);
  tree.kill();
});

/** Processes with the mark in their environment. */
function commandsOf(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/environ`, 'latin1').includes(mark);
      } catch {
        return false;
      }
    })
    .map(Number);
}
