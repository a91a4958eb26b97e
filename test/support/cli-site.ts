// The demo site and a folder with a configuration for it: what tests of commands need. Commands run as processes, with
// standard output and standard error apart.

import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { request } from 'undici';
import { stringify } from 'yaml';
import { systemClock } from '../../src/base/clock.ts';
import { type Site, startSite } from '../../src/demo/site.ts';
import { loopbackPort } from './loopback-port.ts';
import { type Program, startProgram } from './program.ts';
import { tempFolder } from './temp-folder.ts';
import { waitFor } from './wait.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const LIMIT_MS = 120_000;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export function gatewatch(
  args: readonly string[],
  options: { cwd: string; environment?: Record<string, string> },
): Promise<Finished> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
  });
  const printed = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    printed.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    printed.stderr += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...printed }));
  });
}

/** Starts a command that goes on until it is ended. */
export function startGatewatch(args: readonly string[], cwd: string): Program {
  return startProgram(process.execPath, [MAIN, ...args], { cwd });
}

export interface CliSite extends AsyncDisposable {
  readonly site: Site;
  /** Folder of the configuration, the store and everything else that is written. */
  readonly folder: string;
  /** `http://127.0.0.1:port` of a daemon with the usual configuration. */
  readonly url: string;
  /** The usual configuration with some keys replaced: one gate, two paths, three targets, quick intervals. */
  configuration(keys?: Record<string, unknown>): string;
  /** Writes it as gatewatch.yaml, or under that name; its absolute name. */
  write(keys?: Record<string, unknown>, name?: string): Promise<string>;
  /** Address of a service of the site as a visitor types it. */
  service(hostAndPathname: string): string;
  /** A port or file of the site, as in `${env:GATEWATCH_DEMO_…}`. */
  fact(name: string): string;
}

/** Starts the demo site on free ports, and makes a folder. */
export async function startCliSite(): Promise<CliSite> {
  await using stack = new AsyncDisposableStack();
  const site = stack.use(await startSite({ clock: systemClock, ports: { edge: 0, origin: 0, dns: 0 } }));
  const folder = stack.use(await tempFolder('cli')).path;
  const port = await loopbackPort();
  const fact = (name: string): string => {
    const value = site.environment[`GATEWATCH_DEMO_${name}`];
    if (value === undefined) throw new Error(`the demo site has no ${name}`);
    return value;
  };
  const service = (hostAndPathname: string): string => {
    const url = new URL(`https://${hostAndPathname}`);
    url.port = fact('EDGE_PORT');
    return url.href.replace(/\/$/, '');
  };
  const configuration = (keys: Record<string, unknown> = {}): string =>
    stringify({
      vantage: 'laboratory',
      gates: [
        {
          name: 'authentik',
          kind: 'authentik',
          url: service('auth.casa.test'),
          sessions: { store: 'files', capacity: '64MiB', lifetime: '1h', budget: '30/m' },
          paths: ['cdn'],
        },
      ],
      paths: [
        { name: 'cdn', kind: 'cdn', resolver: `127.0.0.1:${fact('DNS_PORT')}`, private: true },
        { name: 'origin', kind: 'origin', address: `127.0.0.1:${fact('ORIGIN_PORT')}` },
      ],
      defaults: { gate: 'authentik', expect: 'login', paths: ['cdn', 'origin'], timeout: '4s' },
      targets: [
        service('photos.casa.test'),
        service('grafana.lab.test'),
        { url: service('blog.casa.test'), expect: 'public' },
      ],
      control: [`http://127.0.0.1:${fact('OUTSIDE_PORT')}`],
      checks: { return: { every: '3s' } },
      receivers: [{ name: 'phone', kind: 'webhook', url: fact('PHONE_URL') }],
      store: { file: join(folder, 'gatewatch.db') },
      web: { listen: `127.0.0.1:${port}` },
      tls: { ca: [fact('CA_FILE')] },
      ...keys,
    });
  const running = stack.move();
  return {
    site,
    folder,
    url: `http://127.0.0.1:${port}`,
    configuration,
    async write(keys = {}, name = 'gatewatch.yaml') {
      const file = join(folder, name);
      await writeFile(file, configuration(keys));
      return file;
    },
    service,
    fact,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** A POST as curl sends it: fetch would send Sec-Fetch-Mode, as a page of another site does. */
export async function post(
  url: string,
  options: { headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number; text: string }> {
  const { statusCode, body } = await request(url, {
    method: 'POST',
    headersTimeout: 30_000,
    ...options,
  });
  return { status: statusCode, text: await body.text() };
}

/** JSON of `/api/v1/<pathname>` of a daemon. */
export async function api<T>(url: string, pathname: string): Promise<T> {
  const response = await fetch(`${url}/api/v1/${pathname}`, { signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`${pathname}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

/** Waits until a daemon answers and every visit of it has been up. */
export async function untilUp(url: string): Promise<void> {
  type Checks = { checks: { kind: string; id: string; verdict: string | null; reason: string }[] };
  const isUp = async (): Promise<boolean> => {
    const visits = (await api<Checks>(url, 'checks')).checks.filter(({ kind }) => kind === 'visit');
    const missing = visits.find(({ verdict }) => verdict !== 'up');
    if (missing !== undefined) throw new Error(`${missing.id} is ${missing.verdict}: ${missing.reason}`);
    return visits.length > 0;
  };
  await waitFor('every visit to be up', isUp, { limitMs: 120_000, everyMs: 300 });
}
