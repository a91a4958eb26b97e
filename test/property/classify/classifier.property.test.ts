// The classifier is total and deterministic on whatever the network brings, and never blames a target for our faults.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CATALOGUE } from '../../../src/classify/catalogue.ts';
import { CANARY_KINDS, VISITS } from '../../../src/model/check.ts';
import { GATE_KINDS } from '../../../src/model/gate.ts';
import { PATH_KINDS } from '../../../src/model/network-path.ts';
import { ERROR_CODES, type Exchange, type Observation, type Phase } from '../../../src/model/observation.ts';
import { EXPECTATION_KINDS } from '../../../src/model/target.ts';
import { FACT_KINDS, VERDICTS } from '../../../src/model/verdict.ts';
import {
  ADDRESS,
  authorize,
  canary,
  check,
  expectation,
  gate,
  judge,
  knowing,
  NOW,
  networkPath,
  observation,
  state,
  TLS,
} from '../../unit/classify/subjects.ts';

const TIME_BOX = {
  seed: 20260418,
  numRuns: 20_000,
  interruptAfterTimeLimit: 2_500,
  markInterruptAsFailure: false,
};

const PHASES: readonly Phase[] = ['dns', 'connect', 'tls', 'request', 'headers', 'body', 'prober'];

const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }));

const body = fc.oneof(
  text,
  fc.constantFrom(
    '404 page not found\n',
    'Bad Gateway',
    'error code: 1020',
    'configuration error\n',
    '<title>Just a moment...</title>',
    '<title>Sablier</title>',
    '<hr><center>nginx</center>',
    '<ak-flow-executor>',
    '{"component":"ak-stage-captcha"}',
    '{"Message": "no app for hostname"}',
    'authentik starting',
    'a'.repeat(100_000),
    '<title'.repeat(20_000),
  ),
);

const url = fc.oneof(
  text,
  fc.webUrl(),
  fc.constantFrom(
    'https://app.example.com/',
    'https://app.example.com/outpost.goauthentik.io/start',
    'https://app.example.com/outpost.goauthentik.io/callback',
    'https://auth.example.com/api/v3/flows/executor/x/',
    'https://auth.example.com/static/x.js',
    authorize(),
    authorize({ back: 'https://auth.example.com', state: state('x') }),
    'dns://example.com',
  ),
);

const names = [
  'server',
  'location',
  'cf-ray',
  'cf-mitigated',
  'cf-cache-status',
  'age',
  'via',
  'content-type',
  'x-authentik-id',
  'retry-after',
  '__proto__',
  'constructor',
];

const headers = fc.dictionary(
  fc.oneof(fc.constantFrom(...names), fc.string()),
  fc.oneof(text, url, fc.constantFrom('cloudflare', 'Caddy', 'challenge', 'HIT', 'DYNAMIC', '1')),
  { noNullPrototype: false },
);

const cookie = fc.record({
  name: fc.oneof(fc.string(), fc.constantFrom('authentik_proxy_x', '_oauth2_proxy', 'authelia_session')),
  raw: fc.string(),
  deletes: fc.boolean(),
  maxAgeMs: fc.option(fc.double()),
});

const error = fc.record({
  phase: fc.constantFrom(...PHASES),
  code: fc.constantFrom(...ERROR_CODES),
  message: text,
});

const exchange: fc.Arbitrary<Exchange> = fc.record({
  url,
  remote: fc.option(
    fc.record({
      address: fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.constantFrom(...Object.values(ADDRESS))),
      port: fc.nat(),
    }),
  ),
  resolver: fc.option(fc.string()),
  timings: fc.constant({ dnsMs: null, connectMs: null, tlsMs: null, firstByteMs: null, transferMs: null }),
  tls: fc.option(
    fc
      .record({ notBefore: fc.double(), notAfter: fc.double(), matchedName: fc.option(fc.string()) })
      .map((over) => ({ ...TLS, ...over })),
  ),
  status: fc.option(
    fc.oneof(
      fc.integer({ min: 100, max: 599 }),
      fc.constantFrom(200, 302, 400, 401, 403, 429, 500, 502, 503, 530),
      fc.integer(),
    ),
  ),
  headers,
  setCookies: fc.array(cookie, { maxLength: 3 }),
  sentCookies: fc.array(fc.oneof(fc.string(), fc.constant('authentik_proxy_x')), { maxLength: 2 }),
  body,
  bodyBytes: fc.nat(),
  bodyTruncated: fc.boolean(),
  error: fc.option(error),
});

const observations: fc.Arbitrary<Observation> = fc.record({
  startedAt: fc.constant(NOW),
  durationMs: fc.oneof(fc.nat(), fc.double()),
  exchanges: fc.array(exchange, { maxLength: 4 }),
  stop: fc.constantFrom('answer', 'handover', 'off-host', 'asleep', 'error'),
  error: fc.option(error),
  flow: fc.constant(null),
  secrets: fc.constant([]),
});

const subject = fc
  .record({
    visit: fc.constantFrom(...VISITS),
    canary: fc.option(fc.constantFrom(...CANARY_KINDS), { freq: 2 }),
    path: fc.constantFrom(...PATH_KINDS),
    gate: fc.option(
      fc.record({
        kind: fc.constantFrom(...GATE_KINDS),
        url: fc.constantFrom('https://auth.example.com/', 'nonsense'),
      }),
    ),
    expect: fc.record({
      is: fc.constantFrom(...EXPECTATION_KINDS),
      status: fc.constantFrom<number[][]>([], [200], [404]),
      contains: fc.option(fc.string()),
      header: fc.constantFrom<Record<string, string>[]>({}, { server: 'x' }),
    }),
    url: fc.constantFrom(
      'https://app.example.com/',
      'https://auth.example.com/',
      'https://app.example.com/x',
    ),
  })
  .map(({ visit, canary: kind, path, gate: over, expect: expected, url: at }) => {
    const shared = { url: at, path: networkPath(path), gate: over === null ? null : gate(over) };
    if (kind !== null) return canary(kind, { ...shared, path: kind === 'control' ? null : shared.path });
    return check({ ...shared, visit, expect: expectation(expected) });
  });

const facts = fc.array(
  fc.record({
    kind: fc.constantFrom(...FACT_KINDS),
    key: fc.constantFrom('app.example.com', 'authentik', 'example.com@origin', `cdn|${ADDRESS.cdn}`),
    value: fc.string(),
  }),
  { maxLength: 4 },
);

const IDS = new Set<string>(CATALOGUE.map((entry) => entry.id));

describe('classify', () => {
  test('judges every observation, the same each time, within its own terms', () => {
    fc.assert(
      fc.property(subject, observations, facts, (asked, seen, known) => {
        const site = { knowledge: knowing(known) };
        const judgement = judge(asked, seen, site);
        expect(judge(asked, seen, site)).toEqual(judgement);
        expect(VERDICTS).toContain(judgement.verdict);
        expect(judgement.signature === null).toBe(judgement.verdict === 'up');
        if (judgement.signature !== null) expect(IDS).toContain(judgement.signature);
        expect(judgement.pointsAt.length > 0).toBe(judgement.verdict !== 'up');
        expect(judgement.reason).not.toMatch(/[\r\n]/);
        expect(judgement.sessionsSeen).toBeLessThanOrEqual(seen.exchanges.length);
      }),
      TIME_BOX,
    );
  });

  test('says nothing of the target when the prober failed', () => {
    fc.assert(
      fc.property(subject, observations, fc.constantFrom(...ERROR_CODES), (asked, seen, code) => {
        const failed: Observation = { ...seen, error: { phase: 'prober', code, message: '' } };
        const judgement = judge(asked, failed);
        expect([judgement.verdict, judgement.signature]).toEqual(['unknown', 'prober-fault']);
        expect(judgement.learned).toEqual([]);
      }),
      TIME_BOX,
    );
  });

  test('never puts text of an answer into a reason', () => {
    const mark = 'zq7marker';
    const marked = fc.record({
      url: fc.constant('https://app.example.com/'),
      status: fc.integer({ min: 100, max: 599 }),
      headers: fc.dictionary(
        fc.constantFrom(...names),
        fc.constantFrom(mark, `https://${mark}.example/`, `/${mark}`),
      ),
      body: fc.constantFrom(mark, `<title>${mark}</title>`, `error code: ${mark}`),
      setCookies: fc.constant([{ name: `authentik_proxy_${mark}`, raw: mark, deletes: false, maxAgeMs: 1 }]),
    });
    fc.assert(
      fc.property(subject, exchange, marked, (asked, base, over) => {
        const exchanges = [{ ...base, ...over, error: null }];
        const seen = observation(exchanges);
        expect(judge(asked, seen).reason).not.toContain(mark);
      }),
      TIME_BOX,
    );
  });

  test('is exposed only for a login target that was answered 2xx by its own host', () => {
    fc.assert(
      fc.property(subject, observations, facts, (asked, seen, known) => {
        const judgement = judge(asked, seen, { knowledge: knowing(known) });
        if (judgement.signature !== 'exposed') return;
        const last = seen.exchanges.at(-1);
        expect(asked).toMatchObject({ kind: 'visit', expect: { is: 'login' } });
        expect(Math.floor((last?.status ?? 0) / 100)).toBe(2);
        expect(new URL(last?.url ?? '').hostname).toBe(
          new URL(asked.kind === 'visit' ? asked.target.url : '').hostname,
        );
      }),
      TIME_BOX,
    );
  });
});
