// blackbox exporter as the peer: one process, asked over kept-alive connections as Prometheus asks it. It probes by IP
// address with the host's name in SNI and Host, so that no look-up is measured on either side.

import { writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { isListening } from '../support/listening.ts';
import { loopbackPort } from '../support/loopback-port.ts';
import { startProgram } from '../support/program.ts';
import { waitFor } from '../support/wait.ts';

export interface Blackbox extends AsyncDisposable {
  readonly pid: number;
  /** One probe; rejects when it did not succeed. */
  probe(host: string): Promise<void>;
}

export async function startBlackbox(options: {
  readonly folder: string;
  readonly rootFile: string;
  readonly targetPort: number;
}): Promise<Blackbox> {
  const port = await loopbackPort();
  const file = join(options.folder, 'blackbox.yml');
  await writeFile(
    file,
    `modules:
  page:
    prober: http
    timeout: 10s
    http: { preferred_ip_protocol: ip4, follow_redirects: false, enable_http2: false, tls_config: { ca_file: ${options.rootFile} } }
`,
  );
  const listen = `--web.listen-address=127.0.0.1:${port}`;
  const program = startProgram('prometheus-blackbox-exporter', [
    `--config.file=${file}`,
    listen,
    '--log.level=error',
  ]);
  await waitFor('blackbox exporter to listen', () => isListening(program, port), { limitMs: 30_000 });
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  return {
    pid: program.pid,
    async probe(host) {
      const target = encodeURIComponent(`https://127.0.0.1:${options.targetPort}/`);
      const text = await textOf(
        agent,
        `http://127.0.0.1:${port}/probe?module=page&hostname=${host}&target=${target}`,
      );
      if (!text.includes('\nprobe_success 1'))
        throw new Error(`blackbox exporter failed: ${text.slice(0, 2000)}`);
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      await program.end();
    },
  };
}

function textOf(agent: Agent, url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    request.on('error', (error) => {
      // The server may close a kept connection just as it is used again (nodejs.org, http.ClientRequest.reusedSocket).
      if (request.reusedSocket) textOf(agent, url).then(resolve, reject);
      else reject(error);
    });
  });
}
