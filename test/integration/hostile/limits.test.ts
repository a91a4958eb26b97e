// The limits of what is taken of an answer: at the limit all is well, one more is refused or cut (threats, section 6).
// Heads, informational answers and bodies at their limits: test/integration/probe/transport.test.ts and body.test.ts.

import { beforeAll, describe, expect, test } from 'vitest';
import { evidenceText } from '../../../src/model/text.ts';
import {
  ADDRESS_LIMIT,
  BARREN_LIMIT_BYTES,
  BODY_LIMIT_BYTES,
  BODY_WIRE_FACTOR,
  CROWDED_BODY_LIMIT_BYTES,
  CROWDED_BYTES,
  HEAD_LIMIT_BYTES,
  HEAD_LIMIT_LINES,
  HEAD_WIRE_LIMIT_BYTES,
  HOP_LIMIT,
  INFORMATIONAL_LIMIT,
  LONGEST_TTL_S,
  SEARCHED_BODY_LIMIT_BYTES,
  SET_COOKIES_KEPT,
} from '../../../src/probe/limits.ts';
import { byPath, http1, say } from '../../support/hostile-answer.ts';
import { createHostileKit, finding, type HostileKit, pathTo } from '../../support/hostile-kit.ts';
import { answering, startHostileNames } from '../../support/hostile-names.ts';
import { startHostile, withoutTls } from '../../support/hostile-servers.ts';
import { startOrigin } from '../../support/origin.ts';
import { cdnPath } from '../probe/probe-kit.ts';

const KIB = 1024;
/** What is read at once may be as large as this, so that limits on the wire hold to that precision. */
const READ_BYTES = 64 * KIB;
const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
let kit: HostileKit;

beforeAll(async () => {
  kit = await createHostileKit();
});

/** What a public target that answers so comes to. */
async function visit(answer: Parameters<typeof http1>[1]) {
  const row = withoutTls(http1('limit', answer, 'up'));
  await using server = await startHostile(row, { certPem: '', keyPem: '' });
  const result = await kit.visit('http://app.site.test/', {
    path: pathTo(row, server.address),
    is: 'public',
    timeoutMs: 20_000,
  });
  return { found: finding(result), exchanges: result.observation.exchanges };
}

test('the table says what the threat model says', () => {
  expect([HEAD_LIMIT_BYTES, HEAD_LIMIT_LINES, INFORMATIONAL_LIMIT, HOP_LIMIT]).toEqual([64 * KIB, 512, 8, 5]);
  expect([BODY_LIMIT_BYTES, SEARCHED_BODY_LIMIT_BYTES]).toEqual([256 * KIB, 1024 * KIB]);
  expect([CROWDED_BYTES, CROWDED_BODY_LIMIT_BYTES]).toEqual([32 * KIB * KIB, 16 * KIB]);
  expect([ADDRESS_LIMIT, LONGEST_TTL_S, SET_COOKIES_KEPT]).toEqual([8, 86_400, 64]);
});

describe('redirects', () => {
  const hops = (count: number) =>
    byPath((path) =>
      Number(path.slice(1)) >= count
        ? 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
        : `HTTP/1.1 302 Found\r\nlocation: /${Number(path.slice(1)) + 1}\r\ncontent-length: 0\r\n\r\n`,
    );

  test('are followed five times', async () => {
    const { found, exchanges } = await visit(hops(HOP_LIMIT));
    expect(found).toBe('up');
    expect(exchanges).toHaveLength(HOP_LIMIT + 1);
  });

  test('and not a sixth time', async () => {
    const { found, exchanges } = await visit(hops(HOP_LIMIT + 1));
    expect(found).toBe('down gate-redirect-loop');
    expect(exchanges).toHaveLength(HOP_LIMIT + 1);
  });
});

describe('bytes on the wire', () => {
  const EMPTY = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

  test('before the body may be 96 KiB in all, whatever they are', async () => {
    const blank = (bytes: number) => `${'\r\n'.repeat(bytes / 2)}${EMPTY}`;
    expect((await visit(say(blank(HEAD_WIRE_LIMIT_BYTES - KIB)))).found).toBe('up');
    expect((await visit(say(blank(HEAD_WIRE_LIMIT_BYTES + READ_BYTES), 'wait'))).found).toBe(
      'down bad-response',
    );
  });

  test('may be twice what is kept of a body', async () => {
    const limitBytes = HEAD_WIRE_LIMIT_BYTES + BODY_WIRE_FACTOR * BODY_LIMIT_BYTES;
    const chunk = `1;${'e'.repeat(KIB - 7)}\r\nx\r\n`;
    const framed = (bytes: number) => `${CHUNKED}${chunk.repeat(Math.floor(bytes / KIB))}0\r\n\r\n`;
    expect((await visit(say(framed(limitBytes - KIB)))).found).toBe('up');
    expect((await visit(say(framed(limitBytes + READ_BYTES), 'wait'))).found).toBe('down bad-response');
  });
});

describe('bytes that bring nothing to a body', () => {
  const extended = (bytes: number) => `${CHUNKED}1;${'e'.repeat(bytes)}\r\nx\r\n0\r\n\r\n`;
  const trailed = (bytes: number) => `${CHUNKED}1\r\nx\r\n0\r\nt: ${'v'.repeat(bytes)}\r\n\r\n`;

  test.each([
    ['a chunk extension', extended],
    ['trailers', trailed],
  ])('may be 16 KiB: %s', async (_name, answer) => {
    expect((await visit(say(answer(BARREN_LIMIT_BYTES - KIB)))).found).toBe('up');
    expect((await visit(say(answer(BARREN_LIMIT_BYTES + 2 * READ_BYTES), 'wait'))).found).toBe(
      'down bad-response',
    );
  });
});

describe('addresses of a name', () => {
  const reached = async (position: number): Promise<string | null> => {
    await using origin = await startOrigin({ respond: (_request, response) => response.end('ok') });
    const list = Array.from({ length: position }, (_, n) =>
      n === position - 1 ? '127.0.0.1' : `127.0.1.${n + 1}`,
    );
    await using names = await startHostileNames(answering(list));
    const path = cdnPath(0, { resolver: [names.at], proof: { header: null, absent: null } });
    const over = { path, is: 'public', timeoutMs: 20_000 } as const;
    return finding(await kit.visit(`http://app.site.test:${origin.port}/`, over));
  };

  test('are tried up to the eighth', async () => {
    expect(await reached(ADDRESS_LIMIT)).toBe('up');
  });

  test('and not the ninth', async () => {
    expect(await reached(ADDRESS_LIMIT + 1)).toBe('down connect-refused');
  });
});

test('evidence is 200 characters long at most', () => {
  expect(evidenceText('x'.repeat(200))).toBe('x'.repeat(200));
  expect(evidenceText('x'.repeat(201))).toBe(`${'x'.repeat(199)}…`);
});
