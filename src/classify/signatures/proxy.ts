// Signatures of the reverse proxy and of challenges in front of apps.

import { isNoRoute } from '../no-route.ts';
import { type Producer, producer } from '../producer.ts';
import {
  atGateEndpoint,
  expects,
  hasStatus,
  header,
  isCanary,
  isThroughCdn,
  pageTitle,
  type Scene,
} from '../scene.ts';
import { type Claim, fault, type Signature, signatureId, unclear } from '../signature.ts';
import { isMarkedChallenge } from './cdn.ts';

const PROXIES: readonly (Producer | null)[] = ['traefik', 'caddy', 'nginx', 'haproxy'];

/** Titles of pages that want to see a browser first: Cloudflare, Anubis, DDoS-Guard, go-away, Vercel, DataDome. */
const CHALLENGE_TITLES =
  /^(just a moment|making sure you|checking your browser|checking you are not a bot|ddos-guard|vercel security checkpoint|please wait\.\.\. \||one moment, please|verifying you are human|bot verification|are you (a )?human)/;

/** Marks inside such pages. Cloudflare's script alone is none: its "JavaScript detections" put it into every page. */
const CHALLENGE_MARKS = [
  '_cf_chl_opt',
  'id="anubis_challenge"',
  'sucuri_cloudproxy_js',
  'captcha-delivery.com/',
];

/** Whether the answer is a challenge page, by mark or by look, whatever its status. */
export function isChallenge(scene: Scene): boolean {
  if (scene.response === null) return false;
  if (isMarkedChallenge(scene) || header(scene, 'x-amzn-waf-action') === 'challenge') return true;
  return CHALLENGE_TITLES.test(pageTitle(scene)) || CHALLENGE_MARKS.some((mark) => scene.head.includes(mark));
}

/** A marked challenge with an error status is the CDN's business with us (`cdn-challenge`). */
function botChallenge(scene: Scene): Claim | null {
  if (!isChallenge(scene)) return null;
  const status = scene.response?.status;
  const server = isThroughCdn(scene) ? ['cdn', 'origin'] : ['origin', 'target'];
  if (hasStatus(scene, 200, 299))
    return fault(`a challenge page with status ${status} instead of the answer`, server);
  if (isMarkedChallenge(scene)) return null;
  return unclear(`a challenge page with status ${status}: a browser may pass`, ['vantage', ...server]);
}

/**
 * A proxy that says it cannot reach what is behind. On a `login` target a stranger's request never gets as far as the
 * app: an empty 502 of Caddy is then its forward_auth (`gate-unreachable`), while a text of Traefik or nginx comes
 * from a backend, which is the app where the login is lost, or the outpost where it is the backend (proxy mode). Who is
 * signed in gets past the gate: then it is the app, or the gate, which all others would show.
 */
function noBackend(scene: Scene): Claim | null {
  const by = producer(scene);
  if (!hasStatus(scene, 502, 504) || !PROXIES.includes(by) || atGateEndpoint(scene)) return null;
  if (isCanary(scene, 'idp-health', 'authorize', 'login-assets', 'gate-ping')) return null;
  const opaque = isThroughCdn(scene) && by === 'nginx' && !hasStatus(scene, 503);
  const asksGateFirst = by === 'caddy' && expects(scene, 'login') && scene.check?.visit !== 'session';
  if (opaque || asksGateFirst) return null;
  const pointsAt = expects(scene, 'login') ? ['target', 'gate', 'origin'] : ['target', 'origin'];
  return fault(`the proxy (${by}) answered ${scene.response?.status}: nothing behind it`, pointsAt);
}

export const PROXY_SIGNATURES: readonly Signature[] = [
  {
    id: signatureId('proxy-no-route'),
    pointsAt: ['target', 'origin'],
    phrase: 'get the catch-all page of the proxy',
    meaning: 'The proxy answers as it does for a host it does not know: the route is missing or disabled.',
    firstCheck:
      'routes of {host} in the proxy: its dashboard or log; a middleware that is missing disables a router',
    source: 'reference/authentik.md 7, row 7; learned by canary no-route',
    claim: (scene) =>
      isNoRoute(scene)
        ? fault(`the proxy answered ${scene.response?.status} as for a host it does not know`)
        : null,
  },
  {
    id: signatureId('proxy-no-backend'),
    pointsAt: ['target', 'origin'],
    phrase: 'get an error of the proxy, which does not reach the service',
    meaning: 'The proxy has the route, but the service behind it is down, not ready, or has another address.',
    firstCheck: 'kubectl get pods,endpoints -A -o wide | grep -i {host}; then the log of the proxy',
    source: 'reference/authentik.md 8 (Traefik, Caddy, nginx); HAProxy 503.http',
    claim: noBackend,
  },
  {
    id: signatureId('bot-challenge'),
    pointsAt: ['cdn', 'origin', 'target'],
    phrase: 'get a challenge page instead of the answer',
    meaning:
      'A challenge stands in front of the page; who has no browser, such as a webhook, does not get through.',
    firstCheck: 'curl -s https://{host}/ | head -40; the settings of whoever serves that page',
    source: 'DESIGN 1; Cloudflare, Anubis and DDoS-Guard challenge pages',
    claim: botChallenge,
  },
];
