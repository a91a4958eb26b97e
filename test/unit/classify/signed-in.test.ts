// What a right answer is to somebody who is signed in.

import { expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { account } from '../../support/accounts.ts';
import { check, exchange, judge, observation } from './subjects.ts';

const HOST = 'app.example.com';
const AUTHORIZE = 'https://auth.example.com/application/o/authorize/?client_id=c1';
const SESSION = account({ hosts: [HOST] });
const KEY = account({ hosts: [HOST], credential: { kind: 'bearer', token: new Secret('geheim-bearer') } });
const KEPT_OUT = account({ denied: [HOST] });

test.each([
  ['the app', SESSION, { status: 200 }, 'up', null],
  ['a redirect within the app', SESSION, { status: 302, headers: { location: '/home' } }, 'up', null],
  ['a page the app does not show to it', SESSION, { status: 403 }, 'up', null],
  ['the login', SESSION, { status: 302, headers: { location: AUTHORIZE } }, 'unknown', 'gate-sessions-lost'],
  [
    'the login, for an API credential',
    KEY,
    { status: 302, headers: { location: AUTHORIZE } },
    'down',
    'login-denied',
  ],
  ['an error of the app', SESSION, { status: 502, body: 'oops' }, 'down', 'app-error'],
  [
    'another host',
    SESSION,
    { status: 302, headers: { location: 'https://elsewhere.example/' } },
    'down',
    'wrong-login',
  ],
  ['an empty 400', SESSION, { status: 400 }, 'down', 'gate-no-session'],
  ['a challenge', SESSION, { status: 200, body: '<title>Just a moment...</title>' }, 'down', 'bot-challenge'],
  ['an odd status', SESSION, { status: 418 }, 'down', 'wrong-content'],
  ['the app, though kept out', KEPT_OUT, { status: 200 }, 'down', 'exposed'],
  [
    'a page of the app, though kept out',
    KEPT_OUT,
    { status: 302, headers: { location: '/home' } },
    'down',
    'exposed',
  ],
  ['a refusal, and kept out', KEPT_OUT, { status: 403 }, 'up', null],
  ['the login, and kept out', KEPT_OUT, { status: 302, headers: { location: AUTHORIZE } }, 'up', null],
  ['an error, though kept out', KEPT_OUT, { status: 500, body: 'oops' }, 'down', 'app-error'],
] as const)('%s', (_name, who, answer, verdict, signature) => {
  const subject = check({ visit: 'session', account: who });
  expect(judge(subject, observation([exchange(answer)]))).toMatchObject({ verdict, signature });
});
