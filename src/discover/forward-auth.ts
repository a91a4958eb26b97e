// What the middlewares of a Traefik route come to, chains unrolled: a gate, a plugin that wakes services, a redirect,
// or something that cannot be seen from here. The same for middlewares of a cluster and of Traefik's own API.

import type { RecogniseGate } from './gate-recognition.ts';
import type { Protection } from './routing.ts';

/** Middlewares a route may come to; a chain that names itself ends there. */
const MOST_MIDDLEWARES = 64;

/** A middleware as it is defined. */
export interface MiddlewareFacts {
  /** Address that is asked before a request is let through. */
  readonly forwardAuth: string | null;
  /** Full names of what a chain consists of. */
  readonly chain: readonly string[];
  readonly plugins: readonly string[];
  readonly redirectsScheme: boolean;
}

/** The middlewares there are, by full name (`authentik@file`, `auth-gate@kubernetescrd`). */
export interface MiddlewareTable {
  readonly get: (fullName: string) => MiddlewareFacts | undefined;
  /** What the operator says of middlewares that cannot be seen: the gate they ask, or null for none. */
  readonly told: Readonly<Record<string, string | null>>;
  readonly recognise: RecogniseGate;
}

/** What all middlewares of a route come to. */
export interface Effect {
  readonly protection: Protection;
  readonly sleeps: boolean;
  /** Whether http is sent on to https, which is no page of its own where another route serves https. */
  readonly redirectsScheme: boolean;
}

/** The effect of no middleware. */
export const NO_EFFECT: Effect = { protection: { kind: 'open' }, sleeps: false, redirectsScheme: false };

/** Resolves the full names of a route's middlewares. */
export function effectOf(fullNames: readonly string[], table: MiddlewareTable): Effect {
  const all = unrolled(fullNames, table);
  const redirectsScheme = all.some(({ facts }) => facts?.redirectsScheme);
  const sleeps = all.some(({ facts }) => facts?.plugins.some((plugin) => /sablier/i.test(plugin)));
  return { protection: protectionOf(all, table), sleeps, redirectsScheme };
}

interface Named {
  readonly facts: MiddlewareFacts | undefined;
  /** What the operator says; undefined when nothing. */
  readonly told: string | null | undefined;
}

function unrolled(fullNames: readonly string[], table: MiddlewareTable): Named[] {
  const seen = new Map<string, Named>();
  const queue = [...fullNames];
  while (queue.length > 0 && seen.size < MOST_MIDDLEWARES) {
    const fullName = queue.shift() ?? '';
    if (seen.has(fullName)) continue;
    const told = Object.hasOwn(table.told, fullName) ? table.told[fullName] : undefined;
    const facts = table.get(fullName);
    seen.set(fullName, { facts, told });
    queue.push(...(facts?.chain ?? []));
  }
  return [...seen.values()];
}

function protectionOf(all: readonly Named[], { recognise }: MiddlewareTable): Protection {
  let unsure: string | null = null;
  for (const { facts, told } of all) {
    const address = facts?.forwardAuth ?? null;
    const gate = told ?? (address === null ? null : recognise(address));
    if (gate !== null) return { kind: 'gate', gate };
    if (told === null) continue;
    if (facts === undefined) unsure ??= UNSEEN;
    else if (address !== null && GATE_ENDPOINT.test(address)) unsure ??= NO_ADDRESS;
  }
  return unsure === null ? { kind: 'open' } : { kind: 'unknown', why: unsure };
}

const UNSEEN =
  'uses a middleware that is not defined here; name it under middlewares: with its gate, or null';
/** Endpoints of authentik, oauth2-proxy and Authelia: a gate for sure, but which? */
export const GATE_ENDPOINT = /\/(outpost\.goauthentik\.io|oauth2)\/|\/api\/(verify|authz)\b/;
export const NO_ADDRESS = 'asks a gate at an address that is in no forward-auth: of gates:';
