// Passwords, tokens, and who tries too often.

import { expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { createIdentify } from '../../../src/web/credentials.ts';
import { manualClock } from '../../support/manual-clock.ts';

const auth = {
  basic: { username: 'ops', password: new Secret('pass:with:colons') },
  tokens: [{ name: 'ci', token: new Secret('0123456789abcdef'), may: new Set(['run'] as const) }],
};
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

test('knows the password and the token, and nobody else', () => {
  const identify = createIdentify(auth, manualClock());
  expect(identify(basic('ops:pass:with:colons'), 'a')).toEqual({ identity: { kind: 'basic', name: 'ops' } });
  expect(identify('Bearer 0123456789abcdef', 'a')).toMatchObject({ identity: { kind: 'token', name: 'ci' } });
  expect(identify(null, 'a')).toEqual({ identity: null });
  for (const wrong of [
    basic('ops:pass'),
    basic('OPS:pass:with:colons'),
    'Bearer 0123456789abcde',
    'Bearer',
    'Digest x',
    basic(''),
  ]) {
    expect(identify(wrong, wrong)).toEqual({ refused: 'wrong' });
  }
});

test('a peer has ten wrong tries a minute, another peer is not touched', () => {
  const clock = manualClock();
  const identify = createIdentify(auth, clock);
  for (let attempt = 1; attempt <= 10; attempt += 1) {
    expect(identify('Bearer wrong', 'a')).toEqual({ refused: 'wrong' });
  }
  expect(identify('Bearer 0123456789abcdef', 'a')).toEqual({ refused: 'too-many' });
  expect(identify('Bearer 0123456789abcdef', 'b')).toMatchObject({ identity: { name: 'ci' } });
  clock.advance(60_000);
  expect(identify('Bearer 0123456789abcdef', 'a')).toMatchObject({ identity: { name: 'ci' } });
});

test('without web.auth every header is ignored', () => {
  expect(createIdentify(null, manualClock())('Bearer whatever', 'a')).toEqual({ identity: null });
});
