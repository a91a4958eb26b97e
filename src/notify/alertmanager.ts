// Receiver `alertmanager`: API v2, to every peer in parallel; one acceptance is success, the other peers learn the
// rest with the next resend. Source: reference/ecosystem.md 4.4.

import type { Clock } from '../base/clock.ts';
import { AlertmanagerPeer } from './alertmanager-peer.ts';
import type { Driver, Outcome, Outgoing, TestReport } from './delivery.ts';
import type { Http } from './http.ts';

/** Alerts of one request: Prometheus' own limit. */
const BATCH = 256;
/** Prometheus' resend delay, and the life of a firing alert: three resends may be lost. */
const RESEND_MS = 60_000;
const LIFE_MS = 240_000;

/** Driver for a cluster of Alertmanagers. */
export function createAlertmanager(
  options: { urls: readonly string[] },
  tools: { clock: Clock; http: Http; skewed: (place: string, skewMs: number) => void },
): Driver {
  const peers = options.urls.map((url) => new AlertmanagerPeer(url, tools));
  return {
    batch: BATCH,
    parallel: 1,
    resendMs: RESEND_MS,
    deliver(items, { holdMs }, signal) {
      const free = peers.filter((peer) => !peer.busy);
      return firstSuccess(
        free.map((peer) => peer.deliver(items, holdMs ?? LIFE_MS, signal)),
        items,
      );
    },
    async ask(signal) {
      const reasons = await Promise.all(peers.map((peer) => peer.ask(signal)));
      return reasons.includes(null) ? null : (reasons[0] ?? null);
    },
    remember() {
      for (const url of options.urls) tools.http.remember(url);
    },
    test: async (alert, signal) =>
      joinedReport(await Promise.all(peers.map((peer) => peer.test(alert, signal)))),
    close: () => tools.http.close(),
  };
}

/** Per alert the best that any peer answered; returns as soon as one peer has accepted everything. */
async function firstSuccess(
  asked: readonly Promise<Outcome[]>[],
  items: readonly Outgoing[],
): Promise<Outcome[]> {
  const answers: Outcome[][] = [];
  const all = asked.map(async (one) => {
    const outcomes = await one;
    answers.push(outcomes);
    if (outcomes.some((outcome) => outcome.outcome !== 'accepted')) throw new Error('not accepted');
    return outcomes;
  });
  try {
    return await Promise.any(all);
  } catch {
    return items.map(({ alert }, index) =>
      best(
        alert.incident,
        answers.map((outcomes) => outcomes[index]),
      ),
    );
  }
}

function best(incident: string, outcomes: readonly (Outcome | undefined)[]): Outcome {
  const order = ['accepted', 'failed', 'rejected'] as const;
  const found = order.map((name) => outcomes.find((outcome) => outcome?.outcome === name));
  return found.find((outcome) => outcome !== undefined) ?? { incident, outcome: 'failed', reason: 'timeout' };
}

function joinedReport(reports: readonly TestReport[]): TestReport {
  const reaches = reports.flatMap((report) => report.reaches ?? []);
  return {
    ok: reports.some((report) => report.ok),
    detail: reports.map((report) => report.detail).join('; '),
    reaches: reports.some((report) => report.reaches !== null) ? [...new Set(reaches)] : null,
  };
}
