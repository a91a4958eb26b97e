// A browser visit up to the login page: CPU and memory of the browser with all its processes, of the child that drives
// it, and what the daemon itself grows by meanwhile. The first visit finds nothing of the browser in the page cache of a
// machine that has just started; the others do. Each visit starts a browser of its own.

import { fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import { startSite } from '../../src/demo/site.ts';
import { ProcessTree } from '../../src/probe/browser/process-tree.ts';
import { cpuMs } from './process-cost.ts';
import { median, type Row, row } from './row.ts';

const VISITS = 5;
const LOOK_MS = 40;
/** The login page is there: its form is seen. */
const FLOW = `import { defineFlow } from '#flow';
export const flow = defineFlow('login-page', async ({ page, target, step, firstOf, stop }) => {
  await step('open', () => page.goto(target.url, { waitUntil: 'commit' }));
  await step('see the login page', () => firstOf({ form: page.locator('ak-stage-identification input').first() }));
  stop('needs-human', 'far enough');
});
`;

interface Visit {
  readonly browserMs: number;
  readonly driverMs: number;
  readonly peakMiB: number;
  readonly growthMiB: number;
}

interface Seen {
  readonly isBrowser: boolean;
  cpuMs: number;
  memoryMiB: number;
}

export async function measureBrowser(tools: { folder: string; flags: readonly string[] }): Promise<Row[]> {
  await using site = await startSite({ clock: systemClock, ports: { edge: 0, origin: 0, dns: 0 } });
  const flow = join(tools.folder, 'login-page.flow.ts');
  writeFileSync(flow, FLOW);
  const host = fork(join(import.meta.dirname, 'browser-host.ts'), [flow, String(VISITS)], {
    execArgv: [...tools.flags],
    env: { PATH: process.env['PATH'], ...site.environment },
  });
  const visits: Visit[] = [];
  let seen = new Map<number, Seen>();
  let peakMiB = 0;
  host.on('message', (message: { growthMiB: number; reached: boolean; error?: string }) => {
    if (!message.reached) throw new Error(`the visit did not reach the login page: ${message.error}`);
    const sum = (isBrowser: boolean): number =>
      [...seen.values()]
        .filter((one) => one.isBrowser === isBrowser)
        .reduce((all, one) => all + one.cpuMs, 0);
    visits.push({ browserMs: sum(true), driverMs: sum(false), peakMiB, growthMiB: message.growthMiB });
    seen = new Map();
    peakMiB = 0;
  });
  const runs = (): boolean => host.exitCode === null && host.signalCode === null;
  let child: number | null = null;
  let tree = new ProcessTree(-1, 'none');
  while (runs()) {
    const now = runs() ? childOf(host.pid ?? -1) : null;
    if (now !== null && now !== child) tree = new ProcessTree(now, `gatewatch-browser-${host.pid}-`);
    child = now;
    if (child !== null) look(child, tree, seen);
    peakMiB = Math.max(
      peakMiB,
      [...seen.values()].reduce((all, one) => all + one.memoryMiB, 0),
    );
    for (const one of seen.values()) one.memoryMiB = 0;
    await wait(LOOK_MS);
  }
  const [first, ...others] = visits;
  if (first === undefined || others.length < VISITS - 1) throw new Error('not all visits ended');
  const middle = (pick: (one: Visit) => number): number => median(others.map(pick));
  return [
    row('browser visit, first: CPU of the browser', first.browserMs, 'ms'),
    row(
      'browser visit: CPU of the browser',
      middle((one) => one.browserMs),
      'ms',
      500,
    ),
    row(
      'browser visit: CPU of the child that drives it',
      middle((one) => one.driverMs),
      'ms',
    ),
    row('browser visit, first: memory of browser and child', first.peakMiB, 'MiB'),
    row(
      'browser visit: memory of browser and child',
      middle((one) => one.peakMiB),
      'MiB',
      512,
    ),
    row(
      'browser visit: the daemon grows by',
      middle((one) => one.growthMiB),
      'MiB',
      5,
    ),
  ];
}

/** The process that was started by that one, or null. */
function childOf(parent: number): number | null {
  const list = readFileSync(`/proc/${parent}/task/${parent}/children`, 'latin1').trim();
  return list === '' ? null : Number(list.split(' ')[0]);
}

/** Notes CPU so far and memory now of every process of the visit: the child, and all that came of it. */
function look(child: number, tree: ProcessTree, seen: Map<number, Seen>): void {
  for (const pid of tree.look()) {
    try {
      const pss = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? '0';
      seen.set(pid, { isBrowser: pid !== child, cpuMs: cpuMs(pid), memoryMiB: Number(pss) / 1024 });
    } catch {
      // Gone meanwhile.
    }
  }
}
