// The whole program as a process, watching a laboratory site: writes its configuration, starts it, asks its API, and
// ends or kills it by its id. The store outlives the process, so that a second start continues where it was.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loopbackPort } from './loopback-port.ts';
import type { OutageSite } from './outage-site.ts';
import { type Program, startProgram } from './program.ts';
import { START_FLAGS } from './start-flags.ts';
import { tempFolder } from './temp-folder.ts';
import { waitFor } from './wait.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/** As `/api/v1/checks` shows it. */
export interface CheckView {
  readonly id: string;
  readonly kind: 'visit' | 'canary';
  readonly visit: string;
  readonly path: string | null;
  readonly target: string;
  readonly verdict: string | null;
  readonly signature: string | null;
  readonly reason: string;
  readonly idle: string | null;
}

/** As `/api/v1/incidents` shows it. */
export interface IncidentView {
  readonly id: string;
  readonly kind: string;
  readonly state: 'open' | 'recovering' | 'resolved';
  readonly summary: string;
  readonly startedAt: string;
  readonly resolvedAt: string | null;
  readonly flaps: number;
}

export interface Daemon extends AsyncDisposable {
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  readonly configuration: string;
  /** Id of the running process. */
  pid(): number;
  /** What all its processes printed. */
  output(): string;
  /** JSON of a pathname below `/api/v1/`. */
  api<T>(pathname: string): Promise<T>;
  metrics(): Promise<string>;
  checks(): Promise<CheckView[]>;
  /** All incidents, the ended ones included. */
  incidents(): Promise<IncidentView[]>;
  /** Resolves when every check, canaries included, is up: from here on a fault is a fault. */
  healthy(): Promise<void>;
  /** Ends the process (SIGTERM) or kills it; the exit code, null when a signal ended it. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
  /** Starts it again with the same configuration and store. */
  start(): Promise<void>;
}

export interface DaemonOptions {
  readonly site: OutageSite;
  /** Label `site` of all its alerts. */
  readonly name: string;
  readonly alertmanagerUrl: string;
  /** More of the environment of its process. */
  readonly environment?: Record<string, string>;
  /** A command in front of the daemon's own, such as `sh -c 'ulimit -n 64; exec "$@"' sh`. */
  readonly launch?: readonly string[];
  /** Sections of the configuration in place of the usual ones. */
  readonly sections?: Record<string, unknown>;
}

/** Starts it and waits until it is ready. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder('daemon'));
  const port = await loopbackPort();
  const file = join(folder.path, 'gatewatch.yaml');
  const configuration = stringify({
    ...configurationOf(options, { folder: folder.path, port }),
    ...options.sections,
  });
  await writeFile(file, configuration);
  const url = `http://127.0.0.1:${port}`;
  const ended: string[] = [];
  let program: Program | null = null;
  stack.defer(async () => {
    await program?.end();
  });

  const start = async (): Promise<void> => {
    const [command = process.execPath, ...args] = [
      ...(options.launch ?? []),
      ...[process.execPath, ...START_FLAGS, MAIN, 'run', '--config', file],
    ];
    const started = startProgram(command, args, {
      cwd: folder.path,
      environment: options.environment ?? {},
    });
    program = started;
    const limit = AbortSignal.timeout(60_000);
    const died = started.exited.then((code) => {
      throw new Error(`the daemon ended with ${code}: ${started.output().slice(-4000)}`);
    });
    died.catch(() => undefined);
    const ready = waitFor(
      'the daemon to be ready',
      async () => (await fetch(`${url}/-/ready`, { signal: limit })).ok,
    );
    await Promise.race([ready, died]);
  };
  const api = async <T>(pathname: string): Promise<T> => {
    const response = await fetch(`${url}/api/v1/${pathname}`, { signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`${pathname}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const checks = async (): Promise<CheckView[]> => (await api<{ checks: CheckView[] }>('checks')).checks;
  await start();

  const running = stack.move();
  return {
    url,
    configuration,
    pid: () => program?.pid ?? -1,
    output: () => [...ended, program?.output() ?? ''].join(''),
    api,
    metrics: async () => (await fetch(`${url}/metrics`)).text(),
    checks,
    incidents: async () => (await api<{ incidents: IncidentView[] }>('incidents?state=all')).incidents,
    async healthy() {
      await waitFor('every check to be up', async () => isHealthy(await checks()), {
        everyMs: 500,
        limitMs: 120_000,
      });
    },
    async end(signal) {
      const ending = program;
      program = null;
      if (ending === null) throw new Error('the daemon is not running');
      const code = await ending.end(signal);
      ended.push(ending.output());
      return code;
    },
    start,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** True, or throws with what is missing. */
function isHealthy(checks: readonly CheckView[]): boolean {
  const missing = checks.filter((check) => check.verdict !== 'up');
  if (checks.length > 0 && missing.length === 0) return true;
  const shown = missing
    .slice(0, 5)
    .map((check) => `${check.id} ${check.verdict} ${check.reason} ${check.idle}`);
  throw new Error(`${missing.length} of ${checks.length} are not up: ${shown.join('; ')}`);
}

/**
 * Quick intervals, so that a scenario takes two minutes; time-outs that a busy machine keeps; a session store whose
 * explicit budget allows a fresh visit every two seconds.
 */
function configurationOf(
  { site, name, alertmanagerUrl }: DaemonOptions,
  { folder, port }: { folder: string; port: number },
): Record<string, unknown> {
  return {
    vantage: `vantage-${name}`,
    gates: [
      {
        name: 'authentik',
        kind: 'authentik',
        url: site.loginUrl,
        outpost: 'embedded',
        sessions: { store: 'files', capacity: '64MiB', lifetime: '1h', budget: '30/m' },
        paths: ['cdn'],
        labels: { namespace: 'authentik' },
      },
    ],
    paths: [
      { name: 'cdn', kind: 'cdn', resolver: site.resolver, private: true },
      { name: 'origin', kind: 'origin', address: site.originAddress },
    ],
    defaults: { gate: 'authentik', expect: 'login', paths: ['cdn', 'origin'], timeout: '8s', slow: '6s' },
    targets: [...site.protectedUrls, ...site.publicUrls.map((url) => ({ url, expect: 'public' }))],
    control: [site.controlUrl],
    checks: { return: { every: '3s' } },
    alerts: { labels: { site: name } },
    receivers: [{ name: 'alertmanager', kind: 'alertmanager', urls: [alertmanagerUrl] }],
    store: { file: join(folder, 'gatewatch.db') },
    web: { listen: `127.0.0.1:${port}` },
    tls: { ca: [site.ca.file] },
  };
}
