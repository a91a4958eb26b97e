// Logging in at the demo site without a browser: stages, errors, consent, and what the gate makes of it.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { LoginSetup } from '../../../src/demo/login-flow.ts';
import { type Site, startSite } from '../../../src/demo/site.ts';
import { codeOf, type Page, type Person, person } from '../../support/person.ts';
import { doorOf, firstCookie, locationOf, type Path, portOf, setCookies } from './visitor.ts';

let own: Site;
/** What differs from the usual login; most tests do without codes, which are good once. */
let setup: Partial<LoginSetup>;
beforeAll(async () => {
  const ports = { edge: 0, origin: 0, dns: 0 };
  own = await startSite({ clock: systemClock, ports, login: () => setup, denied: ['router.lab.test'] });
});
beforeEach(() => {
  setup = { totp: false };
});
afterAll(() => own[Symbol.asyncDispose]());

function anybody(path: Path = 'edge'): Person {
  return person(doorOf(own, path));
}

const LOGIN = 'auth.casa.test';
const HOST = 'grafana.lab.test';
const IDENTIFICATION = 'ak-stage-identification';
const PASSWORD = 'ak-stage-password';
const VALIDATE = 'ak-stage-authenticator-validate';
const DENIED = 'ak-stage-access-denied';

/** Whether it is the page of the application, as its user sees it. */
function isApp(seen: Page): boolean {
  return seen.status === 200 && seen.body.includes('Signed in as gatewatch.');
}

describe('a login', () => {
  test.each(['edge', 'origin'] as const)('on path %s leads to the page that was asked for', async (path) => {
    const who = anybody(path);
    const before = own.counters().sessions;
    const seen = await who.logIn(`${HOST}/d/abc?orgId=1`);
    expect([isApp(seen), own.counters().sessions - before]).toEqual([true, 1]);
    expect(isApp(await who.go(HOST))).toBe(true);
  });

  test('asks for name, password and code one after another, each answered by a redirect to itself', async () => {
    setup = {};
    const who = anybody();
    const login = await who.reachLogin(HOST);
    const { username: uid_field, password } = doorOf(own).user;
    const first = await who.ask(login);
    expect(first).toMatchObject({
      component: IDENTIFICATION,
      password_fields: false,
      response_errors: {},
      flow_info: { title: expect.any(String), layout: 'stacked' },
    });
    expect(await who.ask(login, { component: IDENTIFICATION, uid_field })).toMatchObject({
      component: PASSWORD,
      pending_user: uid_field,
      statuses: [302, 200],
    });
    expect(await who.ask(login, { component: PASSWORD, password })).toMatchObject({
      component: VALIDATE,
      device_challenges: [{ device_class: 'totp' }],
      statuses: [302, 200],
    });
    const end = await who.ask(login, { component: VALIDATE, code: codeOf(doorOf(own).user) });
    expect([end.component, end.statuses]).toEqual(['xak-flow-redirect', [302, 200]]);
    expect(String(end['to'])).toMatch(/^\/application\/o\/authorize\/\?client_id=/);
  });

  test('takes name and password on one page where they are asked for together', async () => {
    setup = { steps: 'one', totp: false };
    const who = anybody();
    const login = await who.reachLogin(HOST);
    const { username: uid_field, password } = doorOf(own).user;
    expect(await who.ask(login)).toMatchObject({ component: IDENTIFICATION, password_fields: true });
    expect(await who.ask(login, { uid_field, password: 'wrong' })).toMatchObject({
      component: IDENTIFICATION,
      response_errors: { non_field_errors: [{ string: 'Failed to authenticate.', code: 'invalid' }] },
      statuses: [200],
    });
    expect(await who.ask(login, { uid_field, password })).toMatchObject({ component: 'xak-flow-redirect' });
  });

  test('asks at the end whether to stay signed in, where that is offered', async () => {
    setup = { totp: false, rememberMe: true };
    const who = anybody();
    const login = await who.reachLogin(HOST);
    const { username: uid_field, password } = doorOf(own).user;
    await who.ask(login, { uid_field });
    expect((await who.ask(login, { password })).component).toBe('ak-stage-user-login');
    expect(await who.ask(login, { remember_me: false })).toMatchObject({
      component: 'xak-flow-redirect',
      statuses: [200],
    });
  });

  test('of a second application needs no password, and a session of its own', async () => {
    const who = anybody();
    const before = own.counters().sessions;
    await who.logIn(HOST);
    const authorize = locationOf(await who.go('photos.casa.test'));
    const back = locationOf(await who.go(authorize.href));
    expect(`${back.hostname}${back.pathname}`).toBe('photos.casa.test/outpost.goauthentik.io/callback');
    const answered = await who.go(back.href);
    expect([answered.status, locationOf(answered).href]).toEqual([
      302,
      `https://photos.casa.test:${portOf(own, 'EDGE_PORT')}/`,
    ]);
    expect(isApp(await who.go('photos.casa.test'))).toBe(true);
    expect(own.counters().sessions - before).toBe(2);
  });
});

describe('what goes wrong', () => {
  test('a wrong password is said with status 200, and the fifth one ends the flow', async () => {
    const who = anybody();
    const login = await who.reachLogin(HOST);
    await who.ask(login, { uid_field: doorOf(own).user.username });
    for (let n = 0; n < 4; n++) {
      expect(await who.ask(login, { password: 'wrong' })).toMatchObject({
        component: PASSWORD,
        response_errors: { password: [{ string: 'Invalid password', code: 'invalid' }] },
        statuses: [200],
      });
    }
    expect(await who.ask(login, { password: 'wrong' })).toMatchObject({
      component: DENIED,
      error_message: 'Invalid password',
    });
  });

  test('an unknown name looks like a wrong password', async () => {
    const who = anybody();
    const login = await who.reachLogin(HOST);
    expect((await who.ask(login, { uid_field: 'nobody' })).component).toBe(PASSWORD);
    const { response_errors } = await who.ask(login, { password: doorOf(own).user.password });
    expect(response_errors['password']?.[0]?.string).toBe('Invalid password');
  });

  test('a code is good once, and one from long ago never', async () => {
    setup = {};
    const code = codeOf(doorOf(own).user, 1);
    expect(isApp(await anybody().logIn(HOST, { code }))).toBe(true);
    for (const stale of [code, codeOf(doorOf(own).user, -5)]) {
      await expect(anybody().logIn(HOST, { code: stale })).rejects.toThrow(
        'Invalid Token. Please ensure the time on your device is accurate and try again.',
      );
    }
  });

  const setups: [string, Partial<LoginSetup>, string][] = [
    ['a captcha', { captcha: true }, 'ak-stage-captcha'],
    ['a policy that turns everybody away', { outcome: 'denied' }, DENIED],
    ['an exception', { outcome: 'error' }, 'ak-stage-flow-error'],
  ];
  test.each(setups)('%s is a component of its own, with status 200', async (_, login, component) => {
    setup = login;
    const who = anybody();
    expect(await who.ask(await who.reachLogin(HOST))).toMatchObject({ component, statuses: [200] });
  });

  test('a flow that does not exist is a 404 of JSON', async () => {
    const seen = await anybody().go(`${LOGIN}/api/v3/flows/executor/no-such-flow/?query=`);
    expect([seen.status, seen.headers['content-type']]).toEqual([404, 'application/json']);
  });

  test('who may not enter is told so with status 200, and gets no code', async () => {
    const who = anybody();
    await who.logIn(HOST);
    const seen = await who.go(locationOf(await who.go('router.lab.test')).href);
    expect([seen.status, seen.headers['location']]).toEqual([200, undefined]);
    expect(seen.body).toContain('<title>Permission denied');
  });

  test('a callback with the state of another session is an empty 400', async () => {
    const [who, other] = [anybody(), anybody()];
    await who.logIn(HOST);
    const authorize = locationOf(await other.go(HOST));
    const back = locationOf(await who.go(authorize.href));
    const seen = await who.go(back.href);
    expect([seen.status, seen.body]).toEqual([400, '']);
  });

  test('a code that was used leads back to the page, and so to the login again', async () => {
    const who = anybody();
    await who.logIn(HOST);
    const authorize = locationOf(await who.go('photos.casa.test'));
    const back = locationOf(await who.go(authorize.href));
    const changed = new URL(back);
    changed.searchParams.set('code', 'f'.repeat(32));
    expect(locationOf(await who.go(changed.href)).pathname).toBe('/');
    expect((await who.go('photos.casa.test')).status).toBe(302);
  });
});

describe('consent', () => {
  test('is asked for each application, and taken from a page of ours alone', async () => {
    setup = { totp: false, consent: true };
    const who = anybody();
    const login = await who.reachLogin(HOST);
    const { username: uid_field, password } = doorOf(own).user;
    await who.ask(login, { uid_field });
    const end = await who.ask(login, { password });
    const consent = locationWithin(await who.go(`${LOGIN}${end['to']}`));
    expect(consent.pathname).toBe('/if/flow/default-provider-authorization-explicit-consent/');
    const shown = await who.ask(consent);
    expect(shown).toMatchObject({ component: 'ak-stage-consent', token: expect.any(String) });
    const answer = { component: 'ak-stage-consent', token: shown['token'] };
    expect(await who.ask(consent, answer)).toMatchObject({ detail: expect.stringContaining('CSRF') });

    const executor = `${LOGIN}/api/v3/flows/executor/${consent.pathname.split('/')[3]}/?query=`;
    const headers = {
      'content-type': 'application/json',
      'x-authentik-csrf': who.jar.get(LOGIN)!.get('authentik_csrf')!,
      origin: `https://${LOGIN}:${portOf(own, 'EDGE_PORT')}`,
    };
    const send = (body: unknown): Promise<Page> =>
      who.go(executor, { method: 'POST', headers, body: JSON.stringify(body) });
    expect((await send({ ...answer, token: 'other' })).body).toContain('Invalid consent token');
    const done = JSON.parse((await send(answer)).body) as { component: string; to: string };
    expect(done.component).toBe('xak-flow-redirect');
    const back = await who.go(done.to);
    expect(isApp(await who.go(locationOf(back).href))).toBe(true);
  });
});

describe('the gate with users', () => {
  test('makes the session of the stranger that of the user, and forgets it at the sign-out', async () => {
    const who = anybody();
    const stranger = firstCookie(await who.go(HOST)).split('=')[0]!;
    const before = who.jar.get(HOST)!.get(stranger);
    await who.logIn(HOST);
    expect(who.jar.get(HOST)!.get(stranger)).toBe(before);
    const out = await who.go(`${HOST}/outpost.goauthentik.io/sign_out`);
    expect(locationOf(out).pathname).toBe('/application/o/grafana-lab-test/end-session/');
    await who.go(locationOf(out).href);
    expect((await who.go(HOST)).status).toBe(302);
    expect((await who.ask(await who.reachLogin(HOST))).component).toBe(IDENTIFICATION);
  });

  test('tells the application who the user is, whatever the visitor claims', async () => {
    const who = anybody();
    const claim = { headers: { 'x-authentik-username': 'akadmin' } };
    await who.logIn(HOST);
    expect((await who.go(HOST, claim)).body).toContain('Signed in as gatewatch.');
    expect((await who.go('blog.casa.test', claim)).body).not.toContain('akadmin');
  });

  const machines: [string, (own: Site) => Promise<string> | string][] = [
    ['an app password', (own) => basic('gatewatch', own.environment['GATEWATCH_DEMO_APP_PASSWORD']!)],
    ['a token', async (own) => `Bearer ${await mint(own)}`],
    ['a token as password', async (own) => basic('goauthentik.io/token', await mint(own))],
  ];
  test.each(machines)('lets a machine in by %s, and knows it for a minute', async (_, make) => {
    const authorization = await make(own);
    const before = own.counters();
    for (let n = 0; n < 2; n++) {
      const seen = await anybody().go(HOST, { headers: { authorization } });
      expect([isApp(seen), setCookies(seen)]).toEqual([true, []]);
    }
    const after = own.counters();
    expect(after.requests['idp']! - before.requests['idp']!).toBe(1);
    expect(after.sessions - before.sessions).toBe(1);
  });

  test('takes a machine without a good password for a stranger', async () => {
    for (const authorization of [basic('gatewatch', 'wrong'), 'Bearer wrong', 'Negotiate abc', 'Basic %%%']) {
      const seen = await anybody().go(HOST, { headers: { authorization } });
      expect([seen.status, setCookies(seen).length]).toEqual([302, 1]);
    }
  });

  test('cannot let a machine in whose session it cannot store', async () => {
    own.set('session-store-full', true);
    const authorization = basic('gatewatch', own.environment['GATEWATCH_DEMO_APP_PASSWORD']!);
    const seen = await anybody().go('git.lab.test', { headers: { authorization } });
    own.set('session-store-full', false);
    expect(seen.status).toBe(400);
  });
});

describe('the token endpoint', () => {
  const refusals: [string, Record<string, string>, string][] = [
    ['a wrong password', { password: 'wrong' }, 'invalid_grant'],
    ['an unknown client', { client_id: 'nobody' }, 'invalid_client'],
    ['another grant', { grant_type: 'password' }, 'unsupported_grant_type'],
    ['a code without the secret', { grant_type: 'authorization_code', code: 'x' }, 'invalid_client'],
  ];
  test.each(refusals)('refuses %s with a 400 of JSON', async (_, change, error) => {
    const seen = await askToken(own, change);
    expect([seen.status, JSON.parse(seen.body)]).toEqual([
      400,
      { error, error_description: expect.any(String), request_id: expect.stringMatching(/^[0-9a-f]{32}$/) },
    ]);
  });
});

function locationWithin(seen: Page): URL {
  return new URL(String(seen.headers['location']), `https://${LOGIN}`);
}

function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

async function mint(own: Site): Promise<string> {
  return (JSON.parse((await askToken(own)).body) as { access_token: string }).access_token;
}

function askToken(own: Site, change: Record<string, string> = {}): Promise<Page> {
  const form = {
    grant_type: 'client_credentials',
    client_id: own.environment['GATEWATCH_DEMO_CLIENT_ID']!,
    username: 'gatewatch',
    password: own.environment['GATEWATCH_DEMO_APP_PASSWORD']!,
    scope: 'openid profile ak_proxy',
    ...change,
  };
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const body = new URLSearchParams(form).toString();
  return anybody().go(`${LOGIN}/application/o/token/`, { method: 'POST', headers, body });
}
