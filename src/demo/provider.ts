// The identity provider of the demo: what its endpoints share, its sessions among it.

import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { remember } from './bounded-map.ts';
import { cookie, type Headers } from './exchange.ts';
import type { App } from './gate-app.ts';
import type { Grants } from './grants.ts';
import type { LoginSetup, Plan } from './login-flow.ts';
import type { Directory, User } from './users.ts';

const SESSION_COOKIE = 'authentik_session';
const CSRF_COOKIE = 'authentik_csrf';

/** One visitor. */
interface ProviderSession {
  /** Who is signed in. */
  readonly user: User | null;
  /** The flow that is being gone through. */
  readonly plan: Plan | null;
  readonly csrf: string;
}

export interface Provider {
  readonly apps: readonly App[];
  readonly directory: Directory;
  readonly grants: Grants;
  readonly sessions: Map<string, ProviderSession>;
  /** Asked with every request. */
  readonly setup: () => LoginSetup;
}

/** A session as one request found it; nothing is kept before `save`. */
export interface OpenSession {
  readonly id: string | null;
  readonly state: ProviderSession;
}

const STRANGER: ProviderSession = { user: null, plan: null, csrf: '' };

/** The session of the request's cookie, or a stranger's. */
export function openSession(provider: Provider, request: IncomingMessage): OpenSession {
  const id = cookie(request, SESSION_COOKIE);
  const state = id === null ? undefined : provider.sessions.get(id);
  return state === undefined ? { id: null, state: STRANGER } : { id, state };
}

/** Keeps what a request changed; the headers with the cookies of a session that is new to the visitor. */
export function save(provider: Provider, { id, state }: OpenSession, change: { plan: Plan | null }): Headers {
  if (id !== null) {
    remember(provider.sessions, id, { ...state, ...change });
    return {};
  }
  return begin(provider, { ...state, ...change });
}

/** Signs a user in: the session gets a new id, so that nobody can have planted the old one. */
export function signIn(provider: Provider, session: OpenSession, user: User): Headers {
  if (session.id !== null) provider.sessions.delete(session.id);
  return begin(provider, { user, plan: null, csrf: '' });
}

function begin(provider: Provider, state: ProviderSession): Headers {
  const id = randomBytes(48).toString('base64url');
  const csrf = randomBytes(24).toString('base64url');
  remember(provider.sessions, id, { ...state, csrf });
  const lines = [`${SESSION_COOKIE}=${id}; HttpOnly; Path=/; SameSite=None; Secure`];
  if (state.user !== null) lines.push(`${CSRF_COOKIE}=${csrf}; Path=/; SameSite=Lax; Secure`);
  return { 'set-cookie': lines };
}
