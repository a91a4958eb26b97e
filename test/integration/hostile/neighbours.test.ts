// Healthy targets beside hostile ones behind the one address of a proxy, as on most sites, with real sockets and the
// real scheduler: they keep their schedule and their verdict.

import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Check, Subject } from '../../../src/model/check.ts';
import type { NetworkPath } from '../../../src/model/network-path.ts';
import { createRequestBudgets } from '../../../src/schedule/request-budget.ts';
import { createScheduler } from '../../../src/schedule/scheduler.ts';
import { createSessionBudgets } from '../../../src/schedule/session-budget.ts';
import { type HostileServer, http1, say } from '../../support/hostile-answer.ts';
import { createHostileKit, finding } from '../../support/hostile-kit.ts';
import { HOSTILE_SERVERS, startHostile, withoutTls } from '../../support/hostile-servers.ts';
import { waitFor } from '../../support/wait.ts';
import { check, path } from '../probe/probe-kit.ts';

const HEALTHY = 8;
const HOSTILE = 40;
/** Places of the scheduler: more than hang at once, and the slow may hold an eighth of them. */
const PLACES = 48;
const EVERY_MS = 1_000;
const ROUNDS = 6;
const TIMEOUT_MS = 20_000;
/** The servers share this machine and this process; who had to wait for a neighbour would be late by its time-out. */
const LATE_MS = 10_000;

/** Those that wait for the deadline first: they hold their place longest. */
const WORST: readonly HostileServer[] = HOSTILE_SERVERS.map(withoutTls)
  .filter((row) => row.scheme === 'http')
  .toSorted((a, b) => Number(b.slow) - Number(a.slow))
  .slice(0, HOSTILE);

const SOUND = http1('sound', say('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'), 'up');

const rowOf = new Map<string, HostileServer>([
  ...WORST.map((row, index) => [`hostile${index}.site.test`, row] as const),
  ...Array.from({ length: HEALTHY }, (_, index) => [`healthy${index}.site.test`, SOUND] as const),
]);
const isHealthy = (host: string): boolean => rowOf.get(host) === SOUND;

/** Hands each connection, with its request still to be read, to the server of the host that it asks for. */
function answerAsProxy(socket: Socket): void {
  socket.once('data', (request) => {
    const host = /^host: (\S+)/im.exec(request.toString('latin1'))?.[1] ?? '';
    socket.pause();
    socket.unshift(request);
    rowOf.get(host)?.answer(socket);
    socket.resume();
  });
}

const planned = (host: string, address: NetworkPath['address']): Check => ({
  ...check(`http://${host}/`, { path: path(address), expect: { is: 'public' }, timeoutMs: TIMEOUT_MS }),
  everyMs: EVERY_MS,
  costsSession: false,
});

test('healthy targets are probed in time and found up, whatever their neighbours answer', async () => {
  await using stack = new AsyncDisposableStack();
  const kit = await createHostileKit();
  const proxy = withoutTls(http1('proxy', answerAsProxy, 'up'));
  const { address } = stack.use(await startHostile(proxy, { certPem: '', keyPem: '' }));
  const subjects = [...rowOf.keys()].map((host) => planned(host, address));

  const verdicts = new Map<string, string[]>();
  const startedAt = new Map<string, number[]>();
  const scheduler = createScheduler({
    clock: systemClock,
    random: () => 0.5,
    async run(subject: Subject) {
      const one = subject as Check;
      const { host } = one.target;
      startedAt.set(host, [...(startedAt.get(host) ?? []), performance.now()]);
      const over = { path: one.path, is: 'public', timeoutMs: one.timeoutMs } as const;
      const result = await kit.visit(one.target.url, over);
      verdicts.set(host, [...(verdicts.get(host) ?? []), finding(result)]);
    },
    idle: () => null,
    sessions: createSessionBudgets({ outposts: [], clock: systemClock, saved: null, save: () => {} }),
    requests: createRequestBudgets({ paths: [], clock: systemClock, saved: null, save: () => {} }),
    concurrency: PLACES,
    observe: { lag: () => {}, skipped: () => {} },
  });
  scheduler.replace(subjects);
  scheduler.start();
  const healthy = [...rowOf.keys()].filter(isHealthy);
  const rounds = (host: string): number => verdicts.get(host)?.length ?? 0;
  await waitFor('six rounds of the healthy', () => healthy.every((host) => rounds(host) >= ROUNDS));
  // The stop cuts those short that still wait for their deadline.
  const judged = [...verdicts]
    .filter(([host]) => rowOf.get(host)?.slow === false)
    .map(([host, found]) => [host, new Set(found)] as const);
  await scheduler.stop(0);

  for (const [host, found] of judged)
    expect([host, found]).toEqual([host, new Set([rowOf.get(host)?.public])]);
  for (const host of healthy) {
    const starts = startedAt.get(host) ?? [];
    const gaps = starts.slice(1).map((at, index) => at - (starts[index] ?? at));
    expect(Math.max(...gaps)).toBeLessThan(EVERY_MS + LATE_MS);
  }
  expect(startedAt.size).toBe(rowOf.size);
}, 120_000);
