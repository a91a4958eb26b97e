// Heads and hops on anything at all: never an exception, never beyond the limits, never a polluted prototype.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Exchange } from '../../../src/model/observation.ts';
import { nextStep } from '../../../src/probe/hops.ts';
import { readHead } from '../../../src/probe/response-head.ts';
import { gate, target } from '../../integration/probe/probe-kit.ts';

const RUN = { seed: 20260418, numRuns: 500, interruptAfterTimeLimit: 10_000 };
const NOW = Date.parse('2026-04-18T00:00:00Z');

const name = fc.oneof(
  fc.constantFrom('set-cookie', 'Set-Cookie', '__proto__', 'constructor', 'location', 'age'),
  fc.string(),
);
const value = fc.oneof(
  fc.constantFrom(
    'a=b; Max-Age=1e308',
    'a=b; Max-Age=-1',
    'a=b; Expires=x',
    'a=b; Max-Age=99999999999999999999',
    '__proto__=x',
    '=',
  ),
  fc.string({ unit: 'binary' }),
);

test('a head is read or refused, bounded, and its cookie lifetimes are clamped', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 600 }), (lines) => {
      const head = readHead(lines, NOW);
      expect(head === null).toBe(lines.length > 512 || lines.flat().join('').length > 65_536);
      if (head === null) return;
      expect(Object.getPrototypeOf(head.headers)).toBeNull();
      expect(head.setCookies.length).toBeLessThanOrEqual(64);
      for (const { maxAgeMs } of head.setCookies) {
        if (maxAgeMs === null) continue;
        expect(maxAgeMs).toBeGreaterThanOrEqual(60_000);
        expect(maxAgeMs).toBeLessThanOrEqual(400 * 86_400_000);
      }
    }),
    RUN,
  );
  expect(Object.keys(Object.prototype)).toEqual([]);
});

const host = fc.constantFrom(
  'app.site.test',
  'auth.site.test',
  'evil.test',
  'APP.site.test',
  '127.0.0.1',
  'app.site.test:8443',
  'app.site.test@evil.test',
);
const pathname = fc.constantFrom(
  '/',
  '/outpost.goauthentik.io/start',
  '/application/o/authorize/',
  '/if/flow/x/',
  '/../outpost.goauthentik.io/',
);
const location = fc.oneof(
  fc
    .tuple(fc.constantFrom('https://', 'http://', '//', '\\\\', 'ftp://', ''), host, pathname)
    .map((parts) => parts.join('')),
  fc.webUrl(),
  fc.string(),
);

test('no hop ever leads to the identity provider, to http, or to a foreign host but for the endpoints of the gate', () => {
  fc.assert(
    fc.property(location, fc.constantFrom(301, 302, 303, 307, 308, 200, 304, 401), (to, status) => {
      const exchange = {
        url: 'https://app.site.test/',
        status,
        headers: { location: to },
      } as unknown as Exchange;
      const step = nextStep(exchange, target('https://app.site.test/'), gate());
      if ('stop' in step) return;
      const { follow } = step;
      expect(status).toBeGreaterThan(300);
      expect(follow.protocol).toBe('https:');
      expect(follow.username).toBe('');
      expect(follow.pathname).not.toContain('/application/o/authorize/');
      const endpoint = follow.pathname.startsWith('/outpost.goauthentik.io/');
      expect(endpoint || follow.host === 'app.site.test').toBe(true);
    }),
    { ...RUN, numRuns: 3_000 },
  );
});
