// Subjects, paths, gates and knowledge for the tests of classify/: one small site, every part of it replaceable.

import { createClassifier } from '../../../src/classify/classifier.ts';
import type { UserSignature } from '../../../src/classify/user-signature.ts';
import type { Account } from '../../../src/model/account.ts';
import type { Canary, CanaryKind, Check, Visit } from '../../../src/model/check.ts';
import { canaryId, checkId } from '../../../src/model/check.ts';
import { component } from '../../../src/model/component.ts';
import type { Gate, GateName } from '../../../src/model/gate.ts';
import type { NetworkPath, PathKind, PathName } from '../../../src/model/network-path.ts';
import type { Exchange, Observation, TlsFacts } from '../../../src/model/observation.ts';
import type { Expectation, Target } from '../../../src/model/target.ts';
import { targetId } from '../../../src/model/target.ts';
import type { Fact, FactKind, Judgement, Knowledge } from '../../../src/model/verdict.ts';

export const NOW = Date.UTC(2026, 4, 1);
export const DAY = 86_400_000;
export const APP = 'https://app.example.com/';
export const CLIENT = 'k3yl1me';

/** Addresses that the paths of the test site lead to. */
export const ADDRESS: Record<PathKind, string> = {
  cdn: '104.16.1.1',
  origin: '203.0.113.10',
  direct: '198.51.100.7',
};

export function networkPath(kind: PathKind, over: Partial<NetworkPath> = {}): NetworkPath {
  return {
    name: kind as string as PathName,
    kind,
    address: kind === 'origin' ? { host: ADDRESS.origin, port: 443 } : null,
    resolver: ['1.1.1.1:53'],
    proof: kind === 'cdn' ? { header: 'cf-ray', absent: null } : { header: null, absent: 'cf-ray' },
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

export const PATHS: readonly NetworkPath[] = [
  networkPath('cdn'),
  networkPath('origin'),
  networkPath('direct'),
];

export function gate(over: Partial<Gate> = {}): Gate {
  return {
    name: 'authentik' as GateName,
    kind: 'authentik',
    url: 'https://auth.example.com/',
    outpost: 'embedded',
    clients: [],
    callback: null,
    sessions: { store: 'files', capacityBytes: 2 ** 26, lifetimeMs: 7 * DAY, budget: 'auto', vantages: 1 },
    paths: [],
    labels: {},
    firstCheck: null,
    ...over,
  };
}

export function expectation(over: Partial<Expectation> = {}): Expectation {
  return { is: 'login', status: [], location: null, header: {}, contains: null, notContains: null, ...over };
}

export interface CheckOptions {
  readonly visit?: Visit;
  readonly account?: Account | null;
  readonly url?: string;
  readonly path?: NetworkPath;
  readonly gate?: Gate | null;
  readonly expect?: Partial<Expectation>;
  readonly wake?: Target['wake'];
}

export function check(options: CheckOptions = {}): Check {
  const url = new URL(options.url ?? APP);
  const path = options.path ?? networkPath('origin');
  const owner = options.gate === undefined ? gate() : options.gate;
  const expect = expectation(options.expect);
  const target: Target = {
    id: targetId(url),
    url: url.href,
    scheme: url.protocol === 'https:' ? 'https' : 'http',
    host: url.hostname,
    port: 443,
    pathname: url.pathname + url.search,
    zone: url.hostname.split('.').slice(-2).join('.'),
    gate: owner?.name ?? null,
    paths: [path.name],
    expect: { [path.name]: expect },
    timeoutMs: 10_000,
    slowMs: 5_000,
    headers: {},
    everyMs: null,
    labels: {},
    wake: options.wake ?? 'always',
    source: 'static',
    owner: targetId(url),
  };
  const visit = options.visit ?? 'fresh';
  const schedule = { links: [], everyMs: 60_000, timeoutMs: 10_000 };
  const id = checkId(visit, path.name, target.id);
  const account = options.account ?? null;
  const who = { gate: owner, account };
  return { kind: 'visit', id, visit, target, path, ...who, expect, costsSession: true, ...schedule };
}

/** What each kind of canary is about. */
const ABOUT: Record<CanaryKind, string> = {
  control: 'vantage',
  dns: 'dns',
  tls: 'origin',
  'cdn-trace': 'cdn',
  'gate-ping': 'gate',
  'idp-health': 'idp',
  authorize: 'idp',
  'login-assets': 'idp',
  'no-route': 'origin',
};

export function canary(
  kind: CanaryKind,
  options: { url: string; path?: NetworkPath | null; gate?: Gate | null },
): Canary {
  const path = options.path === undefined ? networkPath('origin') : options.path;
  return {
    kind: 'canary',
    canary: kind,
    id: canaryId(kind, path?.name ?? null, 'x'),
    name: 'x',
    about: component(ABOUT[kind], 'x').id,
    path,
    gate: options.gate ?? null,
    url: options.url,
    links: [],
    everyMs: 60_000,
    timeoutMs: 10_000,
  };
}

export const TLS: TlsFacts = {
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_128_GCM_SHA256',
  matchedName: '*.example.com',
  issuer: 'Test CA',
  notBefore: NOW - 30 * DAY,
  notAfter: NOW + 60 * DAY,
  fingerprint: 'aa',
};

export function exchange(over: Partial<Exchange> = {}): Exchange {
  const body = over.body ?? '';
  return {
    url: APP,
    remote: { address: ADDRESS.origin, port: 443 },
    resolver: null,
    timings: { dnsMs: 1, connectMs: 1, tlsMs: 1, firstByteMs: 1, transferMs: 1 },
    tls: TLS,
    status: 200,
    headers: {},
    setCookies: [],
    sentCookies: [],
    body,
    bodyBytes: Buffer.byteLength(body),
    bodyTruncated: false,
    error: null,
    ...over,
  };
}

export function observation(exchanges: readonly Exchange[], over: Partial<Observation> = {}): Observation {
  const error = exchanges.at(-1)?.error ?? null;
  return {
    startedAt: NOW,
    durationMs: 120,
    exchanges,
    stop: error === null ? 'answer' : 'error',
    error,
    flow: null,
    secrets: [],
    ...over,
  };
}

/** Knowledge of these facts, all of the age `ageMs` before NOW. */
export function knowing(facts: readonly Fact[], ageMs = 0): Knowledge {
  return {
    get(kind: FactKind, key: string) {
      const fact = facts.findLast((each) => each.kind === kind && each.key === key);
      return fact === undefined ? null : { value: fact.value, at: NOW - ageMs };
    },
  };
}

export interface Site {
  readonly gates?: readonly Gate[];
  readonly paths?: readonly NetworkPath[];
  readonly signatures?: readonly UserSignature[];
  readonly knowledge?: Knowledge;
}

/** Judges one observation at NOW. */
export function judge(subject: Check | Canary, seen: Observation, site: Site = {}): Judgement {
  const classifier = createClassifier({
    gates: site.gates ?? gatesOfSubject(subject),
    paths: site.paths ?? PATHS,
    signatures: site.signatures ?? [],
    knowledge: site.knowledge ?? knowing([]),
    certificateWarnMs: 14 * DAY,
  });
  return classifier.classify(subject, seen, NOW);
}

/** JWT as authentik puts it into `state`: header, payload, signature; nobody but authentik can check the last. */
export function state(redirect: string): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'HS256' })}.${part({ iss: `goauthentik.io/outpost/${CLIENT}`, sid: 's', redirect })}.c2ln`;
}

/** Authorize URL as the outpost builds it. */
export function authorize(
  over: { host?: string; client?: string; back?: string; state?: string } = {},
): string {
  const url = new URL(`${over.host ?? 'https://auth.example.com'}/application/o/authorize/`);
  url.searchParams.set('client_id', over.client ?? CLIENT);
  const back = over.back ?? 'https://app.example.com';
  url.searchParams.set(
    'redirect_uri',
    `${back}/outpost.goauthentik.io/callback?X-authentik-auth-callback=true`,
  );
  url.searchParams.set('response_type', 'code');
  url.searchParams.set('scope', 'openid profile');
  url.searchParams.set('state', over.state ?? state(APP));
  return url.href;
}

export function handedOver(over: Partial<Exchange> = {}, location = authorize()): Exchange {
  return exchange({ status: 302, headers: { location }, ...over });
}

/** The gates a site of this subject has: its own, or the usual one. */
export function gatesOfSubject(subject: Check | Canary): readonly Gate[] {
  return [subject.gate ?? gate()];
}
