// When a certificate is a warning of its own: near its end, or gone backwards.

import { describe, expect, test } from 'vitest';
import { createCertificateWatch } from '../../../src/correlate/certificates.ts';
import type { TlsFacts } from '../../../src/model/observation.ts';
import { exchange, probeResult } from '../../support/probe-result.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 4, 1);
const WARN = 14 * DAY;

function tls(over: Partial<TlsFacts> = {}): TlsFacts {
  return {
    protocol: 'TLSv1.3',
    cipher: 'TLS_AES_128_GCM_SHA256',
    matchedName: '*.example.com',
    issuer: 'Test CA',
    notBefore: NOW - 30 * DAY,
    notAfter: NOW + 60 * DAY,
    fingerprint: 'aa',
    ...over,
  };
}
const seen = (facts: TlsFacts | null, path = 'cdn') =>
  probeResult({ at: NOW, path, exchanges: [exchange({ tls: facts })] });

const cases: [what: string, facts: TlsFacts | null, detail: RegExp | null | 'nothing'][] = [
  ['60 of 90 days left are fine', tls(), null],
  ['14 days and an hour left are fine', tls({ notAfter: NOW + WARN + 3_600_000 }), null],
  [
    '13 days left are a warning',
    tls({ notAfter: NOW + 13 * DAY }),
    /2026-05-14 00:00 UTC, 13 days from now$/,
  ],
  ['a day left is one day', tls({ notAfter: NOW + DAY }), /, 1 day from now$/],
  ['the last hours are counted', tls({ notAfter: NOW + 5 * 3_600_000 }), /, 5 hours from now$/],
  ['a third of a life of six days is two', tls({ notBefore: NOW - 3 * DAY, notAfter: NOW + 3 * DAY }), null],
  [
    'less than a third of a life of six days is a warning',
    tls({ notBefore: NOW - 4.5 * DAY, notAfter: NOW + 1.5 * DAY }),
    /, 1 day from now$/,
  ],
  ['an expired one is an incident, not a warning', tls({ notAfter: NOW - 1 }), 'nothing'],
  ['one of another host says nothing', tls({ matchedName: null }), 'nothing'],
  ['a probe without TLS says nothing', null, 'nothing'],
];

test.each(cases)('%s', (_, facts, detail) => {
  const state = createCertificateWatch(WARN)(seen(facts), NOW);
  if (detail === 'nothing') expect(state).toBeNull();
  else if (detail === null) expect(state).toEqual({ name: '*.example.com@cdn', detail: null });
  else expect(state).toEqual({ name: '*.example.com@cdn', detail: expect.stringMatching(detail) });
});

describe('an end that goes backwards', () => {
  const renewed = tls({ notAfter: NOW + 90 * DAY });

  test('is a warning until the later one is back', () => {
    const watch = createCertificateWatch(WARN);
    expect(watch(seen(renewed), NOW)?.detail).toBeNull();
    expect(watch(seen(tls()), NOW)?.detail).toMatch(
      /went backwards: it ends on 2026-06-30 .*, the one before on 2026-07-30/,
    );
    expect(watch(seen(tls()), NOW)?.detail).toMatch(/went backwards/);
    expect(watch(seen(renewed), NOW)?.detail).toBeNull();
  });

  test('is none on another path, by a few hours, or on renewal', () => {
    const watch = createCertificateWatch(WARN);
    watch(seen(renewed), NOW);
    expect(watch(seen(tls(), 'origin'), NOW)?.detail).toBeNull();
    expect(watch(seen(tls({ notAfter: NOW + 90 * DAY - 3_600_000 })), NOW)?.detail).toBeNull();
    expect(watch(seen(tls({ notAfter: NOW + 180 * DAY })), NOW)?.detail).toBeNull();
  });
});
