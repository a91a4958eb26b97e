// Signatures of the CDN: its own error pages, challenges, blocks and cache. Cloudflare's, where a vendor must be named.
// Sources: reference/authentik.md 8; developers.cloudflare.com "Cloudflare 5xx errors", "Cloudflare 1xxx errors".

import { leadsToLogin } from '../handover.ts';
import { producer } from '../producer.ts';
import {
  expects,
  hasStatus,
  header,
  isCached,
  isCanary,
  isEmpty,
  isThroughCdn,
  pageTitle,
  type Scene,
} from '../scene.ts';
import { type Claim, fault, type Signature, signatureId, unclear } from '../signature.ts';

/** 1xxx codes that say "you are not let in": banned address, country, agent, rate limit, firewall rule. */
const BLOCK_CODES = [1005, 1006, 1007, 1008, 1009, 1010, 1012, 1013, 1015, 1020, 1106];

/** Code of the CDN's own page (`error code: 1020` as text, HTML or JSON), or null. */
function errorCode(scene: Scene): number | null {
  const match = /^\s{0,5}error code: (\d{3,4})\b|"error_code"\s{0,5}:\s{0,5}(\d{3,4})\b/.exec(scene.head);
  if (match !== null) return Number(match[1] ?? match[2]);
  const page = /class="cf-error-code">(\d{3,4})</.exec(scene.head);
  return page === null ? null : Number(page[1]);
}

/** A page the CDN itself made, through whatever status. */
export function isCdnPage(scene: Scene): boolean {
  if (!isThroughCdn(scene) || isMarkedChallenge(scene)) return false;
  if (errorCode(scene) !== null || scene.head.includes('id="cf-error-details"')) return true;
  return scene.head.includes('id="cf-wrapper"') && scene.head.includes('/cdn-cgi/');
}

/** Cloudflare marks every challenge it serves. Source: "Detect a Challenge Page response". */
export function isMarkedChallenge(scene: Scene): boolean {
  return header(scene, 'cf-mitigated') === 'challenge';
}

/** 520 to 524 and 530 are the CDN's alone; its 502 and 504 replace whatever the origin said. */
function unreachable(scene: Scene): Claim | null {
  if (!isThroughCdn(scene)) return null;
  const status = scene.response?.status;
  if (hasStatus(scene, 520, 524)) {
    return fault(`the CDN answered ${status}: it cannot use the origin`, ['origin', 'cdn']);
  }
  if (hasStatus(scene, 530))
    return fault('the CDN answered 530: it has no way to the origin', ['cdn', 'origin']);
  const opaque =
    isCdnPage(scene) ||
    isEmpty(scene) ||
    producer(scene) === 'nginx' ||
    header(scene, 'server') === 'cloudflare';
  if (!(hasStatus(scene, 502) || hasStatus(scene, 504)) || !opaque) return null;
  // A gate's or proxy's own empty 502 names itself; the identity provider's canary knows whom it asked.
  if (
    producer(scene) === 'caddy' ||
    producer(scene) === 'authentik' ||
    isCanary(scene, 'idp-health', 'authorize', 'login-assets')
  ) {
    return null;
  }
  return fault(`${status} came out of the CDN: from its edge or from behind it`, [
    'cdn',
    'origin',
    'gate',
    'target',
  ]);
}

function isBlock(scene: Scene): boolean {
  if (isMarkedChallenge(scene)) return false;
  const code = errorCode(scene);
  if (hasStatus(scene, 429)) return code !== 1027 && !isAssetOfLogin(scene);
  if (!hasStatus(scene, 403)) return false;
  if (code !== null && BLOCK_CODES.includes(code)) return true;
  if (/^(attention required|access denied \| )|you have been blocked/.test(pageTitle(scene))) return true;
  if (/(crowdsec|modsecurity|mod_security|sucuri website firewall|bunkerweb)/.test(scene.head)) return true;
  if (header(scene, 'x-amzn-waf-action') !== '' || header(scene, 'x-sucuri-block') !== '') return true;
  if (header(scene, 'retry-after') !== '') return true;
  return isEdgeAnswer(scene);
}

/**
 * Cloudflare leaves its cache status out of answers it made at the edge, before it asked anybody. An edge of another
 * vendor may never send one, so without Cloudflare's name this counts only where no app can have answered.
 */
function isEdgeAnswer(scene: Scene): boolean {
  const mark = scene.path?.proof.header ?? '';
  if (!isThroughCdn(scene) || mark === '' || header(scene, mark) === '') return false;
  if (header(scene, 'cf-cache-status') !== '' || header(scene, 'via') !== '') return false;
  return header(scene, 'server') === 'cloudflare' || expects(scene, 'login', 'challenge');
}

/** A throttled file of the login page is the page's fault: `login-page-blank`. */
function isAssetOfLogin(scene: Scene): boolean {
  if (isCanary(scene, 'login-assets')) return scene.observation.exchanges.length > 2;
  return /\.(m?js|css)$/.test(scene.url?.pathname ?? '') && scene.observation.exchanges.length > 1;
}

export const CDN_SIGNATURES: readonly Signature[] = [
  {
    id: signatureId('cdn-origin-unreachable'),
    pointsAt: ['cdn', 'origin'],
    phrase: 'get an error page of the CDN, which cannot reach the origin',
    meaning:
      'The CDN answers, but has no working connection to the origin: tunnel dead, address wrong, firewall.',
    firstCheck:
      'curl -sI --connect-to {host}:443:ORIGIN:443 https://{host}/; then the log of the tunnel or load balancer',
    source: 'Cloudflare "Error 520" to "Error 524", "Error 530", "Error 1033"',
    claim: unreachable,
  },
  {
    id: signatureId('cdn-origin-tls'),
    pointsAt: ['certificate', 'origin', 'cdn'],
    phrase: 'get an error page of the CDN, which does not accept the TLS of the origin',
    meaning: 'The CDN reaches the origin, but its TLS handshake fails or its certificate is not accepted.',
    firstCheck: 'openssl s_client -connect ORIGIN:443 -servername {host} </dev/null',
    source: 'Cloudflare "Error 525", "Error 526"',
    claim: (scene) =>
      isThroughCdn(scene) && hasStatus(scene, 525, 526)
        ? fault(`the CDN answered ${scene.response?.status}: TLS with the origin failed`)
        : null,
  },
  {
    id: signatureId('cdn-error'),
    pointsAt: ['cdn'],
    phrase: 'get an error page of the CDN itself',
    meaning:
      'The CDN failed by itself: a worker threw or is over its quota, or the zone is misconfigured there.',
    firstCheck: 'dashboard of the CDN: workers, errors and quota of zone {zone}',
    source: 'Cloudflare "1xxx errors" (1101, 1102, 1027, 1000)',
    claim: (scene) => {
      if (!isCdnPage(scene) || (hasStatus(scene, 429) && isAssetOfLogin(scene))) return null;
      if (hasStatus(scene, 502) || hasStatus(scene, 504) || hasStatus(scene, 520, 530)) return null;
      return isBlock(scene) ? null : fault(`an error page of the CDN, status ${scene.response?.status}`);
    },
  },
  {
    id: signatureId('cdn-challenge'),
    pointsAt: ['vantage', 'cdn'],
    phrase: 'are answered with a challenge by the CDN',
    meaning: 'The CDN challenges our request; a browser may pass, so nothing is known of what is behind.',
    firstCheck: 'security events of the CDN for {host}; allow-list the user agent and address of gatewatch',
    source: 'Cloudflare "Detect a Challenge Page response" (cf-mitigated)',
    claim: (scene) =>
      isMarkedChallenge(scene) && !hasStatus(scene, 200, 299)
        ? unclear(`the CDN challenges us, status ${scene.response?.status}`)
        : null,
  },
  {
    id: signatureId('cdn-cached-redirect'),
    pointsAt: ['cdn'],
    phrase: 'get a login redirect out of a cache',
    meaning: 'A cache hands out the login redirect of another visitor: its state is stale, so logins fail.',
    firstCheck:
      'curl -sI https://{host}/ | grep -iE "cf-cache-status|age"; bypass the cache for protected hosts',
    source: 'reference/authentik.md 7, row 21 (302 without Cache-Control is cached for 20 minutes)',
    claim: (scene) =>
      expects(scene, 'login') && leadsToLogin(scene) && isCached(scene)
        ? fault('the login redirect came out of a cache', isThroughCdn(scene) ? ['cdn'] : ['origin'])
        : null,
  },
  {
    id: signatureId('blocked'),
    pointsAt: ['vantage'],
    phrase: 'are refused by a firewall rule or rate limit',
    meaning: 'A firewall or rate limit refuses our requests; other visitors are probably fine.',
    firstCheck: 'firewall events for {host}; allow-list the user agent and address of gatewatch',
    source: 'reference/authentik.md 7, row 20; Cloudflare "Error 1015", "Error 1020"; RFC 6585 4',
    claim: (scene) =>
      isBlock(scene) ? unclear(`refused with ${scene.response?.status} by a firewall or limit`) : null,
  },
];
