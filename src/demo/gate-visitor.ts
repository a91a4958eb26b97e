// Who stands in front of the demo's gate: a user or a stranger, by session cookie or by an Authorization header.
// Facts: reference/authentik.md 1.1, 2.1, 4.1.

import type { IncomingMessage } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { remember } from './bounded-map.ts';
import { cookie, header } from './exchange.ts';
import { type App, cookieName, openCookie, signCookie } from './gate-app.ts';
import { type Claims, userOfHeader } from './gate-provider.ts';
import { newSessionId, type SessionStore } from './session-store.ts';

/** How long an Authorization value that was good is not asked about again. */
const CACHE_MS = 60_000;
const MOST_CACHED = 1000;

/** The outpost's memory. */
export interface Outpost {
  readonly clock: Clock;
  readonly store: SessionStore;
  /** Signs cookies and states. */
  readonly key: Buffer;
  /** Port of the identity provider, plain HTTP. */
  readonly provider: number;
  /** Users by application and Authorization value. */
  readonly cache: Map<string, { readonly user: Claims; readonly until: number }>;
}

/** A visitor by a session, with the cookie it gets. */
export interface Visitor {
  readonly sid: string;
  readonly setCookie: readonly string[];
}

/** The user who asks, and the cookie of a session made for an Authorization header; null = a stranger. */
export async function userOf(
  outpost: Outpost,
  app: App,
  request: IncomingMessage,
): Promise<{ user: Claims; setCookie: readonly string[] } | null> {
  const sid = sessionOf(outpost, app, request);
  const user = sid === null ? null : outpost.store.userOf(sid);
  if (user !== null) return { user, setCookie: [] };
  const authorization = header(request, 'authorization');
  return authorization === null ? null : byHeader(outpost, app, { request, authorization });
}

/** A good header is worth a session of its own, if one can be stored, and is then known for a minute. */
async function byHeader(
  outpost: Outpost,
  app: App,
  { request, authorization }: { request: IncomingMessage; authorization: string },
): Promise<{ user: Claims; setCookie: readonly string[] } | null> {
  const key = `${app.clientId} ${authorization}`;
  const known = outpost.cache.get(key);
  if (known !== undefined && known.until > outpost.clock.monotonic())
    return { user: known.user, setCookie: [] };
  const user = await userOfHeader(outpost.provider, app, authorization);
  const visitor = user === null ? null : admit(outpost, app, request);
  if (user === null || visitor === null) return null;
  outpost.store.signIn(visitor.sid, user);
  remember(outpost.cache, key, { user, until: outpost.clock.monotonic() + CACHE_MS }, MOST_CACHED);
  return { user, setCookie: visitor.setCookie };
}

/**
 * Without a cookie a session is stored; null = no space left. A good cookie is answered without a Set-Cookie. One
 * that is stale or not ours stores nothing and is deleted (2025.12 and later), so only new visitors notice a full
 * store.
 */
export function admit(outpost: Outpost, app: App, request: IncomingMessage): Visitor | null {
  const name = cookieName(app);
  if (cookie(request, name) === null) {
    const sid = outpost.store.create();
    return sid === null ? null : { sid, setCookie: [sessionCookie(outpost, app, sid)] };
  }
  const sid = sessionOf(outpost, app, request);
  if (sid !== null) return { sid, setCookie: [] };
  const deletion = `${name}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax`;
  return { sid: newSessionId(), setCookie: [deletion] };
}

/** Id of the stored session of the request's cookie, or null. */
export function sessionOf(outpost: Outpost, app: App, request: IncomingMessage): string | null {
  const value = cookie(request, cookieName(app));
  const sid = value === null ? null : openCookie(app, value, outpost.key);
  return sid !== null && outpost.store.has(sid) ? sid : null;
}

/** Set-Cookie of a session from now on. */
export function sessionCookie(outpost: Outpost, app: App, sid: string): string {
  // The outpost adds a second to the provider's access_token_validity.
  const seconds = Math.round(outpost.store.lifetimeMs / 1000) + 1;
  const expires = new Date(outpost.clock.now() + seconds * 1000).toUTCString();
  const value = signCookie(app, sid, outpost.key);
  return `${cookieName(app)}=${value}; Path=/; Expires=${expires}; Max-Age=${seconds}; HttpOnly; Secure; SameSite=Lax`;
}
