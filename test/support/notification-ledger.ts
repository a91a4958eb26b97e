// The counting receiver of Alertmanager's webhooks: keeps every notification with what it says and when it came.

import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Grouping } from './alertmanager.ts';

/** Longest body that is read, in bytes. */
const MAX_BODY = 4 * 1024 * 1024;

export interface NotifiedAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly fingerprint: string;
}

/** One POST of Alertmanager: somebody's phone rings once. */
export interface Notification {
  readonly grouping: Grouping;
  readonly status: 'firing' | 'resolved';
  readonly alerts: readonly NotifiedAlert[];
  /** Label `site` of its alerts. */
  readonly site: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
}

export interface NotificationLedger extends AsyncDisposable {
  /** Where Alertmanager posts to, without the last part of the pathname: the grouping. */
  readonly url: string;
  /** Notifications about a site so far, oldest first. */
  of(site: string, grouping: Grouping): readonly Notification[];
  /** One line a notification, for the message of a failed test. */
  story(site: string): string;
}

/** Starts it on a free port of 127.0.0.1. */
export async function startNotificationLedger(): Promise<NotificationLedger> {
  const entries: Notification[] = [];
  const server = createServer((request, response) => {
    read(request)
      .then((text) => {
        entries.push(notification(text, request.url ?? '/'));
        response.writeHead(200).end();
      })
      .catch(() => response.writeHead(400).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const of = (site: string, grouping: Grouping): Notification[] =>
    entries.filter((entry) => entry.site === site && entry.grouping === grouping);
  return {
    url: `http://127.0.0.1:${port}`,
    of,
    story: (site) =>
      entries
        .filter((entry) => entry.site === site)
        .map(line)
        .join('\n'),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY) throw new Error('notification is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function notification(text: string, pathname: string): Notification {
  const { status, alerts } = JSON.parse(text) as Pick<Notification, 'status' | 'alerts'>;
  const site = alerts[0]?.labels['site'] ?? '';
  return { grouping: pathname.slice(1) as Grouping, status, alerts, site, receivedAt: Date.now() };
}

function line(entry: Notification): string {
  const alerts = entry.alerts.map(
    (alert) => `${alert.status} ${JSON.stringify(alert.labels)} ${JSON.stringify(alert.annotations)}`,
  );
  return `${new Date(entry.receivedAt).toISOString()} ${entry.grouping} ${entry.status}: ${alerts.join('; ')}`;
}
