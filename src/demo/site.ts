// The demo site: a CDN edge, a proxy with forward-auth, a gate whose session store really fills, an identity
// provider, 37 services in two zones, a resolver and an outside, all on 127.0.0.1 in this process.
//
//   visitor ── edge ──┐
//        └────────── proxy ──┬── gate (asked first)
//                            ├── identity provider
//                            └── services

import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { type EdgeMode, startEdge } from './cdn-edge.ts';
import { createAuthority } from './certificates.ts';
import { FAULTS, type Fault, type FaultId, isFaultId, VICTIMS } from './faults.ts';
import { startGate } from './gate.ts';
import { type App, createApp } from './gate-app.ts';
import { startIdentityProvider } from './identity-provider.ts';
import { type LoginSetup, USUAL_LOGIN } from './login-flow.ts';
import { type NameServer, startNameServer } from './name-server.ts';
import { startOutside } from './outside.ts';
import { LOOPBACK, type Part } from './part.ts';
import { type Notification, type Phone, startPhone } from './phone.ts';
import { type Route, startProxy } from './proxy.ts';
import { issueLeafs, tlsOptions } from './server-names.ts';
import { LOGIN_HOST, PROTECTED, PUBLIC, SERVICES, startService, zoneOf } from './services.ts';
import { BYTES_PER_SESSION, createSessionStore, type SessionStore } from './session-store.ts';
import { createUser, type User } from './users.ts';

/** Ports of what the configuration names, when they are free: easy to type into curl. */
const PREFERRED_PORTS = { edge: 18_443, origin: 18_444, dns: 18_053 } as const;
/** 16 MiB: the automatic budget then is at its highest, six fresh visits a minute. */
const STORE_SESSIONS = 4096;
/** Lifetime of a session: the model default of authentik's access_token_validity. */
const SESSION_LIFETIME_MS = 3_600_000;
/** Seconds; short, so that a prober notices within a minute that its resolver is gone. */
const DNS_TTL = 10;
const DAY_MS = 86_400_000;

/** Parts whose requests are counted. */
type Counted = 'edge' | 'origin' | 'gate' | 'idp' | 'services' | 'outside' | 'dns';

export interface SiteOptions {
  readonly clock: Clock;
  /** Preferred ports; a free one is taken instead of a busy one. 0 = any. */
  readonly ports?: { readonly edge: number; readonly origin: number; readonly dns: number };
  /** Sessions the gate can store; default 4096. */
  readonly storeSessions?: number;
  /** How people log in now, where it differs from the usual: name, password and TOTP code, one after another. */
  readonly login?: () => Partial<LoginSetup>;
  /** Hosts that the demo's user may not enter. */
  readonly denied?: readonly string[];
  /** Called for each notification on the phone. */
  readonly ring?: (notification: Notification) => void;
}

export interface Site extends AsyncDisposable {
  /** What `${env:…}` in config/demo.yaml may stand for. */
  readonly environment: Readonly<Record<string, string>>;
  /** Root of all certificates of the site. */
  readonly caPem: string;
  readonly phone: Phone;
  faults(): (Fault & { on: boolean })[];
  /** Switches a fault; throws on an id that is none. Sockets follow within milliseconds: see `settled`. */
  set(id: string, on: boolean): void;
  /** Resolves when every socket is as the faults want it. */
  settled(): Promise<void>;
  counters(): { sessions: number; capacity: number; requests: Record<string, number> };
}

type Requests = Record<Counted, number>;

/** The faults that are on. */
type Active = ReadonlySet<FaultId>;

/** Everything that listens and can be taken down. */
interface Parts {
  readonly edge: Part;
  readonly origin: Part;
  readonly gate: Part;
  readonly idp: Part;
  readonly outside: Part;
  readonly services: ReadonlyMap<string, Part>;
}

/** Starts the whole site. Rejects when it cannot listen at all; then nothing is left running. */
export async function startSite(options: SiteOptions): Promise<Site> {
  await using stack = new AsyncDisposableStack();
  const { clock } = options;
  const on = new Set<FaultId>();
  const requests: Requests = { edge: 0, origin: 0, gate: 0, idp: 0, services: 0, outside: 0, dns: 0 };
  const capacity = options.storeSessions ?? STORE_SESSIONS;
  const store = createSessionStore({ clock, capacity, lifetimeMs: SESSION_LIFETIME_MS });
  const ports = options.ports ?? PREFERRED_PORTS;
  const user = createUser({ username: 'gatewatch', denied: options.denied ?? [] });
  const login = (): LoginSetup => ({ ...USUAL_LOGIN, ...options.login?.(), ...loginFaults(on) });

  const { parts, caPem, apps } = await startParts({ clock, ports, on, requests, store, stack, user, login });
  const dns = stack.use(await startResolver(ports.dns, on, requests));
  const phone = stack.use(
    await startPhone(options.ring === undefined ? { clock } : { clock, ring: options.ring }),
  );
  const folder = await mkdtemp(join(tmpdir(), 'gatewatch-demo-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'ca.pem'), caPem);

  const running = stack.move();
  return {
    environment: { ...environment({ parts, dns, phone, folder, capacity }), ...credentials(user, apps) },
    caPem,
    phone,
    faults: () => FAULTS.map((fault) => ({ ...fault, on: on.has(fault.id) })),
    set(id, wanted) {
      if (!isFaultId(id))
        throw new Error(`no fault has this name; there are ${FAULTS.map((fault) => fault.id).join(', ')}`);
      if (wanted) on.add(id);
      else on.delete(id);
      store.crowd(on.has('session-store-full'));
      if (wanted && id === 'gate-restarted') store.clear();
      openSockets(parts, on);
    },
    settled: async () => {
      await Promise.all([...allParts(parts)].map((part) => part.settled()));
    },
    counters: () => ({ sessions: store.size, capacity, requests: { ...requests } }),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** Starts what listens on TCP. The edge is first: its port is in every address that gate and login write. */
async function startParts(tools: {
  clock: Clock;
  ports: { edge: number; origin: number };
  on: Active;
  requests: Requests;
  store: SessionStore;
  stack: AsyncDisposableStack;
  user: User;
  login: () => LoginSetup;
}): Promise<{ parts: Parts; caPem: string; apps: readonly App[] }> {
  const { clock, ports, on, requests, store, stack, user, login } = tools;
  const counter = (part: Counted) => (): void => {
    requests[part] += 1;
  };
  const authority = await createAuthority();
  const caPem = authority.certificatePem;
  const leafs = await issueLeafs(authority);
  const expired = await issueLeafs(authority, {
    notBefore: new Date(clock.now() - 91 * DAY_MS),
    notAfter: new Date(clock.now() - DAY_MS),
  });

  let originPort = 0;
  const edge = stack.use(
    await startEdge({
      clock,
      port: ports.edge,
      tls: tlsOptions(leafs),
      ca: caPem,
      originPort: () => originPort,
      mode: () => edgeMode(on),
      count: counter('edge'),
    }),
  );
  const address = (host: string): string => `https://${host}:${edge.port}`;
  const apps: App[] = [...PROTECTED, VICTIMS.walledOff].map((host) => createApp(address(host)));
  const idp = stack.use(
    await startIdentityProvider({ clock, apps, users: [user], login, count: counter('idp') }),
  );
  const gate = stack.use(
    await startGate({
      clock,
      apps,
      login: address(LOGIN_HOST),
      provider: idp.port,
      store,
      count: counter('gate'),
    }),
  );
  const services = new Map<string, Part>();
  for (const host of SERVICES)
    services.set(host, stack.use(await startService(host, clock, counter('services'))));
  const origin = stack.use(
    await startProxy({
      clock,
      port: ports.origin,
      tls: tlsOptions(leafs, (zone) =>
        zone === 'lab.test' && on.has('certificate-expired') ? expired[zone] : leafs[zone],
      ),
      gatePort: gate.port,
      route: (host) => routeOf(host, on, { idp, services }),
      catchAll: () => on.has('no-route'),
      refuses: () => on.has('prober-banned'),
      count: counter('origin'),
    }),
  );
  originPort = origin.port;
  const outside = stack.use(await startOutside(clock, counter('outside')));
  return { parts: { edge, origin, gate, idp, outside, services }, caPem, apps };
}

/** What the faults change at the login. */
function loginFaults(on: Active): Partial<LoginSetup> {
  return on.has('login-page-blank') ? { assets: 'throttled' } : {};
}

function edgeMode(on: Active): EdgeMode {
  if (on.has('prober-banned')) return 'banned';
  if (on.has('cdn-tunnel-dead')) return 'tunnel-dead';
  return on.has('challenge-page') ? 'challenge' : 'pass';
}

function routeOf(host: string, on: Active, parts: Pick<Parts, 'idp' | 'services'>): Route | null {
  if (host === LOGIN_HOST) return { port: parts.idp.port, protect: false };
  const service = parts.services.get(host);
  if (service === undefined || (on.has('no-route') && host === VICTIMS.noRoute)) return null;
  const isPublic = Object.values(PUBLIC).some((name) => name === host);
  const protect = isPublic
    ? on.has('public-walled-off') && host === VICTIMS.walledOff
    : !(on.has('service-exposed') && host === VICTIMS.exposed);
  return { port: service.port, protect };
}

/** Opens and closes sockets as the faults want it. */
function openSockets(parts: Parts, on: Active): void {
  const uplink = !on.has('uplink-gone');
  parts.edge.open(uplink);
  parts.outside.open(uplink);
  parts.origin.open(uplink && !on.has('origin-unreachable'));
  parts.gate.open(!on.has('gate-down'));
  parts.idp.open(!on.has('idp-down'));
  parts.services.get(VICTIMS.down)?.open(!on.has('service-down'));
  parts.services.get(VICTIMS.broken)?.open(!on.has('app-broken'));
}

function* allParts(parts: Parts): Iterable<Part> {
  const { services, ...others } = parts;
  yield* Object.values(others);
  yield* services.values();
}

/** Answers for every name of the zones, invented ones included; falls silent when the uplink is gone. */
async function startResolver(port: number, on: Active, requests: Requests): Promise<NameServer> {
  const answer = (name: string): readonly string[] | null | 'silent' => {
    if (on.has('uplink-gone')) return 'silent';
    requests.dns += 1;
    return zoneOf(name) === null ? null : [LOOPBACK];
  };
  const start = (wanted: number): Promise<NameServer> =>
    startNameServer({ port: wanted, answer, ttl: DNS_TTL });
  return start(port).catch(() => start(0));
}

function environment(facts: {
  parts: Parts;
  dns: NameServer;
  phone: Phone;
  folder: string;
  capacity: number;
}): Record<string, string> {
  return {
    GATEWATCH_DEMO_EDGE_PORT: String(facts.parts.edge.port),
    GATEWATCH_DEMO_ORIGIN_PORT: String(facts.parts.origin.port),
    GATEWATCH_DEMO_DNS_PORT: String(facts.dns.port),
    GATEWATCH_DEMO_OUTSIDE_PORT: String(facts.parts.outside.port),
    GATEWATCH_DEMO_STORE_CAPACITY: `${(facts.capacity * BYTES_PER_SESSION) / 1024}KiB`,
    GATEWATCH_DEMO_CA_FILE: join(facts.folder, 'ca.pem'),
    GATEWATCH_DEMO_STORE_FILE: join(facts.folder, 'gatewatch.db'),
    GATEWATCH_DEMO_PHONE_URL: facts.phone.url,
    GATEWATCH_DEMO_LISTEN: '127.0.0.1:10780',
  };
}

/** What the demo's user proves itself with, and a key for what is kept of it; new at every start. */
function credentials(user: User, apps: readonly App[]): Record<string, string> {
  return {
    GATEWATCH_DEMO_USERNAME: user.username,
    GATEWATCH_DEMO_PASSWORD: user.password,
    GATEWATCH_DEMO_TOTP: user.totp ?? '',
    GATEWATCH_DEMO_APP_PASSWORD: user.appPassword,
    GATEWATCH_DEMO_CLIENT_ID: apps[0]?.clientId ?? '',
    GATEWATCH_DEMO_STORE_KEY: randomBytes(32).toString('base64'),
  };
}
