// What a right answer is, for each expectation and its conditions; and what is right, but degraded.

import { describe, expect, test } from 'vitest';
import { CATALOGUE, textOf } from '../../../src/classify/catalogue.ts';
import { fromId } from '../../../src/classify/finding.ts';
import { fault } from '../../../src/classify/signature.ts';
import type { ErrorCode, Exchange, Observation } from '../../../src/model/observation.ts';
import type { Expectation } from '../../../src/model/target.ts';
import {
  canary,
  check,
  DAY,
  exchange,
  handedOver,
  judge,
  NOW,
  networkPath,
  observation,
  TLS,
} from './subjects.ts';

const json = { 'content-type': 'application/json' };

describe('a page that must answer', () => {
  test.each<[Partial<Expectation>, Partial<Exchange>, string | null]>([
    [{}, { status: 200 }, null],
    [{}, { status: 204 }, null],
    [{}, { status: 301, headers: { location: 'https://www.example.net/' } }, null],
    [{}, { status: 401 }, null],
    [{}, { status: 403 }, null],
    [{}, { status: 404, headers: json, body: '{}' }, null],
    [{}, { status: 405 }, null],
    [{}, { status: 400, headers: json, body: '{}' }, 'wrong-content'],
    [{}, { status: 410 }, 'wrong-content'],
    [{}, { status: 500, headers: json, body: '{}' }, 'app-error'],
    [{ status: [400] }, { status: 400 }, null],
    [{ status: [200, 204] }, { status: 404 }, 'wrong-content'],
    [{ status: [500] }, { status: 500, headers: json, body: '{}' }, null],
    [{ header: { 'content-type': 'json' } }, { headers: json }, null],
    [{ header: { 'content-type': 'html' } }, { headers: json }, 'wrong-content'],
    [{ header: { 'x-version': '2' } }, {}, 'wrong-content'],
    [{ contains: 'Immich' }, { body: 'Immich' }, null],
    [{ contains: 'Immich' }, { body: 'immich' }, 'wrong-content'],
    [{ contains: 'Immich' }, { body: 'x', bodyTruncated: true }, 'wrong-content'],
    [{ notContains: 'error' }, { body: 'fine' }, null],
    [{ notContains: 'error' }, { body: 'an error' }, 'wrong-content'],
    [{ location: 'https://www.' }, { status: 302, headers: { location: 'https://www.example.net/' } }, null],
    [{ location: 'https://www.' }, { status: 200 }, 'wrong-content'],
  ])('with %j and %j: %s', (expectation, answer, signature) => {
    for (const is of ['public', 'app'] as const) {
      const judgement = judge(check({ expect: { is, ...expectation } }), observation([exchange(answer)]));
      expect(judgement.signature).toBe(signature);
      expect(judgement.verdict).toBe(signature === null ? 'up' : 'down');
    }
  });

  test('behind the CDN of another vendor may answer 403 by itself, but not at the edge of Cloudflare', () => {
    const subject = check({ path: networkPath('cdn'), expect: { is: 'public' } });
    const answer = (headers: Record<string, string>) =>
      judge(
        subject,
        observation([exchange({ status: 403, headers, remote: { address: '104.16.1.1', port: 443 } })]),
      );
    expect(answer({ 'cf-ray': 'x' }).verdict).toBe('up');
    expect(answer({ 'cf-ray': 'x', server: 'cloudflare', 'cf-cache-status': 'DYNAMIC' }).verdict).toBe('up');
    expect(answer({ 'cf-ray': 'x', server: 'cloudflare' }).signature).toBe('blocked');
  });
});

describe('a challenge that is expected', () => {
  const challenged = exchange({ status: 200, body: '<title>Just a moment...</title>' });

  test('is right, marked or not', () => {
    expect(judge(check({ expect: { is: 'challenge' } }), observation([challenged])).verdict).toBe('up');
  });

  test('must meet its conditions too', () => {
    const subject = check({ expect: { is: 'challenge', status: [403] } });
    expect(judge(subject, observation([challenged])).signature).toBe('wrong-content');
  });

  test('is missed when the app answers instead', () => {
    const judgement = judge(check({ expect: { is: 'challenge' } }), observation([exchange({ body: 'app' })]));
    expect(judgement).toMatchObject({ verdict: 'down', signature: 'wrong-content' });
  });
});

describe('a page that must be closed', () => {
  const failing = (code: ErrorCode): Exchange =>
    exchange({ status: null, tls: null, error: { phase: 'connect', code, message: '' } });

  test.each<[ErrorCode, string | null]>([
    ['connect-refused', null],
    ['connect-timeout', null],
    ['unreachable', null],
    ['timeout', null],
    ['reset', null],
    ['tls-failed', null],
    ['dns-not-found', null],
    ['tls-expired', 'tls-expired'],
    ['resolver-unreachable', 'dns-failed'],
    ['stalled', 'prober-fault'],
  ])('%s: %s', (code, signature) => {
    expect(judge(check({ expect: { is: 'closed' } }), observation([failing(code)])).signature).toBe(
      signature,
    );
  });

  test.each<[Partial<Expectation>, number, string | null]>([
    [{}, 403, null],
    [{}, 401, 'not-closed'],
    [{}, 302, 'not-closed'],
    [{ status: [401] }, 401, null],
    [{ status: [401] }, 403, 'not-closed'],
  ])('with %j status %i: %s', (expectation, status, signature) => {
    const subject = check({ expect: { is: 'closed', ...expectation } });
    expect(judge(subject, observation([exchange({ status })])).signature).toBe(signature);
  });
});

describe('a right answer', () => {
  const seen = (tls: Partial<typeof TLS>, over: Partial<Observation> = {}): Observation =>
    observation([handedOver({ tls: { ...TLS, ...tls } })], over);

  test.each<[string, Observation, string | null]>([
    ['in time', seen({}, { durationMs: 5_000 }), null],
    ['that is slow', seen({}, { durationMs: 5_001 }), 'slow'],
    [
      'with 14 days of a 90-day certificate left',
      seen({ notBefore: NOW - 76 * DAY, notAfter: NOW + 14 * DAY }),
      null,
    ],
    [
      'with less than 14 days left',
      seen({ notBefore: NOW - 77 * DAY, notAfter: NOW + 13 * DAY }),
      'certificate-expiring',
    ],
    [
      'with more than a third of a 6-day certificate left',
      seen({ notBefore: NOW - 3 * DAY, notAfter: NOW + 3 * DAY }),
      null,
    ],
    [
      'with less than a third of a 6-day certificate left',
      seen({ notBefore: NOW - 5 * DAY, notAfter: NOW + DAY }),
      'certificate-expiring',
    ],
    ['with a certificate that is over, unverified', seen({ notAfter: NOW - DAY }), 'certificate-expiring'],
    ['without TLS', observation([handedOver({ tls: null })]), null],
  ])('%s: %s', (_, observed, signature) => {
    const judgement = judge(check(), observed);
    expect(judgement.signature).toBe(signature);
    expect(judgement.verdict).toBe(signature === null ? 'up' : 'degraded');
    expect(judgement.handover).not.toBeNull();
  });

  test('of a control is none of our certificates', () => {
    const control = canary('control', { url: 'https://www.debian.org/', path: null });
    expect(judge(control, observation([exchange({ tls: { ...TLS, notAfter: NOW + 1 } })])).verdict).toBe(
      'up',
    );
  });
});

describe('canaries', () => {
  test.each([
    ['dns', observation([]), 'prober-fault'],
    ['tls', observation([exchange({ status: null, tls: null })]), 'prober-fault'],
    ['control', observation([]), 'prober-fault'],
    ['gate-ping', observation([]), 'prober-fault'],
    ['gate-ping', observation([exchange({ status: 200, body: 'app' })]), 'wrong-content'],
    ['idp-health', observation([exchange({ status: 404 })]), 'idp-down'],
    [
      'authorize',
      observation([
        exchange({ status: 302, headers: { location: 'https://x.example/?error=login_required' } }),
      ]),
      'wrong-content',
    ],
    ['authorize', observation([exchange({ status: 302, headers: {} })]), 'wrong-content'],
    ['authorize', observation([exchange({ status: 500 })]), 'idp-down'],
    ['no-route', observation([exchange({ status: 500 })]), 'wrong-content'],
    [
      'control',
      observation([
        exchange({ status: null, error: { phase: 'connect', code: 'connect-timeout', message: '' } }),
      ]),
      'connect-timeout',
    ],
  ] as const)('%s that is not healthy: case %#', (kind, seen, signature) => {
    const gates = {
      url: 'https://auth.example.com/',
      path: kind === 'control' ? null : networkPath('origin'),
    };
    const subject = { ...canary(kind, gates), gate: check().gate };
    expect(judge(subject, seen).signature).toBe(signature);
  });

  test('a control with a broken body was answered all the same', () => {
    const seen = exchange({ status: 200, error: { phase: 'body', code: 'reset', message: '' } });
    const control = canary('control', { url: 'https://www.debian.org/', path: null });
    expect(judge(control, observation([seen])).verdict).toBe('up');
  });

  test('point at the vantage when a control fails', () => {
    const seen = exchange({
      status: null,
      error: { phase: 'connect', code: 'connect-timeout', message: '' },
    });
    const control = canary('control', { url: 'https://www.debian.org/', path: null });
    expect(judge(control, observation([seen])).pointsAt).toEqual(['vantage']);
  });
});

describe('the catalogue', () => {
  test('has unique ids, component types, and complete texts', () => {
    const ids = CATALOGUE.map((text) => text.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const text of CATALOGUE) {
      expect(text.pointsAt.length, text.id).toBeGreaterThan(0);
      expect(text.phrase, text.id).toMatch(/^[a-z][^.]*$/);
      expect(text.meaning, text.id).toMatch(/^[A-Z].*\.$/);
      expect(
        [text.firstCheck, text.source].every((part) => part.length > 5),
        text.id,
      ).toBe(true);
      const known = /^(target|host|gate|outpost|path|zone)$/;
      for (const [, name] of text.firstCheck.matchAll(/(?<!%)\{([a-z]+)\}/g))
        expect(name, text.id).toMatch(known);
    }
  });

  test('knows every id of the design', () => {
    const wanted =
      'dns-failed connect-refused connect-timeout tls-expired tls-wrong-host tls-untrusted tls-failed timeout reset bad-response body-too-large path-not-taken cdn-origin-unreachable cdn-origin-tls cdn-challenge cdn-cached-redirect blocked proxy-no-route proxy-no-backend gate-no-session gate-sessions-lost gate-no-app gate-misconfigured gate-unreachable gate-redirect-loop wrong-login idp-starting idp-down idp-flow-error login-denied login-needs-human login-callback-failed login-page-blank exposed walled-off bot-challenge asleep app-error wrong-content prober-fault';
    expect(wanted.split(' ').filter((id) => textOf(id) === null)).toEqual([]);
  });

  test('is closed', () => {
    expect(() => fromId('nonsense', fault('x'))).toThrow('nonsense');
  });
});
