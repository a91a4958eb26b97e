// Bytes as they come from the network: heads of answers, and answers of name servers.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { decode, encode } from 'dns-packet';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { createResolve, DnsError } from '../../../src/probe/dns.ts';
import { readHead } from '../../../src/probe/response-head.ts';
import { expectCleanPrototypes, hostileKey, latin1, timeBox } from '../../support/fuzz.ts';

afterEach(expectCleanPrototypes);

test('a head of any bytes is read within its limits, in a map that inherits nothing', () => {
  const value = fc.oneof(
    latin1,
    fc.constantFrom(
      'a=b; Max-Age=-1',
      '__proto__=1',
      'x'.repeat(5_000),
      '"',
      'a=b; Expires=Fri, 31 Dec 9999 23:59:59 GMT',
    ),
  );
  const line = fc.tuple(
    fc.oneof(latin1, hostileKey, fc.constantFrom('set-cookie', 'Set-Cookie', 'location')),
    value,
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 80 }), (lines) => {
      const head = readHead(lines, 1_800_000_000_000);
      if (head === null) return;
      expect(Object.getPrototypeOf(head.headers)).toBeNull();
      expect(Object.keys(head.headers)).not.toContain('set-cookie');
      for (const { name, maxAgeMs } of head.setCookies) {
        expect(typeof name).toBe('string');
        expect(maxAgeMs === null || (maxAgeMs >= 60_000 && maxAgeMs <= 400 * 86_400_000)).toBe(true);
      }
    }),
    timeBox(2_000),
  );
});

test('a name server of any bytes gives addresses or a failure, in time', async () => {
  const server = createSocket('udp4');
  const replies = fc.sample(mangled, { seed: 20260418, numRuns: 60 });
  let next = 0;
  server.on('message', (message, peer) => {
    const reply = replies[next++ % replies.length]!(message);
    if (reply.length > 0) server.send(reply, peer.port, peer.address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const resolve = createResolve(systemClock);
    const resolvers = [`127.0.0.1:${server.address().port}`];
    const ask = (index: number): Promise<readonly string[] | null> =>
      resolve(`host-${index}.fuzz.test`, { resolvers, family: null }, AbortSignal.timeout(20_000)).then(
        ({ addresses }) => addresses,
        (error: unknown) => {
          expect(error).toBeInstanceOf(DnsError);
          return null;
        },
      );
    const answers = await Promise.all(replies.map((_, index) => ask(index)));
    for (const address of answers.flatMap((one) => one ?? [])) expect(isIP(address)).not.toBe(0);
    expect(answers.some((one) => one === null)).toBe(true);
    expect(answers.some((one) => one !== null)).toBe(true);
  } finally {
    server.close();
  }
});

/** A right answer, or one with some bytes changed, cut off or put behind; the question's id stays. */
const mangled = fc
  .record({
    changes: fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { maxLength: 4 }),
    cut: fc.option(fc.nat(80), { freq: 3 }),
    more: fc.oneof(
      { weight: 3, arbitrary: fc.constant(new Uint8Array()) },
      fc.uint8Array({ maxLength: 600 }),
    ),
    count: fc.integer({ min: 0, max: 20 }),
  })
  .map(({ changes, cut, more, count }) => (question: Buffer): Buffer => {
    const { id, questions = [] } = decode(question);
    const name = questions[0]?.name ?? '';
    const answers = Array.from({ length: count }, (_, index) => ({
      name,
      type: 'A' as const,
      ttl: index,
      data: `192.0.2.${index}`,
    }));
    const right = encode({ type: 'response', id: id ?? 0, questions, answers });
    for (const [at, byte] of changes) if (at >= 2 && at < right.length) right[at] = byte;
    return Buffer.concat([right.subarray(0, cut === null ? right.length : Math.max(2, cut)), more]);
  });
