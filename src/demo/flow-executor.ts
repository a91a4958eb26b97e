// The flow executor of the demo's identity provider: the API behind the login page, and the whole login for who has
// no browser. Sequence, statuses and errors: reference/authentik.md 5.

import type { IncomingMessage } from 'node:http';
import { type Answer, type Headers, header, parseJson, readBody, reply } from './exchange.ts';
import {
  AUTHENTICATION,
  AUTHORIZATION,
  challengeOf,
  type FieldErrors,
  isSilent,
  type LoginSetup,
  type Plan,
  passed,
  planLogin,
  tryAnswer,
} from './login-flow.ts';
import { type OpenSession, openSession, type Provider, save, signIn } from './provider.ts';
import { json, own } from './provider-pages.ts';

/** Everything below is the executor's; the slug of the flow follows. */
export const EXECUTOR = '/api/v3/flows/executor/';

/** Answers a GET or a POST of `/api/v3/flows/executor/<slug>/?query=…`. */
export async function executor(provider: Provider, request: IncomingMessage, url: URL): Promise<Answer> {
  const slug = url.pathname.slice(EXECUTOR.length, -1);
  if (slug !== AUTHENTICATION && slug !== AUTHORIZATION) {
    return json(404, { detail: 'No Flow matches the given query.' });
  }
  const setup = provider.setup();
  if (setup.outcome === 'error') return json(200, flowError());
  if (setup.outcome === 'denied') return json(200, denied('Flow does not apply to current user.'));
  const session = openSession(provider, request);
  if (request.method === 'GET' || request.method === 'HEAD') {
    const plan = planOf(session, slug, url, setup);
    return plan === null
      ? json(200, denied('Flow does not apply to current user.'))
      : show(provider, session, plan);
  }
  if (request.method !== 'POST') return json(405, { detail: `Method "${request.method}" not allowed.` });
  if (session.state.user !== null && !isOurPage(request, session)) {
    return json(403, { detail: 'CSRF Failed: CSRF token missing.' });
  }
  const plan = planOf(session, slug, url, setup);
  if (plan === null) return json(200, denied('Flow does not apply to current user.'));
  const answer = parseJson(await readBody(request));
  const outcome = tryAnswer(plan, answer, { setup, directory: provider.directory });
  switch (outcome.kind) {
    case 'denied':
      return json(200, denied(outcome.message), save(provider, session, { plan: null }));
    case 'invalid':
      return challenge(outcome.plan, setup, save(provider, session, { plan: outcome.plan }), outcome.errors);
    case 'passed':
      if (outcome.plan.stages.length === 0) return show(provider, session, outcome.plan);
      return reply(302, {
        ...own(),
        location: `${url.pathname}${url.search}`,
        ...save(provider, session, { plan: outcome.plan }),
      });
  }
}

/** The session's plan for this flow, or a new one; a consent is only ever planned by the authorize endpoint. */
function planOf({ state }: OpenSession, slug: string, url: URL, setup: LoginSetup): Plan | null {
  if (state.plan?.slug === slug) return state.plan;
  if (slug !== AUTHENTICATION) return null;
  const next = new URLSearchParams(url.searchParams.get('query') ?? '').get('next') ?? '/';
  const plan = planLogin(setup, isOwnPathname(next) ? next : '/');
  // Who is signed in already goes on without logging in again.
  return state.user === null ? plan : { ...plan, stages: [] };
}

/** Passes what needs no answer, and shows what does; the end of a login signs the user in. */
function show(provider: Provider, session: OpenSession, plan: Plan): Answer {
  const setup = provider.setup();
  let current = plan;
  while (isSilent(current, setup)) current = passed(current);
  if (current.stages.length > 0) return challenge(current, setup, save(provider, session, { plan: current }));
  const logsIn = current.slug === AUTHENTICATION && current.user !== null;
  if (logsIn && current.user !== null)
    return challenge(current, setup, signIn(provider, session, current.user));
  return challenge(current, setup, save(provider, session, { plan: null }));
}

function challenge(plan: Plan, setup: LoginSetup, headers: Headers, errors: FieldErrors = {}): Answer {
  return json(200, { ...FLOW_FACTS, ...challengeOf(plan, setup), response_errors: errors }, headers);
}

const FLOW_FACTS = {
  flow_info: {
    title: 'Welcome to authentik!',
    layout: 'stacked',
    background: '/static/dist/assets/images/flow_background.jpg',
    cancel_url: '/flows/-/cancel/',
  },
} as const;

function denied(message: string): unknown {
  return {
    ...FLOW_FACTS,
    component: 'ak-stage-access-denied',
    response_errors: {},
    error_message: message,
    pending_user: '',
  };
}

function flowError(): unknown {
  const requestId = own()['x-authentik-id'];
  return { ...FLOW_FACTS, component: 'ak-stage-flow-error', response_errors: {}, request_id: requestId };
}

/** Signed in, a POST must come from a page of ours: the token of the cookie, and this origin (Django's CSRF check). */
function isOurPage(request: IncomingMessage, { state }: OpenSession): boolean {
  const from = header(request, 'origin') ?? header(request, 'referer') ?? '';
  const host = header(request, 'x-forwarded-host') ?? header(request, 'host');
  return header(request, 'x-authentik-csrf') === state.csrf && URL.parse(from)?.host === host;
}

/** A pathname of this server: no other host, in whatever way it is written. */
function isOwnPathname(next: string): boolean {
  return next.startsWith('/') && URL.parse(next, 'https://login.invalid')?.host === 'login.invalid';
}
