// A real Alertmanager on free ports of loopback, with one webhook receiver.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from './free-port.ts';

const PROGRAM = '/usr/bin/prometheus-alertmanager';

export interface RealAlertmanager extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Alerts it knows, as its API tells them. */

  // biome-ignore lint/suspicious/noExplicitAny: the shape of the API
  alerts(): Promise<any[]>;
  /** Ends the process; `start` brings it back on the same port with what it had stored. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Starts one that notifies `webhook`, grouping by `groupBy`, without delays. */
export async function realAlertmanager(
  webhook: string,
  groupBy: string[] = ['...'],
): Promise<RealAlertmanager> {
  const folder = mkdtempSync(join(tmpdir(), 'gatewatch-am-'));
  const port = await freePort();
  const config = join(folder, 'alertmanager.yml');
  writeFileSync(
    config,
    JSON.stringify({
      route: {
        receiver: 'pager',
        group_by: groupBy,
        group_wait: '100ms',
        group_interval: '1s',
        repeat_interval: '12h',
      },
      receivers: [{ name: 'pager', webhook_configs: [{ url: webhook, send_resolved: true }] }],
    }),
  );
  let child: ChildProcess | null = null;
  const url = `http://127.0.0.1:${port}`;
  const start = async (): Promise<void> => {
    const data = join(folder, 'data');
    const flags = [
      `--config.file=${config}`,
      `--storage.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    child = spawn(PROGRAM, [...flags, '--cluster.listen-address='], { stdio: 'ignore' });
    while (!(await ready(url))) await pause(50);
  };
  const stop = async (): Promise<void> => {
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    child?.kill('SIGTERM');
    await ended;
    child = null;
  };
  await start();
  return {
    url,
    port,
    // biome-ignore lint/suspicious/noExplicitAny: the shape of the API
    alerts: async () => (await (await fetch(`${url}/api/v2/alerts`)).json()) as any[],
    start,
    stop,
    async [Symbol.asyncDispose]() {
      if (child !== null) await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function ready(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/-/ready`)).ok;
  } catch {
    return false;
  }
}
