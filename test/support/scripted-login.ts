// A site with authentik's flow executor as a function from request to answer, for tests of the walk through it: no
// sockets, and whatever step goes wrong is one entry of a table. The real thing is the demo site.

import type { Exchange } from '../../src/model/observation.ts';
import type { Ask } from '../../src/probe/conversation.ts';
import type { Exchanger } from '../../src/probe/exchange.ts';

/** What a server says: status, JSON body or text, and headers. */
export interface Said {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly setCookies?: readonly string[];
}

export interface ScriptedLogin {
  readonly exchanger: Exchanger;
  /** `METHOD host/pathname` of each request. */
  readonly asked: string[];
  readonly asks: Ask[];
  /** Parsed bodies that were posted. */
  readonly posts: unknown[];
}

export const APP = 'https://app.site.test';
export const LOGIN = 'https://auth.site.test';
const FLOW = '/if/flow/default-authentication-flow/';
const CALLBACK = `${APP}/outpost.goauthentik.io/callback?X-authentik-auth-callback=true&code=geheim-code&state=geheim-state`;
const AUTHORIZE = `${LOGIN}/application/o/authorize/?client_id=abc&redirect_uri=x&response_type=code&state=s`;

/**
 * Answers by `over` where it has a place (`app`, `authorize`, `authorize again`, `denied`, `callback`, `app again`), else as a
 * healthy site. The executor gives the stages one after the other, each next one after a post or the end of a flow;
 * `authorize again` answers while there are stages left, `denied` then.
 */
export function scriptedLogin(
  stages: readonly Said[],
  over: Readonly<Record<string, Said>> = {},
): ScriptedLogin {
  const asked: string[] = [];
  const asks: Ask[] = [];
  const posts: unknown[] = [];
  let stage = 0;
  let signedIn = false;
  const answer = (ask: Ask): Said => {
    const { host, pathname } = ask.url;
    if (host === 'app.site.test' && pathname.endsWith('/callback')) {
      signedIn = true;
      return (
        over['callback'] ?? go('/', ['authentik_proxy_abc=geheim-session; Path=/; Secure; Max-Age=3600'])
      );
    }
    if (host === 'app.site.test')
      return signedIn
        ? (over['app again'] ?? { status: 200, body: 'the app' })
        : (over['app'] ?? go(AUTHORIZE, ['authentik_proxy_abc=stranger; Path=/; Secure; Max-Age=3600']));
    if (pathname.includes('/authorize/'))
      return stage === 0
        ? (over['authorize'] ?? go(`${FLOW}?next=%2Fx`, ['authentik_session=geheim-idp; Path=/; Secure']))
        : ((stage < stages.length ? over['authorize again'] : undefined) ?? over['denied'] ?? go(CALLBACK));
    if (!pathname.startsWith('/api/v3/flows/executor/')) return { status: 404 };
    if (ask.post !== undefined) {
      stage += 1;
      const next = stages[stage];
      // What is valid and not the end is answered with a redirect to the executor itself.
      if (next?.status === 200 && !isRefusal(next)) return go(ask.url.href);
    }
    const said = stages[stage] ?? { status: 500 };
    if (isEnd(said)) stage += 1;
    return said;
  };
  const get = (ask: Ask): Promise<Exchange> => {
    asked.push(`${ask.post === undefined ? 'GET' : 'POST'} ${ask.url.host}${ask.url.pathname}`);
    asks.push(ask);
    if (ask.post !== undefined) posts.push(JSON.parse(ask.post));
    return Promise.resolve(exchangeOf(ask.url.href, answer(ask)));
  };
  return { exchanger: { get, handshake: () => Promise.reject(new Error('never')) }, asked, asks, posts };
}

function isEnd({ body }: Said): boolean {
  return typeof body === 'object' && body !== null && 'to' in body;
}

function isRefusal({ body }: Said): boolean {
  return typeof body === 'object' && body !== null && 'response_errors' in body;
}

export function go(location: string, setCookies: readonly string[] = []): Said {
  return { status: 302, headers: { location }, setCookies };
}

/** A challenge of the executor. */
export function stage(component: string, fields: Readonly<Record<string, unknown>> = {}): Said {
  return { status: 200, body: { component, flow_info: { title: 'Welcome' }, ...fields } };
}

function exchangeOf(url: string, said: Said): Exchange {
  const body =
    typeof said.body === 'string' ? said.body : said.body === undefined ? '' : JSON.stringify(said.body);
  return {
    url,
    remote: { address: '192.0.2.1', port: 443 },
    resolver: null,
    timings: { dnsMs: 1, connectMs: 1, tlsMs: 1, firstByteMs: 1, transferMs: 1 },
    tls: null,
    status: said.status,
    headers: said.headers ?? {},
    setCookies: (said.setCookies ?? []).map((raw) => ({
      name: raw.slice(0, raw.indexOf('=')),
      raw,
      deletes: false,
      maxAgeMs: null,
    })),
    sentCookies: [],
    body,
    bodyBytes: body.length,
    bodyTruncated: false,
    error: null,
  };
}
