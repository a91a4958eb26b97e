// What the ends of logins are said to be, and whose fault.

import { expect, test } from 'vitest';
import type { FlowEnd, FlowFacts, PageFacts } from '../../../src/model/observation.ts';
import { account } from '../../support/accounts.ts';
import { check, exchange, judge, networkPath, observation } from './subjects.ts';

const EXECUTOR = 'https://auth.example.com/api/v3/flows/executor/x/';
const AUTHORIZE = 'https://auth.example.com/application/o/authorize/?client_id=c1';
const APP = 'https://app.example.com/';
const WHO = account({ hosts: ['app.example.com'] });

function flow(end: FlowEnd, detail = 'in our words', page: PageFacts | null = null): FlowFacts {
  return { steps: [], end, detail, secretsSent: true, clockSkewMs: null, page };
}

const REFUSED = { phase: 'connect', code: 'connect-refused', message: 'refused' } as const;

test.each([
  ['app', 'login', { url: APP, status: 200 }, 'up', null, []],
  ['app', 'login', { url: APP, status: 502, body: 'oops' }, 'down', 'app-error', ['target', 'origin']],
  ['app', 'session', { url: APP, status: 200 }, 'up', null, []],
  ['rejected', 'login', { url: EXECUTOR }, 'down', 'login-denied', ['idp', 'target']],
  ['denied', 'login', { url: EXECUTOR }, 'down', 'login-denied', ['idp', 'target']],
  ['needs-human', 'login', { url: EXECUTOR }, 'down', 'login-needs-human', ['idp']],
  ['flow-error', 'login', { url: EXECUTOR }, 'down', 'idp-flow-error', ['idp']],
  ['callback-failed', 'login', { url: APP, status: 400 }, 'down', 'login-callback-failed', ['gate', 'idp']],
  // Where nothing says what it was, the last answer does.
  [
    'not-finished',
    'login',
    { url: EXECUTOR, status: 502, headers: { server: 'Caddy' } },
    'down',
    'idp-down',
    ['idp', 'origin'],
  ],
  [
    'not-finished',
    'login',
    { url: EXECUTOR, status: 502, body: 'Bad Gateway' },
    'down',
    'idp-down',
    ['idp', 'origin'],
  ],
  [
    'not-finished',
    'login',
    { url: EXECUTOR, status: 503, body: 'authentik starting' },
    'down',
    'idp-starting',
    ['idp'],
  ],
  ['not-finished', 'login', { url: AUTHORIZE, status: 400 }, 'down', 'gate-misconfigured', ['gate', 'idp']],
  [
    'not-finished',
    'login',
    { url: AUTHORIZE, status: null, error: REFUSED },
    'down',
    'connect-refused',
    ['idp', 'origin'],
  ],
  ['not-finished', 'login', { url: APP, status: 400 }, 'down', 'gate-no-session', ['gate-sessions', 'gate']],
  ['not-finished', 'login', { url: APP, status: 200 }, 'down', 'exposed', ['target', 'origin', 'gate']],
  // A host that was to be opened by the session at the provider: that session is gone.
  [
    'not-finished',
    'session',
    { url: EXECUTOR, status: 200, body: '{"component":"ak-stage-identification"}' },
    'unknown',
    'gate-sessions-lost',
    ['gate-sessions', 'gate'],
  ],
] as const)('%s of a %s visit, %o: %s %s', (end, visit, answer, verdict, signature, pointsAt) => {
  const subject = check({ visit, account: WHO, path: networkPath('origin') });
  const seen = observation([exchange({ headers: {}, body: '', status: 200, ...answer })], {
    flow: flow(end),
  });
  expect(judge(subject, seen)).toMatchObject({ verdict, signature, pointsAt });
});

test('a host that could not be opened to a session says nothing of those who are in', () => {
  const seen = observation([exchange({ url: APP, status: 400 })], { flow: flow('not-finished') });
  expect(judge(check({ visit: 'session', account: WHO }), seen)).toMatchObject({
    verdict: 'unknown',
    signature: 'gate-no-session',
  });
});

test('a blank page names the first of what fails', () => {
  const failed = { url: 'https://auth.example.com/x.js', type: 'script', status: 429, error: null };
  const page = { blank: true, failedResources: [failed, failed], consoleErrors: 1, pageErrors: 0 };
  const seen = observation([exchange({ url: EXECUTOR })], {
    flow: flow('page-blank', 'the login page is blank', page),
  });
  expect(judge(check({ visit: 'login', account: WHO }), seen)).toMatchObject({
    signature: 'login-page-blank',
    reason: 'the login page is blank: 2 of its resources fail, the first is answered 429',
  });
});

test.each([
  [19_000, 'up'],
  [21_000, 'degraded'],
])('a login that takes %d ms is %s', (durationMs, verdict) => {
  const seen = observation([exchange({ url: APP, status: 200 })], { flow: flow('app'), durationMs });
  expect(judge(check({ visit: 'login', account: WHO }), seen).verdict).toBe(verdict);
});
