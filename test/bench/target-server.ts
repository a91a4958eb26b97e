// What is probed: nginx on loopback, in a process of its own, over TLS without session tickets. It counts the requests
// it has answered, so that both probers are measured by the same count.

import { loopbackPort } from '../support/loopback-port.ts';
import { startNginx } from '../support/nginx.ts';
import type { Chain } from './chain.ts';

export interface TargetServer extends AsyncDisposable {
  readonly port: number;
  /** Requests answered over TLS so far. */
  answered(): Promise<number>;
}

/** A page of usual size for a login redirect or a health page. */
const PAGE = `<html><head><title>bench</title></head><body>${'x'.repeat(80)}</body></html>`;

export async function startTarget(chain: Chain): Promise<TargetServer> {
  const port = await loopbackPort();
  const statusPort = await loopbackPort();
  const nginx = await startNginx({
    port,
    http: `
  ssl_session_tickets off;
  ssl_session_cache off;
  server {
    listen 127.0.0.1:${port} ssl backlog=1024;
    ssl_certificate ${chain.certificateFile};
    ssl_certificate_key ${chain.keyFile};
    default_type text/html;
    location / { return 200 '${PAGE}'; }
  }
  server {
    listen 127.0.0.1:${statusPort};
    location / { stub_status; }
  }`,
  });
  // Each look at the counter is a request too.
  let looks = 0;
  return {
    port,
    async answered() {
      const text = await (await fetch(`http://127.0.0.1:${statusPort}/`)).text();
      looks += 1;
      return Number(/^\s*\d+ \d+ (\d+)/m.exec(text)?.[1]) - looks;
    },
    [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
  };
}
