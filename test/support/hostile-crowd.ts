// A process that visits hostile servers by the thousand and tells what that left behind: memory, sockets, timers.
// Started by test/integration/hostile/crowd.test.ts with --expose-gc; takes one Crowd as a message, answers with a Toll.

import { readdirSync } from 'node:fs';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import type { NetworkPath } from '../../src/model/network-path.ts';
import { createVisit, type HostileKit } from './hostile-kit.ts';

export interface Crowd {
  readonly ca: readonly string[];
  /** Visited in turn, again and again. */
  readonly servers: readonly { url: string; path: NetworkPath; slow: boolean }[];
  readonly warmUp: number;
  readonly visits: number;
  readonly atOnce: number;
  /** Time-out of servers that only the deadline ends, and of all others, ms. */
  readonly slowMs: number;
  readonly ampleMs: number;
}

export interface State {
  readonly rssBytes: number;
  /** JavaScript heap in use and buffers outside of it: with them a leak of ours is told from the allocator's holes. */
  readonly heapBytes: number;
  /** What keeps the loop alive, sorted. */
  readonly resources: readonly string[];
  /** Timers of the clock that have neither fired nor been cancelled. */
  readonly timers: number;
  readonly descriptors: number;
}

export interface Toll {
  readonly before: State;
  readonly after: State;
  /** Largest resident size seen on the way, bytes. */
  readonly peakBytes: number;
  readonly verdicts: Readonly<Record<string, number>>;
  readonly tookMs: number;
}

/** Looks at the memory this often, in visits. */
const LOOK_EVERY = 100;
/** Collects garbage this often, in visits: what is measured is what stays, not when V8 finds time to free it. */
const COLLECT_EVERY = 500;

/** Collections before a state counts: what one frees, and what finalizers let go, only the next ones give back. */
const LEAST_LOOKS = 5;

/** The real clock, with a count of what it still owes. */
function countingClock(): Clock & { pending(): number } {
  const pending = new Set<object>();
  return {
    ...systemClock,
    pending: () => pending.size,
    after(ms, callback) {
      const one = {};
      pending.add(one);
      const cancel = systemClock.after(ms, () => {
        pending.delete(one);
        callback();
      });
      return () => {
        pending.delete(one);
        cancel();
      };
    },
  };
}

const clock = countingClock();

process.on('message', (crowd: Crowd) => {
  run(crowd).then(
    (toll) => process.send?.(toll, () => process.exit(0)),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
});

async function run(crowd: Crowd): Promise<Toll> {
  const { resources } = look();
  const visit = createVisit(crowd.ca, clock);
  const verdicts: Record<string, number> = {};
  await visitAll(crowd, crowd.warmUp, (index) => one(crowd, index, visit, {}));
  const before = await settled(resources);
  let peakBytes = 0;
  const startMs = clock.monotonic();
  await visitAll(crowd, crowd.visits, async (index) => {
    await one(crowd, index, visit, verdicts);
    if (index % LOOK_EVERY === 0) peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
    if (index % COLLECT_EVERY === 0) globalThis.gc?.();
  });
  const tookMs = clock.monotonic() - startMs;
  return { before, after: await settled(resources), peakBytes, verdicts, tookMs };
}

async function one(
  crowd: Crowd,
  index: number,
  visit: HostileKit['visit'],
  verdicts: Record<string, number>,
): Promise<void> {
  const server = crowd.servers[index % crowd.servers.length]!;
  const timeoutMs = server.slow ? crowd.slowMs : crowd.ampleMs;
  const is = index % 2 === 0 ? 'public' : 'login';
  const { judgement } = await visit(server.url, { path: server.path, is, timeoutMs });
  const word = judgement.signature ?? judgement.verdict;
  verdicts[word] = (verdicts[word] ?? 0) + 1;
}

async function visitAll(crowd: Crowd, count: number, each: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      await each(index);
    }
  };
  await Promise.all(Array.from({ length: crowd.atOnce }, work));
}

/** The state once nothing else is open and no timer armed, or after ten seconds whatever it is. */
async function settled(resources: readonly string[]): Promise<State> {
  const isQuiet = (state: State): boolean =>
    state.timers === 0 && String(state.resources) === String(resources);
  let state = look();
  for (let tries = 0; tries < 100 && (tries < LEAST_LOOKS || !isQuiet(state)); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    state = look();
  }
  return state;
}

function heapBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function look(): State {
  globalThis.gc?.();
  return {
    rssBytes: process.memoryUsage.rss(),
    heapBytes: heapBytes(),
    resources: process.getActiveResourcesInfo().toSorted(),
    timers: clock.pending(),
    descriptors: readdirSync('/proc/self/fd').length,
  };
}
