// Canary `login-assets` over real sockets: what it asks for, in which order it reports, and what it never does.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { createApp } from '../../../src/demo/gate-app.ts';
import { startIdentityProvider } from '../../../src/demo/identity-provider.ts';
import { type LoginSetup, USUAL_LOGIN } from '../../../src/demo/login-flow.ts';
import type { Observation } from '../../../src/model/observation.ts';
import { LOGIN_ASSETS_MOST } from '../../../src/model/page-asset.ts';
import { type Identity, startOrigin } from '../../support/origin.ts';
import { canary, createKit, fault, gate, type Kit, path } from './probe-kit.ts';

let kit: Kit;
let identity: Identity;

beforeAll(async () => {
  kit = await createKit();
  identity = await kit.authority.issue(['*.site.test']);
});

const BRAND = '/api/v3/core/brands/current/';
const PAGE = '/if/flow/default-authentication-flow/';

type Files = Readonly<
  Record<string, { status?: number; type?: string; body?: string; hangUp?: boolean; delayMs?: number }>
>;

/** Serves those files, and 404 for everything else. */
function serving(files: Files): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const file = files[request.url ?? ''];
    if (file?.hangUp) {
      response.destroy();
      return;
    }
    const status = file === undefined ? 404 : (file.status ?? 200);
    const answer = (): void =>
      void response.writeHead(status, { 'content-type': file?.type ?? 'text/html' }).end(file?.body ?? '');
    setTimeout(answer, file?.delayMs ?? 0);
  };
}

const js = (body = 'export {};'): { type: string; body: string } => ({ type: 'text/javascript', body });
const html = (body: string): { body: string } => ({ body });
const brand = { type: 'application/json', body: '{"flow_authentication":"default-authentication-flow"}' };

/** Runs the canary against those files; what was asked, and what was seen as `status pathname`. */
async function run(
  files: Files,
  options: { timeoutMs?: number } = {},
): Promise<{ asked: string[]; seen: string[]; observation: Observation; cookies: unknown[] }> {
  await using origin = await startOrigin({ identity, respond: serving(files) });
  const one = canary('login-assets', 'https://auth.site.test', {
    path: path(origin.address),
    gate: gate(),
    ...options,
  });
  const observation = await kit.run(one);
  return {
    asked: origin.requests.map(({ url }) => url ?? ''),
    cookies: origin.requests.map(({ headers }) => headers['cookie']),
    seen: observation.exchanges.map(({ status, url }) => `${status} ${new URL(url).pathname}`),
    observation,
  };
}

describe('login-assets', () => {
  test('asks for the brand, its login page, the files of the page, and what their modules import', async () => {
    const { asked, seen, observation, cookies } = await run({
      [BRAND]: { type: 'application/json', body: '{"flow_authentication":"house-login"}' },
      '/if/flow/house-login/': html(
        '<link rel=stylesheet href=/s.css><script type=module src=/entry.js></script><script src=/old.js></script>',
      ),
      '/s.css': { type: 'text/css', body: '' },
      '/old.js': js('import"./never.js";'),
      '/entry.js': js('import{a}from"./chunk-1.js";import"/s.css.js";'),
      '/chunk-1.js': js('import"./entry.js";import"./chunk-2.js";'),
      '/chunk-2.js': js(),
      '/s.css.js': js(),
    });
    expect(asked.slice(0, 2)).toEqual([BRAND, '/if/flow/house-login/']);
    expect(asked.toSorted()).toEqual(
      [
        BRAND,
        '/if/flow/house-login/',
        '/s.css',
        '/entry.js',
        '/old.js',
        '/chunk-1.js',
        '/chunk-2.js',
        '/s.css.js',
      ].toSorted(),
    );
    expect(seen.every((line) => line.startsWith('200 '))).toBe(true);
    expect([observation.stop, observation.error]).toEqual(['answer', null]);
    expect(cookies.every((cookie) => cookie === undefined)).toBe(true);
  });

  const broken: [string, Files[string], string][] = [
    ['is throttled', { status: 429, type: 'text/plain' }, '429 /a.js'],
    ['is missing', { status: 404 }, '404 /a.js'],
    ['is a page of HTML', html('<html></html>'), '200 /a.js'],
  ];
  test.each(broken)('ends with the file that %s, and asks it for no imports', async (_, file, last) => {
    const { seen, asked } = await run({
      [BRAND]: brand,
      [PAGE]: html('<script type=module src=/a.js></script><script src=/b.js></script>'),
      '/a.js': file ?? {},
      '/b.js': js(),
    });
    expect(seen.at(-1)).toBe(last);
    expect(asked).toHaveLength(4);
  });

  test('a file that is cut off is an error of the way, and a useless one says more', async () => {
    const page = html('<script src=/a.js></script><script src=/b.js></script><script src=/c.js></script>');
    const cut = await run({
      [BRAND]: brand,
      [PAGE]: page,
      '/a.js': { hangUp: true },
      '/b.js': js(),
      '/c.js': js(),
    });
    expect([fault(cut.observation), cut.seen.at(-1)]).toEqual(['headers:reset', 'null /a.js']);
    const both = await run({
      [BRAND]: brand,
      [PAGE]: page,
      '/a.js': { hangUp: true },
      '/b.js': { status: 503 },
      '/c.js': js(),
    });
    expect([fault(both.observation), both.seen.at(-1)]).toEqual([null, '503 /b.js']);
  });

  const ends: [string, Files, string[]][] = [
    ['at a page that is not there', { [BRAND]: brand }, [`200 ${BRAND}`, `404 ${PAGE}`]],
    ['with the usual flow where no brand is told', { [PAGE]: html('') }, [`404 ${BRAND}`, `200 ${PAGE}`]],
    [
      'with the usual flow where the brand is odd',
      { [BRAND]: { body: '{"flow_authentication":"../../evil"}' }, [PAGE]: html('') },
      [`200 ${BRAND}`, `200 ${PAGE}`],
    ],
    ['at a server that hangs up', { [BRAND]: { hangUp: true } }, [`null ${BRAND}`]],
  ];
  test.each(ends)('ends %s', async (_, files, lines) => {
    expect((await run(files)).seen).toEqual(lines);
  });

  test('a slow page still has its first files asked for, and no more of them than there is time for', async () => {
    const names = Array.from({ length: 12 }, (_, n) => `/${n}.js`);
    const files = Object.fromEntries(names.map((name) => [name, js()]));
    const page = html(names.map((name) => `<script src=${name}></script>`).join(''));
    const slow = { ...page, delayMs: 3_000 };
    const { asked, observation } = await run(
      { [BRAND]: brand, [PAGE]: slow, ...files },
      { timeoutMs: 5_000 },
    );
    expect([asked.length, observation.error]).toEqual([2 + 4, null]);
  });

  test('fetches no more files than its limit, whatever the page names', async () => {
    const names = Array.from({ length: 100 }, (_, n) => `/${n}.js`);
    const files = Object.fromEntries(names.map((name) => [name, js('import"./more.js";')]));
    const page = html(names.map((name) => `<script type=module src=${name}></script>`).join(''));
    const { asked } = await run({ [BRAND]: brand, [PAGE]: page, ...files });
    expect(asked).toHaveLength(2 + LOGIN_ASSETS_MOST);
  });
});

describe('at the identity provider of the demo', () => {
  async function visit(assets: LoginSetup['assets']): Promise<Observation> {
    const apps = [createApp('https://app.site.test')];
    const login = (): LoginSetup => ({ ...USUAL_LOGIN, assets });
    await using idp = await startIdentityProvider({ clock: systemClock, apps, users: [], login });
    const url = `http://auth.site.test:${idp.port}`;
    const way = path({ host: '127.0.0.1', port: idp.port });
    return await kit.run(canary('login-assets', url, { path: way, gate: gate({ url }) }));
  }

  test('finds every file, and brings home no cookie', async () => {
    const { exchanges } = await visit('served');
    expect(exchanges.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(exchanges.flatMap(({ setCookies }) => setCookies)).toEqual([]);
  });

  test('ends with a throttled script, or with HTML in its place', async () => {
    expect((await visit('throttled')).exchanges.at(-1)).toMatchObject({ status: 429 });
    const last = (await visit('html')).exchanges.at(-1);
    expect(last).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
  });
});
