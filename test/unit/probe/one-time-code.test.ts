// One-time codes: the right ones, each once, and durable before they leave.

import { expect, test } from 'vitest';
import { createCodes, isTotpSecret } from '../../../src/probe/one-time-code.ts';
import { account } from '../../support/accounts.ts';
import { manualClock } from '../../support/manual-clock.ts';

/** Secret of the test vectors of RFC 6238, appendix B: `12345678901234567890`. */
const RFC = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const signal = new AbortController().signal;

function codesAt(now: number, last = -1) {
  const clock = manualClock(now);
  const spent: number[] = [];
  const codes = createCodes({
    clock,
    lastStep: () => spent.at(-1) ?? last,
    spend: (_account, step) => {
      spent.push(step);
      return Promise.resolve();
    },
  });
  return { clock, codes, spent };
}

const holder = (totp: string | null) =>
  account({
    credential: {
      kind: 'password',
      username: 'probe',
      password: { reveal: () => 'x' },
      totp: totp === null ? null : { reveal: () => totp },
    },
  });

test.each([
  [59_000, '287082'],
  [1_111_111_109_000, '081804'],
  [2_000_000_000_000, '279037'],
])('at %d it is %s, as RFC 6238 says', async (now, code) => {
  expect(await codesAt(now).codes.next(holder(RFC), signal)).toBe(code);
});

test('a written secret may have spaces and small letters, or be an otpauth URL', async () => {
  for (const text of [
    'gezd gnbv gy3t qojq gezd gnbv gy3t qojq',
    `otpauth://totp/x:probe?secret=${RFC}&issuer=x`,
  ]) {
    expect(await codesAt(59_000).codes.next(holder(text), signal)).toBe('287082');
  }
});

test('a step is given away once: the next code waits for the next step', async () => {
  const { clock, codes, spent } = codesAt(59_000);
  await codes.next(holder(RFC), signal);
  const waiting = codes.next(holder(RFC), signal);
  await clock.advance(900);
  expect(spent).toEqual([1]);
  await clock.advance(200);
  expect(await waiting).not.toBe('287082');
  expect(spent).toEqual([1, 2]);
});

test('a clock that was set back by an hour does not wait for an hour', async () => {
  expect(await codesAt(59_000, 121).codes.next(holder(RFC), signal)).toBe('287082');
});

test('an abort ends the wait without a code', async () => {
  const stop = new AbortController();
  const { codes, spent } = codesAt(59_000, 1);
  const waiting = codes.next(holder(RFC), stop.signal);
  stop.abort();
  expect([await waiting, spent]).toEqual([null, []]);
});

test('an account without a secret has no codes', async () => {
  expect(await codesAt(59_000).codes.next(holder(null), signal)).toBeNull();
});

test.each([
  [RFC, true],
  ['JBSWY3DPEHPK3PXP', true],
  ['short', false],
  ['0189018901890189', false],
  ['otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQ&counter=1', false],
  ['otpauth://nonsense', false],
])('%s is a secret: %s', (text, is) => {
  expect(isTotpSecret(text)).toBe(is);
});
