// Servers that misbehave on the wire, one row each, and what a probe says of them within its one deadline.

import type { Socket } from 'node:net';
import { beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { type Identity, startDeafOrigin, startRawOrigin } from '../../support/origin.ts';
import { check, createKit, fault, type Kit, only, path } from './probe-kit.ts';

let kit: Kit;
let identity: Identity;

beforeAll(async () => {
  kit = await createKit();
  identity = await kit.authority.issue(['*.site.test']);
});

const OK = 'HTTP/1.1 200 OK\r\n';

/** Answers the first request with these bytes; `then` decides what follows. */
const say =
  (bytes: string | Buffer, then: 'end' | 'reset' | 'wait' = 'end') =>
  (socket: Socket): void => {
    socket.once('data', () => {
      socket.write(bytes, () => {
        if (then === 'end') socket.end();
        if (then === 'reset')
          (socket as Socket & { _parent?: Socket })._parent?.resetAndDestroy() ?? socket.resetAndDestroy();
      });
    });
  };

/** Writes a piece every 20 ms, for ever. */
const drip =
  (first: string, piece: string) =>
  (socket: Socket): void => {
    socket.once('data', () => {
      socket.write(first);
      const timer = setInterval(() => socket.write(piece), 20);
      socket.once('close', () => clearInterval(timer));
    });
  };

async function seen(serve: (socket: Socket) => void, timeoutMs = 20_000, secure = true) {
  await using origin = await startRawOrigin({ identity: secure ? identity : null, serve });
  const url = secure ? 'https://app.site.test/' : 'http://app.site.test/';
  return await kit.run(check(url, { path: path(origin.address), timeoutMs })); // the server must outlive it
}

describe('a server that fails at once', () => {
  const rows: [name: string, serve: (socket: Socket) => void, fault: string | null][] = [
    ['closes without an answer', say(''), 'headers:reset'],
    ['resets instead of answering', say('', 'reset'), 'headers:reset'],
    ['closes within the headers', say(`${OK}content-le`), 'headers:reset'],
    ['closes within a body of known length', say(`${OK}content-length: 100\r\n\r\nhalf`), 'body:reset'],
    ['resets within a body', say(`${OK}content-length: 100\r\n\r\nhalf`, 'reset'), 'body:reset'],
    [
      'closes before the last chunk',
      say(`${OK}transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n`),
      'body:reset',
    ],
    ['says what is no HTTP', say('SSH-2.0-OpenSSH_9.2\r\n'), 'headers:bad-response'],
    [
      'sends an impossible chunk',
      say(`${OK}transfer-encoding: chunked\r\n\r\nzz\r\nhalf\r\n`),
      'body:bad-response',
    ],
    [
      'sends two lengths',
      say(`${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nab`),
      'headers:bad-response',
    ],
    [
      'switches protocols unasked',
      say('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n', 'wait'),
      'headers:bad-response',
    ],
    ['continues unasked', say('HTTP/1.1 100 Continue\r\n\r\n', 'wait'), 'headers:bad-response'],
    [
      'hints early without end',
      say('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(9), 'wait'),
      'headers:bad-response',
    ],
    [
      'hints early a few times',
      say(`${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(8)}${OK}content-length: 0\r\n\r\n`),
      null,
    ],
    ['ends a body of unknown length by closing', say(`${OK}\r\nall of it`), null],
  ];
  test.each(rows)('%s', async (_name, serve, expected) => {
    expect(fault(await seen(serve))).toBe(expected);
  });

  test('keeps what came before the fault', async () => {
    const observation = await seen(say(`${OK}server: x\r\ncontent-length: 100\r\n\r\nhalf`));
    expect(only(observation)).toMatchObject({
      status: 200,
      headers: { server: 'x' },
      body: 'half',
      bodyBytes: 4,
    });
  });
});

describe('a server that never finishes', () => {
  const rows: [name: string, serve: (socket: Socket) => void, fault: string][] = [
    ['says nothing', () => {}, 'headers:timeout'],
    ['drips its headers', drip(OK, 'x-a: b\r\n'), 'headers:timeout'],
    ['drips one header line', drip(`${OK}x-a: `, 'b'), 'headers:timeout'],
    ['drips its body', drip(`${OK}\r\n`, 'x'), 'body:timeout'],
    ['drips chunk extensions', drip(`${OK}transfer-encoding: chunked\r\n\r\n1;`, 'e'), 'body:timeout'],
    ['drips trailers', drip(`${OK}transfer-encoding: chunked\r\n\r\n0\r\n`, 't: 1\r\n'), 'body:timeout'],
    ['drips hops', drip('', 'H'), 'headers:bad-response'],
  ];
  test.each(rows)('%s', async (_name, serve, expected) => {
    const observation = await seen(serve, 1_000);
    expect(fault(observation)).toBe(expected);
    expect(observation.durationMs).toBeLessThan(10_000);
  });

  test('its redirects share the one deadline', async () => {
    let answers = 0;
    const tiring = (socket: Socket): void => {
      socket.once('data', () => {
        answers += 1;
        if (answers < 3) socket.end('HTTP/1.1 302 Found\r\nlocation: /next\r\n\r\n');
      });
    };
    const observation = await seen(tiring, 1_500);
    expect(fault(observation)).toBe('headers:timeout');
    expect(observation.exchanges.map((one) => one.status)).toEqual([302, 302, null]);
    expect(observation.durationMs).toBeGreaterThanOrEqual(1_499);
    expect(observation.durationMs).toBeLessThan(10_000);
  });
});

describe('no connection', () => {
  test('is refused', async () => {
    const address = { host: '127.0.0.1', port: await freePort() };
    const observation = await kit.run(check('https://app.site.test/', { path: path(address) }));
    expect(fault(observation)).toBe('connect:connect-refused');
    expect(only(observation)).toMatchObject({
      remote: { address: '127.0.0.1', port: address.port },
      timings: { connectMs: null },
    });
  });

  test('is never answered', async () => {
    await using deaf = await startDeafOrigin();
    const observation = await kit.run(
      check('https://app.site.test/', { path: path(deaf.address), timeoutMs: 1_000 }),
    );
    expect(fault(observation)).toBe('connect:connect-timeout');
    expect(observation.error?.message).toContain('1 s for everything');
  });

  test('stands, but the handshake is never answered', async () => {
    await using mute = await startRawOrigin({ serve: () => {} });
    const observation = await kit.run(
      check('https://app.site.test/', { path: path(mute.address), timeoutMs: 1_000 }),
    );
    expect(fault(observation)).toBe('tls:timeout');
    expect(only(observation).timings.connectMs).not.toBeNull();
  });

  test('closes within the handshake', async () => {
    await using rude = await startRawOrigin({
      serve: (socket) => socket.once('data', () => socket.destroy()),
    });
    expect(fault(await kit.run(check('https://app.site.test/', { path: path(rude.address) })))).toBe(
      'tls:reset',
    );
  });
});

describe('the head of an answer', () => {
  const lines = (count: number): string =>
    Array.from({ length: count }, (_, index) => `h${index}: v\r\n`).join('');
  /** Head whose names and values count `bytes`. */
  const block = (bytes: number): string =>
    `${OK}a: ${'x'.repeat(bytes - 1 - 'content-length0'.length)}\r\ncontent-length: 0\r\n\r\n`;
  const rows: [name: string, answer: string, fault: string | null][] = [
    ['512 lines', `${OK}${lines(511)}content-length: 0\r\n\r\n`, null],
    ['513 lines', `${OK}${lines(512)}content-length: 0\r\n\r\n`, 'headers:bad-response'],
    ['10,000 lines', `${OK}${lines(10_000)}content-length: 0\r\n\r\n`, 'headers:bad-response'],
    ['64 KiB', block(64 * 1024), null],
    ['64 KiB and a byte', block(64 * 1024 + 1), 'headers:bad-response'],
    ['100 MB', `${OK}a: ${'x'.repeat(100_000_000)}\r\n\r\n`, 'headers:bad-response'],
  ];
  test.each(rows)('%s', async (_name, answer, expected) => {
    expect(fault(await seen(say(answer, 'wait')))).toBe(expected);
  });

  test('keeps 64 of a thousand cookies', async () => {
    const cookies = Array.from({ length: 300 }, (_, index) => `set-cookie: c${index}=v\r\n`).join('');
    const observation = await seen(say(`${OK}${cookies}content-length: 0\r\n\r\n`));
    expect(only(observation).setCookies).toHaveLength(64);
  });

  test('names of prototype properties are headers like any other', async () => {
    const observation = await seen(
      say(`${OK}__proto__: a\r\nconstructor: b\r\nX-Twice: 1\r\nx-twice: 2\r\ncontent-length: 0\r\n\r\n`),
    );
    const { headers } = only(observation);
    expect(Object.getPrototypeOf(headers)).toBeNull();
    expect(Object.entries(headers)).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['x-twice', '1, 2'],
      ['content-length', '0'],
    ]);
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('a');
  });
});
