// The demo's gate and identity provider: the hand-over to the letter, cookies, and a session store that really fills.

import { createHash } from 'node:crypto';
import { get } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { startGate } from '../../../src/demo/gate.ts';
import { createApp } from '../../../src/demo/gate-app.ts';
import { createSessionStore } from '../../../src/demo/session-store.ts';
import { type Site, startSite } from '../../../src/demo/site.ts';
import { anySite, firstCookie, flip, locationOf, portOf, setCookies, visit } from './visitor.ts';

let site: Site | null = null;
afterEach(async () => {
  await site?.[Symbol.asyncDispose]();
  site = null;
});
async function open(storeSessions?: number): Promise<Site> {
  site = await anySite(storeSessions === undefined ? {} : { storeSessions });
  return site;
}

/** Clock that is turned by hand. */
function handClock(): Clock & { turn(ms: number): void } {
  let time = 0;
  return {
    now: () => systemClock.now() + time,
    monotonic: () => time,
    after: systemClock.after,
    turn: (ms) => (time += ms),
  };
}

describe('hand-over', () => {
  test.each(['edge', 'origin'] as const)(
    'is what authentik answers, port and all, on path %s',
    async (path) => {
      const own = await open();
      const base = `https://grafana.lab.test:${portOf(own, 'EDGE_PORT')}`;
      const seen = await visit(own, path, 'grafana.lab.test/d/abc?orgId=1');
      const location = locationOf(seen);
      expect(`${location.origin}${location.pathname}`).toBe(
        `https://auth.casa.test:${portOf(own, 'EDGE_PORT')}/application/o/authorize/`,
      );
      expect([...location.searchParams.keys()]).toEqual([
        'client_id',
        'redirect_uri',
        'response_type',
        'scope',
        'state',
      ]);
      expect(location.searchParams.get('redirect_uri')).toBe(
        `${base}/outpost.goauthentik.io/callback?X-authentik-auth-callback=true`,
      );
      const clientId = location.searchParams.get('client_id')!;
      const state = location.searchParams.get('state')!.split('.');
      expect(state).toHaveLength(3);
      expect(JSON.parse(Buffer.from(state[1]!, 'base64url').toString())).toEqual({
        iss: `goauthentik.io/outpost/${clientId}`,
        redirect: `${base}/d/abc?orgId=1`,
        sid: expect.stringMatching(/^[A-Z2-7]{52}$/),
        state: expect.any(String),
      });
      const hash = createHash('sha256').update(clientId).digest('hex').slice(0, 8);
      expect(setCookies(seen)).toEqual([
        expect.stringMatching(
          new RegExp(
            `^authentik_proxy_${hash}=\\S+; Path=/; Expires=.*GMT; Max-Age=3601; HttpOnly; Secure; SameSite=Lax$`,
          ),
        ),
      ]);
      expect(seen.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(seen.body).toMatch(/^<a href="https:.*&amp;.*">Found<\/a>\.\n\n$/);
      for (const name of ['x-powered-by', 'cache-control', 'x-authentik-id'])
        expect(seen.headers[name]).toBeUndefined();
    },
  );

  test('stores a session for each visit without a cookie, also for HEAD and POST, and none with one', async () => {
    const own = await open();
    const cookie = firstCookie(await visit(own, 'edge', 'git.lab.test'));
    await visit(own, 'edge', 'git.lab.test', { method: 'HEAD' });
    await visit(own, 'edge', 'git.lab.test', { method: 'POST' });
    expect(own.counters().sessions).toBe(3);
    const again = await visit(own, 'edge', 'git.lab.test', { cookie });
    expect([again.status, setCookies(again), own.counters().sessions]).toEqual([302, [], 3]);
  });

  const strange: [string, (cookie: string) => string][] = [
    ['made up', (cookie) => `${cookie.split('=')[0]}=abc`],
    ['tampered with', (cookie) => `${cookie.slice(0, -2)}xx`],
  ];
  test.each(strange)('deletes a cookie that is %s and stores nothing', async (_, change) => {
    const own = await open();
    const cookie = firstCookie(await visit(own, 'origin', 'git.lab.test'));
    const seen = await visit(own, 'origin', 'git.lab.test', { cookie: change(cookie) });
    expect([seen.status, own.counters().sessions]).toEqual([302, 1]);
    expect(setCookies(seen)).toEqual([expect.stringMatching(/^authentik_proxy_\w{8}=; .*Max-Age=0;/)]);
  });
});

describe('the session store', () => {
  test('a cookie whose session has expired is deleted, with the usual redirect', async () => {
    const clock = handClock();
    await using own = await startSite({ clock, ports: { edge: 0, origin: 0, dns: 0 } });
    const cookie = firstCookie(await visit(own, 'origin', 'git.lab.test'));
    expect(setCookies(await visit(own, 'origin', 'git.lab.test', { cookie }))).toEqual([]);
    clock.turn(3_600_001);
    const seen = await visit(own, 'origin', 'git.lab.test', { cookie });
    expect([seen.status, setCookies(seen)]).toEqual([302, [expect.stringContaining('Max-Age=0;')]]);
  });

  test('fills by visits alone: then strangers get an empty 400, and who has a session notices nothing', async () => {
    const own = await open(5);
    const first = await visit(own, 'edge', 'git.lab.test');
    for (let n = 0; n < 4; n++) expect((await visit(own, 'edge', 'ci.lab.test')).status).toBe(302);
    const stranger = await visit(own, 'edge', 'ci.lab.test');
    expect([stranger.status, stranger.body, stranger.headers['content-length']]).toEqual([400, '', '0']);
    expect([stranger.headers['content-type'], setCookies(stranger)]).toEqual([undefined, []]);
    expect((await visit(own, 'edge', 'git.lab.test', { cookie: firstCookie(first) })).status).toBe(302);
    expect((await visit(own, 'edge', 'git.lab.test/outpost.goauthentik.io/ping')).status).toBe(204);
    expect(own.counters()).toMatchObject({ sessions: 5, capacity: 5 });
  });

  test('filled by others it keeps what it had, and is itself again afterwards', async () => {
    const own = await open(100);
    const cookie = firstCookie(await visit(own, 'origin', 'git.lab.test'));
    await flip(own, 'session-store-full', true);
    expect(own.counters().sessions).toBe(100);
    expect((await visit(own, 'origin', 'git.lab.test')).status).toBe(400);
    expect((await visit(own, 'origin', 'git.lab.test', { cookie })).status).toBe(302);
    await flip(own, 'session-store-full', false);
    expect(own.counters().sessions).toBe(1);
    expect((await visit(own, 'origin', 'git.lab.test')).status).toBe(302);
  });

  test('an expired session is not known any more, and its place is free after the sweep', () => {
    const clock = handClock();
    const store = createSessionStore({ clock, capacity: 1, lifetimeMs: 60_000 });
    const id = store.create()!;
    expect([store.has(id), store.create()]).toEqual([true, null]);
    clock.turn(60_001);
    expect([store.has(id), store.create(), store.size]).toEqual([false, null, 1]);
    clock.turn(5 * 60_000);
    expect(store.create()).not.toBeNull();
    expect(store.size).toBe(1);
  });
});

/** One GET of a gate that stands alone, as a proxy of another make would ask it. */
function askGate(
  port: number,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; body: string; cookies: number }> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, headers, agent: false }, (answer) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, body, cookies: answer.headers['set-cookie']?.length ?? 0 }),
      );
    }).on('error', reject);
  });
}

describe('other proxies', () => {
  const app = createApp('https://git.lab.test');
  const forwarded = {
    'x-forwarded-host': 'git.lab.test',
    'x-forwarded-proto': 'https',
    'x-forwarded-uri': '/x',
  };
  const auth = '/outpost.goauthentik.io/auth';
  const cases: [string, string, Record<string, string>, { status: number; body: string; cookies: number }][] =
    [
      [
        'Caddy',
        `${auth}/caddy`,
        forwarded,
        { status: 302, body: expect.stringContaining('Found'), cookies: 1 },
      ],
      [
        'nginx',
        `${auth}/nginx`,
        { ...forwarded, 'x-original-url': 'https://git.lab.test/x' },
        { status: 401, body: 'unauthorized request\n', cookies: 1 },
      ],
      [
        'nginx without the original address',
        `${auth}/nginx`,
        forwarded,
        { status: 500, body: 'configuration error\n', cookies: 0 },
      ],
      [
        'nginx on the start page',
        '/outpost.goauthentik.io/start?rd=https%3A%2F%2Fgit.lab.test%2Fx',
        forwarded,
        { status: 302, body: expect.stringContaining('Found'), cookies: 1 },
      ],
      [
        'Traefik without the scheme',
        `${auth}/traefik`,
        { 'x-forwarded-host': 'git.lab.test' },
        { status: 500, body: 'configuration error\n', cookies: 0 },
      ],
      [
        'a host of no application',
        `${auth}/traefik`,
        { ...forwarded, 'x-forwarded-host': 'who.lab.test' },
        { status: 400, body: expect.stringContaining('\t"Message": "no app for hostname"'), cookies: 0 },
      ],
      [
        'a callback without a login',
        '/outpost.goauthentik.io/callback?code=1',
        forwarded,
        { status: 400, body: '', cookies: 0 },
      ],
    ];
  test.each(cases)('%s is answered as by the outpost', async (_, path, headers, answer) => {
    const store = createSessionStore({ clock: systemClock, capacity: 10, lifetimeMs: 60_000 });
    await using gate = await startGate({
      clock: systemClock,
      apps: [app],
      login: 'https://auth.lab.test',
      provider: 9,
      store,
    });
    expect(await askGate(gate.port, path, headers)).toEqual(answer);
  });

  test('behind nginx a full store shows one hop later, at the start page', async () => {
    const store = createSessionStore({ clock: systemClock, capacity: 0, lifetimeMs: 60_000 });
    await using gate = await startGate({
      clock: systemClock,
      apps: [app],
      login: 'https://auth.lab.test',
      provider: 9,
      store,
    });
    const headers = { ...forwarded, 'x-original-url': 'https://git.lab.test/x' };
    expect(await askGate(gate.port, `${auth}/nginx`, headers)).toMatchObject({ status: 401, cookies: 0 });
    expect(await askGate(gate.port, '/outpost.goauthentik.io/start', forwarded)).toEqual({
      status: 400,
      body: '',
      cookies: 0,
    });
  });
});

describe('identity provider', () => {
  test('leads a stranger from the hand-over to the login page with its script and style', async () => {
    const own = await open();
    const authorize = locationOf(await visit(own, 'edge', 'git.lab.test'));
    const first = await visit(own, 'edge', `auth.casa.test${authorize.pathname}${authorize.search}`);
    expect([first.status, setCookies(first).length]).toEqual([302, 1]);
    const login = await visit(own, 'edge', `auth.casa.test${first.headers['location']}`);
    expect(login.headers).toMatchObject({
      'x-powered-by': 'authentik',
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
    });
    expect(login.headers['x-authentik-id']).toMatch(/^[0-9a-f]{32}$/);
    expect(login.body).toContain('<ak-flow-executor');
    const assets = [...login.body.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path]) => path);
    expect(assets).toHaveLength(2);
    for (const path of assets) expect((await visit(own, 'edge', `auth.casa.test${path}`)).status).toBe(200);
  });

  test('answers prompt=none without a session, by the error that a login is needed', async () => {
    const own = await open();
    const authorize = locationOf(await visit(own, 'edge', 'git.lab.test'));
    const seen = await visit(
      own,
      'edge',
      `auth.casa.test${authorize.pathname}${authorize.search}&prompt=none`,
    );
    expect([seen.status, setCookies(seen)]).toEqual([302, []]);
    expect(seen.headers['location']).toMatch(
      /^https:\/\/git\.lab\.test:\d+\/outpost\.goauthentik\.io\/callback\?X-authentik-auth-callback=true\?error=login_required&/,
    );
  });

  const wrong: [string, Record<string, string>, string][] = [
    ['client', { client_id: 'nobody' }, 'Client ID Error'],
    ['return address', { redirect_uri: 'https://evil.example/callback' }, 'Redirect URI Error'],
  ];
  test.each(wrong)('refuses a wrong %s', async (_, change, title) => {
    const own = await open();
    const authorize = locationOf(await visit(own, 'edge', 'git.lab.test'));
    for (const [name, value] of Object.entries(change)) authorize.searchParams.set(name, value);
    const seen = await visit(own, 'edge', `auth.casa.test${authorize.pathname}${authorize.search}`);
    expect([seen.status, seen.body.includes(`<title>${title}`)]).toEqual([400, true]);
  });
});
