// Path proof, to the letter of DESIGN 3.

import { describe, expect, test } from 'vitest';
import type { NetworkPath, PathKind } from '../../../src/model/network-path.ts';
import type { Exchange } from '../../../src/model/observation.ts';
import type { Fact } from '../../../src/model/verdict.ts';
import {
  ADDRESS,
  canary,
  check,
  exchange,
  handedOver,
  judge,
  knowing,
  networkPath,
  observation,
  PATHS,
} from './subjects.ts';

const MARK = { 'cf-ray': '8f2a-FRA' };
const HOUR = 3_600_000;

type Answer = 'healthy' | 'faulty' | 'silent';

function answer(kind: PathKind, what: Answer, marked: boolean): Exchange {
  const remote = { address: ADDRESS[kind], port: 443 };
  const headers = marked ? MARK : {};
  if (what === 'healthy') return handedOver({ remote, headers: { ...handedOver().headers, ...headers } });
  if (what === 'faulty') return exchange({ remote, status: 400, headers });
  return exchange({
    remote,
    status: null,
    tls: null,
    error: { phase: 'connect', code: 'connect-refused', message: '' },
  });
}

const proven = (kind: PathKind): Fact => ({
  kind: 'proven-address',
  key: `${kind}|${ADDRESS[kind]}`,
  value: '',
});

describe('path proof', () => {
  test.each<[PathKind, Answer, boolean, string, number | null, string | null]>([
    // path, answer, mark, what is known, hours ago, signature
    ['cdn', 'healthy', true, 'nothing', null, null],
    ['cdn', 'healthy', false, 'nothing', null, 'path-not-taken'],
    ['cdn', 'healthy', false, 'the address', 1, 'path-not-taken'],
    ['cdn', 'faulty', true, 'nothing', null, 'gate-no-session'],
    ['cdn', 'faulty', false, 'nothing', null, 'path-not-taken'],
    ['cdn', 'faulty', false, 'the address', 24, 'gate-no-session'],
    ['cdn', 'faulty', false, 'the address', 25, 'path-not-taken'],
    ['cdn', 'silent', false, 'nothing', null, 'connect-refused'],
    ['origin', 'healthy', false, 'nothing', null, null],
    ['origin', 'healthy', true, 'nothing', null, 'path-not-taken'],
    ['origin', 'faulty', false, 'nothing', null, 'gate-no-session'],
    ['origin', 'faulty', true, 'the address', 1, 'path-not-taken'],
    ['origin', 'silent', false, 'nothing', null, 'connect-refused'],
    ['direct', 'healthy', false, 'nothing', null, null],
    ['direct', 'healthy', true, 'the address', 1, 'path-not-taken'],
    ['direct', 'faulty', true, 'nothing', null, 'path-not-taken'],
    ['direct', 'faulty', true, 'the address', 1, 'gate-no-session'],
    ['direct', 'silent', false, 'nothing', null, 'connect-refused'],
  ])('%s: %s answer, mark %s, known %s (%s h): %s', (kind, what, marked, _, hours, signature) => {
    const knowledge = knowing(hours === null ? [] : [proven(kind)], (hours ?? 0) * HOUR);
    const subject = check({ path: networkPath(kind) });
    const judgement = judge(subject, observation([answer(kind, what, marked)]), { knowledge });
    expect(judgement.signature).toBe(signature);
    if (signature === 'path-not-taken') expect(judgement.verdict).toBe('unknown');
  });

  test.each<[string, Partial<NetworkPath>, string, readonly Fact[], string | null]>([
    ['a configured address', {}, ADDRESS.origin, [], 'path-not-taken'],
    ['its IPv4-mapped form', {}, `::ffff:${ADDRESS.origin}`, [], 'path-not-taken'],
    [
      'a configured IPv6 address',
      { address: { host: '2001:DB8::1', port: 443 } },
      '2001:db8:0::1',
      [],
      'path-not-taken',
    ],
    [
      'another port of it',
      { address: { host: ADDRESS.origin, port: 8443 } },
      ADDRESS.origin,
      [],
      'connect-refused',
    ],
    [
      'a name that never proved this address',
      { address: { host: 'lb.example.com', port: 443 } },
      '192.0.2.1',
      [],
      'connect-refused',
    ],
    [
      'a name that proved this address',
      { address: { host: 'lb.example.com', port: 443 } },
      '192.0.2.1',
      [{ kind: 'proven-address', key: 'origin|192.0.2.1', value: '' }],
      'path-not-taken',
    ],
    ['an origin without address', { address: null }, ADDRESS.origin, [], 'connect-refused'],
  ])(
    'a cdn probe without answer that dialled the origin by %s: see table',
    (_, origin, address, facts, signature) => {
      const silent = { ...answer('cdn', 'silent', false), remote: { address, port: 443 } };
      const site = { paths: [networkPath('cdn'), networkPath('origin', origin)], knowledge: knowing(facts) };
      const judgement = judge(check({ path: networkPath('cdn') }), observation([silent]), site);
      expect(judgement.signature).toBe(signature);
    },
  );

  test('a target that adds the mark itself does not make the origin a CDN', () => {
    const forged = { ...answer('cdn', 'healthy', true), remote: { address: ADDRESS.origin, port: 443 } };
    expect(judge(check({ path: networkPath('cdn') }), observation([forged])).signature).toBe(
      'path-not-taken',
    );
  });

  test('a direct path may lead to the address of the origin', () => {
    const same = { ...answer('direct', 'healthy', false), remote: { address: ADDRESS.origin, port: 443 } };
    expect(judge(check({ path: networkPath('direct') }), observation([same])).verdict).toBe('up');
  });

  test('paths without marks prove themselves by any answer', () => {
    for (const kind of ['cdn', 'origin'] as const) {
      const path = networkPath(kind, { proof: { header: null, absent: null } });
      expect(judge(check({ path }), observation([answer(kind, 'healthy', true)])).verdict).toBe('up');
      expect(judge(check({ path }), observation([answer(kind, 'healthy', false)])).verdict).toBe('up');
    }
  });

  test('the endpoint of the gate on another host need not be behind the CDN', () => {
    const remote = { address: ADDRESS.cdn, port: 443 };
    const location = 'https://sso.example.com/outpost.goauthentik.io/start';
    const first = exchange({ remote, status: 302, headers: { ...MARK, location } });
    const second = handedOver({ url: location });
    expect(judge(check({ path: networkPath('cdn') }), observation([first, second])).verdict).toBe('up');
  });

  test('one marked hop is enough to doubt the origin', () => {
    const first = exchange({ status: 302, headers: { ...MARK, location: '/outpost.goauthentik.io/start' } });
    const second = handedOver({ url: 'https://app.example.com/outpost.goauthentik.io/start' });
    expect(judge(check(), observation([first, second])).signature).toBe('path-not-taken');
  });

  test('canaries prove their path too', () => {
    const ping = exchange({
      url: 'https://app.example.com/outpost.goauthentik.io/ping',
      status: 204,
      remote: { address: ADDRESS.cdn, port: 443 },
    });
    const subject = canary('gate-ping', { url: ping.url, path: networkPath('cdn') });
    expect(judge(subject, observation([ping])).signature).toBe('path-not-taken');
    expect(judge(subject, observation([{ ...ping, headers: MARK }])).verdict).toBe('up');
  });

  test('nothing is learned from an answer that came another way', () => {
    const judgement = judge(
      check({ path: networkPath('cdn') }),
      observation([answer('cdn', 'healthy', false)]),
      { paths: PATHS },
    );
    expect(judgement.learned).toEqual([]);
  });
});
