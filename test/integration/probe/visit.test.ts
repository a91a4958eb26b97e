// Fresh and return visits over real TLS: what reaches the servers, hop by hop.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Observation } from '../../../src/model/observation.ts';
import { type Origin, type SeenRequest, startOrigin } from '../../support/origin.ts';
import { check, createKit, fault, gate, type Kit, only, path, target, USER_AGENT } from './probe-kit.ts';

let kit: Kit;
let identity: { certPem: string; keyPem: string };

beforeAll(async () => {
  kit = await createKit();
  identity = await kit.authority.issue(['*.site.test']);
});

type Respond = (request: IncomingMessage, response: ServerResponse, seen: SeenRequest) => void;

const start = (respond: Respond): Promise<Origin> => startOrigin({ identity, respond });

const AUTHORIZE =
  'https://auth.site.test/application/o/authorize/?client_id=abc&redirect_uri=https%3A%2F%2Fapp.site.test%2Foutpost.goauthentik.io%2Fcallback&response_type=code&state=s';
/** authentik_proxy_ and the first 8 hex characters of sha256('abc'). */
const COOKIE = 'authentik_proxy_ba7816bf';

/** nginx and authentik: 401 turned into /start, which makes the session, then the identity provider. */
const nginxGate: Respond = (request, response) => {
  if (request.url?.startsWith('/outpost.goauthentik.io/start')) {
    response.writeHead(302, {
      location: AUTHORIZE,
      'set-cookie': `${COOKIE}=two; Path=/; HttpOnly; Secure; Max-Age=3601`,
    });
  } else {
    response.writeHead(302, {
      location: '/outpost.goauthentik.io/start?rd=x',
      'set-cookie': [`${COOKIE}=one; Path=/; HttpOnly; Secure; Max-Age=3601`, 'theme=dark; Path=/'],
    });
  }
  response.end();
};

const stops = (observation: Observation): string =>
  `${observation.stop} after ${observation.exchanges.length}`;

describe('a fresh visit', () => {
  test('dials the configured address with the name of the target as SNI and Host', async () => {
    await using origin = await start((_request, response) => response.end('hello'));
    const observation = await kit.run(check('https://app.site.test/x?y=1', { path: path(origin.address) }));
    expect(fault(observation)).toBeNull();
    expect(origin.requests).toMatchObject([
      { url: '/x?y=1', host: 'app.site.test', sni: 'app.site.test', httpVersion: '1.1' },
    ]);
    expect(origin.requests[0]?.headers).toMatchObject({
      'user-agent': USER_AGENT,
      accept: 'text/html',
      'accept-encoding': 'gzip, br',
    });
    expect(only(observation)).toMatchObject({
      url: 'https://app.site.test/x?y=1',
      remote: { address: '127.0.0.1', port: origin.port },
      resolver: null,
      status: 200,
      body: 'hello',
      bodyBytes: 5,
      tls: { matchedName: '*.site.test', protocol: 'TLSv1.3' },
      timings: {
        dnsMs: null,
        connectMs: expect.any(Number),
        tlsMs: expect.any(Number),
        firstByteMs: expect.any(Number),
        transferMs: expect.any(Number),
      },
    });
  });

  test('makes a new connection without resumption every time, and brings no cookie', async () => {
    await using origin = await start((_request, response) => {
      response.writeHead(200, { 'set-cookie': `${COOKIE}=x; Path=/` }).end();
    });
    for (let round = 0; round < 3; round += 1)
      await kit.run(check('https://app.site.test/', { path: path(origin.address), gate: gate() }));
    expect(origin.requests).toHaveLength(3);
    expect(origin.seen).toMatchObject({ connections: 3, resumed: 0 });
    expect(origin.requests.map((request) => request.headers.cookie)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test('carries the cookie it just got to /start and stops before the identity provider', async () => {
    await using origin = await start(nginxGate);
    const observation = await kit.run(
      check('https://app.site.test/', { path: path(origin.address), gate: gate() }),
    );
    expect(stops(observation)).toBe('handover after 2');
    expect(origin.requests.map((request) => [request.host, request.url, request.headers.cookie])).toEqual([
      ['app.site.test', '/', undefined],
      ['app.site.test', '/outpost.goauthentik.io/start?rd=x', `${COOKIE}=one; theme=dark`],
    ]);
    expect(origin.seen.connections).toBe(2);
    expect(observation.exchanges[1]?.sentCookies).toEqual([COOKIE, 'theme']);
    expect(observation.exchanges[0]?.setCookies.map((one) => [one.name, one.maxAgeMs, one.deletes])).toEqual([
      [COOKIE, 3_601_000, false],
      ['theme', null, false],
    ]);
  });

  test('follows the gate to its endpoint on another host, with that host as SNI, and never to its login page', async () => {
    await using origin = await start((request, response) => {
      const location =
        request.headers.host === 'app.site.test'
          ? 'https://auth.site.test/outpost.goauthentik.io/start?rd=x'
          : AUTHORIZE;
      response.writeHead(302, { location }).end();
    });
    const secret = target('https://app.site.test/', { headers: { 'x-waf-skip': 'marker' } });
    const observation = await kit.run(check(secret, { path: path(origin.address), gate: gate() }));
    expect(stops(observation)).toBe('handover after 2');
    expect(origin.requests.map((request) => [request.sni, request.headers['x-waf-skip']])).toEqual([
      ['app.site.test', 'marker'],
      ['auth.site.test', undefined],
    ]);
  });

  const ends: [name: string, location: string, stop: string][] = [
    ['the identity provider', 'https://auth.site.test/if/flow/login/', 'handover after 1'],
    [
      'an authorize endpoint elsewhere',
      'https://other.test/application/o/authorize/?client_id=x',
      'handover after 1',
    ],
    ['another host', 'https://elsewhere.test/', 'off-host after 1'],
    ['another port of the host', 'https://app.site.test:8443/', 'off-host after 1'],
    ['http on the same host', 'http://app.site.test/', 'off-host after 1'],
    ['a URL with credentials', 'https://user:pass@app.site.test/', 'off-host after 1'],
    ['a protocol-relative host', '//elsewhere.test/x', 'off-host after 1'],
    ['backslashes for a host', '\\\\elsewhere.test/x', 'off-host after 1'],
    ['a scheme that is not http', 'javascript:alert(1)', 'off-host after 1'],
    ['a Location that is no URL', 'http://[', 'answer after 1'],
    ['its own host in capitals', 'https://APP.site.test/end', 'answer after 2'],
    ['a relative pathname', 'end', 'answer after 2'],
  ];
  test.each(ends)('redirected to %s (%s): %s', async (_name, location, stop) => {
    await using origin = await start((request, response) => {
      if (request.url === '/end') response.end();
      else response.writeHead(302, { location }).end();
    });
    const observation = await kit.run(
      check('https://app.site.test/', { path: path(origin.address), gate: gate() }),
    );
    expect(stops(observation)).toBe(stop);
    expect(origin.requests).toHaveLength(observation.exchanges.length);
  });

  test('gives up a redirect loop after five hops', async () => {
    await using origin = await start((_request, response) =>
      response.writeHead(302, { location: '/' }).end(),
    );
    const observation = await kit.run(
      check('https://app.site.test/', { path: path(origin.address), gate: gate() }),
    );
    expect(stops(observation)).toBe('error after 6');
    expect(fault(observation)).toBe('headers:too-many-hops');
    expect(origin.requests).toHaveLength(6);
  });

  test('never goes beyond the first answer of a sleeper, but reaches its gate', async () => {
    await using origin = await start((request, response) => {
      const location = request.url === '/gated' ? '/outpost.goauthentik.io/start' : '/app';
      response.writeHead(302, { location }).end();
    });
    const sleeper = (url: string) =>
      check(target(url, { wake: 'never' }), { path: path(origin.address), gate: gate() });
    expect(stops(await kit.run(sleeper('https://app.site.test/')))).toBe('asleep after 1');
    expect(stops(await kit.run(sleeper('https://app.site.test/gated')))).toBe('asleep after 2');
    expect(origin.requests.map((request) => request.url)).not.toContain('/app');
  });

  test('cookies of a target for a public suffix or a foreign domain go nowhere', async () => {
    await using origin = await start((request, response) => {
      const cookies = [
        'a=1; Domain=test',
        'b=1; Domain=other.test',
        '__Host-c=1; Domain=site.test; Secure; Path=/',
        'ok=1',
      ];
      response.writeHead(request.url === '/' ? 302 : 200, { location: '/next', 'set-cookie': cookies }).end();
    });
    await kit.run(check('https://app.site.test/', { path: path(origin.address) }));
    expect(origin.requests[1]?.headers.cookie).toBe('ok=1');
  });
});

describe('a return visit', () => {
  test('replays the kept cookie on every hop and leaves the jar alone', async () => {
    await using origin = await start(nginxGate);
    const own = gate({ name: 'return' as never });
    const fresh = await kit.run(check('https://app.site.test/', { path: path(origin.address), gate: own }));
    kit.jars.keep(own, fresh.exchanges);
    const before = kit.jars.dump();
    const observation = await kit.run(
      check('https://app.site.test/', { path: path(origin.address), gate: own, visit: 'return' }),
    );
    expect(stops(observation)).toBe('handover after 2');
    // The first hop brings what was kept; what it sets shadows that for the rest of this visit.
    expect(origin.requests.slice(2).map((request) => request.headers.cookie)).toEqual([
      `${COOKIE}=two`,
      `${COOKIE}=one; theme=dark`,
    ]);
    expect(kit.jars.header(own, 'https://app.site.test/')).toBe(`${COOKIE}=two`);
    expect(kit.jars.dump().replace(/"lastAccessed":"[^"]*"/g, '')).toBe(
      before.replace(/"lastAccessed":"[^"]*"/g, ''),
    );
  });

  test('sends nothing when there is no cookie to replay', async () => {
    await using origin = await start(nginxGate);
    const observation = await kit.run(
      check('https://app.site.test/', {
        path: path(origin.address),
        gate: gate({ name: 'empty' as never }),
        visit: 'return',
      }),
    );
    expect(observation).toMatchObject({ exchanges: [], stop: 'error', error: { phase: 'prober' } });
    expect(origin.seen.connections).toBe(0);
  });

  test('ends where the answer deletes the cookie: the next request would cost a session', async () => {
    await using origin = await start((_request, response) => {
      response
        .writeHead(302, {
          location: '/outpost.goauthentik.io/start',
          'set-cookie': `${COOKIE}=; Path=/; Max-Age=0`,
        })
        .end();
    });
    const own = gate({ name: 'lost' as never });
    const kept = {
      url: 'https://app.site.test/',
      headers: {},
      setCookies: [{ name: COOKIE, raw: `${COOKIE}=v; Path=/; Secure`, deletes: false, maxAgeMs: null }],
    };
    kit.jars.keep(own, [kept as never]);
    const observation = await kit.run(
      check('https://app.site.test/', { path: path(origin.address), gate: own, visit: 'return' }),
    );
    expect(stops(observation)).toBe('answer after 1');
    expect(origin.requests.map((request) => request.headers.cookie)).toEqual([`${COOKIE}=v`]);
    expect(only(observation).setCookies).toMatchObject([{ name: COOKIE, deletes: true }]);
  });
});

describe('stopping', () => {
  test('an abort from outside is ours, not a time-out of the target', async () => {
    await using origin = await start(() => {});
    const stop = new AbortController();
    const running = kit.run(check('https://app.site.test/', { path: path(origin.address) }), stop.signal);
    while (origin.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    expect(fault(await running)).toBe('prober:aborted');
    expect(
      fault(await kit.run(check('https://app.site.test/', { path: path(origin.address) }), stop.signal)),
    ).toBe('prober:aborted');
  });
});
