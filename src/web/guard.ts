// What every request passes before a handler sees it: the Host rule, credentials, the need of its route; and what
// every answer passes before it leaves: security headers, escaped JSON. The rules themselves are in access.ts.

import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import type { Log } from '../base/log.ts';
import { evidenceText } from '../model/text.ts';
import {
  type Decision,
  type Identity,
  isKnownHost,
  mayChange,
  mayLook,
  mayProbe,
  mayRead,
  type RequestFacts,
} from './access.ts';
import type { Identify } from './credentials.ts';
import { escapeJson } from './json.ts';
import type { WebOptions } from './options.ts';
import type { Route } from './routes.ts';
import { type AnswerKind, securityHeaders } from './security-headers.ts';

/** What hono carries with a request of ours. */
export interface WebEnv {
  Bindings: HttpBindings;
  Variables: {
    /** Kind of the answer, for its headers. */
    answer: AnswerKind;
    /** The request passed the need of its route. */
    admitted: boolean;
    identity: Identity | null;
  };
}

/** Outermost: dresses every answer, those of errors and unknown pathnames included. */
export const dress: MiddlewareHandler<WebEnv> = async (c, next) => {
  c.set('answer', 'data');
  c.set('admitted', false);
  await next();
  if (c.res.headers.get('content-type')?.includes('json') === true) {
    const headers = new Headers(c.res.headers);
    headers.delete('content-length');
    c.res = new Response(escapeJson(await c.res.text()), { status: c.res.status, headers });
  }
  // An asset that was not found must not be remembered for a year.
  const answer = c.get('answer') === 'asset' && c.res.status !== 200 ? 'data' : c.get('answer');
  for (const [name, value] of Object.entries(securityHeaders(answer))) c.res.headers.set(name, value);
};

/** 421 for a Host that may be a rebound name, absolute-form request targets included. */
export function checkHost(options: WebOptions): MiddlewareHandler<WebEnv> {
  return async (c, next) => {
    const host = c.env.incoming.headers.host ?? null;
    const target = c.env.incoming.url ?? '';
    if (!isKnownHost(host, options) || !target.startsWith('/')) {
      return c.text('This name is not one of mine. Add it to web.hosts.\n', 421);
    }
    return next();
  };
}

/** 401 for wrong credentials, 429 for too many of them. */
export function checkCredentials(identify: Identify, options: WebOptions): MiddlewareHandler<WebEnv> {
  return async (c, next) => {
    const found = identify(c.req.header('authorization') ?? null, peerOf(c));
    if ('identity' in found) {
      c.set('identity', found.identity);
      return next();
    }
    if (found.refused === 'too-many') return c.text('Too many wrong passwords. Wait a minute.\n', 429);
    return refuse(c, { allowed: false, status: 401, why: 'wrong password or token' }, options);
  };
}

/** Lets a request to a route of the table through when it has what the route needs. */
export function admit(route: Route, options: WebOptions, log: Log): MiddlewareHandler<WebEnv> {
  return async (c, next) => {
    const decision = decide(route, c, options);
    if (!decision.allowed) return refuse(c, decision, options);
    if (route.method === 'POST') {
      log.info({ by: decision.by, pathname: evidenceText(c.req.path) }, 'change asked for');
    }
    c.set('answer', route.answer);
    c.set('admitted', true);
    return next();
  };
}

/** Behind all of `admit`: what no route of the table let in. Unknown pathnames give away nothing without reading. */
export function closeRest(options: WebOptions): MiddlewareHandler<WebEnv> {
  return async (c, next) => {
    if (c.get('admitted')) return next();
    const decision = mayRead(c.get('identity'), 'read', options);
    return decision.allowed ? c.notFound() : refuse(c, decision, options);
  };
}

function decide(route: Route, c: Context<WebEnv>, options: WebOptions): Decision {
  switch (route.need) {
    case 'nothing':
      return { allowed: true, by: 'anyone' };
    case 'read':
    case 'metrics':
      return mayRead(c.get('identity'), route.need, options);
    case 'artifact':
      return mayLook(c.get('identity'), options);
    case 'probe':
      return mayProbe(factsOf(c), options);
    case 'run':
    case 'reload':
    case 'alertmanager':
    case 'demo':
      return mayChange(factsOf(c), route.need, options);
  }
}

function refuse(
  c: Context<WebEnv>,
  decision: Extract<Decision, { allowed: false }>,
  options: WebOptions,
): Response {
  // A browser that is asked opens its password box; where only tokens count there is nothing to type.
  const ask = decision.status === 401 && options.auth?.basic !== null;
  const headers: Record<string, string> = ask
    ? { 'www-authenticate': 'Basic realm="gatewatch", charset="UTF-8"' }
    : {};
  return c.text(`Refused: ${decision.why}.\n`, decision.status, headers);
}

function peerOf(c: Context<WebEnv>): string {
  return c.env.incoming.socket.remoteAddress ?? '';
}

function factsOf(c: Context<WebEnv>): RequestFacts {
  return {
    peer: peerOf(c),
    host: c.env.incoming.headers.host ?? null,
    origin: c.req.header('origin') ?? null,
    secFetchSite: c.req.header('sec-fetch-site') ?? null,
    headerNames: new Set(Object.keys(c.env.incoming.headers)),
    identity: c.get('identity'),
  };
}
