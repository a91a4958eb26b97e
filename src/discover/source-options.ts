// What all entries of `discover:` have in common, in the words of the configuration file (DESIGN 6 and 10).

import { z } from 'zod';
import { httpAuthSchema } from '../base/http-auth.ts';
import { duration, httpUrl, labelName, name, oneOrMany } from '../base/schema.ts';

/** Targets of one source, and the most a configuration may allow (threats, section 6). */
const LIMIT = 1_000;
const MOST_TARGETS = 5_000;

/** A host name, or `*.` and one: everything below it, at any depth. */
const hostPatternSchema = z
  .string()
  .max(255)
  .regex(/^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/, {
    error: 'must be a host name in lower case, or one after "*."',
  });

/** Keys of every source; spread into its own strictObject. */
export const sourceKeys = {
  name: name().optional(),
  hosts: oneOrMany(hostPatternSchema).refine((patterns) => patterns.length > 0, {
    error: 'must name the hosts that this source may add',
  }),
  overrides: z.boolean().default(false),
  labels: z.array(labelName()).max(16).default([]),
  limit: z.int().min(1).max(MOST_TARGETS).default(LIMIT),
  every: duration({ minMs: 1_000 }).default(30_000),
  timeout: duration({ minMs: 100, maxMs: 120_000 }).default(20_000),
};

/** Keys of every source that is a server. */
export const serverKeys = { url: httpUrl(), auth: httpAuthSchema.optional() };

/** A token travels encrypted, or does not leave the machine (threats D7). For `refine` behind `serverKeys`. */
export function keepsAuthSecret({ url, auth }: { readonly url: string; readonly auth?: unknown }): boolean {
  const parsed = URL.parse(url); // null when the URL itself is wrong, which is said elsewhere
  if (parsed === null || auth === undefined) return true;
  const { protocol, hostname } = parsed;
  const loopback = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  return protocol === 'https:' || loopback;
}
export const AUTH_IN_CLEAR = { error: 'would be sent unencrypted; use https', path: ['auth'] };
