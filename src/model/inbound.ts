// Alerts that others send us (Alertmanager's webhook): evidence beside the probes, never a verdict (DESIGN 10, Silence).

import type { EpochMs } from './observation.ts';

/** The part of an alert of Alertmanager's webhook, version 4, that is looked at. */
export interface WebhookAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly startsAt: EpochMs;
  /** Alertmanager's own key of the label set; null when it was not sent. */
  readonly fingerprint: string | null;
}

/** A firing alert that the configuration names under `evidence`. */
export interface InboundAlert {
  readonly alertname: string;
  /** Component as configured: `type:name`, where `*` stands for any text. */
  readonly component: string;
  readonly effect: 'inform' | 'hold';
  /** Since when it fires, by its sender. */
  readonly startsAt: EpochMs;
  /** Until when alerts of services wait for it; null = it holds nothing, or no longer. */
  readonly holdsUntil: EpochMs | null;
}
