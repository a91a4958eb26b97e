// What the tests of this room share: nouns with defaults, and a probe with real sockets, clock and resolver.

import { systemClock } from '../../../src/base/clock.ts';
import { type Authority, createAuthority } from '../../../src/demo/certificates.ts';
import type { Account } from '../../../src/model/account.ts';
import {
  type Canary,
  type CanaryKind,
  type Check,
  canaryId,
  checkId,
  type Visit,
} from '../../../src/model/check.ts';
import { component } from '../../../src/model/component.ts';
import type { Gate } from '../../../src/model/gate.ts';
import type { NetworkPath } from '../../../src/model/network-path.ts';
import type { Exchange, Observation } from '../../../src/model/observation.ts';
import { type Expectation, type Target, targetId } from '../../../src/model/target.ts';
import { createResolve } from '../../../src/probe/dns.ts';
import { createJars, type Jars } from '../../../src/probe/jar.ts';
import { createProbe } from '../../../src/probe/probers.ts';
import { createSignedIn, type SignedIn } from '../../../src/probe/signed-in.ts';

export const USER_AGENT = 'gatewatch/test (+https://example.org/gatewatch)';

const EXPECT_LOGIN: Expectation = {
  is: 'login',
  status: [],
  location: null,
  header: {},
  contains: null,
  notContains: null,
};

export function gate(over: Partial<Gate> = {}): Gate {
  return {
    name: 'authentik' as Gate['name'],
    kind: 'authentik',
    url: 'https://auth.site.test',
    outpost: 'embedded',
    clients: [],
    callback: null,
    sessions: { store: 'files', capacityBytes: 2 ** 26, lifetimeMs: 86_400_000, budget: 'auto', vantages: 1 },
    paths: [],
    labels: {},
    firstCheck: null,
    ...over,
  };
}

/** An origin path to the address; `cdn` and others by `over`. */
export function path(address: NetworkPath['address'], over: Partial<NetworkPath> = {}): NetworkPath {
  return {
    name: 'origin' as NetworkPath['name'],
    kind: 'origin',
    address,
    resolver: ['127.0.0.1:9'],
    proof: { header: null, absent: 'cf-ray' },
    requestsPerDay: null,
    family: null,
    http: 1,
    private: false,
    tls: { ca: [], cert: null, key: null, verify: 'full' },
    labels: {},
    firstCheck: null,
    ...over,
  };
}

/** A path that resolves by the name server on that port. */
export function cdnPath(resolverPort: number, over: Partial<NetworkPath> = {}): NetworkPath {
  return path(null, {
    name: 'cdn' as NetworkPath['name'],
    kind: 'cdn',
    resolver: [`127.0.0.1:${resolverPort}`],
    private: true,
    ...over,
  });
}

export function target(url: string, over: Partial<Target> = {}): Target {
  const parsed = new URL(url);
  return {
    id: targetId(parsed),
    url: parsed.href,
    scheme: parsed.protocol === 'http:' ? 'http' : 'https',
    host: parsed.hostname,
    port: Number(parsed.port || (parsed.protocol === 'http:' ? 80 : 443)),
    pathname: `${parsed.pathname}${parsed.search}`,
    zone: 'site.test',
    gate: null,
    paths: [],
    expect: {},
    timeoutMs: 20_000,
    slowMs: 5_000,
    headers: {},
    everyMs: null,
    labels: {},
    wake: 'always',
    source: 'static',
    owner: 'static',
    ...over,
  };
}

export function check(
  what: Target | string,
  over: {
    path: NetworkPath;
    visit?: Visit;
    gate?: Gate | null;
    account?: Account | null;
    expect?: Partial<Expectation>;
    timeoutMs?: number;
  },
): Check {
  const one = typeof what === 'string' ? target(what) : what;
  const visit = over.visit ?? 'fresh';
  return {
    kind: 'visit',
    id: checkId(visit, over.path.name, one.id),
    links: [],
    everyMs: null,
    timeoutMs: over.timeoutMs ?? 20_000,
    visit,
    target: one,
    path: over.path,
    gate: over.gate ?? null,
    account: over.account ?? null,
    expect: { ...EXPECT_LOGIN, ...over.expect },
    costsSession: true,
  };
}

export function canary(
  kind: CanaryKind,
  url: string,
  over: { path?: NetworkPath | null; gate?: Gate | null; timeoutMs?: number } = {},
): Canary {
  return {
    kind: 'canary',
    id: canaryId(kind, over.path?.name ?? null, url),
    links: [],
    everyMs: 60_000,
    timeoutMs: over.timeoutMs ?? 20_000,
    canary: kind,
    name: url,
    about: component('vantage', 'test').id,
    path: over.path ?? null,
    gate: over.gate ?? null,
    url,
  };
}

export interface Kit {
  readonly authority: Authority;
  readonly jars: Jars;
  readonly signedIn: SignedIn;
  run(subject: Check | Canary, signal?: AbortSignal): Promise<Observation>;
}

/** A probe that trusts a fresh authority. */
export async function createKit(): Promise<Kit> {
  const authority = await createAuthority('gatewatch test CA');
  const jars = createJars(systemClock);
  const signedIn = createSignedIn(systemClock);
  const probe = createProbe({
    clock: systemClock,
    resolve: createResolve(systemClock),
    jars,
    signedIn,
    codes: { next: () => Promise.resolve(null) },
    paths: [],
    userAgent: USER_AGENT,
    ca: [authority.certificatePem],
    allowedAddresses: new Set(),
  });
  return {
    authority,
    jars,
    signedIn,
    run: (subject, signal) => probe(subject, signal ?? new AbortController().signal),
  };
}

/** The only exchange of an observation. */
export function only(observation: Observation): Exchange {
  if (observation.exchanges.length !== 1) throw new Error(`${observation.exchanges.length} exchanges`);
  return observation.exchanges[0]!;
}

/** `phase:code` of what went wrong, or null. */
export function fault(observation: Observation): string | null {
  return observation.error === null ? null : `${observation.error.phase}:${observation.error.code}`;
}
