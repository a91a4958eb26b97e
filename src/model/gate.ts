// Gates: the configured logins in front of targets, and what marks their traffic (DESIGN 2, reference/authentik.md 1).

import type { PathName } from './network-path.ts';

export type GateName = string & { readonly __brand: 'GateName' };

export const GATE_KINDS = ['authentik', 'oauth2-proxy', 'authelia', 'oidc'] as const;
export type GateKind = (typeof GATE_KINDS)[number];

export interface Gate {
  readonly name: GateName;
  readonly kind: GateKind;
  /** Origin and pathname of the identity provider as a browser sees it. */
  readonly url: string;
  /** The process that answers for it; gates with the same outpost share its session store. */
  readonly outpost: string;
  /** Expected client ids; empty = learned at the first verified hand-over, and then kept. */
  readonly clients: readonly string[];
  /** Expected return host; null = the target's own, or learned once for a domain-wide gate. */
  readonly callback: string | null;
  readonly sessions: {
    readonly store: 'files' | 'database' | 'none';
    /** Bytes the store may hold; only for `files`. */
    readonly capacityBytes: number;
    readonly lifetimeMs: number;
    /** `auto`, or fresh visits a minute. */
    readonly budget: 'auto' | number;
    /** How many daemons share the budget. */
    readonly vantages: number;
  };
  /** The identity provider's own way: paths its canaries use. */
  readonly paths: readonly PathName[];
  readonly labels: Readonly<Record<string, string>>;
  readonly firstCheck: string | null;
}

/** Prefixes of pathnames that are the gate's own endpoints on a target's host, by kind. */
const GATE_PATHNAMES: Record<GateKind, readonly string[]> = {
  authentik: ['/outpost.goauthentik.io/'],
  'oauth2-proxy': ['/oauth2/'],
  authelia: [],
  oidc: [],
};

/** Prefixes of the names of the session cookies, by kind. `oidc` has none that is known. */
const GATE_COOKIES: Record<GateKind, readonly string[]> = {
  authentik: ['authentik_proxy'],
  'oauth2-proxy': ['_oauth2_proxy'],
  authelia: ['authelia_session'],
  oidc: [],
};

/** Whether a pathname is an endpoint of the gate itself, whatever host it is on. */
export function isGatePathname(kind: GateKind, pathname: string): boolean {
  return GATE_PATHNAMES[kind].some((prefix) => pathname.startsWith(prefix));
}

/** Whether a cookie name is one that this kind of gate uses for its sessions. */
export function isGateCookie(kind: GateKind, name: string): boolean {
  return GATE_COOKIES[kind].some((prefix) => name.startsWith(prefix));
}
