// Signatures of the gate: the outpost that answers the proxy's forward-auth. Source: reference/authentik.md 1, 2.3, 7.

import { leadsToLogin, readHandover } from '../handover.ts';
import { isEmpty400, isNoAppText, producer } from '../producer.ts';
import {
  atGateEndpoint,
  atIdentityProvider,
  expects,
  gateCookies,
  hasStatus,
  header,
  isCanary,
  isEmpty,
  isGateEndpoint,
  isSentToForbidden,
  type Scene,
} from '../scene.ts';
import { type Claim, fault, type Signature, signatureId, unclear } from '../signature.ts';

/** Whether the request carried a session of the gate: such a request stores nothing. */
const isReturn = (scene: Scene): boolean =>
  scene.check?.visit === 'return' || scene.check?.visit === 'session';

/** Whether the answer deleted the gate's cookie that we had sent, and set no other. */
export function isCookieLost(scene: Scene): boolean {
  const answered = expects(scene, 'login') && (leadsToLogin(scene) || hasStatus(scene, 400, 401));
  return (
    answered &&
    scene.observation.exchanges.some((exchange) => {
      const cookies = gateCookies(scene, exchange);
      return cookies.sent && cookies.deleted && !cookies.set;
    })
  );
}

function isCallback(scene: Scene): boolean {
  return atGateEndpoint(scene) && /\/callback\/?$/.test(scene.url?.pathname ?? '');
}

/**
 * A full store shows as an empty 400: at once behind Traefik and Caddy, behind nginx only at the gate's /start, or,
 * where its sub-request gets the 400, as nginx' own 500 page. Only a request without cookie reaches the failing write,
 * so the same on a return visit points at the gate first.
 */
function noSession(scene: Scene): Claim | null {
  if (!expects(scene, 'login') || isCookieLost(scene) || isCallback(scene)) return null;
  const pointsAt = isReturn(scene) ? ['gate', 'gate-sessions'] : ['gate-sessions', 'gate'];
  if (isEmpty400(scene)) return fault('an empty 400 instead of the login', pointsAt);
  if (isNginx500(scene) && !isReturn(scene)) {
    return fault('the 500 page of nginx: its sub-request to the gate was answered with an error', pointsAt);
  }
  return isCookieless(scene)
    ? fault('handed over to the login, but without the cookie of the gate', pointsAt)
    : null;
}

/** auth_request turns all but 2xx, 401 and 403 into this. */
function isNginx500(scene: Scene): boolean {
  return hasStatus(scene, 500) && producer(scene) === 'nginx' && !atGateEndpoint(scene);
}

/** authentik up to 2025.8 redirects without a cookie when it cannot save; said only of a gate known to set one. */
function isCookieless(scene: Scene): boolean {
  const gate = scene.gate;
  if (gate === null || gate.kind !== 'authentik' || gate.sessions.store !== 'files' || isReturn(scene))
    return false;
  if (scene.knowledge.get('lifetime', gate.name) === null || readHandover(scene).kind !== 'right')
    return false;
  return !scene.observation.exchanges.some((exchange) => gateCookies(scene, exchange).set);
}

/**
 * The proxy could not ask the gate: Traefik's forwardAuth makes an empty 500 of it, Caddy an empty 502 to 504, nginx
 * its 500 page. On the gate's own endpoints any proxy error says the same.
 */
function unreachable(scene: Scene): Claim | null {
  const status = scene.response?.status;
  const by = producer(scene);
  const asked = atGateEndpoint(scene) || isCanary(scene, 'gate-ping');
  if (asked && hasStatus(scene, 502, 504) && by !== null && by !== 'authentik' && by !== 'outpost') {
    return fault(`the proxy (${by}) answered ${status} at an endpoint of the gate`, ['gate', 'origin']);
  }
  if (!expects(scene, 'login') || asked) return null;
  if (hasStatus(scene, 500) && isEmpty(scene) && header(scene, 'content-type') === '') {
    return fault('an empty 500: the proxy got no answer of the gate', ['gate', 'origin']);
  }
  if (hasStatus(scene, 502, 504) && by === 'caddy' && scene.check?.visit !== 'session') {
    return fault(`an empty ${status} of the proxy, which asks the gate first`, ['gate', 'target', 'origin']);
  }
  if (isNginx500(scene) && isReturn(scene)) {
    return fault('the 500 page of nginx even with a cookie: its sub-request to the gate failed', [
      'gate',
      'origin',
    ]);
  }
  return null;
}

/** No application for the host: the outpost's JSON, or the identity provider's own page on a target's host. */
function noApp(scene: Scene): Claim | null {
  if (isNoAppText(scene))
    return fault(`the gate answered ${scene.response?.status}: it has no application for the host`);
  const fellThrough =
    header(scene, 'x-authentik-id') !== '' && !atIdentityProvider(scene) && scene.check !== null;
  if (!fellThrough || !(hasStatus(scene, 404) || (hasStatus(scene, 200, 299) && expects(scene, 'login'))))
    return null;
  return fault('a page of the identity provider itself on the host of the service');
}

function misconfigured(scene: Scene): Claim | null {
  if (isCanary(scene, 'authorize')) {
    return hasStatus(scene, 400) || hasStatus(scene, 404)
      ? fault(`the identity provider refuses the login request with ${scene.response?.status}`, [
          'gate',
          'idp',
        ])
      : null;
  }
  if (producer(scene) !== 'outpost' || isNoAppText(scene)) return null;
  if (hasStatus(scene, 500) && !isInternal(scene))
    return fault('the gate says that the proxy sends it too little');
  if (hasStatus(scene, 400)) return fault('the gate says that it cannot read the request of the proxy');
  const refused = hasStatus(scene, 401) && expects(scene, 'login');
  return refused
    ? fault('the 401 of the gate reaches the visitor: the proxy does not redirect', ['gate', 'target'])
    : null;
}

const isInternal = (scene: Scene): boolean => scene.head.startsWith('something went wrong');

export const GATE_SIGNATURES: readonly Signature[] = [
  {
    id: signatureId('gate-no-session'),
    pointsAt: ['gate-sessions', 'gate'],
    phrase: 'get an empty 400',
    meaning:
      'The gate cannot store new sessions: its store is full or not writable. Kept sessions go on working.',
    firstCheck:
      "kubectl logs -A -l goauthentik.io/outpost-name={outpost} --since=1h | grep -iE 'failed to (create state|save session)|no space'",
    source: 'reference/authentik.md 2.3 and 7, row 1; goauthentik/authentik #20093, #25248',
    claim: noSession,
  },
  {
    id: signatureId('gate-sessions-lost'),
    pointsAt: ['gate-sessions', 'gate'],
    phrase: 'lose the session they had',
    meaning:
      'The gate deletes the cookie it gave us: it has lost its session store, and everybody is signed out.',
    firstCheck: 'kubectl get pods -A -l goauthentik.io/outpost-name={outpost}: restarts, age, OOM kills',
    source: 'reference/authentik.md 2.5 and 7, row 17',
    claim: (scene) =>
      isCookieLost(scene)
        ? unclear('the gate deleted the cookie of an earlier visit; nothing else is known')
        : null,
  },
  {
    id: signatureId('gate-no-app'),
    pointsAt: ['gate', 'target'],
    phrase: 'are told by the gate that it does not know the service',
    meaning:
      'The gate has no application for the host: provider not assigned to the outpost, or a wrong host name sent.',
    firstCheck:
      'providers of outpost {outpost} in authentik; external host of {host}; X-Forwarded-Host at the outpost',
    source: 'reference/authentik.md 7, rows 2 and 3; goauthentik/authentik #25675',
    claim: noApp,
  },
  {
    id: signatureId('gate-misconfigured'),
    pointsAt: ['gate', 'target'],
    phrase: 'get a configuration error of the gate',
    meaning: 'Gate, proxy and identity provider do not fit: forwarded headers, redirect URI, or client id.',
    firstCheck:
      'forward-auth snippet of {host} in the proxy; redirect URIs of its provider; events "configuration_error"',
    source: 'reference/authentik.md 7, rows 4 and 13; 1.4 (prompt=none)',
    claim: misconfigured,
  },
  {
    id: signatureId('gate-unreachable'),
    pointsAt: ['gate', 'origin'],
    phrase: 'get an error because the proxy cannot reach the gate',
    meaning: 'The process that answers for the gate is down, or the proxy has no way to it.',
    firstCheck:
      'kubectl get pods,endpoints -A -l goauthentik.io/outpost-name={outpost}; then the log of the proxy',
    source: 'reference/authentik.md 1.5 and 7, rows 5 and 6',
    claim: unreachable,
  },
  {
    id: signatureId('gate-error'),
    pointsAt: ['gate'],
    phrase: 'get an internal error of the gate',
    meaning: 'The gate answers, but fails inside.',
    firstCheck: 'kubectl logs -A -l goauthentik.io/outpost-name={outpost} --since=1h | grep -i error',
    source: 'reference/authentik.md 1.3 (500 "Something went wrong", 408)',
    claim: (scene) => {
      const internal = producer(scene) === 'outpost' && hasStatus(scene, 500) && isInternal(scene);
      const own = atGateEndpoint(scene) && (hasStatus(scene, 500) || hasStatus(scene, 408));
      return internal || (own && producer(scene) !== 'outpost')
        ? fault(`the gate answered ${scene.response?.status}`)
        : null;
    },
  },
  {
    id: signatureId('gate-redirect-loop'),
    pointsAt: ['gate', 'target'],
    phrase: 'are sent in circles',
    meaning:
      'The redirects never end: the login is not accepted, or gate and app send the visitor to each other.',
    firstCheck:
      "kubectl logs -A -l goauthentik.io/outpost-name={outpost} --since=1h | grep -i 'failed to redeem'",
    source: 'reference/authentik.md 7, row 9; goauthentik/authentik #25875, #26280',
    claim: (scene) => {
      if (scene.error?.code !== 'too-many-hops' || scene.error.phase === 'prober') return null;
      const gated =
        expects(scene, 'login') ||
        scene.observation.exchanges.some((exchange) => {
          const url = URL.parse(exchange.url);
          return url !== null && isGateEndpoint(scene, url);
        });
      return fault(
        `no end after ${scene.observation.exchanges.length} redirects`,
        gated ? ['gate', 'target'] : ['target', 'origin'],
      );
    },
  },
  {
    id: signatureId('wrong-login'),
    pointsAt: ['gate', 'target'],
    phrase: 'are sent to a wrong login',
    meaning:
      'Strangers are redirected, but not to the right login: other provider, client, or return address.',
    firstCheck:
      "curl -s -o /dev/null -w '%{redirect_url}\\n' https://{host}/; external host and mode of its provider",
    source: 'reference/authentik.md 7, rows 11 and 12; threats N1',
    claim: (scene) =>
      isSentToForbidden(scene)
        ? fault('the redirect leads to an address that is not dialled on this path', ['target', 'gate'])
        : null,
  },
];
