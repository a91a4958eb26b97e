// Canaries: cheap probes of a prefix of a path. One answer each (`login-assets`: some), no redirect followed, no
// cookie sent.

import { randomBytes } from 'node:crypto';
import type { Canary, CanaryKind } from '../model/check.ts';
import type { Exchange } from '../model/observation.ts';
import { DnsError, querySoa } from './dns.ts';
import type { Limit } from './exchange.ts';
import { baseHeaders, type Sighting, type VisitTools } from './http-visit.ts';
import { CANARY_BODY_LIMIT_BYTES } from './limits.ts';
import { fetchLoginAssets } from './login-assets.ts';
import { probeError, toProbeError } from './net-error.ts';

type CanaryProber = (canary: Canary, tools: VisitTools, limit: Limit) => Promise<Sighting>;

/** Resolver of a canary without a path. */
const NO_PATH_RESOLVERS = ['system'];

/** One prober for each kind of canary. */
export const CANARY_PROBERS: Readonly<Record<CanaryKind, CanaryProber>> = {
  control: (canary, tools, limit) => ask(new URL(canary.url), canary, tools, limit),
  dns: queryZone,
  tls: handshake,
  'cdn-trace': (canary, tools, limit) => ask(new URL('/cdn-cgi/trace', canary.url), canary, tools, limit),
  'gate-ping': (canary, tools, limit) =>
    ask(new URL('/outpost.goauthentik.io/ping', canary.url), canary, tools, limit),
  'idp-health': (canary, tools, limit) => ask(healthUrl(canary), canary, tools, limit),
  authorize: (canary, tools, limit) => ask(authorizeUrl(canary.url), canary, tools, limit),
  'login-assets': fetchLoginAssets,
  'no-route': (canary, tools, limit) => ask(unknownHost(canary.url), canary, tools, limit),
};

async function ask(url: URL, canary: Canary, tools: VisitTools, limit: Limit): Promise<Sighting> {
  const headers = { ...baseHeaders(tools.userAgent), ...canary.headers };
  const exchange = await tools.exchanger.get(
    { url, headers, bodyLimitBytes: CANARY_BODY_LIMIT_BYTES },
    canary.path,
    limit,
  );
  return seen(exchange);
}

async function handshake(canary: Canary, tools: VisitTools, limit: Limit): Promise<Sighting> {
  return seen(await tools.exchanger.handshake(new URL(canary.url), canary.path, limit));
}

/** The zone's SOA at the path's resolvers; the exchange tells which one answered and how fast. */
async function queryZone(canary: Canary, tools: VisitTools, limit: Limit): Promise<Sighting> {
  const resolvers = canary.path?.resolver ?? NO_PATH_RESOLVERS;
  const startMs = tools.clock.monotonic();
  const took = (): number => tools.clock.monotonic() - startMs;
  try {
    const resolver = await querySoa(new URL(canary.url).hostname, resolvers, limit.signal);
    return seen(dnsExchange(canary.url, { resolver, dnsMs: took(), error: null }));
  } catch (thrown) {
    const resolver = thrown instanceof DnsError ? thrown.resolver : null;
    return seen(dnsExchange(canary.url, { resolver, dnsMs: took(), error: dnsFailure(thrown, limit) }));
  }
}

function dnsFailure(thrown: unknown, limit: Limit): Exchange['error'] {
  if (limit.stopped()) return probeError('prober', 'aborted');
  if (limit.signal.aborted) return probeError('dns', 'resolver-unreachable');
  if (!(thrown instanceof DnsError)) return toProbeError(thrown, 'dns');
  if (thrown.code === 'out-of-resources') return toProbeError(thrown.cause, 'dns');
  return probeError('dns', thrown.code);
}

function dnsExchange(
  url: string,
  asked: { resolver: string | null; dnsMs: number; error: Exchange['error'] },
): Exchange {
  return {
    url,
    remote: null,
    resolver: asked.resolver,
    timings: { dnsMs: asked.dnsMs, connectMs: null, tlsMs: null, firstByteMs: null, transferMs: null },
    tls: null,
    status: null,
    headers: Object.create(null),
    setCookies: [],
    sentCookies: [],
    body: '',
    bodyBytes: 0,
    bodyTruncated: false,
    error: asked.error,
  };
}

function seen(exchange: Exchange): Sighting {
  return { exchanges: [exchange], stop: exchange.error === null ? 'answer' : 'error', error: exchange.error };
}

/** authentik says 200 or 204 there when Django and its database are ready (reference/authentik.md 3). */
function healthUrl(canary: Canary): URL {
  const url = new URL(canary.url);
  if (canary.gate?.kind !== 'authentik' || url.pathname.endsWith('/-/health/ready/')) return url;
  return new URL('/-/health/ready/', url);
}

/** `prompt=none` makes authentik answer at once and store nothing (reference/authentik.md 1.4). */
function authorizeUrl(learned: string): URL {
  const url = new URL(learned);
  url.searchParams.set('prompt', 'none');
  return url;
}

/** A label that nobody has configured: 48 random bits below the zone. */
function unknownHost(zoneUrl: string): URL {
  const url = new URL(zoneUrl);
  url.hostname = `gw-${randomBytes(6).toString('hex')}.${url.hostname}`;
  return url;
}
