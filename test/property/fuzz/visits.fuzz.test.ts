// Visits among answers of any bytes: where they go, what they carry there, and what the classifier makes of it.

import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { evidenceOf } from '../../../src/model/evidence.ts';
import { GATE_KINDS, isGatePathname } from '../../../src/model/gate.ts';
import { PATH_KINDS } from '../../../src/model/network-path.ts';
import type { Exchange } from '../../../src/model/observation.ts';
import { EXPECTATION_KINDS } from '../../../src/model/target.ts';
import { VERDICTS } from '../../../src/model/verdict.ts';
import type { Ask } from '../../../src/probe/conversation.ts';
import { visitFresh } from '../../../src/probe/http-visit.ts';
import { createJars } from '../../../src/probe/jar.ts';
import { HOP_LIMIT } from '../../../src/probe/limits.ts';
import { readHead } from '../../../src/probe/response-head.ts';
import { createSignedIn } from '../../../src/probe/signed-in.ts';
import { createTokens } from '../../../src/probe/tokens.ts';
import { expectCleanPrototypes, hostile, hostileKey, latin1, timeBox } from '../../support/fuzz.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { leaksIn, marker } from '../../support/markers.ts';
import {
  authorize,
  check,
  exchange,
  expectation,
  gate,
  judge,
  NOW,
  networkPath,
  observation,
} from '../../unit/classify/subjects.ts';

const SECRET = marker('configured header');
const OWN = 'app.example.com';
/** Longest one judgement may take, ms, on a busy machine. */
const CASE_MS = 5_000;

afterEach(expectCleanPrototypes);

const host = fc.constantFrom(
  OWN,
  'auth.example.com',
  'evil.example',
  `${OWN}.evil.example`,
  'APP.example.com',
  `${OWN}:8443`,
  `${OWN}:443`,
  '127.0.0.1',
  '169.254.169.254',
  `${OWN}@evil.example`,
  `evil.example#@${OWN}`,
  `evil.example\\@${OWN}`,
  'app.example.com.',
  '[::1]',
);
const pathname = fc.oneof(
  fc.constantFrom(
    '/',
    '/x',
    '/outpost.goauthentik.io/start?rd=x',
    '/outpost.goauthentik.io/callback?code=c&state=s',
    '/oauth2/start',
    '/application/o/authorize/?client_id=k3yl1me',
    '/../oauth2/../',
    '//evil.example/oauth2/',
    '/oauth2/%2e%2e/%2e%2e/admin',
  ),
  latin1,
);
const location = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        'https://',
        'http://',
        '//',
        '\\\\',
        'ftp://',
        'javascript:',
        ' https://',
        'https:',
        '',
      ),
      host,
      pathname,
    )
    .map((parts) => parts.join('')),
  hostile,
  fc.constant(authorize()),
);
const setCookie = fc.oneof(
  fc
    .tuple(
      fc.oneof(
        fc.constantFrom('authentik_proxy_x', '_oauth2_proxy', 'authelia_session', '__Host-a', 'a'),
        hostileKey,
      ),
      fc.oneof(fc.constant('v'.repeat(5_000)), hostile),
      fc.constantFrom(
        '',
        '; Domain=example.com',
        '; Domain=com',
        '; Domain=evil.example',
        '; Domain=.auth.example.com',
        '; Path=/x',
        '; Max-Age=0',
        '; Max-Age=1e308',
        '; Expires=x',
        '; Secure',
      ),
    )
    .map(([name, value, rest]) => `${name}=${value}${rest}`),
  latin1,
);
const answer = fc.record({
  status: fc.oneof(
    fc.constantFrom(200, 301, 302, 303, 307, 308, 400, 401, 403, 502),
    fc.integer({ min: 100, max: 999 }),
  ),
  lines: fc.array(
    fc.oneof(
      { weight: 3, arbitrary: fc.tuple(fc.constant('Location'), location) },
      { weight: 3, arbitrary: fc.tuple(fc.constant('Set-Cookie'), setCookie) },
      fc.tuple(
        fc.oneof(hostileKey, fc.constantFrom('server', 'cf-ray', 'via', 'age', 'content-type')),
        fc.oneof(latin1, fc.constant(SECRET.value), fc.constantFrom('cloudflare', 'Caddy', '1')),
      ),
    ),
    { maxLength: 8 },
  ),
  body: fc.oneof(
    hostile,
    fc.constantFrom('<title>Just a moment...</title>', '<ak-flow-executor>', 'Not Found', ''),
  ),
});
type Answer = typeof answer extends fc.Arbitrary<infer T> ? T : never;

function exchangeOf(url: string, { status, lines, body }: Answer): Exchange {
  const head = readHead(lines, NOW);
  if (head === null)
    return exchange({ url, status: null, error: { phase: 'headers', code: 'bad-response', message: 'x' } });
  return exchange({ url, status, body, headers: head.headers, setCookies: head.setCookies });
}

const scene = fc.record({
  kind: fc.constantFrom(...GATE_KINDS),
  wake: fc.constantFrom('always', 'never'),
  is: fc.constantFrom(...EXPECTATION_KINDS),
  path: fc.constantFrom(...PATH_KINDS),
  answers: fc.array(answer, { minLength: 1, maxLength: 8 }),
});

function subjectOf({ kind, wake, is, path }: typeof scene extends fc.Arbitrary<infer T> ? T : never) {
  const base = check({
    visit: 'fresh',
    path: networkPath(path),
    gate: gate({ kind }),
    expect: expectation({ is }),
  });
  return {
    ...base,
    target: { ...base.target, wake, headers: { 'x-waf-skip': SECRET.value } },
  } as typeof base;
}

test('a visit goes nowhere else, takes its secrets nowhere else, and ends', async () => {
  await fc.assert(
    fc.asyncProperty(scene, async (one) => {
      const subject = subjectOf(one);
      const asked: Ask[] = [];
      const clock = manualClock(NOW);
      const get = (ask: Ask): Promise<Exchange> => {
        asked.push(ask);
        return Promise.resolve(
          exchangeOf(ask.url.href, one.answers[(asked.length - 1) % one.answers.length]!),
        );
      };
      const exchanger = { get, handshake: () => Promise.reject(new Error('never')) };
      const limit = { signal: new AbortController().signal, timeoutMs: 1_000, stopped: () => false };
      const jars = createJars(clock);
      const signedIn = createSignedIn(clock);
      const codes = { next: () => Promise.resolve(null) };
      const tokens = createTokens({ clock, exchanger, userAgent: 'test' });
      const tools = { clock, exchanger, jars, signedIn, codes, tokens, paths: [], userAgent: 'test' };
      await visitFresh(subject, tools, limit);
      expect(asked.length).toBeLessThanOrEqual(HOP_LIMIT + 1);
      for (const { url, headers } of asked) {
        const isOwn = url.host === OWN;
        expect(url.protocol).toBe('https:');
        expect(`${url.username}${url.password}`).toBe('');
        expect(isOwn || isGatePathname(one.kind, url.pathname)).toBe(true);
        expect(headers['x-waf-skip'] === undefined).toBe(!isOwn);
        const { cookie = '' } = headers;
        expect(Buffer.byteLength(cookie)).toBeLessThanOrEqual(8 * 1024);
        expect(cookie).not.toMatch(/[\r\n\0]/);
      }
    }),
    timeBox(6_000),
  );
});

test('a cookie goes back to its own domain alone', () => {
  const url = fc.constantFrom(
    `https://${OWN}/`,
    'https://auth.example.com/',
    'https://evil.example/',
    'https://example.com/',
    'https://a.b.app.example.com/',
    `http://${OWN}/`,
  );
  fc.assert(
    fc.property(
      url,
      url,
      fc.array(setCookie, { maxLength: 40 }),
      fc.constantFrom(...GATE_KINDS),
      (from, to, lines, kind) => {
        const jar = createJars(manualClock(NOW)).copy(gate({ kind }));
        jar.take(
          exchangeOf(from, { status: 200, body: '', lines: lines.map((line) => ['Set-Cookie', line]) }),
        );
        const header = jar.header(to).value ?? '';
        expect(Buffer.byteLength(header)).toBeLessThanOrEqual(8 * 1024);
        expect(header === '' ? 0 : header.split('; ').length).toBeLessThanOrEqual(20 * 2);
        const domains = [from, to].map((one) => new URL(one).hostname);
        const related =
          domains[0] === domains[1] || domains.every((one) => `.${one}`.endsWith('.example.com'));
        if (!related) expect(header).toBe('');
      },
    ),
    timeBox(3_000),
  );
});

test('every answer is judged, the same each time, and is an exposure only when it is one', () => {
  fc.assert(
    fc.property(scene, (one) => {
      const subject = subjectOf(one);
      const urls = [subject.target.url, `https://${OWN}/outpost.goauthentik.io/start`, `https://${OWN}/x`];
      const seen = observation(one.answers.slice(0, 3).map((each, index) => exchangeOf(urls[index]!, each)));
      const from = performance.now();
      const judgement = judge(subject, seen);
      expect(judge(subject, seen)).toEqual(judgement);
      expect(performance.now() - from).toBeLessThan(CASE_MS);
      expect(VERDICTS).toContain(judgement.verdict);
      if (judgement.signature === 'exposed') {
        expect(one.is).toBe('login');
        expect(seen.error).toBeNull();
        expect(seen.exchanges.at(-1)?.status).toSatisfy((status: number) => status >= 200 && status < 400);
      }
      const stored = Buffer.from(
        JSON.stringify([evidenceOf(subject, seen), judgement.reason, judgement.learned]),
      );
      expect(leaksIn(stored, [SECRET])).toEqual([]);
      expect(stored.length).toBeLessThan(64 * 1024);
    }),
    timeBox(6_000),
  );
});
