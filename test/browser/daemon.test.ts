// The command and the daemon with a browser, as people run them: from what is compiled, one visit by a flow of the
// site's own that lies in a folder elsewhere, and one by the schedule that finds a blank login page.

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { LoginSetup } from '../../src/demo/login-flow.ts';
import { type Site, startSite } from '../../src/demo/site.ts';
import { checkId } from '../../src/model/check.ts';
import { buildInto } from '../bench/build.ts';
import { freePort } from '../support/free-port.ts';
import { START_FLAGS } from '../support/start-flags.ts';
import { type TempFolder, tempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait.ts';

let login: Partial<LoginSetup> = {};
let site: Site;
let folder: TempFolder;
let main: string;
let target: string;

const OWN_FLOW = `import { defineFlow } from '#flow';

type Sentence = string;
const opening: Sentence = 'go to the service';

export const flow = defineFlow('own', async ({ page, target, account, step, fillPassword, firstOf, arrived }) => {
  const form = page.locator('ak-stage-identification');
  await step(opening, () => page.goto(target.url));
  await step('sign in', async () => {
    await form.locator('input[name="uidField"]').fill(account.username);
    await fillPassword(form.locator('input[name="password"]'));
    await form.locator('button[type="submit"]').click();
  });
  await step('get in', () => firstOf({ arrived }));
});
`;

beforeAll(async () => {
  const ports = { edge: 0, origin: 0, dns: 0 };
  site = await startSite({
    clock: systemClock,
    ports,
    login: () => ({ totp: false, steps: 'one', ...login }),
  });
  target = `https://grafana.lab.test:${site.environment['GATEWATCH_DEMO_EDGE_PORT']}`;
  folder = await tempFolder('browser-daemon');
  mkdirSync(join(folder.path, 'mounted'));
  writeFileSync(join(folder.path, 'mounted/own.flow.ts'), OWN_FLOW);
  main = await buildInto(folder.path);
}, 180_000);
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

/** A configuration for the demo site with two accounts, so that logins over HTTP and in a browser never wait. */
function configuration(listen: string): string {
  const account = (name: string): string =>
    `  - { name: ${name}, username: "\${env:GATEWATCH_DEMO_USERNAME}", password: "\${env:GATEWATCH_DEMO_PASSWORD}" }\n`;
  const rules = `  login: { account: http, targets: ["${target}"] }
  browser: { account: browser, flow: ./mounted/own.flow.ts, targets: ["${target}"] }\n`;
  const file = join(folder.path, 'gatewatch.yaml');
  const demo = readFileSync('config/demo.yaml', 'utf8')
    .replace(/^accounts:\n(?: .*\n)+/m, '')
    .replace(/^ {2}login: .*\n/m, '')
    .replace(/^checks:\n/m, `checks:\n${rules}`)
    .replace('${env:GATEWATCH_DEMO_LISTEN}', listen);
  writeFileSync(file, `${demo}\naccounts:\n${account('http')}${account('browser')}`);
  return file;
}

function start(...args: string[]): { child: ReturnType<typeof spawn>; printed: () => string } {
  const child = spawn(process.execPath, [...START_FLAGS, main, ...args], {
    env: { PATH: process.env['PATH'], ...site.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout?.on('data', (chunk) => {
    text += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    text += chunk;
  });
  return { child, printed: () => text };
}

test('check --flow runs a flow from a folder of no package, step by step', async () => {
  login = {};
  const config = configuration('127.0.0.1:0');
  const flow = join(folder.path, 'mounted/own.flow.ts');
  const { child, printed } = start('check', '--flow', flow, target, '--config', config);
  const code = await new Promise((resolve) => child.on('exit', resolve));
  expect(printed()).toMatch(/✔ go to the service +\d+ ms\n✔ sign in +\d+ ms\n✔ get in +\d+ ms/);
  expect(printed()).toContain('signed in, and the app answers 200');
  expect(printed()).not.toContain(site.environment['GATEWATCH_DEMO_PASSWORD']);
  expect(code).toBe(0);
});

test('the daemon visits by its schedule, and shows a blank login page with its picture', async () => {
  login = { assets: 'throttled' };
  const port = await freePort();
  const { child, printed } = start('run', '--config', configuration(`127.0.0.1:${port}`));
  const base = `http://127.0.0.1:${port}`;
  try {
    const query = new URLSearchParams({ target: target.replace('https://', ''), limit: '500' });
    const result = await waitFor(
      'a browser visit',
      async () => {
        const answer = await (await fetch(`${base}/api/v1/results?${query}`)).json();
        const { results } = answer as { results: { check: string; verdict: string; signature: string }[] };
        return results.find(({ check }) => check.startsWith('browser:'));
      },
      { limitMs: 110_000 },
    );
    expect(result).toMatchObject({ verdict: 'down', signature: 'login-page-blank' });
    const id = checkId('browser', result.check.split(':')[1]!, target.replace('https://', ''));
    const page = await (await fetch(`${base}/checks/${encodeURIComponent(id)}`)).text();
    expect(page).toContain('Steps of the login');
    expect(page).toMatch(/FlowInterface-[\d.]+\.js/);
    const picture = /\/artifacts\/[0-9a-f]{32}\/screenshot/.exec(page)?.[0] ?? '';
    const { status, headers } = await fetch(`${base}${picture}`);
    expect([status, headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    expect(printed() + page).not.toContain(site.environment['GATEWATCH_DEMO_PASSWORD']);
  } finally {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.on('exit', resolve));
  }
});
