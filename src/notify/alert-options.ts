// The `alerts:` part of the configuration.

import { z } from 'zod';
import { duration, httpUrl, labelName, labels, labelValue } from '../base/schema.ts';

/** Sets (text) or removes (null) labels of the alerts that match. */
export interface AlertRule {
  readonly match: { readonly alertname?: string | undefined; readonly component?: string | undefined };
  readonly labels: Readonly<Record<string, string | null>>;
}

export interface AlertOptions {
  /** Added to all alerts but the watchdog; never replaces a label that identifies the alert. */
  readonly labels: Readonly<Record<string, string>>;
  /** Applied in order, the last word on every label but `alertname`. */
  readonly rules: readonly AlertRule[];
  readonly startupGraceMs: number;
  readonly certificateWarnMs: number;
  /** Prefix of `runbook_url`; the alertname is put behind it. */
  readonly runbooks: string | null;
}

const changes = z
  .record(labelName(), labelValue().nullable())
  .refine((set) => !('alertname' in set), { error: 'cannot change alertname' });

const rule = z.strictObject({
  match: z.strictObject({ alertname: z.string().optional(), component: z.string().optional() }),
  labels: changes.describe('labels to set; null removes one'),
});

/** `alerts:`. */
export const alertsSchema = z
  .strictObject({
    labels: labels().default({}).describe('added to every alert'),
    rules: z.array(rule).default([]).describe('set or remove labels of matching alerts'),
    'startup-grace': duration()
      .default(300_000)
      .describe('after a start no service alert for a target that was never up'),
    certificate: z
      .strictObject({ warn: duration().default(14 * 86_400_000) })
      .prefault({})
      .describe('how long before its end a certificate is warned of'),
    runbooks: httpUrl().nullable().default(null).describe('prefix of runbook_url'),
  })
  .transform(
    (alerts): AlertOptions => ({
      labels: alerts.labels,
      rules: alerts.rules,
      startupGraceMs: alerts['startup-grace'],
      certificateWarnMs: alerts.certificate.warn,
      runbooks: alerts.runbooks,
    }),
  );
