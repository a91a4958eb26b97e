// Signatures of the identity provider and of logins through it. Source: reference/authentik.md 3, 5 and 7.

import type { Exchange } from '../../model/observation.ts';
import { isUselessAsset } from '../../model/page-asset.ts';
import { isAuthentikStarting, producer } from '../producer.ts';
import { atGateEndpoint, atIdentityProvider, gatesOf, hasStatus, isCanary, type Scene } from '../scene.ts';
import { type Claim, fault, type Signature, signatureId } from '../signature.ts';
import { isCdnPage } from './cdn.ts';

/** Stages a program cannot answer: proofs of being human, things to fill in, mails, set-up of a second factor. */
const HUMAN_STAGES = /^ak-stage-(captcha|prompt|email|authenticator-(?!validate)[a-z-]{1,40})$/;

/** `component` of a challenge of authentik's flow executor, or ''. */
function stage(scene: Scene): string {
  if (!(scene.url?.pathname ?? '').startsWith('/api/v3/flows/executor/')) return '';
  return /"component"\s{0,5}:\s{0,5}"([a-z-]{1,60})"/.exec(scene.head)?.[1] ?? '';
}

/**
 * The provider's server behind its own router says that it is down, or a canary of it gets a 5xx. The CDN replaces
 * 502 and 504, so through it these are the provider's with less certainty.
 */
function down(scene: Scene): Claim | null {
  const status = scene.response?.status;
  if (isAuthentikStarting(scene)) return null;
  if (producer(scene) === 'authentik' && hasStatus(scene, 502))
    return fault('authentik answers, but its server is down');
  const asked =
    isCanary(scene, 'idp-health', 'authorize') ||
    (isCanary(scene, 'login-assets') && loginAssets(scene).length === 0);
  if (!asked || !hasStatus(scene, 500, 519)) return null;
  return fault(
    `the identity provider answered ${status}`,
    scene.path?.kind === 'cdn' ? ['idp', 'origin', 'cdn'] : ['idp', 'origin'],
  );
}

/** A login page without its scripts is blank, whatever its status: each is asked for as a browser would. */
function blankPage(scene: Scene): Claim | null {
  const assets = loginAssets(scene);
  const broken = assets.filter(isUselessAsset);
  const first = broken[0];
  if (first === undefined) return null;
  const how = first.status === 200 ? '200 and a page of HTML' : first.status;
  return fault(
    `${broken.length} of ${assets.length} scripts and styles of the login page fail, the first with ${how}${nameOf(first)}`,
    isCdnPage(scene) ? ['cdn', 'idp'] : null,
  );
}

/** Scripts and styles that were asked for: all that the canary fetched after the page, else by their names. */
function loginAssets(scene: Scene): readonly Exchange[] {
  const { exchanges } = scene.observation;
  if (isCanary(scene, 'login-assets')) return exchanges.slice(2);
  return exchanges.filter((exchange) => {
    const url = URL.parse(exchange.url);
    const ofProvider = gatesOf(scene).some((gate) => URL.parse(gate.url)?.host === url?.host);
    return ofProvider && /\.(m?js|css)$/.test(url?.pathname ?? '');
  });
}

/** `: /static/app.js`; the page wrote the name, so only a plain one is said (threats, Text). */
function nameOf(exchange: Exchange): string {
  const pathname = URL.parse(exchange.url)?.pathname ?? '';
  return /^[\w./@-]{1,120}$/.test(pathname) ? `: ${pathname}` : '';
}

export const IDP_SIGNATURES: readonly Signature[] = [
  {
    id: signatureId('idp-starting'),
    pointsAt: ['idp'],
    phrase: 'get "authentik starting" instead of the login',
    meaning:
      'The identity provider is starting or migrating its database; after a minute or two it is stuck.',
    firstCheck:
      "kubectl logs -A -l app.kubernetes.io/name=authentik --since=15m | grep -iE 'migrat|error' | tail -20",
    source: 'reference/authentik.md 3 (503, Retry-After: 5); authentik internal/web/proxy.go',
    claim: (scene) =>
      isAuthentikStarting(scene) ? fault('the identity provider says that it is starting') : null,
  },
  {
    id: signatureId('idp-down'),
    pointsAt: ['idp', 'origin'],
    phrase: 'cannot log in',
    meaning: 'The identity provider does not work; who has a session may go on, nobody can log in.',
    firstCheck: 'kubectl get pods -A -l app.kubernetes.io/name=authentik; then its log and its database',
    source: 'reference/authentik.md 3 and 7, row 8',
    claim: down,
  },
  {
    id: signatureId('idp-flow-error'),
    pointsAt: ['idp'],
    phrase: 'get an error of the login flow',
    meaning:
      'The login page loads, but its flow fails on the server: a policy, an expression, or the database.',
    firstCheck: 'authentik events, system exceptions; log of the server by the request id shown',
    source: 'reference/authentik.md 5 and 7, row 14',
    claim: (scene) => {
      const failed = stage(scene) === 'ak-stage-flow-error';
      const flow =
        atIdentityProvider(scene) && /^\/(if\/flow|api\/v3\/flows)\//.test(scene.url?.pathname ?? '');
      const broken = flow && hasStatus(scene, 500, 501);
      return failed || broken ? fault(`the login flow fails with status ${scene.response?.status}`) : null;
    },
  },
  {
    id: signatureId('login-denied'),
    pointsAt: ['idp', 'target'],
    phrase: 'are not let in with the account of the monitor',
    meaning:
      'The login refuses the account: its password or code, a policy, a lock, its reputation. Only this account was tried.',
    firstCheck:
      'log in as the monitor account by hand; its events in authentik: login failed, policy exception; bindings of the application',
    source: 'reference/authentik.md 5 (access denied answers 200)',
    claim: (scene) => {
      const denied = stage(scene) === 'ak-stage-access-denied';
      const page =
        scene.check !== null &&
        (scene.url?.pathname ?? '').endsWith('/application/o/authorize/') &&
        hasStatus(scene, 200);
      return denied || page ? fault('the identity provider denies the login') : null;
    },
  },
  {
    id: signatureId('login-needs-human'),
    pointsAt: ['idp'],
    phrase: 'are asked for something that only a person can give',
    meaning: 'The login flow has a step that a program cannot pass: captcha, prompt, mail, or enrolment.',
    firstCheck: 'stages of the login flow of {gate}; exempt the monitor account from them',
    source: 'reference/authentik.md 5, table of components',
    claim: (scene) =>
      HUMAN_STAGES.test(stage(scene)) ? fault('the login flow wants something of a person') : null,
  },
  {
    id: signatureId('login-callback-failed'),
    pointsAt: ['gate', 'idp'],
    phrase: 'fail at the way back from the login',
    meaning:
      'The login works, but the gate does not accept its result: session mismatch, lost cookie, token exchange.',
    firstCheck:
      "kubectl logs -A -l goauthentik.io/outpost-name={outpost} --since=1h | grep -iE 'mismatched session|redeem'",
    source: 'reference/authentik.md 7, row 10; goauthentik/authentik #24624, #26228',
    claim: (scene) => {
      const callback = atGateEndpoint(scene) && /\/callback\/?$/.test(scene.url?.pathname ?? '');
      return callback && hasStatus(scene, 400, 403)
        ? fault(`the gate answered ${scene.response?.status} to the way back from the login`)
        : null;
    },
  },
  {
    id: signatureId('login-page-blank'),
    pointsAt: ['idp', 'cdn'],
    phrase: 'get a blank login page',
    meaning: 'The login page loads, but its scripts or styles do not, so that a browser shows nothing.',
    firstCheck:
      "curl -s -o /dev/null -w '%{http_code}\\n' the scripts of the login page; rate limits in front of it",
    source: 'DESIGN 1 (scripts answered 429)',
    claim: blankPage,
  },
];
