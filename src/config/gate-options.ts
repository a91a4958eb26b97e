// Options of `gates:`, in the words of the configuration file, and the gates they make (DESIGN 3 and 6).

import { z } from 'zod';
import { duration, httpUrl, labels, name, oneOrMany, rate, size } from '../base/schema.ts';
import { GATE_KINDS, type Gate, type GateKind, type GateName } from '../model/gate.ts';
import type { NetworkPath, PathName } from '../model/network-path.ts';

const hostSchema = z.string().regex(/^[a-z0-9.-]+(:\d+)?$/, { error: 'must be a host name in lower case' });

const forwardAuthSchema = z
  .string()
  .max(2_048)
  .regex(/^(https?:\/\/)?[A-Za-z0-9.-]+(:\d{1,5})?(\/\S*)?$/, {
    error: 'must be an address such as http://auth-proxy.traefik.svc:9000',
  });

const sessionsSchema = z.strictObject({
  store: z.enum(['files', 'database', 'none']).optional(),
  capacity: size({ minBytes: 4096 }).optional(),
  lifetime: duration({ minMs: 1000 }).optional(),
  budget: z.union([z.literal('auto'), rate()]).default('auto'),
  vantages: z.int().min(1).max(100).default(1),
});

/** One entry of `gates:`. */
export const gateSchema = z.strictObject({
  name: name(),
  kind: z.enum(GATE_KINDS).default('authentik'),
  url: httpUrl(),
  outpost: name().optional(),
  client: oneOrMany(z.string().min(1).max(200)).nullable().default(null),
  callback: hostSchema.nullable().default(null),
  'forward-auth': z.array(forwardAuthSchema).max(32).default([]),
  sessions: sessionsSchema.optional(),
  paths: z.array(name()).min(1).optional(),
  labels: labels().default({}),
  'first-check': z.string().max(500).nullable().default(null),
});
export type GateOption = z.output<typeof gateSchema>;

/** Where the kinds keep sessions of strangers unless configured otherwise (reference/authentik.md 2.2). */
const DEFAULT_STORE: Record<GateKind, Gate['sessions']['store']> = {
  authentik: 'files',
  'oauth2-proxy': 'none', // the state is in a cookie
  authelia: 'database',
  oidc: 'database',
};
/** Docker's default size of /dev/shm, where authentik's outposts keep session files. */
const DEFAULT_CAPACITY_BYTES = 64 * 2 ** 20;
/** What authentik's form fills in for a provider's access token, in ms. */
const DEFAULT_LIFETIME_MS = 86_400_000;

/** The gate of an entry. */
export function gateFromOption(option: GateOption, paths: readonly NetworkPath[]): Gate {
  const { sessions } = option;
  return {
    name: option.name as GateName,
    kind: option.kind,
    url: option.url.replace(/\/+$/, ''),
    outpost: option.outpost ?? option.name,
    clients: option.client ?? [],
    callback: option.callback,
    sessions: {
      store: sessions?.store ?? DEFAULT_STORE[option.kind],
      capacityBytes: sessions?.capacity ?? DEFAULT_CAPACITY_BYTES,
      lifetimeMs: sessions?.lifetime ?? DEFAULT_LIFETIME_MS,
      budget: sessions === undefined || sessions.budget === 'auto' ? 'auto' : sessions.budget * 60_000,
      vantages: sessions?.vantages ?? 1,
    },
    paths: (option.paths as readonly PathName[] | undefined) ?? defaultPaths(paths),
    labels: option.labels,
    firstCheck: option['first-check'],
  };
}

/** A login is seen by browsers: its own way is the CDN's, where there is one. */
function defaultPaths(paths: readonly NetworkPath[]): PathName[] {
  for (const kind of ['cdn', 'direct', 'origin']) {
    const found = paths.filter((path) => path.kind === kind);
    if (found.length > 0) return found.map((path) => path.name);
  }
  return [];
}
