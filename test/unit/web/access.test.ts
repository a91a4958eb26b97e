// The Host rule and the rule for changes, as matrices of headers (threats W1, W2, W4).

import { describe, expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import {
  hostOfHeader,
  isKnownHost,
  isOpenWide,
  mayChange,
  mayLook,
  mayRead,
  type RequestFacts,
} from '../../../src/web/access.ts';
import type { WebOptions } from '../../../src/web/options.ts';

const PLAIN: WebOptions = { listen: { host: '127.0.0.1', port: 10_780 }, url: null, hosts: [], auth: null };
const PROXIED: WebOptions = {
  ...PLAIN,
  url: 'https://watch.example.com',
  hosts: ['gatewatch.monitoring.svc'],
};
const WIDE: WebOptions = { ...PLAIN, listen: { host: '0.0.0.0', port: 10_780 } };
const LOCKED: WebOptions = {
  ...WIDE,
  url: 'https://watch.example.com',
  auth: { basic: { username: 'ops', password: new Secret('correct horse battery') }, tokens: [] },
};

describe('Host', () => {
  test.each([
    ['127.0.0.1:10780', true],
    ['[::1]:10780', true],
    ['10.42.0.7:10780', true],
    ['localhost:10780', true],
    ['LOCALHOST', true],
    ['localhost.', true],
    ['watch.example.com', true],
    ['Watch.Example.com:443', true],
    ['gatewatch.monitoring.svc:10780', true],
    ['evil.example', false],
    ['127.0.0.1.evil.example', false],
    ['localhost.evil.example', false],
    ['watch.example.com.evil.example', false],
    ['watch.example.com@evil.example', false],
    ['', false],
    ['[::1', false],
    ['[localhost]', false],
    ['2130706433', false],
    [null, false],
  ])('%s is known: %s', (host, known) => {
    expect(isKnownHost(host, PROXIED)).toBe(known);
  });

  test('drops port, trailing dot and case', () => {
    expect(hostOfHeader('Grafana.Example.com.:443')).toBe('grafana.example.com');
    expect(hostOfHeader('[2001:DB8::1]:80')).toBe('2001:db8::1');
  });
});

/** A request of curl on this machine. */
function facts(part: Partial<RequestFacts> & { headers?: readonly string[] } = {}): RequestFacts {
  const { headers = [], ...rest } = part;
  return {
    peer: '127.0.0.1',
    host: '127.0.0.1:10780',
    origin: null,
    secFetchSite: null,
    identity: null,
    ...rest,
    headerNames: new Set(['host', 'user-agent', ...headers]),
  };
}
const page = (part: Partial<RequestFacts> = {}): RequestFacts =>
  facts({
    origin: 'http://127.0.0.1:10780',
    secFetchSite: 'same-origin',
    headers: ['origin', 'sec-fetch-site', 'referer'],
    ...part,
  });
const ops = { kind: 'basic', name: 'ops' } as const;
const runner = { kind: 'token', name: 'ci', may: new Set(['run'] as const) } as const;

describe('changes', () => {
  test.each<[string, RequestFacts, WebOptions, boolean]>([
    ['curl on this machine', facts(), PLAIN, true],
    ['curl on this machine over IPv6', facts({ peer: '::1', host: '[::1]:10780' }), PLAIN, true],
    ['curl on this machine by an IPv4-mapped peer', facts({ peer: '::ffff:127.0.0.1' }), PLAIN, true],
    ['the page itself', page(), PLAIN, true],
    [
      'the page by localhost',
      page({ host: 'localhost:10780', origin: 'http://localhost:10780' }),
      PLAIN,
      true,
    ],
    [
      'a form of another site',
      page({ origin: 'https://evil.example', secFetchSite: 'cross-site' }),
      PLAIN,
      false,
    ],
    [
      'another port of the same host',
      page({ origin: 'http://127.0.0.1:8080', secFetchSite: 'same-site' }),
      PLAIN,
      false,
    ],
    ['a lying Origin with a true Sec-Fetch-Site', page({ secFetchSite: 'cross-site' }), PLAIN, false],
    ['a true Sec-Fetch-Site with another Origin', page({ origin: 'https://evil.example' }), PLAIN, false],
    ['Origin: null', page({ origin: 'null' }), PLAIN, false],
    [
      'an old browser without Sec-Fetch',
      facts({ origin: 'http://127.0.0.1:10780', headers: ['origin'] }),
      PLAIN,
      false,
    ],
    ['a request with a Referer alone', facts({ headers: ['referer'] }), PLAIN, false],
    ['a request with Sec-Fetch-Mode alone', facts({ headers: ['sec-fetch-mode'] }), PLAIN, false],
    ['another machine', facts({ peer: '192.0.2.9' }), PLAIN, false],
    ['curl through a local reverse proxy', facts({ headers: ['x-forwarded-for'] }), PROXIED, false],
    ['curl through a silent local reverse proxy', facts({ host: 'watch.example.com' }), PROXIED, false],
    [
      'the page behind a reverse proxy without a password',
      page({
        host: 'watch.example.com',
        origin: 'https://watch.example.com',
        headers: ['x-forwarded-for'],
      } as never),
      PROXIED,
      false,
    ],
    ['curl to a daemon that listens wide', facts(), WIDE, false],
    ['the page of a daemon that listens wide', page(), WIDE, false],
    [
      'the page with its password',
      page({ host: 'watch.example.com', origin: 'https://watch.example.com', identity: ops }),
      LOCKED,
      true,
    ],
    [
      'the page by web.url while a proxy rewrote Host',
      page({ host: '10.0.0.1:10780', origin: 'https://watch.example.com', identity: ops }),
      LOCKED,
      true,
    ],
    [
      'the page without its password',
      page({ host: 'watch.example.com', origin: 'https://watch.example.com' }),
      LOCKED,
      false,
    ],
    ['curl with the password and no Origin', facts({ identity: ops }), LOCKED, false],
    [
      'another site that rides on the password',
      page({ origin: 'https://evil.example', secFetchSite: 'cross-site', identity: ops }),
      LOCKED,
      false,
    ],
    ['a token of the scope from afar', facts({ peer: '192.0.2.9', identity: runner }), LOCKED, true],
  ])('%s: %#', (_name, given, options, allowed) => {
    expect(mayChange(given, 'run', options).allowed).toBe(allowed);
  });

  test('a token does only what it may', () => {
    expect(mayChange(facts({ identity: runner }), 'reload', LOCKED)).toMatchObject({
      allowed: false,
      status: 403,
    });
  });
});

describe('reading', () => {
  test('is open without web.auth, and asks with it', () => {
    expect(mayRead(null, 'read', WIDE).allowed).toBe(true);
    expect(mayRead(null, 'read', LOCKED)).toMatchObject({ allowed: false, status: 401 });
    expect(mayRead(ops, 'read', LOCKED).allowed).toBe(true);
  });

  test('files of visits are for nobody where a wide listener asks nobody who they are', () => {
    expect(
      [mayLook(null, WIDE), mayLook(null, PLAIN), mayLook(null, LOCKED)].map(({ allowed }) => allowed),
    ).toEqual([false, true, false]);
  });

  test('a token for metrics reads metrics and nothing else', () => {
    const prometheus = { kind: 'token', name: 'prometheus', may: new Set(['metrics'] as const) } as const;
    expect(mayRead(prometheus, 'metrics', LOCKED).allowed).toBe(true);
    expect(mayRead(prometheus, 'read', LOCKED)).toMatchObject({ allowed: false, status: 403 });
  });

  test('wide without a password is wide; loopback is not', () => {
    expect([isOpenWide(WIDE), isOpenWide(PLAIN), isOpenWide(LOCKED)]).toEqual([true, false, false]);
  });
});
