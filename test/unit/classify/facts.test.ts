// What a probe teaches: facts, sessions seen, cookies lost.

import { describe, expect, test } from 'vitest';
import { fingerprint } from '../../../src/classify/no-route.ts';
import type { CanaryKind } from '../../../src/model/check.ts';
import type { Exchange, SetCookie } from '../../../src/model/observation.ts';
import type { Fact } from '../../../src/model/verdict.ts';
import {
  ADDRESS,
  APP,
  authorize,
  CLIENT,
  canary,
  check,
  DAY,
  exchange,
  gate,
  handedOver,
  judge,
  knowing,
  networkPath,
  observation,
  TLS,
} from './subjects.ts';

const HOUR = 3_600_000;
const cookie = (over: Partial<SetCookie> = {}): SetCookie => ({
  name: 'authentik_proxy_0d7f4f2c',
  raw: 'secret',
  deletes: false,
  maxAgeMs: DAY,
  ...over,
});

const START = 'https://app.example.com/outpost.goauthentik.io/start';

const kinds = (facts: readonly Fact[]): string[] => facts.map((fact) => fact.kind).sort();

describe('a verified hand-over', () => {
  const seen = observation([handedOver({ setCookies: [cookie()] })]);

  test('teaches client, certificate, address, authorize URL, lifetime and that the target was up', () => {
    const { learned } = judge(check(), seen);
    expect(learned).toEqual(
      expect.arrayContaining([
        { kind: 'client', key: 'app.example.com', value: CLIENT },
        { kind: 'certificate', key: 'app.example.com@origin', value: '*.example.com' },
        { kind: 'proven-address', key: `origin|${ADDRESS.origin}`, value: '' },
        { kind: 'lifetime', key: 'authentik', value: String(DAY) },
        { kind: 'seen-up', key: 'app.example.com', value: '' },
      ]),
    );
    const authorized = learned.find((fact) => fact.kind === 'authorize');
    expect(authorized?.key).toBe('authentik');
    expect(new URL(authorized?.value ?? '').searchParams.get('client_id')).toBe(CLIENT);
    expect(authorized?.value).not.toContain('state');
    expect(learned).toHaveLength(6);
  });

  test('teaches nothing new a minute later, and confirms what ages after an hour', () => {
    const { learned } = judge(check(), seen);
    expect(judge(check(), seen, { knowledge: knowing(learned, 60_000) }).learned).toEqual([]);
    const later = judge(check(), seen, { knowledge: knowing(learned, HOUR) }).learned;
    expect(kinds(later)).toEqual(['authorize', 'certificate', 'proven-address']);
  });

  test('does not teach a client where clients are configured', () => {
    const { learned } = judge(check({ gate: gate({ clients: [CLIENT] }) }), seen);
    expect(kinds(learned)).not.toContain('client');
  });

  test('teaches the return host of a domain-wide gate once, unless it is configured', () => {
    const wide = observation([handedOver({}, authorize({ back: 'https://auth.example.com' }))]);
    const fact = { kind: 'callback', key: 'authentik', value: 'auth.example.com' };
    expect(judge(check(), wide).learned).toContainEqual(fact);
    const configured = judge(check({ gate: gate({ callback: 'auth.example.com' }) }), wide);
    expect(kinds(configured.learned)).not.toContain('callback');
  });

  test('makes the known lifetime longer, never shorter', () => {
    const known = (ms: number): readonly Fact[] => [
      { kind: 'lifetime', key: 'authentik', value: String(ms) },
    ];
    expect(kinds(judge(check(), seen, { knowledge: knowing(known(DAY * 2)) }).learned)).not.toContain(
      'lifetime',
    );
    expect(judge(check(), seen, { knowledge: knowing(known(DAY / 2)) }).learned).toContainEqual(
      known(DAY)[0],
    );
  });

  test('without a readable client teaches no authorize URL', () => {
    const portal = handedOver({}, 'https://auth.example.com/?rd=https%3A%2F%2Fapp.example.com%2F');
    const { learned } = judge(check({ gate: gate({ kind: 'authelia' }) }), observation([portal]));
    expect(kinds(learned)).toEqual(['certificate', 'proven-address', 'seen-up']);
  });

  test('by the page of oauth2-proxy teaches no authorize URL', () => {
    const page = exchange({ status: 403, body: '<form action="/oauth2/start">' });
    const judgement = judge(check({ gate: gate({ kind: 'oauth2-proxy' }) }), observation([page]));
    expect(judgement.handover).toMatchObject({ client: '', returnHost: 'app.example.com' });
    expect(kinds(judgement.learned)).not.toContain('authorize');
  });
});

describe('a wrong or failed answer', () => {
  test.each<[string, Exchange, readonly string[]]>([
    [
      'teaches no client and no lifetime',
      handedOver({ setCookies: [cookie()] }, authorize({ host: 'https://x.example.com' })),
      ['certificate', 'proven-address'],
    ],
    [
      'teaches no certificate when TLS failed',
      exchange({ status: null, error: { phase: 'tls', code: 'tls-expired', message: '' } }),
      [],
    ],
    [
      'teaches no certificate that does not match',
      exchange({ status: 400, tls: { ...TLS, matchedName: null } }),
      ['proven-address'],
    ],
    [
      'teaches nothing without a connection',
      exchange({
        status: null,
        tls: null,
        remote: null,
        error: { phase: 'dns', code: 'dns-not-found', message: '' },
      }),
      [],
    ],
    [
      'teaches nothing when the fault was ours',
      exchange({ error: { phase: 'prober', code: 'stalled', message: '' } }),
      [],
    ],
  ])('%s', (_, answer, expected) => {
    expect(kinds(judge(check(), observation([answer])).learned)).toEqual(expected);
  });
});

describe('sessions seen', () => {
  test.each<[string, readonly Exchange[], number]>([
    ['counts a cookie for a request without one', [handedOver({ setCookies: [cookie()] })], 1],
    [
      'counts one an answer, however many cookies there are',
      [handedOver({ setCookies: [cookie(), cookie({ name: 'authentik_proxy_x' })] })],
      1,
    ],
    ['counts no deletion', [handedOver({ setCookies: [cookie({ deletes: true })] })], 0],
    ['counts no other cookie', [handedOver({ setCookies: [cookie({ name: 'theme' })] })], 0],
    [
      'counts no cookie for a request that had one',
      [handedOver({ setCookies: [cookie()], sentCookies: ['authentik_proxy_x'] })],
      0,
    ],
    ['counts no cookie on an answer of an app', [exchange({ setCookies: [cookie()] })], 0],
    [
      'counts no cookie on a redirect to somewhere else',
      [handedOver({ setCookies: [cookie()] }, 'https://www.example.net/')],
      0,
    ],
    [
      'counts the cookie of a redirect to the start endpoint',
      [
        exchange({ status: 302, headers: { location: START }, setCookies: [cookie()] }),
        handedOver({ url: START, sentCookies: ['authentik_proxy_x'], setCookies: [cookie()] }),
      ],
      1,
    ],
    ['counts the cookie of the start endpoint', [handedOver({ url: START, setCookies: [cookie()] })], 1],
    ['counts the cookie of a 401', [exchange({ status: 401, setCookies: [cookie()] })], 1],
  ])('%s', (_, exchanges, expected) => {
    expect(judge(check(), observation(exchanges)).sessionsSeen).toBe(expected);
  });
});

describe('a cookie', () => {
  const gone = cookie({ deletes: true, maxAgeMs: 0 });
  const sent = { sentCookies: ['authentik_proxy_0d7f4f2c'] };

  test.each<[string, Exchange, boolean]>([
    ['is lost when the gate deletes what was sent', handedOver({ ...sent, setCookies: [gone] }), true],
    ['is not lost when none was sent', handedOver({ setCookies: [gone] }), false],
    [
      'is not lost when another takes its place',
      handedOver({ ...sent, setCookies: [gone, cookie()] }),
      false,
    ],
    ['is not lost when an app deletes it', exchange({ ...sent, setCookies: [gone] }), false],
  ])('%s', (_, answer, lost) => {
    expect(judge(check({ visit: 'return' }), observation([answer])).cookieLost).toBe(lost);
  });

  test('deleted by somebody on another path is not lost', () => {
    const answer = handedOver({ ...sent, setCookies: [gone], remote: { address: ADDRESS.cdn, port: 443 } });
    const judgement = judge(check({ visit: 'return', path: networkPath('cdn') }), observation([answer]));
    expect([judgement.signature, judgement.cookieLost]).toEqual(['path-not-taken', false]);
  });
});

describe('a healthy canary', () => {
  const ping = exchange({ url: 'https://app.example.com/outpost.goauthentik.io/ping', status: 204 });
  const subject = canary('gate-ping', { url: APP, gate: gate() });

  test('joins at its first healthy answer', () => {
    const { learned } = judge(subject, observation([ping]));
    expect(learned).toContainEqual({ kind: 'canary', key: subject.id, value: '' });
    expect(kinds(judge(subject, observation([{ ...ping, status: 404 }])).learned)).not.toContain('canary');
  });

  test('is retired when it brings a cookie of the gate', () => {
    const { learned } = judge(subject, observation([{ ...ping, setCookies: [cookie()] }]));
    expect(kinds(learned)).toContain('canary-retired');
    expect(kinds(learned)).not.toContain('canary');
  });

  test('learns what the proxy answers for an unknown host, and confirms it after an hour', () => {
    const answer = exchange({
      url: 'https://gw-0a1b2c3d4e5f.example.com/',
      status: 404,
      body: 'no gw-0a1b2c3d4e5f',
    });
    const random = canary('no-route', { url: 'https://example.com/' });
    const { learned } = judge(random, observation([answer]));
    const fact = { kind: 'no-route', key: 'example.com@origin', value: fingerprint(answer) } as const;
    expect(learned).toContainEqual(fact);
    expect(kinds(learned)).toEqual(['canary', 'no-route', 'proven-address']);
    const other = { ...answer, url: 'https://gw-ffffffffffff.example.com/', body: 'no gw-ffffffffffff' };
    const again = judge(random, observation([other]), { knowledge: knowing([...learned], HOUR) });
    expect(kinds(again.learned)).toContain('no-route');
  });

  test.each([
    ['authentik_session', 'it brought a session of the provider'],
    ['authentik_proxy_0123abcd', 'it brought a cookie of the gate'],
    ['authentik_csrf', null],
  ])('login-assets that bring %s', (name, reason) => {
    const assets = canary('login-assets', { url: 'https://auth.example.com', gate: gate() });
    const page = exchange({ setCookies: [{ name, raw: `${name}=1`, deletes: false, maxAgeMs: null }] });
    const { learned } = judge(assets, observation([exchange({}), page, exchange({})]));
    expect(learned.find(({ kind }) => kind === 'canary-retired')?.value ?? null).toBe(reason);
  });

  test('does not learn a wildcard that leads to the login', () => {
    const answer = handedOver({ url: 'https://gw-0a1b2c3d4e5f.example.com/' });
    const random = canary('no-route', { url: 'https://example.com/', gate: gate() });
    expect(kinds(judge(random, observation([answer])).learned)).not.toContain('no-route');
  });

  test.each<CanaryKind>([
    'control',
    'dns',
    'tls',
    'cdn-trace',
    'gate-ping',
    'idp-health',
    'authorize',
    'login-assets',
    'no-route',
  ])('%s never makes a target seen up', (kind) => {
    const { learned } = judge(canary(kind, { url: APP }), observation([exchange({ status: 204 })]));
    expect(kinds(learned)).not.toContain('seen-up');
  });
});
