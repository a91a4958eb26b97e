// The gate of the demo site: answers as authentik's Go outpost 2025.12 to 2026.5 does in forward-auth mode, for
// Traefik, Caddy and nginx. Strangers are handed over to the identity provider, whom it asks who has come back.
// Facts: reference/authentik.md 1.1, 2.1, 2.3, 4.1, 5.

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { Clock } from '../base/clock.ts';
import {
  type Answer,
  type Headers,
  header,
  hostName,
  redirect,
  reply,
  responder,
  SERVER_LIMITS,
} from './exchange.ts';
import { type App, callbackUrl, openState, signState } from './gate-app.ts';
import { type Claims, redeemCode } from './gate-provider.ts';
import { admit, type Outpost, sessionCookie, sessionOf, userOf } from './gate-visitor.ts';
import { type Part, startPart } from './part.ts';
import type { SessionStore } from './session-store.ts';

/** Everything below is the outpost's own, on every host. */
export const OUTPOST_PREFIX = '/outpost.goauthentik.io/';
const SCOPES = 'ak_proxy email entitlements openid profile';

export interface GateOptions {
  readonly clock: Clock;
  readonly apps: readonly App[];
  /** Origin of the identity provider as a browser sees it. */
  readonly login: string;
  /** Port of the identity provider on this machine, plain HTTP: the outpost's own way to it. */
  readonly provider: number;
  readonly store: SessionStore;
  /** Called for each request. */
  readonly count?: () => void;
}

interface Gate extends Outpost {
  readonly apps: readonly App[];
  readonly login: string;
}

/** One request for an application, with the host as the visitor wrote it. */
interface Asked {
  readonly app: App;
  readonly host: string;
  readonly url: URL;
  readonly request: IncomingMessage;
}

/** Starts the outpost as a plain HTTP server. */
export function startGate(options: GateOptions): Promise<Part> {
  const gate: Gate = { ...options, key: randomBytes(32), cache: new Map() };
  const handle = responder((request) => {
    options.count?.();
    return answer(gate, request);
  });
  return startPart(createServer(SERVER_LIMITS, handle), options.clock);
}

function answer(gate: Gate, request: IncomingMessage): Answer | Promise<Answer> {
  const url = URL.parse(request.url ?? '/', 'http://outpost.invalid');
  if (url === null) return reply(400);
  if (url.pathname === `${OUTPOST_PREFIX}ping`) return reply(204);
  const host = header(request, 'x-forwarded-host') ?? header(request, 'host') ?? '';
  const app = gate.apps.find((candidate) => candidate.host === hostName(host));
  if (app === undefined) return noApp(host);
  const asked: Asked = { app, host, url, request };
  switch (url.pathname.slice(OUTPOST_PREFIX.length - 1)) {
    case '/auth/traefik':
    case '/auth/caddy':
      return forwardAuth(gate, asked);
    case '/auth/nginx':
      return nginxAuth(gate, asked);
    case '/start':
      return handOver(gate, asked, returnUrl(app, url.searchParams.get('rd')));
    case '/callback':
      return callback(gate, asked);
    case '/sign_out':
      return signOut(gate, asked);
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

async function forwardAuth(gate: Gate, asked: Asked): Promise<Answer> {
  const scheme = header(asked.request, 'x-forwarded-proto');
  if (scheme === null) return reply(500, PLAIN_TEXT, 'configuration error\n');
  const known = await userOf(gate, asked.app, asked.request);
  if (known !== null) return welcome(asked.app, known);
  return handOver(gate, asked, `${scheme}://${asked.host}${header(asked.request, 'x-forwarded-uri') ?? '/'}`);
}

/** nginx passes on 401 and 403 alone: the redirect comes one hop later, from `/start`, and so does a full store. */
async function nginxAuth(gate: Gate, { app, request }: Asked): Promise<Answer> {
  const original = header(request, 'x-original-url') ?? header(request, 'x-original-uri');
  if (original === null) return reply(500, PLAIN_TEXT, 'configuration error\n');
  if (URL.parse(original, app.external)?.pathname.startsWith(OUTPOST_PREFIX)) return reply(200);
  const known = await userOf(gate, app, request);
  if (known !== null) return welcome(app, known);
  const visitor = admit(gate, app, request);
  return reply(401, { ...PLAIN_TEXT, ...cookies(visitor?.setCookie ?? []) }, 'unauthorized request\n');
}

/** 200 with what the application may know. */
function welcome(app: App, { user, setCookie }: { user: Claims; setCookie: readonly string[] }): Answer {
  return reply(200, {
    'x-authentik-username': user.preferred_username,
    'x-authentik-groups': user.groups.join('|'),
    'x-authentik-entitlements': '',
    'x-authentik-email': user.email,
    'x-authentik-name': user.name,
    'x-authentik-uid': user.sub,
    'x-authentik-meta-outpost': 'authentik Embedded Outpost',
    'x-authentik-meta-provider': app.host,
    'x-authentik-meta-app': app.host.replaceAll('.', '-'),
    'x-authentik-meta-version': 'goauthentik.io/outpost/2025.12.4',
    ...cookies(setCookie),
  });
}

/** 302 to the login; the empty 400 of 2026-04-18 when the session cannot be stored. */
function handOver(gate: Gate, { app, request }: Asked, target: string): Answer {
  const visitor = admit(gate, app, request);
  if (visitor === null) return reply(400);
  const nonce = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: app.clientId,
    redirect_uri: callbackUrl(app),
    response_type: 'code',
    scope: SCOPES,
    state: signState(app, { redirect: target, sid: visitor.sid, state: nonce }, gate.key),
  });
  return redirect(`${gate.login}/application/o/authorize/?${query}`, cookies(visitor.setCookie));
}

/**
 * Back from the login: the stranger's session becomes the user's. An empty 400 when the state is not of this session;
 * a code that cannot be redeemed leads to the page again, and from there to the login: the redirect loop.
 */
async function callback(gate: Gate, { app, url, request }: Asked): Promise<Answer> {
  const state = openState(app, url.searchParams.get('state') ?? '', gate.key);
  const sid = sessionOf(gate, app, request);
  if (state === null || sid === null || state.sid !== sid) return reply(400);
  const user = await redeemCode(gate.provider, app, url.searchParams.get('code') ?? '');
  if (user === null) return redirect(state.redirect);
  gate.store.signIn(sid, user);
  return redirect(state.redirect, cookies([sessionCookie(gate, app, sid)]));
}

/** Ends all sessions of the user at this outpost; who is a stranger is sent to the start. */
function signOut(gate: Gate, { app, request }: Asked): Answer {
  const sid = sessionOf(gate, app, request);
  const user = sid === null ? null : gate.store.userOf(sid);
  if (user === null) {
    const visitor = admit(gate, app, request);
    if (visitor === null) return reply(400);
    return redirect(`${app.external}${OUTPOST_PREFIX}start`, cookies(visitor.setCookie));
  }
  gate.store.signOut(user.sub);
  return redirect(`${gate.login}/application/o/${app.host.replaceAll('.', '-')}/end-session/`);
}

function cookies(lines: readonly string[]): Headers {
  return lines.length === 0 ? {} : { 'set-cookie': lines };
}

/** The asked return URL when it is on the application, else its front page. */
function returnUrl(app: App, asked: string | null): string {
  return asked !== null && URL.parse(asked)?.origin === app.external ? asked : `${app.external}/`;
}
