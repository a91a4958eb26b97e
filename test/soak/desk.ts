// Where the daemon's notifications come in: a webhook receiver that keeps each with its time. A delivery that comes
// again with the same key is a repeat, not a second notification.

import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Notice {
  /** When it came, ms since the epoch. */
  readonly at: number;
  readonly status: 'firing' | 'resolved';
  /** `Idempotency-Key`: the same for repeats of one delivery. */
  readonly key: string;
  readonly reason: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly summary: string;
}

export interface Desk extends AsyncDisposable {
  readonly url: string;
  /** Oldest first. */
  readonly notices: readonly Notice[];
}

interface Payload {
  readonly notification_reason: string;
  readonly alerts: readonly {
    readonly status: 'firing' | 'resolved';
    readonly labels: Record<string, string>;
    readonly annotations: Record<string, string>;
    readonly startsAt: string;
  }[];
}

/** Starts it on a free port of loopback. */
export async function startDesk(now: () => number, told: (notice: Notice) => void): Promise<Desk> {
  const notices: Notice[] = [];
  const server = createServer((request, response) => {
    read(request)
      .then((text) => {
        for (const notice of noticesOf(text, request, now())) {
          notices.push(notice);
          told(notice);
        }
        response.writeHead(200).end();
      })
      .catch(() => response.writeHead(400).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/notify`,
    notices,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function noticesOf(text: string, request: IncomingMessage, at: number): Notice[] {
  const payload = JSON.parse(text) as Payload;
  return payload.alerts.map(({ status, labels, annotations, startsAt }) => ({
    at,
    status,
    key: String(request.headers['idempotency-key'] ?? ''),
    reason: payload.notification_reason,
    labels,
    startsAt,
    summary: annotations['summary'] ?? '',
  }));
}
