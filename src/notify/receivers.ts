// The table of receivers: what each kind's configuration is, and how its driver is made. A new kind is a file and
// an entry here.

import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { type HttpAuth, httpAuthSchema } from '../base/http-auth.ts';
import { duration, httpUrl, name, oneOrMany } from '../base/schema.ts';
import { Secret, shownUrl } from '../base/secret.ts';
import { createAlertmanager } from './alertmanager.ts';
import type { Driver } from './delivery.ts';
import { createHttp } from './http.ts';
import { createWebhook } from './webhook.ts';

/** What all kinds have in common. */
interface CommonOptions {
  readonly name: string;
  /** Label name -> allowed values; all must hold. Empty: every alert. */
  readonly match: Readonly<Record<string, readonly string[]>>;
  /** Gets only what that receiver has not accepted `afterMs` after it was queued; null: gets everything. */
  readonly fallbackFor: string | null;
  readonly afterMs: number;
  readonly auth: HttpAuth | null;
  /** Further trusted roots, PEM. */
  readonly ca: readonly string[];
}

export interface AlertmanagerReceiver extends CommonOptions {
  readonly kind: 'alertmanager';
  readonly urls: readonly string[];
}

export interface WebhookReceiver extends CommonOptions {
  readonly kind: 'webhook';
  /** A secret: many receivers put their token into it. */
  readonly url: Secret;
}

/** One entry of `receivers:`. */
export type ReceiverOptions = AlertmanagerReceiver | WebhookReceiver;

const common = {
  name: name(),
  match: z
    .record(z.string(), oneOrMany(z.string()))
    .default({})
    .describe('labels an alert must have; a list allows several values'),
  'fallback-for': z.string().optional().describe('gets only what this other receiver has not accepted'),
  after: duration().optional().describe('how long the other receiver has; default 2m'),
  auth: httpAuthSchema.optional(),
  tls: z
    .strictObject({
      ca: oneOrMany(
        z.string().refine((text) => text.includes('-----BEGIN CERTIFICATE-----'), {
          error: 'must be certificates in PEM form; `${file:/path}` reads a file',
        }),
      ),
    })
    .optional(),
};

type Common = z.output<z.ZodObject<typeof common>>;

function commonOptions(raw: Common): CommonOptions {
  return {
    name: raw.name,
    match: raw.match,
    fallbackFor: raw['fallback-for'] ?? null,
    afterMs: raw.after ?? 120_000,
    auth: raw.auth ?? null,
    ca: raw.tls?.ca ?? [],
  };
}

const onlyFallbacksWait = {
  error: '`after` needs `fallback-for`',
  path: ['after'],
};
const hasReason = (raw: { after?: number | undefined; 'fallback-for'?: string | undefined }): boolean =>
  raw.after === undefined || raw['fallback-for'] !== undefined;

const alertmanager = z
  .strictObject({ kind: z.literal('alertmanager'), ...common, urls: z.array(httpUrl()).min(1) })
  .refine(hasReason, onlyFallbacksWait)
  .transform((raw): ReceiverOptions => ({ kind: 'alertmanager', ...commonOptions(raw), urls: raw.urls }));

const webhook = z
  .strictObject({ kind: z.literal('webhook'), ...common, url: httpUrl() })
  .refine(hasReason, onlyFallbacksWait)
  .transform(
    (raw): ReceiverOptions => ({ kind: 'webhook', ...commonOptions(raw), url: new Secret(raw.url) }),
  );

const later = z
  .looseObject({ kind: z.enum(['ntfy', 'slack', 'email']) })
  .transform((raw, context): ReceiverOptions => {
    context.addIssue({
      code: 'custom',
      path: ['kind'],
      message: `receiver kind ${raw.kind} is not built yet`,
    });
    return z.NEVER;
  });

/** One entry of `receivers:`. */
export const receiverSchema = z.discriminatedUnion('kind', [alertmanager, webhook, later]);

/** What a driver needs beside its options. */
interface DriverTools {
  readonly clock: Clock;
  readonly userAgent: string;
  readonly ca: readonly string[];
  readonly webUrl: string | null;
  /** Told of a receiver whose clock is far from ours: where it is, and its clock minus ours in ms. */
  readonly skewed?: (place: string, skewMs: number) => void;
}

/** Driver of a receiver. */
export function createDriver(options: ReceiverOptions, tools: DriverTools): Driver {
  const { clock, userAgent, skewed = () => {} } = tools;
  const http = createHttp({ auth: options.auth, ca: [...tools.ca, ...options.ca], userAgent, clock });
  switch (options.kind) {
    case 'alertmanager':
      return createAlertmanager({ urls: options.urls }, { clock, http, skewed });
    case 'webhook':
      return createWebhook(
        { name: options.name, url: options.url.reveal(), externalUrl: tools.webUrl ?? '' },
        { clock, http },
      );
  }
}

/** Where a receiver is, without what may be secret. */
export function receiverPlace(options: ReceiverOptions): string {
  return options.kind === 'alertmanager'
    ? options.urls.map(shownUrl).join(', ')
    : shownUrl(options.url.reveal());
}

/** Whether the receiver wants an alert with these labels. */
export function wants(
  options: Pick<ReceiverOptions, 'match'>,
  labels: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(options.match).every(([name, values]) => values.includes(labels[name] ?? ''));
}
