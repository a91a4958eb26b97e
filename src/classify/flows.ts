// What the end of a login says (DESIGN 3, `login` and `browser`). The steps themselves are told by the prober; here is
// decided whose fault an end is.

import { isGatePathname } from '../model/gate.ts';
import type { FlowFacts } from '../model/observation.ts';
import { type Finding, fromId, right } from './finding.ts';
import { atIdentityProvider, hasStatus, isThroughCdn, type Scene } from './scene.ts';
import { fault } from './signature.ts';

/** Signatures that keep their word at the identity provider: they name somebody in front of it, or itself. */
const STAY = new Set([
  'idp-starting',
  'idp-down',
  'cdn-origin-unreachable',
  'cdn-origin-tls',
  'cdn-challenge',
  'blocked',
  'bot-challenge',
]);

/** The finding of an end that says all; null where the last answer must be looked at. */
export function judgeFlow(scene: Scene, flow: FlowFacts): Finding | null {
  const login = (id: string): Finding => fromId(id, fault(flow.detail));
  switch (flow.end) {
    case 'app':
      return judgeArrival(scene);
    case 'rejected':
    case 'denied':
      return login('login-denied');
    case 'needs-human':
      return login('login-needs-human');
    case 'flow-error':
      return login('idp-flow-error');
    case 'callback-failed':
      return login('login-callback-failed');
    case 'page-blank':
      return fromId('login-page-blank', fault(blankReason(flow)));
    case 'not-finished':
      return null;
  }
}

/** The login works whatever the app then says; what it says is the app's. */
function judgeArrival(scene: Scene): Finding {
  const status = scene.response?.status ?? 0;
  if (hasStatus(scene, 500, 599))
    return fromId('app-error', fault(`signed in, but the app answers ${status}`, ['target', 'origin']));
  return right(`signed in, and the app answers ${status}`);
}

function blankReason({ detail, page }: FlowFacts): string {
  const first = page?.failedResources[0];
  if (first === undefined) return detail;
  const how = first.status === null ? 'gets no answer' : `is answered ${first.status}`;
  return `${detail}: ${page?.failedResources.length} of its resources fail, the first ${how}`;
}

/**
 * A login that stopped at the identity provider is its fault, whatever proxy says so: `claimed` is what the layers
 * make of the answer, which they take for one of the target. Null elsewhere.
 */
export function judgeProvider(scene: Scene, claimed: Finding | null): Finding | null {
  if (!hasStoppedAtProvider(scene)) return null;
  // A CDN's 502 and 504 replace what was said behind it; here it is known who was asked.
  const opaque = hasStatus(scene, 502) || hasStatus(scene, 504);
  if (claimed !== null && !opaque && STAY.has(claimed.signature ?? '')) return null;
  const behind = isThroughCdn(scene) ? ['origin', 'cdn'] : ['origin'];
  if (scene.error !== null)
    return claimed === null
      ? null
      : { ...claimed, pointsAt: ['idp', ...claimed.pointsAt.filter((one) => one !== 'target')] };
  const status = scene.response?.status ?? 0;
  // Entered with a kept session: being asked to log in is the end of that session.
  if (scene.check?.visit === 'session' && status < 300) return null;
  const said = `the identity provider answers ${status} to a login`;
  if (status >= 500) return fromId('idp-down', fault(said, ['idp', ...behind]));
  if (status === 400 || status === 404) return fromId('gate-misconfigured', fault(said, ['gate', 'idp']));
  return fromId('idp-flow-error', fault(stuckReason(scene, said)));
}

/** The gate's own endpoints may be on the provider's host, where it is domain-wide. */
function hasStoppedAtProvider(scene: Scene): boolean {
  const { url, gate } = scene;
  if (url === null || gate === null || !atIdentityProvider(scene)) return false;
  return !isGatePathname(gate.kind, url.pathname);
}

/** A page that is there and leads no further: what it did not do says more than its status. */
function stuckReason({ observation }: Scene, otherwise: string): string {
  const { flow, exchanges } = observation;
  const shown = (exchanges.at(-1)?.status ?? 0) < 300;
  return shown && flow !== null ? flow.detail : otherwise;
}
