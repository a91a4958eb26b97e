// The daemon under measurement: the compiled program with its production flags, a store on disk, and targets on one
// path. Its pace changes by reload, so that one process, warm, is measured at rest and at work in turns.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loopbackPort } from '../support/loopback-port.ts';
import { type Program, startProgram } from '../support/program.ts';
import { START_ENVIRONMENT } from '../support/start-flags.ts';
import { waitFor } from '../support/wait.ts';

export interface DaemonOptions {
  readonly main: string;
  readonly flags: readonly string[];
  readonly folder: string;
  readonly rootFile: string;
  readonly targetPort: number;
}

/** How many targets, and how often each. */
export interface Pace {
  readonly targets: number;
  readonly every: string;
}

export interface Daemon extends AsyncDisposable {
  readonly pid: number;
  /** Reloads with another pace; resolves once it is in force. */
  setPace(pace: Pace): Promise<void>;
}

/** Starts it and waits until it is ready. */
export async function startDaemon(options: DaemonOptions, pace: Pace): Promise<Daemon> {
  const port = await loopbackPort();
  const file = join(options.folder, 'gatewatch.yaml');
  const write = (wanted: Pace): Promise<void> =>
    writeFile(file, JSON.stringify(configuration(options, port, wanted)));
  await write(pace);
  const program: Program = startProgram(
    process.execPath,
    [...options.flags, options.main, 'run', '--config', file],
    { cwd: options.folder, environment: START_ENVIRONMENT },
  );
  const url = `http://127.0.0.1:${port}`;
  const died = program.exited.then((code) => {
    throw new Error(`the daemon ended with ${code}: ${program.output().slice(-2000)}`);
  });
  died.catch(() => undefined);
  const ready = async (): Promise<boolean> => (await fetch(`${url}/-/ready`)).ok;
  await Promise.race([waitFor('the daemon to be ready', ready), died]);
  return {
    pid: program.pid,
    async setPace(wanted) {
      await write(wanted);
      const headers = { origin: url, 'sec-fetch-site': 'same-origin' };
      const signal = AbortSignal.timeout(60_000);
      const response = await fetch(`${url}/-/reload`, { method: 'POST', headers, signal });
      if (!response.ok) throw new Error(`reload: ${response.status} ${await response.text()}`);
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** Host of the nth target. */
export function hostOf(index: number): string {
  return `h${index}.probe.test`;
}

/** The daemon's configuration, as JSON, which is YAML. */
function configuration(options: DaemonOptions, port: number, pace: Pace): unknown {
  return {
    vantage: 'bench',
    paths: [{ name: 'origin', kind: 'origin', address: `127.0.0.1:${options.targetPort}` }],
    defaults: { expect: 'public', paths: ['origin'] },
    targets: Array.from({ length: pace.targets }, (_, index) => `https://${hostOf(index)}`),
    checks: { return: { every: pace.every } },
    canaries: 'none',
    store: { file: join(options.folder, 'gatewatch.db') },
    web: { listen: `127.0.0.1:${port}` },
    tls: { ca: [options.rootFile] },
    log: { level: 'warn' },
  };
}
