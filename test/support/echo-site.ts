// A site that gives back everything it can get hold of: hand-overs full of secrets, pages that quote the request,
// cookies, redirects with codes, a page that is open to strangers. One TLS server for all hosts.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { createAuthority } from '../../src/demo/certificates.ts';
import { type NameServer, startNameServer } from '../../src/demo/name-server.ts';
import type { Marker } from './markers.ts';
import { marker } from './markers.ts';
import { type Origin, startOrigin } from './origin.ts';

const ZONE = 'echo.test';
const CLIENT = 'k3yl1me';
/** `authentik_proxy_` and the first eight digits of the client's SHA-256. */
const GATE_COOKIE = 'authentik_proxy_01f94df5';
/** Characters that a cookie's value may hold (RFC 6265 4.1.1). */
const IN_COOKIES = '+/=%&<';

/** What the site knows, and nobody else may. */
export const SITE_SECRETS = {
  state: marker('state'),
  sid: marker('sid in the state'),
  code: marker('code'),
  rd: marker('rd'),
  nonce: marker('nonce'),
  querySid: marker('sid in a query'),
  fragment: marker('access token in a fragment'),
  pathSession: marker('session in a pathname', '+=%&'),
  userInfo: marker('password in a Location', ''),
  gateCookie: marker('session cookie of the gate', IN_COOKIES),
  appCookie: marker('cookie of an app', IN_COOKIES),
  strangerCookie: marker('cookie of a failing app', IN_COOKIES),
  body: marker('body of an exposed page'),
  title: marker('title of an exposed page'),
  errorBody: marker('body of an error page'),
} as const satisfies Record<string, Marker>;

export interface EchoSite extends AsyncDisposable {
  readonly origin: Origin;
  readonly names: NameServer;
  readonly caPem: string;
  /** Certificate and key for a client, PEM. */
  readonly client: { readonly certPem: string; readonly keyPem: string };
  /** Address of a host of the site: `app`, `exposed`, `failing`, `redirect`, `elsewhere`, `auth`. */
  url(label: string): string;
}

/** Starts it on loopback. */
export async function startEchoSite(): Promise<EchoSite> {
  await using stack = new AsyncDisposableStack();
  const authority = await createAuthority('gatewatch echo CA');
  const identity = await authority.issue([`*.${ZONE}`, ZONE]);
  const origin: Origin = stack.use(
    await startOrigin({
      identity: { ...identity, clients: 'ask' },
      respond: (request, response) => respond(request, response),
    }),
  );
  const url = (label: string): string => `https://${label}.${ZONE}:${origin.port}`;
  const respond = (request: IncomingMessage, response: ServerResponse): void => {
    const label = (request.headers.host ?? '').split('.')[0] ?? '';
    const answer = ANSWERS[label] ?? notFound;
    answer(request, response, url);
  };
  const names = stack.use(
    await startNameServer({
      port: 0,
      ttl: 60,
      answer: (name) => (name.endsWith(ZONE) ? ['127.0.0.1'] : null),
    }),
  );
  const running = stack.move();
  return {
    origin,
    names,
    caPem: authority.certificatePem,
    client: await authority.issue(['client.echo.test']),
    url,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

type Answer = (request: IncomingMessage, response: ServerResponse, url: (label: string) => string) => void;

const notFound: Answer = (_request, response) => {
  response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n');
};

/** A request as text, in the way of pages that want to be helpful. */
function quoted(request: IncomingMessage): string {
  return `${request.method} ${request.url}\n${JSON.stringify(request.headers)}`;
}

/** Headers that are kept as evidence, made of what the request carried. */
function echoing(request: IncomingMessage): Record<string, string> {
  // C1 controls, which an old terminal obeys, are the only ones that a header may hold.
  const skip = String(request.headers['x-waf-skip'] ?? 'none');
  return { server: 'Echo \x9b31m\x90', via: `1.1 ${skip}`, 'x-powered-by': skip };
}

const ANSWERS: Readonly<Record<string, Answer>> = {
  app(request, response, url) {
    const claims = { sid: SITE_SECRETS.sid.value, redirect: `${url('app')}/` };
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const state = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}.${part(SITE_SECRETS.state.value)}`;
    const to = new URL(`${url('auth')}/application/o/authorize/`);
    const back = new URL(`${url('app')}/outpost.goauthentik.io/callback`);
    back.searchParams.set('X-authentik-auth-callback', 'true');
    back.searchParams.set('sid', SITE_SECRETS.querySid.value);
    const query = {
      client_id: CLIENT,
      redirect_uri: back.href,
      response_type: 'code',
      scope: 'openid profile',
      state,
      rd: SITE_SECRETS.rd.value,
      nonce: SITE_SECRETS.nonce.value,
      code: SITE_SECRETS.code.value,
      sid: SITE_SECRETS.querySid.value,
    };
    for (const [name, value] of Object.entries(query)) to.searchParams.set(name, value);
    const cookies = [`app_session=${SITE_SECRETS.appCookie.value}; Path=/; Secure`];
    if (!(request.headers.cookie ?? '').includes(GATE_COOKIE)) {
      cookies.push(`${GATE_COOKIE}=${SITE_SECRETS.gateCookie.value}; Path=/; Max-Age=3600; HttpOnly; Secure`);
    }
    response
      .writeHead(302, { ...echoing(request), location: to.href, 'set-cookie': cookies })
      .end('Found.\n');
  },
  exposed(request, response) {
    const headers = { ...echoing(request), 'content-type': 'text/html; charset=utf-8' };
    response
      .writeHead(200, headers)
      .end(
        `<title>${SITE_SECRETS.title.value}</title>\n<p>${SITE_SECRETS.body.value}\n<pre>${quoted(request)}`,
      );
  },
  failing(request, response) {
    const cookie = `failing_session=${SITE_SECRETS.strangerCookie.value}; Path=/; Secure`;
    const headers = { ...echoing(request), 'content-type': 'text/html', 'set-cookie': cookie };
    response.writeHead(500, headers).end(`<title>${SITE_SECRETS.errorBody.value}</title>${quoted(request)}`);
  },
  redirect(request, response, url) {
    const inPath = encodeURIComponent(SITE_SECRETS.pathSession.value);
    if ((request.url ?? '/') !== '/') return notFound(request, response, url);
    const to = new URL(`${url('redirect')}/callback;jsessionid=${inPath}/x`);
    to.searchParams.set('code', SITE_SECRETS.code.value);
    to.searchParams.set('sid', SITE_SECRETS.querySid.value);
    to.searchParams.set(SITE_SECRETS.rd.value, '');
    to.hash = `access_token=${SITE_SECRETS.fragment.value}`;
    response.writeHead(302, { ...echoing(request), location: to.href }).end();
  },
  elsewhere(request, response) {
    const password = SITE_SECRETS.userInfo.value;
    const echo = encodeURIComponent(String(request.headers['x-waf-skip'] ?? 'none'));
    const location = `https://someone:${password}@elsewhere.example/${echo}?error=${echo}&scope=${echo}`;
    response.writeHead(302, { location }).end();
  },
  auth(request, response) {
    const headers = { ...echoing(request), 'content-type': 'text/html' };
    response.writeHead(200, headers).end(`<title>Sign in</title>${quoted(request)}`);
  },
};
