// Where an account may go (DESIGN 10, Credentials; threats C1).

import { expect, test } from 'vitest';
import { isDenied, mayCarry, mayEnter } from '../../../src/model/account.ts';
import { account } from '../../support/accounts.ts';

const monitor = account({
  hosts: ['app.example.com', '*.apps.example.com', 'root.admin.example.com'],
  denied: ['*.admin.example.com', 'secret.apps.example.com'],
});

test.each([
  ['https://app.example.com/', true],
  ['https://APP.example.com:8443/x', true],
  ['https://one.apps.example.com/', true],
  ['https://one.two.apps.example.com/', true],
  ['https://apps.example.com/', false],
  ['https://evilapps.example.com/', false],
  ['https://app.example.com.evil.net/', false],
  ['https://app.example.com./', false],
  ['https://user:x@app.example.com/', false],
  ['https://user@app.example.com/', false],
  ['http://app.example.com/', false],
  ['https://127.0.0.1/', false],
  ['https://xn--pp-xka.example.com/', false],
  // To be refused it must ask.
  ['https://x.admin.example.com/', true],
])('what may be sent to %s: %s', (url, may) => {
  expect(mayCarry(monitor, new URL(url))).toBe(may);
});

test('a denied host is none to enter, whatever else lists it', () => {
  for (const host of ['root.admin.example.com', 'secret.apps.example.com']) {
    expect([mayEnter(monitor, host), isDenied(monitor, host)]).toEqual([false, true]);
  }
  expect([mayEnter(monitor, 'app.example.com'), isDenied(monitor, 'app.example.com')]).toEqual([true, false]);
});
