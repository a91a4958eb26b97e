// The identity provider of the demo site: answers as authentik's server 2025.12 and later does, as far as strangers,
// users, the outpost and machines see it: health pages, authorize endpoint, flows, login page, tokens.
// Facts: reference/authentik.md 1.4, 3, 4, 5.

import { createServer, type IncomingMessage } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { AUTHORIZE, authorize, flowPage } from './authorize.ts';
import { type Answer, redirect, reply, responder, SERVER_LIMITS } from './exchange.ts';
import { EXECUTOR, executor } from './flow-executor.ts';
import type { App } from './gate-app.ts';
import { createGrants } from './grants.ts';
import { AUTHENTICATION, type LoginSetup, USUAL_LOGIN } from './login-flow.ts';
import { assetAt, flowPageAt } from './login-page.ts';
import { type Part, startPart } from './part.ts';
import { openSession, type Provider } from './provider.ts';
import { json, own, plainPage } from './provider-pages.ts';
import { INTROSPECT, introspectEndpoint, TOKEN, tokenEndpoint } from './token-endpoint.ts';
import { createDirectory, type User } from './users.ts';

/** Lifetime of an access token: the model default of authentik's access_token_validity. */
const TOKEN_SECONDS = 3600;

export interface ProviderOptions {
  readonly clock: Clock;
  readonly apps: readonly App[];
  readonly users: readonly User[];
  /** How people log in now; asked with every request, the usual way by default. */
  readonly login?: () => LoginSetup;
  /** Called for each request. */
  readonly count?: () => void;
}

/** Starts the identity provider as a plain HTTP server. */
export function startIdentityProvider(options: ProviderOptions): Promise<Part> {
  const { clock, apps, users } = options;
  const provider: Provider = {
    apps,
    directory: createDirectory(users, clock),
    grants: createGrants({ clock, tokenSeconds: TOKEN_SECONDS }),
    sessions: new Map(),
    setup: options.login ?? (() => USUAL_LOGIN),
  };
  const handle = responder((request) => {
    options.count?.();
    return answer(provider, request);
  });
  return startPart(createServer(SERVER_LIMITS, handle), clock);
}

function answer(provider: Provider, request: IncomingMessage): Answer | Promise<Answer> {
  const url = URL.parse(request.url ?? '/', 'https://login.invalid');
  if (url === null) return plainPage(400, 'Bad Request');
  switch (url.pathname) {
    case '/-/health/live/':
    case '/-/health/ready/':
      return reply(200, own());
    case '/api/v3/core/brands/current/':
      return json(200, BRAND);
    case AUTHORIZE:
      return authorize(provider, request, url);
    case TOKEN:
      return tokenEndpoint(provider, request);
    case INTROSPECT:
      return introspectEndpoint(provider, request);
    case '/':
      return isSignedIn(provider, request)
        ? redirect('/if/user/', own())
        : redirect(flowPage(AUTHENTICATION, [['next', '/']]), own());
    case '/if/user/':
      return isSignedIn(provider, request)
        ? plainPage(200, 'My applications')
        : redirect(flowPage(AUTHENTICATION, [['next', '/if/user/']]), own());
  }
  if (url.pathname.startsWith(EXECUTOR)) return executor(provider, request, url);
  if (/^\/application\/o\/[\w-]+\/end-session\/$/.test(url.pathname)) return endSession(provider, request);
  return (
    flowPageAt(url.pathname) ?? assetAt(url.pathname, provider.setup().assets) ?? plainPage(404, 'Not Found')
  );
}

/** Public, and without a session (reference/authentik.md 2.4). */
const BRAND = {
  matched_domain: 'authentik-default',
  branding_title: 'authentik',
  ui_theme: 'automatic',
  flow_authentication: AUTHENTICATION,
  flow_invalidation: 'default-invalidation-flow',
  default_locale: '',
} as const;

function isSignedIn(provider: Provider, request: IncomingMessage): boolean {
  return openSession(provider, request).state.user !== null;
}

/** Where the outpost's sign-out leads. */
function endSession(provider: Provider, request: IncomingMessage): Answer {
  const { id } = openSession(provider, request);
  if (id !== null) provider.sessions.delete(id);
  return plainPage(200, 'Logged out', "You've logged out.");
}
