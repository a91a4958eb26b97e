// Canaries over real sockets, and that nothing is left open behind any probe.

import { beforeAll, describe, expect, test } from 'vitest';
import { startNameServer } from '../../../src/demo/name-server.ts';
import { CANARY_KINDS } from '../../../src/model/check.ts';
import { freePort } from '../../support/free-port.ts';
import { type Identity, startOrigin, startRawOrigin } from '../../support/origin.ts';
import { canary, cdnPath, check, createKit, fault, gate, type Kit, only, path, target } from './probe-kit.ts';

let kit: Kit;
let identity: Identity;

beforeAll(async () => {
  kit = await createKit();
  identity = await kit.authority.issue(['*.site.test']);
});

describe('a canary', () => {
  const rows: [kind: (typeof CANARY_KINDS)[number], url: string, asked: string | RegExp][] = [
    ['control', 'https://control.site.test/', 'control.site.test/'],
    ['cdn-trace', 'https://app.site.test/cdn-cgi/trace', 'app.site.test/cdn-cgi/trace'],
    [
      'gate-ping',
      'https://app.site.test/outpost.goauthentik.io/ping',
      'app.site.test/outpost.goauthentik.io/ping',
    ],
    ['idp-health', 'https://auth.site.test/-/health/ready/', 'auth.site.test/-/health/ready/'],
    [
      'authorize',
      'https://auth.site.test/application/o/authorize/?client_id=a',
      'auth.site.test/application/o/authorize/?client_id=a&prompt=none',
    ],
    ['no-route', 'https://site.test/', /^gw-[0-9a-f]{12}\.site\.test\/$/],
  ];
  test.each(rows)('%s asks for one page by its path and follows nothing', async (kind, url, asked) => {
    await using origin = await startOrigin({
      identity,
      respond: (_request, response) =>
        response.writeHead(302, { location: '/elsewhere', 'set-cookie': 'authentik_proxy=x' }).end(),
    });
    const observation = await kit.run(canary(kind, url, { path: path(origin.address), gate: gate() }));
    expect(observation).toMatchObject({ stop: 'answer', error: null });
    expect(only(observation)).toMatchObject({ status: 302, sentCookies: [] });
    expect(origin.requests).toHaveLength(1);
    expect(origin.requests[0]!.host + origin.requests[0]!.url).toMatch(asked);
  });

  test('carries the headers that it was given', async () => {
    await using origin = await startOrigin({ identity, respond: (_request, response) => response.end() });
    const one = canary('cdn-trace', 'https://app.site.test/', { path: path(origin.address) });
    await kit.run({ ...one, headers: { 'x-skip': 'secret' } });
    await kit.run(one);
    expect(origin.requests.map((request) => request.headers['x-skip'])).toEqual(['secret', undefined]);
  });

  test('no-route asks for another host every time', async () => {
    await using origin = await startOrigin({ identity, respond: (_request, response) => response.end() });
    const one = canary('no-route', 'https://site.test/', { path: path(origin.address) });
    await kit.run(one);
    await kit.run(one);
    expect(new Set(origin.requests.map((request) => request.host)).size).toBe(2);
  });

  test('tls shakes hands and sends nothing', async () => {
    await using origin = await startRawOrigin({ identity, serve: () => {} });
    const observation = await kit.run(
      canary('tls', 'https://app.site.test/', { path: path(origin.address) }),
    );
    expect(only(observation)).toMatchObject({
      status: null,
      error: null,
      tls: { matchedName: '*.site.test' },
      timings: { firstByteMs: null },
    });
    expect(origin.seen).toMatchObject({ connections: 1, applicationBytes: 0 });
  });

  test('dns tells whether the zone is answered for, and by whom', async () => {
    await using names = await startNameServer({
      port: 0,
      answer: (name) => (name === 'site.test' ? [] : name === 'broken.test' ? 'servfail' : null),
    });
    const run = (zone: string, resolver = `127.0.0.1:${names.port}`) =>
      kit.run(canary('dns', `dns://${zone}`, { path: cdnPath(0, { resolver: [resolver] }) }));
    const good = await run('site.test');
    expect(only(good)).toMatchObject({
      error: null,
      resolver: `127.0.0.1:${names.port}`,
      remote: null,
      timings: { dnsMs: expect.any(Number) },
    });
    expect(fault(await run('broken.test'))).toBe('dns:dns-failed');
    expect(fault(await run('missing.test'))).toBe('dns:dns-not-found');
    expect(fault(await run('site.test', `127.0.0.1:${await freePort()}`))).toBe('dns:resolver-unreachable');
  });

  test('control is resolved by the operating system and may be in the LAN', async () => {
    await using origin = await startOrigin({
      respond: (_request, response) => response.writeHead(503).end(),
    });
    const observation = await kit.run(canary('control', `http://localhost:${origin.port}/`));
    expect(only(observation)).toMatchObject({ status: 503, resolver: 'system', error: null });
  });

  test.each(CANARY_KINDS)('%s without a usable URL is a fault of ours, not an exception', async (kind) => {
    expect(fault(await kit.run(canary(kind, '')))).toBe('prober:internal');
  });
});

describe('afterwards', () => {
  /** Handles of this process by kind, as libuv counts them. */
  const handles = (): number =>
    process
      .getActiveResourcesInfo()
      .filter((kind) => /TCP|TLS|UDP|Timeout|Brotli|Gunzip|Zlib|QueryReq|GetAddrInfo/i.test(kind)).length;

  /** Waits for it, ten seconds at most. */
  const until = async (holds: () => boolean): Promise<void> => {
    const endAt = Date.now() + 10_000;
    while (!holds() && Date.now() < endAt) await new Promise((resolve) => setTimeout(resolve, 50));
  };

  test('sockets, timers and decoders are back to where they were', async () => {
    const before = handles();
    {
      await using names = await startNameServer({
        port: 0,
        ttl: 0,
        answer: (name) => (name.startsWith('mute') ? 'silent' : ['127.0.0.1']),
      });
      await using mute = await startRawOrigin({ serve: () => {} });
      await using drips = await startRawOrigin({
        identity,
        serve: (socket) => {
          socket.write('HTTP/1.1 200 OK\r\na: ');
          const timer = setInterval(() => socket.write('x'), 20);
          socket.once('close', () => clearInterval(timer));
        },
      });
      await using huge = await startOrigin({
        identity,
        respond: (_request, response) => response.on('error', () => {}).end(Buffer.alloc(2_000_000)),
      });
      await using h2 = await startOrigin({ identity, http2: true, respond: () => {} });
      const timeoutMs = 2_000;
      const subjects = [
        check('https://app.site.test/', { path: path(mute.address), timeoutMs }),
        check('https://app.site.test/', { path: path(drips.address), timeoutMs }),
        check('https://app.site.test/', { path: path(huge.address), timeoutMs: 20_000 }),
        check('https://app.site.test/', { path: path(h2.address, { http: 2 }), timeoutMs }),
        check(`http://mute.site.test/`, { path: cdnPath(names.port), timeoutMs }),
        check(`https://app.site.test:${huge.port}/`, { path: cdnPath(names.port), timeoutMs: 20_000 }),
        check('https://other.test/', { path: path(huge.address), timeoutMs: 20_000 }),
        check(target('https://app.site.test/', { headers: { 'bad header': 'x' } }), {
          path: path(huge.address),
        }),
        canary('tls', 'https://app.site.test/', { path: path(huge.address) }),
      ];
      const all = await Promise.all(
        Array.from({ length: 5 }, () => subjects)
          .flat()
          .map((subject) => kit.run(subject)),
      );
      expect(all.slice(0, subjects.length).map(fault)).toEqual([
        'tls:timeout',
        'headers:timeout',
        null,
        'headers:timeout',
        'dns:resolver-unreachable',
        null,
        'tls:tls-wrong-host',
        'prober:internal',
        null,
      ]);
      // Closed by us, while the servers would still keep them.
      const servers = [mute, drips, huge, h2];
      await until(() => servers.every((server) => server.open() === 0));
      expect(servers.map((server) => server.open())).toEqual([0, 0, 0, 0]);
    }
    await until(() => handles() <= before);
    expect(handles()).toBeLessThanOrEqual(before);
  });
});
