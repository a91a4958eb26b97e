// Ten thousand visits to hostile servers, in a process of its own: what they leave behind.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { beforeAll, describe, expect, test } from 'vitest';
import { createAuthority } from '../../../src/demo/certificates.ts';
import type { HostileServer } from '../../support/hostile-answer.ts';
import { hostileRootPem } from '../../support/hostile-certificates.ts';
import type { Crowd, Toll } from '../../support/hostile-crowd.ts';
import { pathTo } from '../../support/hostile-kit.ts';
import { HOSTILE_NAMES, startHostileNames } from '../../support/hostile-names.ts';
import { HOSTILE_SERVERS, startHostile, withoutTls } from '../../support/hostile-servers.ts';
import { cdnPath } from '../probe/probe-kit.ts';

const MIB = 1024 * 1024;
const VISITS = 10_000;
/**
 * After so many the resident memory is level: until then V8, which knows nothing of OpenSSL's and nghttp2's memory
 * behind its objects, lets its first full collection wait.
 */
const WARM_UP = 3_000;

let toll: Toll;

/** A request whose cookies we had to trim says nothing of the server (threats K3). */
const isJudged = (row: HostileServer): boolean => !row.public.endsWith(' prober-fault');

async function startAll(stack: AsyncDisposableStack): Promise<Pick<Crowd, 'ca' | 'servers'>> {
  const authority = await createAuthority('hostile test CA');
  const identity = await authority.issue(['app.site.test']);
  const servers: Crowd['servers'][number][] = [];
  for (const row of HOSTILE_SERVERS.filter(isJudged).map(withoutTls)) {
    const server = stack.use(await startHostile(row, identity));
    servers.push({
      url: `${row.scheme}://app.site.test/`,
      path: pathTo(row, server.address),
      slow: row.slow,
    });
  }
  for (const row of HOSTILE_NAMES.filter((each) => each.public !== 'up')) {
    const { at } = stack.use(await startHostileNames(row.reply));
    const path = cdnPath(0, { resolver: [at], private: row.private });
    servers.push({ url: 'http://app.site.test/', path, slow: row.slow });
  }
  return { ca: [authority.certificatePem, await hostileRootPem()], servers };
}

beforeAll(async () => {
  await using stack = new AsyncDisposableStack();
  const crowd: Crowd = {
    ...(await startAll(stack)),
    warmUp: WARM_UP,
    visits: VISITS,
    atOnce: 64,
    slowMs: 300,
    ampleMs: 20_000,
  };
  const child = fork(new URL('../../support/hostile-crowd.ts', import.meta.url), {
    execArgv: ['--expose-gc', '--max-semi-space-size=1'],
    serialization: 'advanced',
    // With an arena for each thread, glibc's holes are as large as what is looked for (20 MiB against 5).
    env: { ...process.env, MALLOC_ARENA_MAX: '2' },
  });
  stack.defer(() => void child.kill('SIGKILL'));
  child.send(crowd);
  const [answer] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the crowd ended with ${code}`))),
  ])) as [Toll];
  toll = answer;
}, 540_000);

describe('ten thousand visits to hostile servers', () => {
  test('grow what we hold by no more than 20 MiB', () => {
    expect(toll.after.heapBytes - toll.before.heapBytes).toBeLessThan(20 * MIB);
  });

  test('grow the resident memory by no more than 20 MiB', () => {
    expect(toll.after.rssBytes - toll.before.rssBytes).toBeLessThan(20 * MIB);
  });

  test('leave no socket, timer or handle', () => {
    expect(toll.after.resources).toEqual(toll.before.resources);
    expect(toll.after.timers).toBe(0);
    expect(toll.after.descriptors).toBe(toll.before.descriptors);
  });

  test('are each judged, and none is blamed on ourselves', () => {
    const { verdicts } = toll;
    expect(Object.values(verdicts).reduce((sum, count) => sum + count, 0)).toBe(VISITS);
    expect(verdicts).not.toHaveProperty('prober-fault');
    expect(Object.keys(verdicts).length).toBeGreaterThan(10);
  });
});
