// The configuration as a whole: every room's own options under their keys (DESIGN 6). Nothing is defined here that a
// room could own.

import { z } from 'zod';
import { LOG_LEVELS } from '../base/log.ts';
import { duration, httpUrl, name, oneOrMany } from '../base/schema.ts';
import { Secret } from '../base/secret.ts';
import { userSignatureSchema } from '../classify/user-signature.ts';
import { evidenceSchema } from '../correlate/evidence-options.ts';
import { maintenanceSchema } from '../correlate/maintenance-options.ts';
import { discoverSchema } from '../discover/discoverers.ts';
import { defaultsSchema, targetSchema } from '../discover/target-options.ts';
import { alertsSchema } from '../notify/alert-options.ts';
import { receiverSchema } from '../notify/receivers.ts';
import { browserSchema } from '../probe/browser/options.ts';
import { checksSchema } from '../schedule/options.ts';
import { storeSchema } from '../store/options.ts';
import { webSchema } from '../web/options.ts';
import { accountSchema } from './account-options.ts';
import { gateSchema } from './gate-options.ts';
import { pathSchema } from './path-options.ts';

const vantageSchema = z.union([
  name().transform((written) => ({ name: written })),
  z.strictObject({ name: name() }),
]);

const zoneSchema = z
  .string()
  .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/, { error: 'must be a domain name in lower case' });

const heartbeatSchema = z.strictObject({
  // The pathname of a heartbeat is its credential (threats A5).
  url: httpUrl().transform((url) => new Secret(url)),
  every: duration({ minMs: 1000 }).default(60_000),
});

/** Entries of the lists; each entry is checked for itself, so that one bad entry hides no other. */
export const itemSchemas = {
  gates: gateSchema,
  paths: pathSchema,
  targets: targetSchema,
  discover: discoverSchema,
  receivers: receiverSchema,
  signatures: userSignatureSchema,
  maintenance: maintenanceSchema,
  accounts: accountSchema,
  evidence: evidenceSchema,
} as const;

/** Everything that is not a list of entries. */
export const sectionSchemas = {
  vantage: vantageSchema.default({ name: 'local' }),
  defaults: defaultsSchema.prefault({}),
  zones: z.array(zoneSchema).default([]),
  baseline: z.string().max(1024).nullable().default(null),
  control: z.array(httpUrl()).default([]),
  checks: checksSchema.prefault({}),
  browser: browserSchema.prefault({}),
  canaries: z.enum(['auto', 'none']).default('auto'),
  shared: z.array(name()).default([]),
  alerts: alertsSchema.prefault({}),
  watchdog: z.boolean().default(false),
  heartbeat: heartbeatSchema.nullable().default(null),
  store: storeSchema.prefault({}),
  web: webSchema.prefault({}),
  tls: z.strictObject({ ca: oneOrMany(z.string().min(1)).default([]) }).prefault({}),
  log: z.strictObject({ level: z.enum(LOG_LEVELS).default('info') }).prefault({}),
} as const;

export type ItemKey = keyof typeof itemSchemas;
export type SectionKey = keyof typeof sectionSchemas;
export type Item<Key extends ItemKey> = z.output<(typeof itemSchemas)[Key]>;
export type Section<Key extends SectionKey> = z.output<(typeof sectionSchemas)[Key]>;

/** The whole file, for the published JSON Schema. */
export const configSchema = z.strictObject({
  vantage: sectionSchemas.vantage,
  gates: z.array(itemSchemas.gates).default([]),
  paths: z.array(itemSchemas.paths).min(1),
  defaults: sectionSchemas.defaults,
  zones: sectionSchemas.zones,
  targets: z.array(itemSchemas.targets).default([]),
  discover: z.array(itemSchemas.discover).default([]),
  baseline: sectionSchemas.baseline,
  control: sectionSchemas.control,
  accounts: z.array(itemSchemas.accounts).default([]),
  checks: sectionSchemas.checks,
  browser: sectionSchemas.browser,
  canaries: sectionSchemas.canaries,
  shared: sectionSchemas.shared,
  signatures: z.array(itemSchemas.signatures).default([]),
  maintenance: z.array(itemSchemas.maintenance).default([]),
  evidence: z.array(itemSchemas.evidence).default([]),
  alerts: sectionSchemas.alerts,
  watchdog: sectionSchemas.watchdog,
  heartbeat: sectionSchemas.heartbeat,
  receivers: z.array(itemSchemas.receivers).default([]),
  store: sectionSchemas.store,
  web: sectionSchemas.web,
  tls: sectionSchemas.tls,
  log: sectionSchemas.log,
});
