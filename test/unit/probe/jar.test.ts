// The strangers' jars and a visit's own jar.

import { beforeEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import type { Exchange } from '../../../src/model/observation.ts';
import { createJars, createVisitJar, type Jars } from '../../../src/probe/jar.ts';
import { readHead } from '../../../src/probe/response-head.ts';
import { gate } from '../../integration/probe/probe-kit.ts';

const HOUR_MS = 3_600_000;
const APP = 'https://app.site.test/';
/** First 8 hex characters of sha256('abc'). */
const NAME = 'authentik_proxy_ba7816bf';

let nowMs: number;
let clock: Clock;
let jars: Jars;

beforeEach(() => {
  nowMs = Date.parse('2026-04-18T00:00:00Z');
  clock = { ...systemClock, now: () => nowMs };
  jars = createJars(clock);
});

/** An answer that sets these cookies and leads to the login of client `abc`. */
function answer(cookies: readonly string[], url = APP, client: string | null = 'abc'): Exchange {
  const location =
    client === null ? undefined : `https://auth.site.test/application/o/authorize/?client_id=${client}`;
  const lines = [
    ...cookies.map((one) => ['set-cookie', one] as const),
    ...(location === undefined ? [] : [['location', location] as const]),
  ];
  return { url, ...readHead(lines, nowMs)! } as Exchange;
}

describe('the jar of a gate', () => {
  test('keeps only the cookie of the gate, and gives it back for the hosts it is for', () => {
    jars.keep(gate(), [
      answer([
        `${NAME}=v; Path=/; Secure; HttpOnly; Max-Age=3600`,
        'theme=dark',
        'authentik_proxy_deadbeef=x',
      ]),
    ]);
    expect(jars.header(gate(), `${APP}deep/page`)).toBe(`${NAME}=v`);
    expect(jars.has(gate(), APP)).toBe(true);
    expect(jars.has(gate(), 'https://other.site.test/')).toBe(false);
    expect(jars.has(gate(), 'http://app.site.test/')).toBe(false);
    expect(jars.has(gate({ name: 'other' as never }), APP)).toBe(false);
  });

  test('of a domain-wide gate serves all hosts below', () => {
    jars.keep(gate(), [answer([`${NAME}=v; Path=/; Domain=site.test`])]);
    expect(jars.has(gate(), 'https://other.site.test/')).toBe(true);
    expect(jars.has(gate(), 'https://othersite.test/')).toBe(false);
  });

  test.each([
    ['a public suffix', `${NAME}=v; Domain=test`],
    ['a foreign domain', `${NAME}=v; Domain=other.test`],
    ['more than 4 KiB', `${NAME}=${'v'.repeat(4096)}`],
    ['a deletion', `${NAME}=; Max-Age=0`],
    ['another pathname', `${NAME}=v; Path=/deep`],
  ])('has nothing to replay after a cookie with %s', (_name, cookie) => {
    jars.keep(gate(), [answer([cookie])]);
    expect(jars.header(gate(), APP)).toBeNull();
  });

  test("without a readable client keeps the first cookie with the prefix of the gate, not the app's thousand", () => {
    const many = Array.from({ length: 60 }, (_, index) => `authentik_proxy_${index}=v`);
    jars.keep(gate(), [answer(['x=1', ...many], APP, null)]);
    expect(jars.header(gate(), APP)).toBe('authentik_proxy_0=v');
  });

  test('replays a cookie for 95 % of its life, however often it is used', () => {
    jars.keep(gate(), [answer([`${NAME}=v; Max-Age=3600`])]);
    for (let step = 0; step < 94; step += 1) {
      nowMs += HOUR_MS / 100;
      expect(jars.has(gate(), APP)).toBe(true);
    }
    nowMs += HOUR_MS / 100;
    expect(jars.has(gate(), APP)).toBe(false);
  });

  test('takes a cookie without an end for as long as the gate keeps sessions', () => {
    jars.keep(gate(), [answer([`${NAME}=v`])]);
    nowMs += 22 * HOUR_MS;
    expect(jars.has(gate(), APP)).toBe(true);
    nowMs += HOUR_MS;
    expect(jars.has(gate(), APP)).toBe(false);
  });

  test('a newer cookie replaces the older one', () => {
    jars.keep(gate(), [answer([`${NAME}=old; Max-Age=60`])]);
    nowMs += 50_000;
    jars.keep(gate(), [answer([`${NAME}=new; Max-Age=3600`])]);
    nowMs += 600_000;
    expect(jars.header(gate(), APP)).toBe(`${NAME}=new`);
  });

  test('drops what applies to a URL and nothing else', () => {
    jars.keep(gate(), [answer([`${NAME}=v`])]);
    jars.keep(gate(), [answer([`${NAME}=w`], 'https://other.site.test/')]);
    expect(jars.drop(gate(), APP, false)).toBe(true);
    expect(jars.has(gate(), APP)).toBe(false);
    expect(jars.has(gate(), 'https://other.site.test/')).toBe(true);
  });

  test("drops the cookie of a domain only when it is said to be everybody's loss", () => {
    jars.keep(gate(), [answer([`${NAME}=v; Domain=site.test`])]);
    expect(jars.drop(gate(), APP, false)).toBe(false);
    expect(jars.has(gate(), APP)).toBe(true);
    expect(jars.drop(gate(), APP, true)).toBe(true);
    expect(jars.has(gate(), 'https://other.site.test/')).toBe(false);
  });

  test.each([
    ['__Host- without Secure', '__Host-app=v; Path=/'],
    ['__Host- with a domain', '__Host-app=v; Path=/; Secure; Domain=site.test'],
    ['__Secure- without Secure', '__Secure-app=v'],
    ['a control character', 'app=a\u0001b'],
    ['no name', '=v'],
    ['no equals sign', 'v'],
    ['an IP address for a domain', 'app=v; Domain=127.0.0.1'],
    ['a suffix that sites share', 'app=v; Domain=co.uk'],
  ])('a visit does not take a cookie with %s', (_what, raw) => {
    const jar = createVisitJar(clock, gate(), null);
    jar.take(answer([raw]));
    expect(jar.header(APP)).toEqual({ value: null, trimmed: false });
  });
});

describe('a dump', () => {
  test('brings all unexpired cookies back', () => {
    jars.keep(gate(), [answer([`${NAME}=v; Path=/; Domain=site.test; Secure; Max-Age=3600`])]);
    jars.keep(gate({ name: 'other' as never }), [answer([`${NAME}=w; Max-Age=60`])]);
    const text = jars.dump();
    nowMs += 120_000;
    const restored = createJars(clock);
    restored.restore(text);
    expect(restored.header(gate(), 'https://any.site.test/')).toBe(`${NAME}=v`);
    expect(restored.has(gate({ name: 'other' as never }), APP)).toBe(false);
    nowMs += HOUR_MS;
    expect(restored.has(gate(), APP)).toBe(false);
  });

  test.each([
    '',
    'null',
    '[]',
    '{"authentik":{"cookies":7}}',
    '{"authentik":{}}',
    '{"a":{"cookies":[{"key":7},{}]}}',
    '{',
  ])('that is none (%s) leaves the jars empty', (text) => {
    jars.keep(gate(), [answer([`${NAME}=v`])]);
    jars.restore(text);
    expect(jars.has(gate(), APP)).toBe(false);
  });
});

describe('a visit', () => {
  test('works on a copy: what it gets and loses stays its own', () => {
    jars.keep(gate(), [answer([`${NAME}=v; Path=/`])]);
    const jar = jars.copy(gate());
    jar.take(answer([`${NAME}=; Path=/; Max-Age=0`, 'app=1']));
    expect(jar.header(APP).value).toBe('app=1');
    expect(jar.hasGateCookie(APP)).toBe(false);
    jar.take(answer([`${NAME}=again; Path=/`]));
    expect(jar.header(APP).value).toBe(`${NAME}=again; app=1`);
    expect(jars.header(gate(), APP)).toBe(`${NAME}=v`);
  });

  test('sends at most 20 cookies and 8 KiB, the cookie of the gate first', () => {
    const jar = createVisitJar(clock, gate(), null);
    jar.take(answer(Array.from({ length: 60 }, (_, index) => `c${index}=x`)));
    jar.take(answer([`${NAME}=v`]));
    const pairs = jar.header(APP).value!.split('; ');
    expect(pairs[0]).toBe(`${NAME}=v`);
    expect(pairs).toHaveLength(20);
    const fat = createVisitJar(clock, gate(), null);
    fat.take(answer(Array.from({ length: 10 }, (_, index) => `c${index}=${'x'.repeat(3000)}`)));
    expect(fat.header(APP).value!.length).toBeLessThanOrEqual(8192);
    expect([jar.header(APP).trimmed, fat.header(APP).trimmed]).toEqual([true, true]);
  });

  test.each([
    [20, 'x', false],
    [21, 'x', true],
    [2, 'x'.repeat(4_000), false],
    [3, 'x'.repeat(2_726), true],
  ])('knows whether it left some out: %i cookies', (count, value, trimmed) => {
    const jar = createVisitJar(clock, gate(), null);
    jar.take(answer(Array.from({ length: count }, (_, index) => `c${index + 10}=${value}`)));
    expect(jar.header(APP).trimmed).toBe(trimmed);
  });
});
