// The visits `fresh`, `return` and `session`: one GET and the hops that belong to it, each on a new connection.
// A return visit carries the stranger's kept cookie and never sends a request without one: that would cost a session.
// A session visit carries what the account has to the account's hosts alone, asked anew at every hop.

import type { Clock } from '../base/clock.ts';
import { type Account, basicText, type Credential, mayCarry } from '../model/account.ts';
import type { Check } from '../model/check.ts';
import type { NetworkPath } from '../model/network-path.ts';
import type { Exchange, Observation, ProbeError } from '../model/observation.ts';
import type { Exchanger, Limit } from './exchange.ts';
import { isOwnHost, nextStep } from './hops.ts';
import { createVisitJar, type Jars, type VisitJar } from './jar.ts';
import { BODY_LIMIT_BYTES, HOP_LIMIT, SEARCHED_BODY_LIMIT_BYTES } from './limits.ts';
import { providerPath, signIn } from './login.ts';
import { probeError } from './net-error.ts';
import type { Codes } from './one-time-code.ts';
import type { SignedIn } from './signed-in.ts';
import type { Tokens } from './tokens.ts';

export type Sighting = Pick<Observation, 'exchanges' | 'stop' | 'error'> &
  Partial<Pick<Observation, 'flow' | 'secrets' | 'durationMs'>>;

export interface VisitTools {
  readonly clock: Clock;
  readonly exchanger: Exchanger;
  readonly jars: Jars;
  readonly signedIn: SignedIn;
  readonly codes: Codes;
  readonly tokens: Tokens;
  /** All configured ones: the identity provider has a way of its own. */
  readonly paths: readonly NetworkPath[];
  readonly userAgent: string;
}

/** A stranger without any cookie. */
export function visitFresh(check: Check, tools: VisitTools, limit: Limit): Promise<Sighting> {
  const jar = createVisitJar(tools.clock, check.gate, null);
  return visit(check, tools, { jar, limit, account: null, authorization: null });
}

/** A stranger who was here before. Without a cookie to replay nothing is sent. */
export async function visitReturn(check: Check, tools: VisitTools, limit: Limit): Promise<Sighting> {
  const jar = check.gate === null ? null : tools.jars.copy(check.gate);
  if (jar === null || !jar.hasGateCookie(check.target.url)) {
    return notSent('no cookie of the gate to replay');
  }
  return visit(check, tools, { jar, limit, account: null, authorization: null });
}

/** A user who is signed in. Without a session or a credential nothing is sent, nor where nobody verifies who answers. */
export async function visitSession(check: Check, tools: VisitTools, limit: Limit): Promise<Sighting> {
  const { account, gate, target } = check;
  if (account === null || gate === null) return notSent('no account to visit as');
  if (check.path.tls.verify === 'none' || !mayCarry(account, new URL(target.url)))
    return notSent('the account may not be used here');
  const jar = tools.signedIn.copy(account, gate);
  const { credential } = account;
  if (credential.kind === 'password' && !tools.signedIn.has(account, gate, target.url)) {
    if (!tools.signedIn.hasLogin(account, gate)) return notSent('no session of the account');
    // Another host of the gate was entered before: the identity provider opens this one without a password.
    const entered = await signIn({ check, account, gate, jar, limit, types: false }, tools);
    return { ...entered, secrets: [...entered.secrets, ...tools.signedIn.secrets(account)] };
  }
  const secrets = tools.signedIn.secrets(account);
  if (credential.kind !== 'client') {
    const authorization = authorizationOf(credential);
    const sighting = await visit(check, tools, { jar, limit, account, authorization });
    return { ...sighting, secrets: authorization === null ? secrets : [...secrets, authorization] };
  }
  const path = providerPath(check, gate, tools.paths);
  const minted = await tools.tokens.token(account, { client: credential, gate, path, limit });
  if (minted.token === null) return noToken(minted.exchange);
  const authorization = `Bearer ${minted.token}`;
  const { exchanges, ...rest } = await visit(check, tools, { jar, limit, account, authorization });
  const made = minted.exchange === null ? [] : [minted.exchange];
  return { ...rest, exchanges: [...made, ...exchanges], secrets: [...secrets, minted.token] };
}

/** The identity provider gave no token: a login that failed, by a program. */
function noToken(exchange: Exchange | null): Sighting {
  if (exchange === null) return notSent('there is no token for the account');
  const { status, error } = exchange;
  const refused = status !== null && status >= 400 && status < 500;
  const detail =
    status === null
      ? 'no answer to the request for a token'
      : `the identity provider answers ${status} to it`;
  return {
    exchanges: [exchange],
    stop: error === null ? 'answer' : 'error',
    error,
    flow: {
      steps: [{ name: 'token', durationMs: exchange.timings.firstByteMs ?? 0, failed: detail }],
      end: refused ? 'rejected' : 'not-finished',
      detail: refused ? `the client of the account is refused: status ${status}` : detail,
      secretsSent: true,
      clockSkewMs: null,
      page: null,
    },
  };
}

export function notSent(why: string): Sighting {
  return { exchanges: [], stop: 'error', error: probeError('prober', 'internal', why) };
}

function authorizationOf(credential: Exclude<Credential, { kind: 'client' }>): string | null {
  switch (credential.kind) {
    case 'bearer':
      return `Bearer ${credential.token.reveal()}`;
    case 'basic':
      return `Basic ${basicText(credential.username, credential.password)}`;
    case 'password':
      return null;
  }
}

/** Who visits: what is sent beside the request itself. */
interface Visitor {
  readonly jar: VisitJar;
  readonly limit: Limit;
  /** Whose cookies and credential these are; null = a stranger's. */
  readonly account: Account | null;
  readonly authorization: string | null;
}

async function visit(check: Check, tools: VisitTools, visitor: Visitor): Promise<Sighting> {
  const exchanges: Exchange[] = [];
  let url = new URL(check.target.url);
  for (;;) {
    const cookie = visitor.jar.header(url.href);
    // What a target answers to a request without some of its cookies is our doing (threats K3).
    if (cookie.trimmed) return { exchanges, stop: 'error', error: tooManyCookies };
    const exchange = await tools.exchanger.get(
      {
        url,
        headers: requestHeaders(url, check, tools, { ...visitor, cookie: cookie.value }),
        bodyLimitBytes: bodyLimit(check),
      },
      check.path,
      visitor.limit,
    );
    exchanges.push(exchange);
    if (exchange.error !== null) return { exchanges, stop: 'error', error: exchange.error };
    visitor.jar.take(exchange);
    const step = nextStep(exchange, check.target, check.gate);
    if ('stop' in step) return { exchanges, stop: step.stop, error: null };
    const end = endBefore(step.follow, check, visitor);
    if (end !== null) return { exchanges, stop: end, error: null };
    if (exchanges.length > HOP_LIMIT) return { exchanges, stop: 'error', error: tooManyHops };
    url = step.follow;
  }
}

/** Why the next hop is not made: it is not for the account, or would come without a session and cost one. */
function endBefore(next: URL, check: Check, visitor: Visitor): 'answer' | 'off-host' | null {
  const { account, authorization, jar } = visitor;
  if (account !== null && !mayCarry(account, next)) return 'off-host';
  if (check.visit === 'fresh' || authorization !== null || jar.hasGateCookie(next.href)) return null;
  return isOwnHost(next, check.target) ? 'answer' : 'off-host';
}

const tooManyCookies: ProbeError = probeError('prober', 'internal', 'more cookies than we may send');

const tooManyHops: ProbeError = probeError('headers', 'too-many-hops', `more than ${HOP_LIMIT} redirects`);

function bodyLimit({ expect }: Check): number {
  return expect.contains === null && expect.notContains === null
    ? BODY_LIMIT_BYTES
    : SEARCHED_BODY_LIMIT_BYTES;
}

/** Built anew for each hop; the configured headers may be secrets and go to the target's own host alone. */
function requestHeaders(
  url: URL,
  check: Check,
  tools: VisitTools,
  visitor: Pick<Visitor, 'authorization'> & { readonly cookie: string | null },
): Record<string, string> {
  const { cookie, authorization } = visitor;
  return {
    ...baseHeaders(tools.userAgent),
    ...(isOwnHost(url, check.target) ? check.target.headers : {}),
    ...(cookie === null ? {} : { cookie }),
    ...(authorization === null ? {} : { authorization }),
  };
}

/** What every request of ours carries. */
export function baseHeaders(userAgent: string): Record<string, string> {
  return { 'user-agent': userAgent, accept: 'text/html', 'accept-encoding': 'gzip, br' };
}
