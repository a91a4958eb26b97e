// HTTP/2 where a path asks for it, and servers that misuse it.

import type { ServerHttp2Stream } from 'node:http2';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Identity, startOrigin } from '../../support/origin.ts';
import { check, createKit, fault, type Kit, only, path } from './probe-kit.ts';

let kit: Kit;
let identity: Identity;

beforeAll(async () => {
  kit = await createKit();
  identity = await kit.authority.issue(['*.site.test']);
});

describe('HTTP/2', () => {
  test('is spoken where the path asks for it and the server can', async () => {
    await using origin = await startOrigin({
      identity,
      http2: true,
      respond: (_request, response) => {
        response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'], 'x-one': '1' });
        response.end('two');
      },
    });
    const observation = await kit.run(
      check('https://app.site.test/', { path: path(origin.address, { http: 2 }) }),
    );
    expect(fault(observation)).toBeNull();
    expect(only(observation)).toMatchObject({ status: 200, body: 'two', headers: { 'x-one': '1' } });
    expect(only(observation).setCookies.map((one) => one.name)).toEqual(['a', 'b']);
    expect(origin.requests).toMatchObject([
      { host: 'app.site.test', sni: 'app.site.test', httpVersion: '2.0' },
    ]);
    await kit.run(check('https://app.site.test/', { path: path(origin.address) }));
    expect(origin.requests[1]?.httpVersion).toBe('1.1');
  });

  test('falls back to HTTP/1.1', async () => {
    await using origin = await startOrigin({
      identity,
      respond: (_request, response) => response.end('one'),
    });
    const observation = await kit.run(
      check('https://app.site.test/', { path: path(origin.address, { http: 2 }) }),
    );
    expect(only(observation)).toMatchObject({ status: 200, body: 'one' });
  });

  test('a connection that dies is no second request', async () => {
    await using origin = await startOrigin({
      identity,
      http2: true,
      respond: (request) =>
        (request as unknown as { stream: { session: { destroy(): void } } }).stream.session.destroy(),
    });
    const observation = await kit.run(
      check('https://app.site.test/', { path: path(origin.address, { http: 2 }) }),
    );
    expect(fault(observation)).toBe('headers:reset');
    expect(origin.seen.connections).toBe(1);
  });
});

describe('an HTTP/2 server that misbehaves', () => {
  const many = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`h${index}`, 'v']));
  const rows: [name: string, serve: (stream: ServerHttp2Stream) => void, fault: string | null][] = [
    ['refuses the stream', (stream) => stream.close(7), 'headers:reset'],
    ['resets it with a protocol error', (stream) => stream.close(1), 'headers:bad-response'],
    ['goes away', (stream) => stream.session?.goaway(2), 'headers:reset'],
    ['is cut off', (stream) => stream.session?.socket.destroy(), 'headers:reset'],
    [
      'is cut off within the body',
      (stream) => {
        stream.respond({ ':status': 200 });
        stream.write('half', () => setImmediate(() => stream.session?.destroy()));
      },
      'body:reset',
    ],
    [
      'hints early without end',
      (stream) => {
        for (let hint = 0; hint < 20; hint += 1) stream.additionalHeaders({ ':status': 103 });
      },
      'headers:bad-response',
    ],
    [
      'sends 513 lines',
      (stream) => stream.respond({ ':status': 200, ...many(513) }, { endStream: true }),
      'headers:bad-response',
    ],
    ['says nothing', () => {}, 'headers:timeout'],
    [
      'drips its body',
      (stream) => {
        stream.respond({ ':status': 200 });
        const timer = setInterval(() => stream.write('x'), 20);
        stream.once('close', () => clearInterval(timer));
      },
      'body:timeout',
    ],
    ['answers with a head alone', (stream) => stream.respond({ ':status': 204 }, { endStream: true }), null],
  ];
  test.each(rows)('%s', async (name, serve, expected) => {
    await using origin = await startOrigin({
      identity,
      http2: true,
      respond: (_request, response) => {
        const { stream } = response as unknown as { stream: ServerHttp2Stream };
        stream.on('error', () => {});
        serve(stream);
      },
    });
    const timeoutMs = name === 'says nothing' || name.startsWith('drips') ? 1_000 : 20_000;
    const observation = await kit.run(
      check('https://app.site.test/', { path: path(origin.address, { http: 2 }), timeoutMs }),
    );
    expect(fault(observation)).toBe(expected);
    expect(origin.seen.connections).toBe(1);
    expect(observation.exchanges).toHaveLength(1);
  });
});
