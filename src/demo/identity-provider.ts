// The identity provider of the demo site: answers as authentik's server 2025.12 and later does, as far as a stranger
// sees it: health pages, the authorize endpoint, the login page with its scripts. Nobody can log in.
// Facts: reference/authentik.md 1.4, 3.

import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { type Answer, type Headers, redirect, reply, responder, SERVER_LIMITS } from './exchange.ts';
import { type App, callbackUrl } from './gate-app.ts';
import { type Part, startPart } from './part.ts';

const FLOW = '/if/flow/default-authentication-flow/';
const SCRIPT = '/static/dist/flow/FlowInterface-2025.12.4.js';
const STYLE = '/static/dist/authentik.css';

/** Starts the identity provider as a plain HTTP server. */
export function startIdentityProvider(options: {
  clock: Clock;
  apps: readonly App[];
  count?: () => void;
}): Promise<Part> {
  const handle = responder((request) => {
    options.count?.();
    return answer(options.apps, request);
  });
  return startPart(createServer(SERVER_LIMITS, handle), options.clock);
}

function answer(apps: readonly App[], request: IncomingMessage): Answer {
  const url = URL.parse(request.url ?? '/', 'https://login.invalid');
  switch (url?.pathname) {
    case '/-/health/live/':
    case '/-/health/ready/':
      return reply(200, own());
    case '/application/o/authorize/':
      return authorize(apps, url);
    case FLOW:
      return reply(200, page(), LOGIN_PAGE);
    case SCRIPT:
      return reply(
        200,
        asset('text/javascript; charset=utf-8'),
        'customElements.define("ak-flow-executor", class extends HTMLElement {});\n',
      );
    case STYLE:
      return reply(200, asset('text/css; charset=utf-8'), 'body { font-family: sans-serif; }\n');
    case '/':
      return redirect(`${FLOW}?next=%2F`, own());
    default:
      return errorPage(404, 'Not Found');
  }
}

/** Client and return address are checked before anything else; `prompt=none` makes no session. */
function authorize(apps: readonly App[], url: URL): Answer {
  const query = url.searchParams;
  const app = apps.find((candidate) => candidate.clientId === query.get('client_id'));
  if (app === undefined) return errorPage(400, 'Client ID Error');
  if (query.get('redirect_uri') !== callbackUrl(app)) return errorPage(400, 'Redirect URI Error');
  if (query.get('prompt') === 'none') return loginRequired(app, query.get('state') ?? '');
  const next = new URLSearchParams([...query, ['next', `${url.pathname}?${query}`]]);
  const cookie = `authentik_session=${randomBytes(48).toString('base64url')}; HttpOnly; Path=/; SameSite=None; Secure`;
  return redirect(`${FLOW}?${next}`, { ...own(), 'set-cookie': cookie });
}

/** The address has a query already, and a second `?` follows: so does authentik. */
function loginRequired(app: App, state: string): Answer {
  const error = {
    error: 'login_required',
    error_description: 'The Authorization Server requires End-User authentication',
  };
  return redirect(`${callbackUrl(app)}?${new URLSearchParams({ ...error, state })}`, own());
}

/** What every answer of the server carries: the request id that its log shows. */
function own(): Headers {
  return { 'x-authentik-id': randomBytes(16).toString('hex'), 'x-powered-by': 'authentik' };
}

function page(): Headers {
  const frame = { 'x-frame-options': 'DENY', 'referrer-policy': 'same-origin' };
  return { ...own(), ...frame, 'content-type': 'text/html; charset=utf-8' };
}

function asset(type: string): Headers {
  return {
    'content-type': type,
    'cache-control': 'public, max-age=3600',
    'x-authentik-version': '2025.12.4',
  };
}

function errorPage(status: number, title: string): Answer {
  return reply(
    status,
    page(),
    `<!doctype html>\n<html><head><title>${title} - authentik</title></head><body><h1>${title}</h1></body></html>\n`,
  );
}

const LOGIN_PAGE = `<!doctype html>
<html lang="en"><head><title>Log in - authentik</title>
<link rel="stylesheet" href="${STYLE}"><script src="${SCRIPT}" type="module"></script></head>
<body><ak-flow-executor flowSlug="default-authentication-flow"><p>Loading …</p></ak-flow-executor></body></html>
`;
