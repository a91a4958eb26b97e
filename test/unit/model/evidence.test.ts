// What is kept of an answer, and what never is (DESIGN 10 "State is a secret", threats S1).

import { expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { evidenceOf, redactLocation } from '../../../src/model/evidence.ts';
import { account, PASSWORD } from '../../support/accounts.ts';
import { canary, check, exchange, observation } from '../classify/subjects.ts';

const BASE = 'https://app.example.com/';

test.each([
  [
    'https://auth.example.com/a?client_id=k3yl1me&state=geheim&scope=openid',
    'https://auth.example.com/a?client_id=k3yl1me&state=…&scope=openid',
  ],
  ['/callback?code=geheim#access_token=geheim', 'https://app.example.com/callback?code=…'],
  ['/login;jsessionid=geheim/x', 'https://app.example.com/login;…/x'],
  ['https://u:geheim@other.example/', 'https://other.example/'],
  [
    '?redirect_uri=https%3A%2F%2Fu%3Ageheim%40app.example.com%2F%3Fx%3Dgeheim',
    'https://app.example.com/?redirect_uri=app.example.com',
  ],
  ['?redirect=nonsense-geheim', 'https://app.example.com/?redirect=…'],
  ['?eyJnZWhlaW0iOiJnZWhlaW0ifQ', 'https://app.example.com/?…'],
  ['?a b<geheim>=1', 'https://app.example.com/?…'],
  ['?debug&lang', 'https://app.example.com/?debug=…&lang=…'],
  ['javascript:geheim()', 'javascript:…'],
  ['data:text/html,geheim', 'data:…'],
  ['https://[geheim', '(not a URL)'],
])('%s is kept as %s', (location, kept) => {
  expect(redactLocation(location, BASE)).toBe(kept);
});

test('a configured header that comes back is not kept, whatever it was put into', () => {
  const secret = 'geheim/&?=é';
  const base = check({ visit: 'fresh' });
  const subject = { ...base, target: { ...base.target, headers: { 'x-waf-skip': secret } } };
  const headers = {
    server: `Echo ${secret}`,
    via: encodeURIComponent(secret),
    'x-powered-by': 'PHP',
    location: `https://other.example/${encodeURIComponent(secret)}?error=${encodeURIComponent(secret)}&scope=openid`,
  };
  const [kept] = evidenceOf(subject, observation([exchange({ headers })]));
  expect(kept?.headers).toEqual({ server: '…', via: '…', 'x-powered-by': 'PHP' });
  expect(kept?.location).toBe('https://other.example/…?error=…&scope=openid');
});

test('neither is one that a canary carried', () => {
  const subject = { ...canary('gate-ping', { url: BASE }), headers: { 'x-waf-skip': 'geheim-waf-skip' } };
  const seen = observation([exchange({ headers: { server: 'Echo geheim-waf-skip' } })]);
  expect(evidenceOf(subject, seen)[0]?.headers).toEqual({ server: '…' });
});

test('neither is the value of a cookie that was set on the way', () => {
  const cookie = { name: 'sid', raw: 'sid=geheim-cookie; Path=/', deletes: false, maxAgeMs: null };
  const seen = observation([
    exchange({ setCookies: [cookie] }),
    exchange({ url: 'https://app.example.com/x/geheim-cookie', headers: { via: 'geheim-cookie' } }),
  ]);
  const kept = evidenceOf(check({ visit: 'fresh' }), seen);
  expect(kept[0]?.setCookies).toEqual(['sid']);
  expect(JSON.stringify(kept)).not.toContain('geheim');
});

test('what looks like a secret only because it is short stays', () => {
  const base = check({ visit: 'fresh' });
  const subject = { ...base, target: { ...base.target, headers: { 'x-on': '1' } } };
  const [kept] = evidenceOf(subject, observation([exchange({ headers: { server: 'nginx/1.1' } })]));
  expect(kept?.headers['server']).toBe('nginx/1.1');
});

test.each([
  ['a password', PASSWORD, 'geheim-password'],
  ['a TOTP secret', PASSWORD, 'GEHEIMTOTPGEHEIM'],
  ['a bearer token', { kind: 'bearer', token: new Secret('geheim-bearer') }, 'geheim-bearer'],
  [
    'a basic credential',
    { kind: 'basic', username: 'probe', password: new Secret('geheim') },
    Buffer.from('probe:geheim').toString('base64'),
  ],
] as const)('%s of the account that comes back is not kept', (_name, credential, secret) => {
  const subject = { ...check({ visit: 'session' }), account: account({ credential }) };
  const seen = observation([exchange({ headers: { server: `Echo ${secret}` } })]);
  expect(evidenceOf(subject, seen)[0]?.headers).toEqual({ server: '…' });
});

test('neither is a session that was sent', () => {
  const subject = { ...check({ visit: 'session' }), account: account() };
  const seen = observation([exchange({ headers: { server: 'Echo geheim-session' } })], {
    secrets: ['geheim-session'],
  });
  expect(evidenceOf(subject, seen)[0]?.headers).toEqual({ server: '…' });
});
