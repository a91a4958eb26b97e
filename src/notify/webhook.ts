// Receiver `webhook`: Alertmanager's payload version 4, one alert a notification. Source: reference/ecosystem.md 4.5.

import { type Clock, deadline } from '../base/clock.ts';
import { shownUrl } from '../base/secret.ts';
import type { Alert } from './alert.ts';
import type { DeliveryType, Driver, FailureReason, Outgoing } from './delivery.ts';
import { sortedLabels } from './fingerprint.ts';
import { type Http, NoAnswer, reasonOfStatus } from './http.ts';

const DEADLINE_MS = 10_000;
/** Go's zero time: the end of an alert that fires. */
const NO_END = '0001-01-01T00:00:00Z';

const REASONS: Readonly<Record<DeliveryType, string>> = {
  opened: 'first notification',
  changed: 'unknown',
  repeat: 'repeat interval elapsed',
  resolved: 'all alerts resolved',
};

export interface WebhookOptions {
  readonly name: string;
  readonly url: string;
  /** Base address of the page, or empty. */
  readonly externalUrl: string;
}

/** Driver for one webhook. */
export function createWebhook(options: WebhookOptions, tools: { clock: Clock; http: Http }): Driver {
  const post = async (item: Outgoing, signal: AbortSignal): Promise<FailureReason | null> => {
    using limit = deadline(tools.clock, DEADLINE_MS, signal);
    const body = JSON.stringify(webhookPayload(item, options));
    const headers = { 'idempotency-key': item.key };
    try {
      const answer = await tools.http.send({ method: 'POST', url: options.url, body, headers }, limit.signal);
      return reasonOfStatus(answer.status);
    } catch (error) {
      return error instanceof NoAnswer ? error.reason : 'internal';
    }
  };
  return {
    batch: 1,
    parallel: 4,
    resendMs: null,
    // Every request would be a notification.
    ask: null,
    remember: () => tools.http.remember(options.url),
    deliver: (items, _, signal) =>
      Promise.all(
        items.map(async (item) => {
          const reason = await post(item, signal);
          const { incident } = item.alert;
          if (reason === null) return { incident, outcome: 'accepted' };
          return { incident, outcome: reason === 'rejected' ? 'rejected' : 'failed', reason };
        }),
      ),
    async test(alert, signal) {
      const now = tools.clock.now();
      const shown = shownUrl(options.url);
      const key = `test-${now}`;
      const opened = await post({ type: 'opened', key: `${key}-opened`, alert }, signal);
      if (opened !== null) return { ok: false, detail: `${shown}: ${opened}`, reaches: null };
      const ended = { ...alert, endsAt: Math.max(now, alert.startsAt) };
      const resolved = await post({ type: 'resolved', key: `${key}-resolved`, alert: ended }, signal);
      return resolved === null
        ? { ok: true, detail: `${shown}: accepted`, reaches: null }
        : { ok: false, detail: `${shown}: accepted, but its end was not: ${resolved}`, reaches: null };
    },
    close: () => tools.http.close(),
  };
}

/** The body: a group of one alert. */
function webhookPayload({ type, alert }: Outgoing, options: WebhookOptions) {
  const status = alert.endsAt === null ? 'firing' : 'resolved';
  return {
    receiver: options.name,
    status,
    alerts: [
      {
        status,
        labels: alert.labels,
        annotations: alert.annotations,
        startsAt: new Date(alert.startsAt).toISOString(),
        endsAt:
          alert.endsAt === null ? NO_END : new Date(Math.max(alert.endsAt, alert.startsAt)).toISOString(),
        generatorURL: alert.generatorUrl ?? '',
        fingerprint: alert.fingerprint,
      },
    ],
    notification_reason: REASONS[type],
    groupLabels: alert.labels,
    commonLabels: alert.labels,
    commonAnnotations: alert.annotations,
    routeLabels: {},
    externalURL: options.externalUrl,
    version: '4',
    groupKey: groupKey(alert),
    truncatedAlerts: 0,
  };
}

// The same for all notifications of an alert, in the form of Alertmanager's own.
function groupKey(alert: Alert): string {
  const labels = sortedLabels(alert.labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `{}:{${labels.join(', ')}}`;
}
