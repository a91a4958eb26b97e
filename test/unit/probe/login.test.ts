// The walk through authentik's flow executor: every end it can have, and where secrets go.

import { describe, expect, test } from 'vitest';
import type { Account } from '../../../src/model/account.ts';
import type { FlowFacts, Observation } from '../../../src/model/observation.ts';
import { createVisitJar } from '../../../src/probe/jar.ts';
import { signIn } from '../../../src/probe/login.ts';
import { check, gate, path } from '../../integration/probe/probe-kit.ts';
import { account } from '../../support/accounts.ts';
import { manualClock } from '../../support/manual-clock.ts';
import {
  APP,
  go,
  LOGIN,
  type Said,
  type ScriptedLogin,
  scriptedLogin,
  stage,
} from '../../support/scripted-login.ts';

const NOW = Date.UTC(2026, 3, 18);
const WHO = stage('ak-stage-identification', { password_fields: false });
const BOTH = stage('ak-stage-identification', { password_fields: true });
const PASSWORD = stage('ak-stage-password');
const DONE = stage('xak-flow-redirect', { to: '/application/o/authorize/?client_id=abc' });
const TOTP = stage('ak-stage-authenticator-validate', { device_challenges: [{ device_class: 'totp' }] });
const WRONG = { response_errors: { x: [{ string: 'no', code: 'invalid' }] } };
const NO_TOTP = account({
  credential: {
    kind: 'password',
    username: 'probe',
    password: { reveal: () => 'geheim-password' },
    totp: null,
  },
});

async function walk(site: ScriptedLogin, over: { account?: Account; types?: boolean } = {}) {
  const clock = manualClock(NOW);
  const way = path({ host: '192.0.2.1', port: 443 });
  const own = gate({ url: LOGIN, paths: [way.name] });
  const who = over.account ?? account();
  const seen: Pick<Observation, 'flow' | 'error' | 'secrets'> = await signIn(
    {
      check: check(`${APP}/`, { path: way, visit: 'login', gate: own, account: who }),
      account: who,
      gate: own,
      jar: createVisitJar(clock, own, null),
      limit: { signal: new AbortController().signal, timeoutMs: 1_000, stopped: () => false },
      types: over.types ?? true,
    },
    {
      clock,
      exchanger: site.exchanger,
      userAgent: 'test',
      codes: { next: () => Promise.resolve('123456') },
      paths: [way],
    },
  );
  return { flow: seen.flow as FlowFacts, error: seen.error, secrets: seen.secrets };
}

const names = ({ steps }: FlowFacts): string =>
  steps.map(({ name, failed }) => (failed === null ? name : `(${name})`)).join(' > ');

const HEAD = 'hand-over';
const TAIL = 'callback > app';

describe('ends at the app', () => {
  test.each<[string, readonly Said[], string]>([
    ['by name and password on one page', [BOTH, DONE], `${HEAD} > identification > ${TAIL}`],
    ['in two steps', [WHO, PASSWORD, DONE], `${HEAD} > identification > password > ${TAIL}`],
    ['with a code', [BOTH, TOTP, DONE], `${HEAD} > identification > code > ${TAIL}`],
    [
      'with all that a program can answer',
      [WHO, PASSWORD, TOTP, stage('ak-stage-user-login'), stage('ak-stage-consent', { token: 't' }), DONE],
      `${HEAD} > identification > password > code > remember me > consent > ${TAIL}`,
    ],
  ])('%s', async (_name, stages, steps) => {
    const { flow, error } = await walk(scriptedLogin(stages));
    expect([names(flow), flow.end, flow.secretsSent, error]).toEqual([steps, 'app', true, null]);
  });

  test('although the app itself is broken: the login is not', async () => {
    const { flow } = await walk(scriptedLogin([BOTH, DONE], { 'app again': { status: 502 } }));
    expect([flow.end, flow.detail]).toEqual(['app', 'signed in, the app answers 502']);
  });

  test('by consent in a second flow, with the token of the cookie', async () => {
    const site = scriptedLogin([BOTH, DONE, stage('ak-stage-consent', { token: 't' }), DONE], {
      'authorize again': go(`${LOGIN}/if/flow/consent/?next=%2F`, [
        'authentik_csrf=geheim-csrf; Path=/; Secure',
      ]),
    });
    const { flow } = await walk(site);
    expect([names(flow), flow.end]).toEqual([`${HEAD} > identification > consent > ${TAIL}`, 'app']);
    const consent = site.asks.findLast(({ post }) => post !== undefined);
    expect(consent?.headers).toMatchObject({ 'x-authentik-csrf': 'geheim-csrf', origin: LOGIN });
  });
});

describe('ends before it', () => {
  const human = (component: string, fields = {}): readonly Said[] => [BOTH, stage(component, fields)];
  test.each<[string, readonly Said[], Readonly<Record<string, Said>>, string, string]>([
    [
      'the password is refused',
      [WHO, PASSWORD, stage('ak-stage-password', WRONG)],
      {},
      'rejected',
      'the user name or the password is refused',
    ],
    [
      'name and password are refused',
      [BOTH, stage('ak-stage-identification', WRONG)],
      {},
      'rejected',
      'the user name or the password is refused',
    ],
    [
      'the code is refused',
      [BOTH, TOTP, stage('ak-stage-authenticator-validate', WRONG)],
      {},
      'rejected',
      'the one-time code is refused',
    ],
    [
      'a policy denies',
      human('ak-stage-access-denied'),
      {},
      'denied',
      'the identity provider denies the login',
    ],
    [
      'the application is denied',
      [BOTH, DONE],
      { denied: { status: 200, body: '<title>Permission denied' } },
      'denied',
      'the identity provider denies access to the application',
    ],
    [
      'the flow fails',
      human('ak-stage-flow-error', { request_id: 'x' }),
      {},
      'flow-error',
      'the login flow fails on the server',
    ],
    [
      'the server fails in the middle',
      [BOTH, { status: 500, headers: { 'x-authentik-id': 'x' } }],
      {},
      'flow-error',
      'the identity provider answers 500 in the middle of the login',
    ],
    [
      'a proxy answers for the server',
      [BOTH, { status: 502 }],
      {},
      'not-finished',
      'the identity provider answers 502 in the middle of the login',
    ],
    ['a captcha', human('ak-stage-captcha'), {}, 'needs-human', 'the login asks for a captcha'],
    [
      'a captcha on the first page',
      [stage('ak-stage-identification', { captcha_stage: {} })],
      {},
      'needs-human',
      'the login asks for a captcha',
    ],
    ['a form', human('ak-stage-prompt'), {}, 'needs-human', 'the login asks to fill in a form'],
    [
      'a stage of a later version',
      human('ak-stage-telepathy'),
      {},
      'needs-human',
      'the login has a step that no program knows',
    ],
    [
      'a security key',
      human('ak-stage-authenticator-validate', { device_challenges: [{ device_class: 'webauthn' }] }),
      {},
      'needs-human',
      'the login asks for a second factor that is not TOTP',
    ],
    [
      'no challenge at all',
      [{ status: 200, body: '<html>' }],
      {},
      'not-finished',
      'the identity provider answers 200 in the middle of the login',
    ],
    [
      'the gate does not take the result',
      [BOTH, DONE],
      { callback: { status: 400 } },
      'callback-failed',
      'the gate answers 400 to the result of the login',
    ],
    [
      'the gate asks again',
      [BOTH, DONE],
      { 'app again': go(`${LOGIN}/application/o/authorize/?client_id=abc`) },
      'callback-failed',
      'the gate asks for the login again, right after it',
    ],
    [
      'the gate makes no session',
      [],
      { app: { status: 400 } },
      'not-finished',
      'status 400 on the way to the login',
    ],
    [
      'the client is not known',
      [],
      { authorize: { status: 400 } },
      'not-finished',
      'the identity provider answers 400 to the login request',
    ],
  ])('%s', async (_name, stages, over, end, detail) => {
    const { flow } = await walk(scriptedLogin(stages, over));
    expect([flow.end, flow.detail]).toEqual([end, detail]);
    expect(flow.steps.at(-1)?.failed).toBe(detail);
  });

  test('a code is asked for, and the account has no secret for it', async () => {
    const { flow } = await walk(scriptedLogin([BOTH, TOTP, DONE]), { account: NO_TOTP });
    expect([flow.end, flow.detail]).toEqual([
      'needs-human',
      'the login asks for a second factor, and the account has no TOTP secret here',
    ]);
  });
});

describe('where secrets go', () => {
  test.each<[string, readonly Said[], Readonly<Record<string, Said>>]>([
    [
      'the app sends to a login of its own making',
      [BOTH, DONE],
      { app: go('https://evil.test/application/o/authorize/?x') },
    ],
    [
      'the login is at another port',
      [BOTH, DONE],
      { app: go('https://auth.site.test:8443/application/o/authorize/?x') },
    ],
    [
      'the login is plain http',
      [BOTH, DONE],
      { app: go('http://auth.site.test/application/o/authorize/?x') },
    ],
    ['the flow is elsewhere', [BOTH, DONE], { authorize: go('https://evil.test/if/flow/x/?next=1') }],
    ['the executor sends elsewhere', [go('https://evil.test/api/v3/flows/executor/x/')], {}],
  ])('nothing is typed when %s', async (_name, stages, over) => {
    const site = scriptedLogin(stages, over);
    const { flow } = await walk(site);
    expect([flow.end === 'app', flow.secretsSent, site.posts]).toEqual([false, false, []]);
    expect(site.asked.filter((one) => one.includes('evil'))).toEqual([]);
  });

  test('a flow that ends at a foreign host is not followed', async () => {
    const site = scriptedLogin([BOTH, stage('xak-flow-redirect', { to: 'https://evil.test/?code=1' })]);
    expect((await walk(site)).flow.end).toBe('flow-error');
    expect(site.asked.filter((one) => one.includes('evil'))).toEqual([]);
  });

  test('the password goes to the executor alone, cookies to the host that set them', async () => {
    const site = scriptedLogin([BOTH, DONE]);
    const { secrets } = await walk(site);
    expect(site.posts).toEqual([
      { component: 'ak-stage-identification', uid_field: 'probe', password: 'geheim-password' },
    ]);
    for (const { url, headers } of site.asks) {
      const cookie = headers['cookie'] ?? '';
      expect(cookie.includes('geheim-idp')).toBe(url.host === 'auth.site.test' && cookie !== '');
      expect(JSON.stringify(headers)).not.toContain('geheim-password');
    }
    expect(secrets).toEqual(expect.arrayContaining(['geheim-code', 'geheim-state']));
  });

  test('a kept session that has to type ends without typing', async () => {
    const site = scriptedLogin([WHO, PASSWORD, DONE]);
    const { flow } = await walk(site, { types: false });
    expect([flow.end, flow.secretsSent, site.posts]).toEqual(['not-finished', false, []]);
  });
});

test('a site that sends in circles is left after thirty requests', async () => {
  const site = scriptedLogin([], { authorize: go(`${LOGIN}/application/o/authorize/?client_id=abc`) });
  expect((await walk(site)).flow.end).toBe('callback-failed');
  expect(site.asked).toHaveLength(30);
});

test('a clock that is off is told where a code is refused', async () => {
  const date = new Date(NOW - 95_000).toUTCString();
  const refused = stage('ak-stage-authenticator-validate', WRONG);
  const { flow } = await walk(scriptedLogin([{ ...BOTH, headers: { date } }, TOTP, refused]));
  expect(flow.clockSkewMs).toBe(94_500);
  expect(flow.detail).toBe("the one-time code is refused; our clock is 95 s ahead of the provider's");
});
