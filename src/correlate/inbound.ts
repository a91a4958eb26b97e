// Alerts of others as evidence. They never open, close or suppress anything: `inform` is shown beside what our own
// probes say, `hold` lets the alert of a single service wait, for four hours at most (DESIGN 10, Silence). Kept over
// restarts; of what was sent, only names that are configured and instants are kept.

import { z } from 'zod';
import { matchesGlob } from '../base/glob.ts';
import type { ComponentId } from '../model/component.ts';
import type { InboundAlert, WebhookAlert } from '../model/inbound.ts';
import type { EpochMs } from '../model/observation.ts';
import type { EvidenceOption } from './evidence-options.ts';

/** How long one alert may hold anything, however often it is sent again (DESIGN 10). */
const HOLD_MS = 4 * 3_600_000;
/** Alertmanager repeats a firing alert after 4 h, unless told otherwise; what does not come again is over. */
const SILENT_MS = HOLD_MS + 1_800_000;
/** Received this far in the future: the clock was set back since, and nothing of it is believed. */
const AHEAD_MS = 60_000;
/** Firing alerts that are remembered; beyond it the one that was silent longest goes. */
const MOST = 1_000;

export interface Inbound {
  /** Takes what a webhook brought; how many of them say something. */
  accept(alerts: readonly WebhookAlert[], now: EpochMs): number;
  /** Firing alerts that the configuration names, oldest first. */
  firing(now: EpochMs): readonly InboundAlert[];
  /** Components whose services' alerts wait, as configured. */
  holding(now: EpochMs): readonly string[];
}

const schema = z.array(
  z.object({
    key: z.string(),
    alertname: z.string(),
    startsAt: z.number(),
    receivedAt: z.number(),
    seenAt: z.number(),
  }),
);
type Known = z.output<typeof schema>[number];

/** Inbound alerts that go on from what was saved; `save` is called with every change. */
export function createInbound(
  options: readonly EvidenceOption[],
  { saved, save }: { readonly saved: string | null; readonly save: (text: string) => void },
): Inbound {
  const known = new Map(restored(saved).map((alert) => [alert.key, alert]));
  const named = new Set(options.map(({ alertname }) => alertname));
  const isFiring = ({ receivedAt, seenAt }: Known, now: EpochMs): boolean =>
    now - seenAt < SILENT_MS && receivedAt <= now + AHEAD_MS;
  const firing = (now: EpochMs): readonly InboundAlert[] =>
    [...known.values()]
      .filter((alert) => isFiring(alert, now))
      .flatMap(({ alertname, startsAt, receivedAt }) =>
        options
          .filter((option) => option.alertname === alertname)
          .map(({ component, effect }) => {
            const until = receivedAt + HOLD_MS;
            const holdsUntil = effect === 'hold' && now < until ? until : null;
            return { alertname, component, effect, startsAt, holdsUntil };
          }),
      )
      .sort((a, b) => a.startsAt - b.startsAt);
  const take = (alert: WebhookAlert, alertname: string, now: EpochMs): void => {
    const key = alert.fingerprint ?? JSON.stringify(Object.entries(alert.labels).sort());
    const before = known.get(key);
    known.delete(key);
    if (alert.status === 'resolved') return;
    const receivedAt = before !== undefined && isFiring(before, now) ? before.receivedAt : now;
    known.set(key, { key, alertname, startsAt: Math.min(alert.startsAt, now), receivedAt, seenAt: now });
  };
  return {
    accept(alerts, now) {
      let taken = 0;
      for (const alert of alerts) {
        const { alertname = '' } = alert.labels;
        if (!named.has(alertname)) continue;
        take(alert, alertname, now);
        taken++;
      }
      for (const [key, alert] of known) if (!isFiring(alert, now) || known.size > MOST) known.delete(key);
      if (taken > 0) save(JSON.stringify([...known.values()]));
      return taken;
    },
    firing,
    holding: (now) =>
      firing(now).flatMap(({ holdsUntil, component }) => (holdsUntil === null ? [] : [component])),
  };
}

/** Whether a component of an alert, as configured, is one of these. */
export function isAmong(pattern: string, ids: Iterable<ComponentId | string>): boolean {
  for (const id of ids) if (matchesGlob(pattern, id)) return true;
  return false;
}

function restored(saved: string | null): Known[] {
  if (saved === null) return [];
  try {
    const parsed = schema.safeParse(JSON.parse(saved));
    return parsed.success ? parsed.data : [];
  } catch {
    return [];
  }
}
