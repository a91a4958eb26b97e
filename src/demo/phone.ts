// The operator's phone of the demo: a receiver of Alertmanager's webhooks that keeps what would be on its screen.

import { createServer, type IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { evidenceText } from '../model/text.ts';
import { type Answer, parseJson, readBody, reply, responder, SERVER_LIMITS } from './exchange.ts';
import { LOOPBACK, startPart } from './part.ts';

/** Notifications kept; the oldest go first. */
const KEPT = 100;
/** Longest line shown. */
const MAX_TEXT = 1000;

/** What the screen shows. One line each, without control characters. */
export interface Notification {
  /** For example `GatewatchSharedFault firing`. */
  readonly title: string;
  /** The summary of the alert. */
  readonly text: string;
}

export interface Phone extends AsyncDisposable {
  /** Where notifications are posted to. */
  readonly url: string;
  /** Oldest first. */
  readonly notifications: readonly Notification[];
}

/** The part of Alertmanager's webhook payload, version 4, that is shown. */
const payloadSchema = z.object({
  alerts: z
    .array(
      z.object({
        status: z.enum(['firing', 'resolved']),
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()).default({}),
      }),
    )
    .max(1000),
});

/** Starts the receiver on a free port; `ring` is called for each alert of each notification. */
export async function startPhone(options: {
  clock: Clock;
  ring?: (notification: Notification) => void;
}): Promise<Phone> {
  const notifications: Notification[] = [];
  const accept = (notification: Notification): void => {
    notifications.push(notification);
    if (notifications.length > KEPT) notifications.shift();
    options.ring?.(notification);
  };
  const handle = responder((request) => receive(request, accept));
  const part = await startPart(createServer(SERVER_LIMITS, handle), options.clock);
  return {
    url: `http://${LOOPBACK}:${part.port}/notify`,
    notifications,
    [Symbol.asyncDispose]: () => part[Symbol.asyncDispose](),
  };
}

async function receive(
  request: IncomingMessage,
  accept: (notification: Notification) => void,
): Promise<Answer> {
  if (request.method !== 'POST') return reply(405, { allow: 'POST' });
  const body = await readBody(request);
  const payload = body === null ? null : parse(body);
  if (payload === null) return reply(400, {}, 'not an Alertmanager webhook\n');
  for (const alert of payload.alerts) {
    accept({
      title: evidenceText(`${alert.labels['alertname'] ?? 'alert'} ${alert.status}`),
      text: evidenceText(alert.annotations['summary'] ?? '', MAX_TEXT),
    });
  }
  return reply(200);
}

function parse(body: string): z.infer<typeof payloadSchema> | null {
  return payloadSchema.safeParse(parseJson(body)).data ?? null;
}
