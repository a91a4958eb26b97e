// Fingerprints of the proxy's answer to unknown hosts: the same page must match whatever it echoes.

import { describe, expect, test } from 'vitest';
import { fingerprint } from '../../../src/classify/no-route.ts';
import type { Exchange } from '../../../src/model/observation.ts';
import { APP, canary, check, exchange, judge, knowing, observation } from './subjects.ts';

const html = { 'content-type': 'text/html' };
const at = (host: string, over: Partial<Exchange>): Exchange =>
  exchange({ url: `https://${host}/`, headers: html, ...over });

/** Whether a target's answer is taken for the learned one. */
function matches(learned: Partial<Exchange>, seen: Partial<Exchange>, expect_ = 'login' as const): boolean {
  const value = fingerprint(at('gw-0a1b2c3d4e5f.example.com', learned));
  const knowledge = knowing([{ kind: 'no-route', key: 'example.com@origin', value }]);
  const subject = check({ expect: { is: expect_ } });
  return (
    judge(subject, observation([at('app.example.com', seen)]), { knowledge }).signature === 'proxy-no-route'
  );
}

describe('the learned answer for an unknown host', () => {
  test.each<[string, Partial<Exchange>, Partial<Exchange>, boolean]>([
    ['is the same text', { body: 'gone fishing' }, { body: 'gone fishing' }, true],
    [
      'may echo the host',
      { body: 'no gw-0a1b2c3d4e5f.example.com here' },
      { body: 'no APP.example.com here' },
      true,
    ],
    ['may echo the first label', { body: 'service "gw-0a1b2c3d4e5f"' }, { body: 'service "app"' }, true],
    ['may hold a label as a word', { body: 'this app is away' }, { body: 'this app is away' }, true],
    [
      'may carry numbers and ids',
      { body: 'ray 12, 0123456789abcdef0' },
      { body: 'ray 999, fedcba9876543210f' },
      true,
    ],
    [
      'may echo the host in its redirect',
      { status: 301, headers: { location: 'https://www.example.net/from/gw-0a1b2c3d4e5f.example.com' } },
      { status: 301, headers: { location: 'https://www.example.net/from/app.example.com' } },
      true,
    ],
    ['has the same status', { status: 410, body: 'x' }, { status: 404, body: 'x' }, false],
    [
      'has the same media type',
      { body: 'x' },
      { body: 'x', headers: { 'content-type': 'text/plain' } },
      false,
    ],
    ['has the same text, not another', { body: 'gone fishing' }, { body: 'gone hunting' }, false],
    [
      'redirects to the same place',
      { status: 301, headers: { location: 'https://a.example.net/' } },
      { status: 301, headers: { location: 'https://b.example.net/' } },
      false,
    ],
    ['may be empty for a login target', { status: 410, headers: {} }, { status: 410, headers: {} }, true],
  ])('%s', (_, learned, seen, same) => {
    expect(matches(learned, seen)).toBe(same);
  });

  test('is held against a public page only when it says something', () => {
    for (const [body, signature] of [
      ['', null],
      ['gone', 'proxy-no-route'],
    ] as const) {
      const value = fingerprint(at('gw-0a1b2c3d4e5f.example.com', { body }));
      const knowledge = knowing([{ kind: 'no-route', key: 'example.com@origin', value }]);
      const subject = check({ expect: { is: 'public' } });
      expect(judge(subject, observation([at('app.example.com', { body })]), { knowledge }).signature).toBe(
        signature,
      );
    }
  });

  test('does not outweigh what the configuration describes', () => {
    const body = 'Hello from everywhere';
    const value = fingerprint(at('gw-0a1b2c3d4e5f.example.com', { body }));
    const knowledge = knowing([{ kind: 'no-route', key: 'example.com@origin', value }]);
    const seen = observation([at('app.example.com', { body })]);
    const subject = (contains: string) => check({ expect: { is: 'app', contains } });
    expect(judge(subject('Hello'), seen, { knowledge }).verdict).toBe('up');
    expect(judge(subject('Grafana'), seen, { knowledge }).signature).toBe('proxy-no-route');
  });

  test('closes a page that must not be reachable', () => {
    const subject = check({ expect: { is: 'closed' } });
    const answer = exchange({
      status: 404,
      headers: { 'content-type': 'text/plain' },
      body: '404 page not found\n',
    });
    expect(judge(subject, observation([answer])).verdict).toBe('up');
  });

  test('is known to canaries of a host in the zone', () => {
    const value = fingerprint(at('gw-0a1b2c3d4e5f.example.com', { body: 'gone' }));
    const knowledge = knowing([{ kind: 'no-route', key: 'example.com@origin', value }]);
    const url = 'https://auth.example.com/-/health/ready/';
    const seen = observation([exchange({ url, headers: html, body: 'gone' })]);
    expect(judge(canary('idp-health', { url }), seen, { knowledge }).signature).toBe('proxy-no-route');
  });

  test('is the same for prefixes of different length', () => {
    const long = `${'lorem '.repeat(20_000)}`;
    expect(fingerprint(exchange({ body: long }))).toBe(fingerprint(exchange({ body: `${long}more` })));
  });

  test('is read off any answer, even one without a usable URL', () => {
    expect(fingerprint(exchange({ url: 'nonsense', status: null, headers: { location: '/x' } }))).toContain(
      '|',
    );
    expect(
      fingerprint(exchange({ url: 'file:///x', headers: { location: 'https://a.example/' } })),
    ).toContain('a.example');
  });
});

describe('a default page', () => {
  test.each<[string, 'login' | 'public', string, Partial<Exchange>, boolean]>([
    ['421 for a name that is not served here', 'public', APP, { status: 421, body: 'x' }, true],
    [
      'the text of Traefik on the front page',
      'public',
      APP,
      { status: 404, body: '404 page not found\n' },
      true,
    ],
    [
      'the text of Traefik on a pathname where login must be',
      'login',
      `${APP}x`,
      { status: 404, body: '404 page not found\n' },
      true,
    ],
    [
      'the text of Go on a pathname of a public page',
      'public',
      `${APP}x`,
      { status: 404, body: '404 page not found\n' },
      false,
    ],
    ['a 404 of an app', 'public', APP, { status: 404, body: 'nope' }, false],
    [
      'the page of Apache',
      'public',
      APP,
      { body: '<title>Apache2 Ubuntu Default Page: It works</title>' },
      true,
    ],
    [
      'a long page that speaks of 404',
      'login',
      APP,
      { body: `<title>Wiki</title>${'404 '.repeat(100)}` },
      false,
    ],
  ])('%s', (_, is, url, answer, claimed) => {
    const judgement = judge(check({ url, expect: { is } }), observation([exchange({ url, ...answer })]));
    expect(judgement.signature === 'proxy-no-route').toBe(claimed);
  });
});
