// The real Alertmanager, alone, with two routes for every alert: grouped by `alertname`, and one group an alert.
// Alerts of several sites can share it: each carries the label `site`, by which groups are kept apart.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loopbackPort } from './loopback-port.ts';
import { type Program, startProgram } from './program.ts';
import { tempFolder } from './temp-folder.ts';
import { waitFor } from './wait.ts';

/** The two ways of grouping; also the last part of the webhook's pathname. */
export const GROUPINGS = ['by-alertname', 'by-all-labels'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** An alert as Alertmanager's own API shows it. */
export interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly fingerprint: string;
}

export interface Alertmanager extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  readonly url: string;
  output(): string;
  /** Alerts that fire now, of one site. */
  alerts(site: string): Promise<ActiveAlert[]>;
}

/** Starts it and waits until it is ready; notifications go to `<webhookUrl>/<grouping>`. */
export async function startAlertmanager(options: { webhookUrl: string }): Promise<Alertmanager> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder('alertmanager'));
  const file = join(folder.path, 'alertmanager.yml');
  await writeFile(file, configuration(options.webhookUrl));
  const port = await loopbackPort();
  const program: Program = stack.use(
    startProgram('prometheus-alertmanager', [
      `--config.file=${file}`,
      `--storage.path=${join(folder.path, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=',
    ]),
  );
  const url = `http://127.0.0.1:${port}`;
  await waitFor('Alertmanager to be ready', async () => (await fetch(`${url}/-/ready`)).ok, {
    limitMs: 30_000,
  });
  const running = stack.move();
  return {
    pid: program.pid,
    port,
    url,
    output: program.output,
    async alerts(site) {
      const filter = encodeURIComponent(`site="${site}"`);
      const response = await fetch(`${url}/api/v2/alerts?filter=${filter}`);
      return (await response.json()) as ActiveAlert[];
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Short waits, so that a test sees a notification soon; no repetition within a test. */
function configuration(webhookUrl: string): string {
  const receiver = (grouping: Grouping): string => `  - name: ${grouping}
    webhook_configs:
      - url: ${webhookUrl}/${grouping}
        send_resolved: true
`;
  return `route:
  receiver: nobody
  group_wait: 1s
  group_interval: 5s
  repeat_interval: 12h
  routes:
    - receiver: by-alertname
      group_by: [alertname, site]
      continue: true
    - receiver: by-all-labels
      group_by: ['...']
receivers:
  - name: nobody
${GROUPINGS.map(receiver).join('')}`;
}
