// Where a visit goes next: the decision after each answer, pure (DESIGN 3, `fresh`). The gate's own endpoints are
// followed on any host, the target's own host while it answers for itself, the identity provider never.

import { type Gate, isGatePathname } from '../model/gate.ts';
import type { Exchange, Observation } from '../model/observation.ts';
import type { Target } from '../model/target.ts';

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Where authentik starts a login, maybe below a prefix; a request there writes a session (authentik.md 2.4). */
const AUTHORIZE = '/application/o/authorize/';

export type Step = { readonly follow: URL } | { readonly stop: Exclude<Observation['stop'], 'error'> };

/** The step after an answer. A Location that cannot be followed is an answer like any other. */
export function nextStep(exchange: Exchange, target: Target, gate: Gate | null): Step {
  const location = exchange.headers['location'];
  if (exchange.status === null || !REDIRECTS.has(exchange.status) || location === undefined)
    return { stop: 'answer' };
  const next = URL.parse(location, exchange.url);
  if (next === null) return { stop: 'answer' };
  if (!isFollowable(new URL(exchange.url), next))
    return { stop: isProvider(next, gate) ? 'handover' : 'off-host' };
  next.hash = '';
  if (gate !== null && isGatePathname(gate.kind, next.pathname)) return { follow: next };
  if (next.pathname.includes(AUTHORIZE)) return { stop: 'handover' };
  if (!isOwnHost(next, target)) return { stop: isProvider(next, gate) ? 'handover' : 'off-host' };
  return target.wake === 'never' ? { stop: 'asleep' } : { follow: next };
}

/** http and https only, never from https back to http, never with credentials in the URL (threats C5, N2). */
function isFollowable(from: URL, next: URL): boolean {
  const downgrade = from.protocol === 'https:' && next.protocol === 'http:';
  return /^https?:$/.test(next.protocol) && !downgrade && next.username === '' && next.password === '';
}

function isProvider(url: URL, gate: Gate | null): boolean {
  return gate !== null && URL.parse(gate.url)?.host === url.host;
}

/** Same host and port; from http the step up to https on the scheme's own port counts too. */
export function isOwnHost(url: URL, target: Target): boolean {
  if (url.href === target.url) return true;
  const own = new URL(target.url);
  if (url.hostname !== own.hostname) return false;
  return url.port === own.port || (own.protocol === 'http:' && url.protocol === 'https:' && url.port === '');
}
