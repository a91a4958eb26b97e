// The reverse proxy of the demo site: TLS, routes by Host, and forward-auth by the gate, with Traefik's answers
// (reference/authentik.md 1.5, 8).

import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { TlsOptions } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import {
  type Answer,
  ask,
  endToEnd,
  type Headers,
  hostName,
  relayed,
  reply,
  responder,
  SERVER_LIMITS,
} from './exchange.ts';
import { OUTPOST_PREFIX } from './gate.ts';
import { type Part, startPart } from './part.ts';

/** Longest silence of a service or of the gate. */
const UPSTREAM_TIMEOUT_MS = 8_000;

/** Prefix of what the gate says about the user (`authResponseHeadersRegex`). */
const USER_HEADERS = 'x-authentik-';

/** Where a host leads. */
export interface Route {
  readonly port: number;
  /** Strangers are sent to the gate first. */
  readonly protect: boolean;
}

export interface ProxyOptions {
  readonly clock: Clock;
  readonly tls: TlsOptions;
  readonly port: number;
  readonly gatePort: number;
  /** Route of a host name, or null; asked for each request. */
  readonly route: (host: string) => Route | null;
  /** A page answers 200 for hosts without a route, instead of the plain 404. */
  readonly catchAll: () => boolean;
  /** Whether the visitor at that address has used up its share of requests. */
  readonly refuses: (request: IncomingMessage) => boolean;
  readonly count?: () => void;
}

/** Starts the proxy on the preferred port, or on a free one. */
export function startProxy(options: ProxyOptions): Promise<Part> {
  const handle = responder((request) => answer(options, request));
  return startPart(createServer({ ...SERVER_LIMITS, ...options.tls }, handle), options.clock, options.port);
}

async function answer(options: ProxyOptions, request: IncomingMessage): Promise<Answer> {
  options.count?.();
  if (options.refuses(request)) return tooMany();
  const route = options.route(hostName(request.headers.host));
  if (route === null) return noRoute(options.catchAll());
  if (request.url?.startsWith(OUTPOST_PREFIX)) return passOn(options.gatePort, request);
  if (!route.protect) return passOn(route.port, request);
  const verdict = await askGate(options.gatePort, request);
  return 'refusal' in verdict ? verdict.refusal : passOn(route.port, request, verdict.user);
}

/**
 * Asks the gate; when the visitor may pass, the headers about the user, and never the gate's cookie. Every answer but
 * 2xx is copied to the visitor, and an unreachable gate is an empty 500.
 */
async function askGate(
  gatePort: number,
  request: IncomingMessage,
): Promise<{ readonly refusal: Answer } | { readonly user: Headers }> {
  const { 'content-length': _, ...visitor } = forwarded(request);
  const headers = {
    ...visitor,
    'x-forwarded-method': request.method ?? 'GET',
    'x-forwarded-uri': request.url ?? '/',
  };
  const target = `${OUTPOST_PREFIX}auth/traefik`;
  try {
    // Traefik's sub-request is a GET, whatever the visitor's method is.
    const asked = {
      port: gatePort,
      tls: null,
      method: 'GET',
      target,
      headers,
      timeoutMs: UPSTREAM_TIMEOUT_MS,
    };
    const answer = await ask(asked, null);
    const status = answer.statusCode ?? 500;
    if (status < 200 || status >= 300) return { refusal: relayed(answer) };
    answer.resume();
    const user = Object.entries(answer.headers).filter(([name]) => name.startsWith(USER_HEADERS));
    return { user: Object.fromEntries(user.map(([name, value]) => [name, value ?? ''])) };
  } catch {
    return { refusal: reply(500) };
  }
}

async function passOn(port: number, request: IncomingMessage, user: Headers = {}): Promise<Answer> {
  const method = request.method ?? 'GET';
  const target = request.url ?? '/';
  const headers = { ...forwarded(request), ...user };
  try {
    return relayed(
      await ask({ port, tls: null, method, target, headers, timeoutMs: UPSTREAM_TIMEOUT_MS }, request),
    );
  } catch (error) {
    const timedOut = error instanceof Error && 'code' in error && error.code === 'ETIMEDOUT';
    const [status, text] = timedOut ? ([504, 'Gateway Timeout'] as const) : ([502, 'Bad Gateway'] as const);
    return reply(status, { 'content-type': 'text/plain; charset=utf-8' }, text);
  }
}

function forwarded(request: IncomingMessage): Headers {
  const visitor = Object.entries(endToEnd(request)).filter(([name]) => !isOfUser(name));
  return {
    ...Object.fromEntries(visitor),
    'x-forwarded-for': request.socket.remoteAddress ?? '',
    'x-forwarded-host': request.headers.host ?? '',
    'x-forwarded-proto': 'https',
  };
}

/** A header about the user, which only the gate may set; the header of Django's CSRF check is none. */
function isOfUser(name: string): boolean {
  return name.startsWith(USER_HEADERS) && name !== 'x-authentik-csrf';
}

/** Go's own 404, or the page of a catch-all router that forgot its status. */
function noRoute(catchAll: boolean): Answer {
  if (!catchAll) {
    const headers = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };
    return reply(404, headers, '404 page not found\n');
  }
  const page =
    '<!doctype html>\n<html><head><title>404 Not Found</title></head><body><h1>404 page not found</h1><p>No service has this name.</p></body></html>\n';
  return reply(200, { 'content-type': 'text/html; charset=utf-8' }, page);
}

/** Traefik's RateLimit middleware. */
function tooMany(): Answer {
  return reply(429, { 'retry-after': '3600', 'x-retry-in': '1h0m0s' }, 'Too Many Requests');
}
