// The authorize endpoint of the demo's identity provider (reference/authentik.md 1.4, 5).

import type { IncomingMessage } from 'node:http';
import { type Answer, redirect } from './exchange.ts';
import { type App, callbackUrl } from './gate-app.ts';
import { mayEnter } from './grants.ts';
import { AUTHENTICATION, AUTHORIZATION, planConsent, planLogin } from './login-flow.ts';
import { openSession, type Provider, save } from './provider.ts';
import { own, plainPage } from './provider-pages.ts';
import type { User } from './users.ts';

export const AUTHORIZE = '/application/o/authorize/';

/**
 * Client and return address are checked before anything else; `prompt=none` makes no session. A stranger is sent to
 * the login page, a user back to the application with a code. A 200 is a denial, never a success.
 */
export function authorize(provider: Provider, request: IncomingMessage, url: URL): Answer {
  const query = url.searchParams;
  const app = provider.apps.find((candidate) => candidate.clientId === query.get('client_id'));
  if (app === undefined) return plainPage(400, 'Client ID Error');
  if (query.get('redirect_uri') !== callbackUrl(app)) return plainPage(400, 'Redirect URI Error');
  const session = openSession(provider, request);
  const { user } = session.state;
  const setup = provider.setup();
  if (user === null) {
    if (query.get('prompt') === 'none') return refused(app, 'login_required', query);
    const again = `${url.pathname}?${query}`;
    const headers = save(provider, session, { plan: planLogin(setup, again) });
    return redirect(flowPage(AUTHENTICATION, [...query, ['next', again]]), { ...own(), ...headers });
  }
  if (!mayEnter(user, app)) return plainPage(200, 'Permission denied', 'Request has been denied.');
  if (!setup.consent) return redirect(granted(provider, app, user, query), own());
  if (query.get('prompt') === 'none') return refused(app, 'consent_required', query);
  const plan = planConsent(user, () => granted(provider, app, user, query));
  return redirect(flowPage(AUTHORIZATION, [...query]), { ...own(), ...save(provider, session, { plan }) });
}

/** Pathname of the page of a flow. */
export function flowPage(slug: string, query: [string, string][]): string {
  return `/if/flow/${slug}/?${new URLSearchParams(query)}`;
}

function granted(provider: Provider, app: App, user: User, query: URLSearchParams): string {
  const code = provider.grants.issueCode(app, user);
  return `${callbackUrl(app)}&${new URLSearchParams({ code, state: query.get('state') ?? '' })}`;
}

/** The address has a query already, and a second `?` follows: so does authentik. */
function refused(app: App, error: keyof typeof REFUSALS, query: URLSearchParams): Answer {
  const facts = { error, error_description: REFUSALS[error], state: query.get('state') ?? '' };
  return redirect(`${callbackUrl(app)}?${new URLSearchParams(facts)}`, own());
}

const REFUSALS = {
  login_required: 'The Authorization Server requires End-User authentication',
  consent_required: 'The Authorization Server requires End-User consent',
} as const;
