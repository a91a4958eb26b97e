// Name resolution against real name servers: TTL, fall-back, and whose fault a missing answer is.

import { afterEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import { type NameAnswer, type NameServer, startNameServer } from '../../../src/demo/name-server.ts';
import { createResolve, type Resolve } from '../../../src/probe/dns.ts';
import { freePort } from '../../support/free-port.ts';

const servers: NameServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

async function nameServer(
  answer: (name: string) => NameAnswer,
  ttl = 60,
): Promise<{ server: NameServer; at: string }> {
  const server = await startNameServer({ port: 0, answer, ttl });
  servers.push(server);
  return { server, at: `127.0.0.1:${server.port}` };
}

/** A clock that only the test turns; timers stay real. */
function turnableClock(): { clock: Clock; turn(ms: number): void } {
  let turnedMs = 0;
  const monotonic = (): number => turnedMs;
  return {
    clock: { ...systemClock, monotonic },
    turn(ms) {
      turnedMs += ms;
    },
  };
}

const ask = (resolve: Resolve, host: string, resolvers: string[], family: 4 | 6 | null = null) =>
  resolve(host, { resolvers, family }, new AbortController().signal);
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'answered',
    (error: { code?: string; resolver?: string | null }) => [error.code, error.resolver],
  );

describe('answers', () => {
  test('are kept for their TTL and not a moment longer', async () => {
    const { server, at } = await nameServer(() => ['192.0.2.1'], 60);
    const { clock, turn } = turnableClock();
    const resolve = createResolve(clock);
    expect(await ask(resolve, 'a.test', [at])).toEqual({
      addresses: ['192.0.2.1'],
      resolver: at,
      fromCache: false,
    });
    turn(59_999);
    expect((await ask(resolve, 'a.test', [at])).fromCache).toBe(true);
    turn(1);
    expect((await ask(resolve, 'a.test', [at])).fromCache).toBe(false);
    expect(server.asked.get('a.test')).toBe(2);
  });

  test('with TTL 0 are asked for again every time', async () => {
    const { server, at } = await nameServer(() => ['192.0.2.1'], 0);
    const resolve = createResolve(systemClock);
    await ask(resolve, 'a.test', [at]);
    await ask(resolve, 'a.test', [at]);
    expect(server.asked.get('a.test')).toBe(2);
  });

  test('are kept for a day at most, whatever the TTL says', async () => {
    const { server, at } = await nameServer(() => ['192.0.2.1'], 10_000_000);
    const { clock, turn } = turnableClock();
    const resolve = createResolve(clock);
    await ask(resolve, 'a.test', [at]);
    turn(86_400_000);
    await ask(resolve, 'a.test', [at]);
    expect(server.asked.get('a.test')).toBe(2);
  });

  test('are cut to eight addresses', async () => {
    const { at } = await nameServer(() => Array.from({ length: 12 }, (_, index) => `192.0.2.${index + 1}`));
    expect((await ask(createResolve(systemClock), 'many.test', [at])).addresses).toHaveLength(8);
  });

  test('of the wanted family only; without a wish IPv4, and IPv6 where there is no other', async () => {
    const { at } = await nameServer((name) =>
      name === 'six.test' ? ['2001:db8::6'] : ['192.0.2.1', '2001:db8::1'],
    );
    const resolve = createResolve(systemClock);
    expect((await ask(resolve, 'both.test', [at], 6)).addresses).toEqual(['2001:db8::1']);
    expect((await ask(resolve, 'both.test', [at])).addresses).toEqual(['192.0.2.1']);
    expect((await ask(resolve, 'six.test', [at])).addresses).toEqual(['2001:db8::6']);
    expect(await codeOf(ask(resolve, 'six.test', [at], 4))).toEqual(['dns-not-found', at]);
  });
});

describe('failures', () => {
  test('are never kept', async () => {
    let answer: NameAnswer = null;
    const { at } = await nameServer(() => answer);
    const resolve = createResolve(systemClock);
    expect(await codeOf(ask(resolve, 'new.test', [at]))).toEqual(['dns-not-found', at]);
    answer = ['192.0.2.1'];
    expect((await ask(resolve, 'new.test', [at])).addresses).toEqual(['192.0.2.1']);
  });

  test('a dead first resolver falls to the second, and is asked last for a while', async () => {
    const dead = `127.0.0.1:${await freePort()}`;
    const { server: silent, at: silentAt } = await nameServer(() => 'silent');
    const { at } = await nameServer(() => ['192.0.2.1'], 0);
    const resolve = createResolve(systemClock);
    expect((await ask(resolve, 'a.test', [dead, silentAt, at])).resolver).toBe(at);
    const askedBefore = silent.asked.get('a.test');
    expect((await ask(resolve, 'a.test', [dead, silentAt, at])).resolver).toBe(at);
    expect(silent.asked.get('a.test')).toBe(askedBefore);
  });

  test('a name that does not exist is told apart from resolvers that are dead or broken', async () => {
    const dead = `127.0.0.1:${await freePort()}`;
    const { at: broken } = await nameServer(() => 'servfail');
    const { at: missing, server } = await nameServer(() => null);
    const { at: other, server: otherServer } = await nameServer(() => ['192.0.2.1']);
    const resolve = createResolve(systemClock);
    expect(await codeOf(ask(resolve, 'a.test', [dead]))).toEqual(['resolver-unreachable', null]);
    expect(await codeOf(ask(resolve, 'a.test', [broken]))).toEqual(['dns-failed', broken]);
    expect(await codeOf(ask(resolve, 'a.test', [dead, broken]))).toEqual(['dns-failed', broken]);
    expect((await ask(resolve, 'a.test', [broken, other])).resolver).toBe(other);
    expect(await codeOf(ask(resolve, 'b.test', [missing, other]))).toEqual(['dns-not-found', missing]);
    expect(server.asked.get('b.test')).toBe(1);
    expect(otherServer.asked.get('b.test')).toBeUndefined();
  });

  test('an abort ends the wait for a silent resolver at once', async () => {
    const { at, server } = await nameServer(() => 'silent');
    const stop = new AbortController();
    const waiting = createResolve(systemClock)('a.test', { resolvers: [at], family: 4 }, stop.signal);
    waiting.catch(() => {});
    while (!server.asked.has('a.test')) await new Promise((resolve) => setImmediate(resolve));
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});

describe('the resolver named system', () => {
  test('knows what the operating system knows', async () => {
    const found = await ask(createResolve(systemClock), 'localhost', ['system'], 4);
    expect(found).toEqual({ addresses: ['127.0.0.1'], resolver: 'system', fromCache: false });
  });

  test('answers many askers although few look up at once', async () => {
    const resolve = createResolve(systemClock);
    const all = await Promise.all(Array.from({ length: 20 }, () => ask(resolve, 'localhost', ['system'], 4)));
    expect(all).toHaveLength(20);
  });
});
