// What a flow types, what a site sets and what the configuration sends is nowhere in what a visit leaves: at a page that
// gives everything back wherever it can. And nothing is typed but at the gate itself.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createAuthority } from '../../src/demo/certificates.ts';
import type { NetworkPath } from '../../src/model/network-path.ts';
import { createArtifactFiles } from '../../src/probe/browser/artifact-files.ts';
import { gate, path, target } from '../integration/probe/probe-kit.ts';
import { browserVisit, type Wish } from '../support/browser-visit.ts';
import { leaksIn, marker } from '../support/markers.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { type TempFolder, tempFolder } from '../support/temp-folder.ts';

const PASSWORD = marker('password');
const SESSION = marker('session', '+/=%&');
const STATE = marker('state');
const HEADER = marker('header', '+/=%&');

let folder: TempFolder;
let origin: Origin;
let way: NetworkPath;
let ca: string;

/** A login that tells everything to console, address, title, requests and errors. */
const LOGIN = `<!doctype html><title>Log in</title><form><input id="password" type="password" name="password">
<button>Go</button></form><iframe src="https://app.site.test/frame"></iframe><p id="told">Tell me</p><script>
document.querySelector('form').addEventListener('submit', (event) => {
  event.preventDefault();
  const secret = document.querySelector('#password').value;
  for (const text of [secret, encodeURIComponent(secret), btoa(unescape(encodeURIComponent(secret))), JSON.stringify({ secret }), 'at https://x.test/?p=' + secret])
    { console.log('you typed', text); console.error(text + document.cookie); }
  fetch('/told?p=' + encodeURIComponent(secret), { headers: { authorization: 'Bearer ' + btoa('t' + Math.random()) } });
  fetch('/told/' + encodeURIComponent(secret) + ';jsessionid=' + encodeURIComponent(secret));
  history.pushState(null, '', '?told=' + encodeURIComponent(secret));
  document.title = secret;
  document.querySelector('#told').textContent = 'Never.';
  Promise.reject(new Error('no: ' + secret));
});
</script>`;

beforeAll(async () => {
  folder = await tempFolder('secrets');
  const authority = await createAuthority();
  ca = authority.certificatePem;
  origin = await startOrigin({
    identity: await authority.issue(['app.site.test', 'auth.site.test', 'other.site.test']),
    respond(request, response) {
      const { host = '', cookie } = request.headers;
      const html = { 'content-type': 'text/html; charset=utf-8' };
      if (host.startsWith('app.') && request.url === '/') {
        const location = `https://auth.site.test/login?state=${encodeURIComponent(STATE.value)}`;
        response.writeHead(302, { location }).end();
      } else if (request.url?.startsWith('/login')) {
        const setCookie = `session=${SESSION.value}; Path=/; Secure`;
        response
          .writeHead(200, cookie === undefined ? { ...html, 'set-cookie': setCookie } : html)
          .end(LOGIN);
      } else response.writeHead(200, html).end('<input type="password" id="password">');
    },
  });
  way = path(origin.address);
});
afterAll(async () => {
  await origin?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

/** A visit by a flow that lies in a folder of its own, which belongs to no package. */
function visit(body: string, wish: Partial<Wish> = {}): ReturnType<typeof browserVisit> {
  const file = join(folder.path, `${readdirSync(folder.path).length}.flow.ts`);
  writeFileSync(
    file,
    `import { defineFlow, type FlowTools } from '#flow';
export const flow = defineFlow('test', async (tools: FlowTools): Promise<void> => {
  const { page, target, step, stop, fillPassword } = tools;
  await step('open', () => page.goto(target.url));
  ${body}
});
`,
  );
  const app = target('https://app.site.test/');
  const site = { path: way, paths: [way], ca: [ca], username: 'monitor' };
  return browserVisit(
    {
      ...site,
      target: {
        ...app,
        expect: {
          [way.name]: {
            is: 'login',
            status: [],
            location: null,
            header: {},
            contains: null,
            notContains: null,
          },
        },
      },
      gate: gate({ kind: 'oidc', url: 'https://auth.site.test' }),
    },
    {
      handOut: async () => ({ value: PASSWORD.value }),
      flow: pathToFileURL(file).href,
      timeoutMs: 60_000,
      ...wish,
    },
  );
}

test('no file of a failed visit holds a secret, in any form', async () => {
  const files = join(folder.path, 'artifacts');
  const { flow, exchanges, error } = await visit(
    `await step('type', () => fillPassword(page.locator('#password')));
  console.log(JSON.stringify(tools), tools);
  await step('press', () => page.locator('button').click());
  await page.locator('#told', { hasText: 'Never' }).waitFor();
  stop('rejected', 'never');`,
    { artifacts: createArtifactFiles(files, systemClock), headers: { 'x-skip': HEADER.value } },
  );
  expect(error).toBeNull();
  expect(flow).toMatchObject({ end: 'rejected', secretsSent: true });
  expect(flow!.page!.pageErrors).toBe(1);
  const kept = join(files, flow!.artifacts!);
  const names = readdirSync(kept).toSorted();
  expect(names).toEqual(['console.txt', 'exchanges.har', 'screenshot.jpg']);
  const markers = [PASSWORD, SESSION, STATE, HEADER];
  for (const name of names) {
    const content = readFileSync(join(kept, name));
    expect(content.length, name).toBeGreaterThan(50);
    expect(leaksIn(content, markers), `${name}: ${content}`).toEqual([]);
  }
  expect(leaksIn(Buffer.from(JSON.stringify(flow)), markers)).toEqual([]);
  expect(readFileSync(join(kept, 'console.txt'), 'utf8')).toContain('you typed');
  expect(exchanges.at(-1)?.url).toContain('https://auth.site.test/login');
  // The configured header went to the target's own host, and nowhere else.
  const told = origin.requests.filter(({ headers }) => headers['x-skip'] !== undefined);
  expect(told.map(({ host }) => host)).toContain('app.site.test');
  expect(new Set(told.map(({ host }) => host))).toEqual(new Set(['app.site.test']));
  expect(origin.requests.some(({ host }) => host === 'auth.site.test')).toBe(true);
});

test('nothing is typed in a frame or on another host, and other hosts are out of reach', async () => {
  const asked: string[] = [];
  const before = origin.requests.length;
  const { flow } = await visit(
    `const refused: string[] = [];
  const attempt = (what: string, run: () => Promise<unknown>) => run().catch((error) => refused.push(what + ': ' + error.message));
  await attempt('frame', () => fillPassword(page.frameLocator('iframe').locator('#password')));
  await page.goto('https://app.site.test/form');
  await attempt('app', () => fillPassword(page.locator('#password')));
  await attempt('loopback', () => page.evaluate('fetch("http://127.0.0.1:${origin.port}/")'));
  await attempt('elsewhere', () => page.goto('https://other.site.test/'));
  stop('denied', refused.map((one) => one.replace(/\\n[^]*/, '')).join(' | '));`,
    {
      handOut: async (_, what) => {
        asked.push(what);
        return { value: PASSWORD.value };
      },
    },
  );
  expect(flow!.detail).toContain('frame: nothing is typed there');
  expect(flow!.detail).toContain('elsewhere: page.goto: net::ER');
  expect(flow!.detail).toContain('loopback: ');
  expect(flow!.detail).toContain('app: nothing is typed there');
  expect(flow!.secretsSent).toBe(false);
  expect(asked).toEqual([]);
  const hosts = origin.requests.slice(before).map(({ host }) => host);
  expect(hosts.filter((host) => !/^(app|auth)\.site\.test$/.test(host))).toEqual([]);
});
