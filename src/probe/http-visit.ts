// The visits `fresh` and `return`: one GET as a stranger and the hops that belong to it, each on a new connection.
// A return visit carries the stranger's kept cookie and never sends a request without one: that would cost a session.

import type { Clock } from '../base/clock.ts';
import type { Check } from '../model/check.ts';
import type { Exchange, Observation, ProbeError } from '../model/observation.ts';
import type { Exchanger, Limit } from './exchange.ts';
import { isOwnHost, nextStep } from './hops.ts';
import { createVisitJar, type Jars, type VisitJar } from './jar.ts';
import { BODY_LIMIT_BYTES, HOP_LIMIT, SEARCHED_BODY_LIMIT_BYTES } from './limits.ts';
import { probeError } from './net-error.ts';

export type Sighting = Pick<Observation, 'exchanges' | 'stop' | 'error'>;

export interface VisitTools {
  readonly clock: Clock;
  readonly exchanger: Exchanger;
  readonly jars: Jars;
  readonly userAgent: string;
}

/** A stranger without any cookie. */
export function visitFresh(check: Check, tools: VisitTools, limit: Limit): Promise<Sighting> {
  return visit(check, tools, { jar: createVisitJar(tools.clock, check.gate, null), limit });
}

/** A stranger who was here before. Without a cookie to replay nothing is sent. */
export async function visitReturn(check: Check, tools: VisitTools, limit: Limit): Promise<Sighting> {
  const jar = check.gate === null ? null : tools.jars.copy(check.gate);
  if (jar === null || !jar.hasGateCookie(check.target.url)) {
    const error = probeError('prober', 'internal', 'no cookie of the gate to replay');
    return { exchanges: [], stop: 'error', error };
  }
  return visit(check, tools, { jar, limit });
}

async function visit(
  check: Check,
  tools: VisitTools,
  visitor: { jar: VisitJar; limit: Limit },
): Promise<Sighting> {
  const exchanges: Exchange[] = [];
  let url = new URL(check.target.url);
  for (;;) {
    const cookie = visitor.jar.header(url.href);
    // What a target answers to a request without some of its cookies is our doing (threats K3).
    if (cookie.trimmed) return { exchanges, stop: 'error', error: tooManyCookies };
    const exchange = await tools.exchanger.get(
      { url, headers: requestHeaders(url, check, tools, cookie.value), bodyLimitBytes: bodyLimit(check) },
      check.path,
      visitor.limit,
    );
    exchanges.push(exchange);
    if (exchange.error !== null) return { exchanges, stop: 'error', error: exchange.error };
    visitor.jar.take(exchange);
    const step = nextStep(exchange, check.target, check.gate);
    if ('stop' in step) return { exchanges, stop: step.stop, error: null };
    if (check.visit === 'return' && !visitor.jar.hasGateCookie(step.follow.href)) {
      return { exchanges, stop: isOwnHost(step.follow, check.target) ? 'answer' : 'off-host', error: null };
    }
    if (exchanges.length > HOP_LIMIT) return { exchanges, stop: 'error', error: tooManyHops };
    url = step.follow;
  }
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
  cookie: string | null,
): Record<string, string> {
  return {
    ...baseHeaders(tools.userAgent),
    ...(isOwnHost(url, check.target) ? check.target.headers : {}),
    ...(cookie === null ? {} : { cookie }),
  };
}

/** What every request of ours carries. */
export function baseHeaders(userAgent: string): Record<string, string> {
  return { 'user-agent': userAgent, accept: 'text/html', 'accept-encoding': 'gzip, br' };
}
