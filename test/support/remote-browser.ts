// A browser in a process of its own, commanded by DevTools, that trusts the certificates of the demo site.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect } from 'node:tls';
import { Secret } from '../../src/base/secret.ts';
import type { Site } from '../../src/demo/site.ts';
import { findExecutable } from '../../src/probe/browser/executable.ts';

export interface RemoteBrowser extends AsyncDisposable {
  readonly endpoint: Secret;
  /** Whether it shows any page. */
  hasPages(): Promise<boolean>;
  kill(): void;
}

/** SHA-256 of the public keys that the site's servers show, base64: what a browser's container would trust. */
export async function keysOf({ environment }: Site): Promise<readonly string[]> {
  const ports = ['GATEWATCH_DEMO_EDGE_PORT', 'GATEWATCH_DEMO_ORIGIN_PORT'].map((name) => environment[name]);
  const asked = ports.flatMap((port) =>
    ['a.casa.test', 'a.lab.test'].map(
      (servername) =>
        new Promise<string>((resolve, reject) => {
          const socket = connect({ port: Number(port), servername, rejectUnauthorized: false }, () => {
            const key = socket.getPeerX509Certificate()!.publicKey.export({ type: 'spki', format: 'der' });
            socket.destroy();
            resolve(createHash('sha256').update(key).digest('base64'));
          });
          socket.on('error', reject);
        }),
    ),
  );
  return [...new Set(await Promise.all(asked))];
}

export async function remoteBrowser(site: Site): Promise<RemoteBrowser> {
  const found = findExecutable('auto');
  if ('problem' in found) throw new Error(found.problem);
  const profile = mkdtempSync(join(tmpdir(), 'gatewatch-remote-'));
  const flags = [
    '--headless',
    '--no-sandbox',
    '--remote-debugging-port=0',
    `--user-data-dir=${profile}`,
    `--ignore-certificate-errors-spki-list=${(await keysOf(site)).join(',')}`,
  ];
  const browser = spawn(found.file, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
  const port = await new Promise<string>((resolve, reject) => {
    browser.on('exit', () => reject(new Error('the browser ended')));
    createInterface(browser.stderr).on('line', (line) => {
      const told = /^DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (told !== undefined) resolve(told);
    });
  });
  return {
    endpoint: new Secret(`ws://127.0.0.1:${port}`),
    async hasPages() {
      const answer = await fetch(`http://127.0.0.1:${port}/json/list`);
      return /"url":\s*"https:/.test(await answer.text());
    },
    kill: () => void browser.kill('SIGKILL'),
    async [Symbol.asyncDispose]() {
      browser.kill('SIGKILL');
      rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}
