// What is healthy for each kind of canary (DESIGN 3). Asked after the layers in front have not claimed the answer.

import type { CanaryKind } from '../model/check.ts';
import { type Finding, fromId, right } from './finding.ts';
import { isLearnedNoRoute } from './no-route.ts';
import { aim, hasStatus, isEmpty, type Scene, wholeWay } from './scene.ts';
import { fault, unclear } from './signature.ts';

/** Errors by which a provider says that `prompt=none` cannot succeed for a stranger. Source: OpenID Connect Core 3.1.2.6. */
const NO_PROMPT =
  /[?&#]error=(login_required|interaction_required|consent_required|account_selection_required)(&|$)/;

/** Canaries whose answer, if any, is not looked at by the layers: they ask a stranger, or no web server at all. */
export function isTransportOnly(kind: CanaryKind): boolean {
  return kind === 'control' || kind === 'dns' || kind === 'tls';
}

/** What a healthy answer of each kind looks like. */
const HEALTHY: Readonly<Record<CanaryKind, (scene: Scene) => boolean>> = {
  control: (scene) => scene.response !== null,
  dns: (scene) => scene.last !== null,
  tls: (scene) => scene.last !== null && scene.last.tls !== null,
  // Cloudflare's /cdn-cgi/trace: lines of `key=value`.
  'cdn-trace': (scene) => hasStatus(scene, 200) && /^[a-z_]+=/m.test(scene.head),
  'gate-ping': isPing,
  'idp-health': isProviderHealthy,
  authorize: isRefusedPolitely,
  'login-assets': hasLoginPage,
  // Whatever the proxy says, as long as it is no server error, or the very answer it always gives.
  'no-route': (scene) => hasStatus(scene, 100, 499) || isLearnedNoRoute(scene),
};

/** Judges what a canary saw, when no layer has claimed it. */
export function judgeCanary(scene: Scene, kind: CanaryKind): Finding {
  const status = scene.response?.status ?? null;
  if (HEALTHY[kind](scene))
    return right(status === null ? `${kind} succeeds` : `${kind} is answered with ${status}`);
  if (isTransportOnly(kind) || status === null) {
    return fromId('prober-fault', unclear('the probe ended without an answer and without an error'));
  }
  const pointsAt = [...new Set([aim(scene), ...wholeWay(scene)])];
  const claim = fault(`status ${status} is not what a healthy ${kind} answers`, pointsAt);
  return fromId(kind === 'idp-health' ? 'idp-down' : 'wrong-content', claim);
}

/** authentik's ping is an empty 204 (reference/authentik.md 3); oauth2-proxy and authelia say 200 `OK`. */
function isPing(scene: Scene): boolean {
  if (hasStatus(scene, 204)) return true;
  return (
    hasStatus(scene, 200) &&
    scene.gate?.kind !== 'authentik' &&
    scene.head.trim().length <= 20 &&
    !isEmpty(scene)
  );
}

function isProviderHealthy(scene: Scene): boolean {
  if (scene.gate?.kind === 'authentik') return hasStatus(scene, 200) || hasStatus(scene, 204);
  return hasStatus(scene, 200, 403);
}

/** The page of a flow, and at least one file that it needs; broken ones have a signature of their own. */
function hasLoginPage(scene: Scene): boolean {
  const [, page, ...assets] = scene.observation.exchanges;
  return page?.status === 200 && assets.length > 0 && scene.error === null;
}

/** A redirect back to the client with the error. authentik's has two `?`, so it is not read as a query. */
function isRefusedPolitely(scene: Scene): boolean {
  const back = scene.url?.searchParams.get('redirect_uri') ?? null;
  const location = scene.response?.headers['location'] ?? '';
  if (!hasStatus(scene, 300, 399) || !NO_PROMPT.test(location)) return false;
  const host = back === null ? null : URL.parse(back)?.host;
  return scene.location !== null && scene.location.host === host;
}
