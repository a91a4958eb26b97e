// The gate of the demo site: answers as authentik's Go outpost 2025.12 to 2026.5 does in forward-auth mode, for
// Traefik, Caddy and nginx. Nobody can log in here; strangers are handed over to the identity provider.
// Facts: reference/authentik.md 1.1, 2.1, 2.3.

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { type Answer, header, hostName, redirect, reply, responder, SERVER_LIMITS } from './exchange.ts';
import { type App, callbackUrl, cookieName, openCookie, signCookie, signState } from './gate-app.ts';
import { type Part, startPart } from './part.ts';
import { newSessionId, type SessionStore } from './session-store.ts';

/** Everything below is the outpost's own, on every host. */
export const OUTPOST_PREFIX = '/outpost.goauthentik.io/';
const SCOPES = 'ak_proxy email entitlements openid profile';

export interface GateOptions {
  readonly clock: Clock;
  readonly apps: readonly App[];
  /** Origin of the identity provider as a browser sees it. */
  readonly login: string;
  readonly store: SessionStore;
  /** Called for each request. */
  readonly count?: () => void;
}

/** A visitor the gate knows by a session, with the cookie it gets; null = no space left for a new one. */
type Visitor = { readonly sid: string; readonly setCookie: readonly string[] } | null;

interface Outpost extends GateOptions {
  readonly key: Buffer;
}

/** Starts the outpost as a plain HTTP server. */
export function startGate(options: GateOptions): Promise<Part> {
  const outpost: Outpost = { ...options, key: randomBytes(32) };
  const handle = responder((request) => {
    options.count?.();
    return answer(outpost, request);
  });
  return startPart(createServer(SERVER_LIMITS, handle), options.clock);
}

function answer(outpost: Outpost, request: IncomingMessage): Answer {
  const url = URL.parse(request.url ?? '/', 'http://outpost.invalid');
  const pathname = url?.pathname ?? '/';
  if (pathname === `${OUTPOST_PREFIX}ping`) return reply(204);
  const host = header(request, 'x-forwarded-host') ?? header(request, 'host') ?? '';
  const app = outpost.apps.find((candidate) => candidate.host === hostName(host));
  if (app === undefined) return noApp(host);
  switch (pathname.slice(OUTPOST_PREFIX.length - 1)) {
    case '/auth/traefik':
    case '/auth/caddy':
      return forwardAuth(outpost, { app, host }, request);
    case '/auth/nginx':
      return nginxAuth(outpost, app, request);
    case '/start':
      return handOver(outpost, app, returnUrl(app, url?.searchParams.get('rd') ?? null), request);
    case '/callback':
      return reply(400);
    default:
      return reply(404, PLAIN_TEXT, '404 page not found\n');
  }
}

const PLAIN_TEXT = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };

/** JSON with Go's capital keys, indented by tabs. */
function noApp(host: string): Answer {
  const detail = `Check the outpost settings and make sure '${host}' is included.`;
  const body = JSON.stringify({ Message: 'no app for hostname', Host: host, Detail: detail }, null, '\t');
  return reply(400, { 'content-type': 'application/json' }, body);
}

function forwardAuth(outpost: Outpost, asked: { app: App; host: string }, request: IncomingMessage): Answer {
  const scheme = header(request, 'x-forwarded-proto');
  if (scheme === null) return reply(500, PLAIN_TEXT, 'configuration error\n');
  const target = `${scheme}://${asked.host}${header(request, 'x-forwarded-uri') ?? '/'}`;
  return handOver(outpost, asked.app, target, request);
}

/** nginx passes on 401 and 403 alone: the redirect comes one hop later, from `/start`, and so does a full store. */
function nginxAuth(outpost: Outpost, app: App, request: IncomingMessage): Answer {
  const original = header(request, 'x-original-url') ?? header(request, 'x-original-uri');
  if (original === null) return reply(500, PLAIN_TEXT, 'configuration error\n');
  if (URL.parse(original, app.external)?.pathname.startsWith(OUTPOST_PREFIX)) return reply(200);
  const visitor = admit(outpost, app, request);
  return reply(401, { ...PLAIN_TEXT, ...cookies(visitor?.setCookie ?? []) }, 'unauthorized request\n');
}

/** 302 to the login; the empty 400 of 2026-04-18 when the session cannot be stored. */
function handOver(outpost: Outpost, app: App, target: string, request: IncomingMessage): Answer {
  const visitor = admit(outpost, app, request);
  if (visitor === null) return reply(400);
  const nonce = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: app.clientId,
    redirect_uri: callbackUrl(app),
    response_type: 'code',
    scope: SCOPES,
    state: signState(app, { redirect: target, sid: visitor.sid, state: nonce }, outpost.key),
  });
  return redirect(`${outpost.login}/application/o/authorize/?${query}`, cookies(visitor.setCookie));
}

/**
 * Without a cookie a session is stored. A good cookie is answered without a Set-Cookie. One that is stale or not
 * ours stores nothing and is deleted (2025.12 and later), so only new visitors notice a full store.
 */
function admit(outpost: Outpost, app: App, request: IncomingMessage): Visitor {
  const name = cookieName(app);
  const value = cookieValue(header(request, 'cookie') ?? '', name);
  if (value === null) {
    const sid = outpost.store.create();
    return sid === null ? null : { sid, setCookie: [sessionCookie(outpost, app, sid)] };
  }
  const sid = openCookie(app, value, outpost.key);
  if (sid !== null && outpost.store.has(sid)) return { sid, setCookie: [] };
  const deletion = `${name}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax`;
  return { sid: newSessionId(), setCookie: [deletion] };
}

function sessionCookie(outpost: Outpost, app: App, sid: string): string {
  // The outpost adds a second to the provider's access_token_validity.
  const seconds = Math.round(outpost.store.lifetimeMs / 1000) + 1;
  const expires = new Date(outpost.clock.now() + seconds * 1000).toUTCString();
  const value = signCookie(app, sid, outpost.key);
  return `${cookieName(app)}=${value}; Path=/; Expires=${expires}; Max-Age=${seconds}; HttpOnly; Secure; SameSite=Lax`;
}

function cookies(lines: readonly string[]): Record<string, readonly string[]> {
  return lines.length === 0 ? {} : { 'set-cookie': lines };
}

function cookieValue(line: string, name: string): string | null {
  const pair = line.split(';').find((part) => part.trim().startsWith(`${name}=`));
  return pair === undefined ? null : pair.trim().slice(name.length + 1);
}

/** The asked return URL when it is on the application, else its front page. */
function returnUrl(app: App, asked: string | null): string {
  return asked !== null && URL.parse(asked)?.origin === app.external ? asked : `${app.external}/`;
}
