// The real Prometheus, scraping one address every second; and promtool, which knows what good metrics look like.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loopbackPort } from './loopback-port.ts';
import { type Program, startProgram } from './program.ts';
import { tempFolder } from './temp-folder.ts';
import { waitFor } from './wait.ts';

/** One series of an instant query. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus extends AsyncDisposable {
  readonly pid: number;
  readonly url: string;
  output(): string;
  /** Value of a PromQL expression now; throws on a bad expression. */
  query(expression: string): Promise<Sample[]>;
}

/** Starts it and waits until it is ready; `scrape` is `host:port`, its pathname `/metrics`. */
export async function startPrometheus(options: { scrape: string }): Promise<Prometheus> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder('prometheus'));
  const file = join(folder.path, 'prometheus.yml');
  await writeFile(file, configuration(options.scrape));
  const port = await loopbackPort();
  const program: Program = stack.use(
    startProgram('prometheus', [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder.path, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]),
  );
  const url = `http://127.0.0.1:${port}`;
  await waitFor('Prometheus to be ready', async () => (await fetch(`${url}/-/ready`)).ok, {
    limitMs: 60_000,
  });
  const running = stack.move();
  return {
    pid: program.pid,
    url,
    output: program.output,
    async query(expression) {
      const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const { status, data, error } = (await response.json()) as QueryAnswer;
      if (status !== 'success' || data === undefined) throw new Error(`${expression}: ${error}`);
      return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** What `promtool check metrics` says about a page of metrics; exit code 0 and no words are good. */
export async function checkMetrics(page: string): Promise<{ code: number | null; said: string }> {
  const child = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  const keep = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-100_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.stdin.end(page);
  const [code] = await once(child, 'close', { signal: AbortSignal.timeout(30_000) });
  return { code: code as number | null, said };
}

/** Prometheus' answer to an instant query of a vector. */
interface QueryAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data?: {
    readonly result: readonly { metric: Record<string, string>; value: readonly [number, string] }[];
  };
}

function configuration(scrape: string): string {
  return `global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: gatewatch
    static_configs:
      - targets: ['${scrape}']
`;
}
