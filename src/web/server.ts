// The web port: the site on a node server with bounds on headers, time and connections (threats W8). It answers
// with what the daemon already knows; nothing here waits for a probe.

import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { sleep } from '../base/clock.ts';
import { errorText } from '../base/log.ts';
import { isOpenWide } from './access.ts';
import { createSite, type SiteTools } from './site.ts';

/** Bounds of threats section 6. */
const LIMITS = {
  headerBytes: 16 * 1024,
  headerMs: 10_000,
  requestMs: 30_000,
  /** A reader that takes nothing for so long is dropped. */
  stallMs: 30_000,
  keepAliveMs: 5_000,
  connections: 512,
  requestsPerConnection: 1_000,
};
/** How long answers under way may take at the end. */
const GRACE_MS = 2_000;

/** The running web port. */
export interface Web {
  /** Listens; rejects when the address is taken. The port is the real one when 0 was asked for. */
  start(): Promise<{ readonly port: number }>;
  /** Ends all connections, within 2 s. Idempotent; harmless before `start`. */
  stop(): Promise<void>;
}

/** Everything that the web port needs to know. */
export type WebTools = SiteTools;

/** Web port of one process. */
export function createWeb(tools: WebTools): Web {
  const { options, log, clock } = tools;
  let server: Server | null = null;
  return {
    async start() {
      const site = createSite(tools);
      const started = createAdaptorServer({
        fetch: site.fetch,
        serverOptions: {
          maxHeaderSize: LIMITS.headerBytes,
          headersTimeout: LIMITS.headerMs,
          requestTimeout: LIMITS.requestMs,
          keepAliveTimeout: LIMITS.keepAliveMs,
          connectionsCheckingInterval: 2_000,
        },
      }) as Server;
      started.maxConnections = LIMITS.connections;
      started.maxRequestsPerSocket = LIMITS.requestsPerConnection;
      started.setTimeout(LIMITS.stallMs);
      server = started;
      const port = await listen(started, options.listen);
      started.on('error', (error) => log.error({ error: errorText(error) }, 'web port failed'));
      log.info({ address: options.listen.host, port }, 'web port listens');
      if (isOpenWide(options)) {
        log.warn(
          'the web port is open beyond this machine without web.auth: it shows everything and changes nothing',
        );
      }
      return { port };
    },
    async stop() {
      const ending = server;
      server = null;
      if (ending === null || !ending.listening) return;
      const closed = new Promise<void>((resolve) => ending.close(() => resolve()));
      ending.closeIdleConnections();
      const over = new AbortController();
      await Promise.race([closed, sleep(clock, GRACE_MS, over.signal)]);
      over.abort();
      ending.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
