// The endpoints of the demo's identity provider that programs ask: tokens for the outpost and for machines, and what
// a token is worth (reference/authentik.md 4; RFC 6749, RFC 7662).

import type { IncomingMessage } from 'node:http';
import { type Answer, header, readBody } from './exchange.ts';
import type { App } from './gate-app.ts';
import { claimsOf, mayEnter } from './grants.ts';
import type { Provider } from './provider.ts';
import { json, own } from './provider-pages.ts';
import type { User } from './users.ts';

export const TOKEN = '/application/o/token/';
export const INTROSPECT = '/application/o/introspect/';

const ERRORS = {
  invalid_client:
    'Client authentication failed (e.g., unknown client, no client authentication included, or unsupported authentication method)',
  invalid_grant:
    'The provided authorization grant or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client',
  unsupported_grant_type: 'The authorization grant type is not supported by the authorization server',
} as const;

/** `grant_type=authorization_code` for the outpost, `client_credentials` for machines. */
export async function tokenEndpoint(provider: Provider, request: IncomingMessage): Promise<Answer> {
  if (request.method !== 'POST') return json(405, { detail: 'Method not allowed.' });
  const form = await readForm(request);
  const app = clientOf(provider, form.get('client_id'));
  if (app === null) return failed('invalid_client');
  switch (form.get('grant_type')) {
    case 'authorization_code':
      if (form.get('client_secret') !== app.clientSecret) return failed('invalid_client');
      return issue(provider, app, provider.grants.redeemCode(app, form.get('code') ?? ''));
    case 'client_credentials':
      return issue(provider, app, machineUser(provider, form));
    default:
      return failed('unsupported_grant_type');
  }
}

/**
 * Whether a token is good, and whose it is. A token of one application is taken by all of them, as if each trusted
 * the others ("federated providers"), unless its user may not enter.
 */
export async function introspectEndpoint(provider: Provider, request: IncomingMessage): Promise<Answer> {
  if (request.method !== 'POST') return json(405, { detail: 'Method not allowed.' });
  const form = await readForm(request);
  const app = clientOf(provider, form.get('client_id'));
  if (app === null || form.get('client_secret') !== app.clientSecret) return failed('invalid_client');
  const user = provider.grants.userOf(form.get('token') ?? '');
  if (user === null || !mayEnter(user, app)) return json(200, { active: false });
  return json(200, { active: true, client_id: app.clientId, ...claimsOf(user) });
}

/** A user with an app password, plain or as `client_secret=base64(user:password)`. */
function machineUser(provider: Provider, form: URLSearchParams): User | null {
  const secret = Buffer.from(form.get('client_secret') ?? '', 'base64').toString();
  const colon = secret.indexOf(':');
  const username = form.get('username') ?? secret.slice(0, Math.max(colon, 0));
  const password = form.get('password') ?? secret.slice(colon + 1);
  const user = provider.directory.named(username);
  return user !== null && provider.directory.hasAppPassword(user, password) ? user : null;
}

function issue(provider: Provider, app: App, user: User | null): Answer {
  if (user === null || !mayEnter(user, app)) return failed('invalid_grant');
  const token = provider.grants.issueToken(app, user);
  const facts = {
    token_type: 'Bearer',
    scope: 'openid profile ak_proxy',
    expires_in: provider.grants.tokenSeconds,
  };
  return json(200, { access_token: token, ...facts, id_token: token }, { 'cache-control': 'no-store' });
}

function failed(error: keyof typeof ERRORS): Answer {
  const facts = { error, error_description: ERRORS[error], request_id: own()['x-authentik-id'] };
  return json(400, facts, { 'cache-control': 'no-store' });
}

function clientOf(provider: Provider, clientId: string | null): App | null {
  return provider.apps.find((app) => app.clientId === clientId) ?? null;
}

/** The form of the body; client id and secret may come as basic authentication instead. */
async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const form = new URLSearchParams((await readBody(request)) ?? '');
  const [, basic] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header(request, 'authorization') ?? '') ?? [];
  const [id = '', secret = ''] = Buffer.from(basic ?? '', 'base64')
    .toString()
    .split(':', 2);
  if (id !== '') {
    form.set('client_id', id);
    form.set('client_secret', secret);
  }
  return form;
}
