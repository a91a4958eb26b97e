// What goes wrong with the browser itself is a fault of ours, never the site's, and leaves no process behind.

import { fork } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Secret } from '../../src/base/secret.ts';
import { findExecutable } from '../../src/probe/browser/executable.ts';
import { type LoginSite, startLoginSite } from '../support/browser-visit.ts';
import { freePort } from '../support/free-port.ts';
import { keysOf, remoteBrowser } from '../support/remote-browser.ts';
import { type TempFolder, tempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait.ts';

let site: LoginSite;
let folder: TempFolder;
/** A flow that stays at the service's login. */
let waits = '';

beforeAll(async () => {
  site = await startLoginSite();
  folder = await tempFolder('flows');
  const file = join(folder.path, 'waits.flow.ts');
  const text = `import { defineFlow } from '#flow';
export const flow = defineFlow('waits', async ({ page, target, step }) => {
  await step('open', () => page.goto(target.url));
  await step('wait', () => new Promise((resolve) => setTimeout(resolve, 120_000)));
});
`;
  writeFileSync(file, text);
  waits = pathToFileURL(file).href;
});
afterAll(async () => {
  await site?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

/** Processes of visits that the process `owner` makes: the browser's, and the child of ours. */
function processesOf(owner: number | undefined): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const environment = readFileSync(`/proc/${name}/environ`, 'latin1');
        const command = readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ');
        const mark = `gatewatch-browser-${owner}-`;
        return environment.includes(mark) || command.includes(mark) ? [{ pid: Number(name), command }] : [];
      } catch {
        return [];
      }
    });
}

const isBrowser = ({ command }: { command: string }): boolean =>
  command.includes('--remote-debugging-pipe') && !command.includes('--type=');

const prober = { phase: 'prober', code: 'browser' };

test.for([
  ['is missing', '/nowhere/chromium', 'is not there'],
  ['is a script that starts one', 'script', 'is a script'],
  ['is no browser', '/bin/true', 'browser'],
] as const)('a browser that %s is a fault of ours', async ([, named, why]) => {
  const script = join(folder.path, 'chromium');
  writeFileSync(script, '#!/bin/sh\nexec /usr/lib/chromium/chromium "$@"\n');
  chmodSync(script, 0o755);
  const executable = named === 'script' ? script : named;
  const { error, exchanges } = await site.visit('origin', { settings: { executable } });
  expect(error).toMatchObject({ ...prober, message: expect.stringContaining(why) });
  expect(exchanges).toEqual([]);
});

test('a browser that is killed in the middle is a fault of ours, and nothing of it stays', async () => {
  const visit = site.visit('origin', { flow: waits });
  const browser = await waitFor('the browser', () => processesOf(process.pid).find(isBrowser));
  process.kill(browser.pid, 'SIGKILL');
  expect((await visit).error).toMatchObject(prober);
  await waitFor('all to be gone', () => processesOf(process.pid).length === 0);
});

test('a child that hangs is ended with everything below it when its time is up', async () => {
  const visit = site.visit('origin', { flow: waits, timeoutMs: 12_000 });
  await waitFor('the browser', () => processesOf(process.pid).find(isBrowser));
  for (const { pid, command } of processesOf(process.pid))
    if (command.includes('child.ts')) process.kill(pid, 'SIGSTOP');
  expect((await visit).error).toMatchObject({ ...prober, message: 'the browser hangs' });
  await waitFor('all to be gone', () => processesOf(process.pid).length === 0);
});

test('a daemon that is killed takes the browser with it', async () => {
  const daemon = fork(join(import.meta.dirname, '../support/child-browser.ts'), [waits], {
    stdio: 'ignore',
    execArgv: [],
    execPath: join(import.meta.dirname, '../../node_modules/.bin/node'),
  });
  await waitFor('the browser', () => processesOf(daemon.pid).find(isBrowser));
  daemon.kill('SIGKILL');
  await waitFor('all to be gone', () => processesOf(daemon.pid).length === 0);
});

test('logs in with a remote browser by DevTools; killed in the middle, it is a fault of ours', async () => {
  await using remote = await remoteBrowser(site.site);
  const settings = { connect: remote.endpoint };
  expect((await site.visit('origin', { settings })).flow).toMatchObject({ end: 'app' });
  const visit = site.visit('origin', { settings, flow: waits });
  await waitFor('the page', () => remote.hasPages());
  remote.kill();
  expect((await visit).error).toMatchObject(prober);
});

test('logs in with a Playwright server, by the proxy that needs a password there', async () => {
  const found = findExecutable('auto');
  const server = await chromium.launchServer({
    executablePath: 'file' in found ? found.file : '',
    host: '127.0.0.1',
    args: [`--ignore-certificate-errors-spki-list=${(await keysOf(site.site)).join(',')}`],
  });
  try {
    const port = await freePort();
    const settings = { connect: new Secret(server.wsEndpoint()), proxy: `127.0.0.1:${port}` };
    const { flow, exchanges } = await site.visit('cdn', { settings });
    expect(flow).toMatchObject({ end: 'app' });
    expect(exchanges.at(-1)).toMatchObject({ status: 200, remote: { address: '127.0.0.1' } });
  } finally {
    await server.kill();
  }
});
