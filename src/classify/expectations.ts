// Expectations: whether an answer is a right one (DESIGN 4). Asked after the layers in front have not claimed the
// answer, so what is judged here is the gate's redirect or the app.

import type { ExpectationKind } from '../model/target.ts';
import { type Finding, fromId, right } from './finding.ts';
import { leadsToLogin, readHandover, walledOffBy } from './handover.ts';
import { isNoRoute } from './no-route.ts';
import { isLoginPage, producer } from './producer.ts';
import { atGateEndpoint, hasStatus, isOwnHost, isTargetHost, type Scene } from './scene.ts';
import { fault, unclear } from './signature.ts';
import { exposedBy } from './signatures/app.ts';
import { isChallenge } from './signatures/proxy.ts';

/** Statuses a page without login may answer with, beside 2xx and 3xx: it is there, and guards itself. */
const GUARDED = [401, 403, 404, 405];

/** Transport failures that mean "not reachable here" for `closed`. */
const SHUT = [
  'connect-refused',
  'connect-timeout',
  'unreachable',
  'timeout',
  'reset',
  'tls-failed',
  'dns-not-found',
];

/**
 * A right answer that would look like a fault to the layers: the challenge that is expected, the refusal of a closed
 * page, or the page that the expectation describes itself although a proxy's catch-all looks the same. Else null.
 */
export function rightAnyway(scene: Scene): Finding | null {
  const expect = scene.check?.expect;
  if (expect === undefined) return null;
  if (expect.is === 'challenge' && isChallenge(scene)) {
    const status = scene.response?.status;
    return unmet(scene) ?? right(`the known challenge page, status ${status}`);
  }
  if (expect.is === 'closed') return isShut(scene) ? right('not reachable here, as it must be') : null;
  const described = expect.contains !== null || expect.status.length > 0;
  const open = expect.is === 'public' || expect.is === 'app';
  if (!open || !described || !isNoRoute(scene) || walledOffBy(scene) !== null) return null;
  return unmet(scene) === null
    ? right(`the answer that is described, status ${scene.response?.status}`)
    : null;
}

/** Judges an answer that no layer has claimed. The scene is that of a check with an answer. */
export function judgeAnswer(scene: Scene, kind: ExpectationKind): Finding {
  switch (kind) {
    case 'login':
      return judgeLogin(scene);
    case 'public':
    case 'app':
      return judgeOpen(scene, kind);
    case 'challenge':
      return fromId(
        'wrong-content',
        fault(`status ${status(scene)} without the challenge that is expected`, ['cdn', 'target']),
      );
    case 'closed':
      return fromId('not-closed', fault(`answered ${status(scene)} where it must not be reachable`));
  }
}

function judgeLogin(scene: Scene): Finding {
  const reading = readHandover(scene);
  if (reading.kind === 'right') {
    return unmet(scene) ?? right('a stranger is handed over to the right login', reading.handover);
  }
  if (reading.kind === 'wrong') return fromId('wrong-login', fault(reading.problem));
  if (hasStatus(scene, 200, 299)) return judgeOpenDoor(scene);
  if (hasStatus(scene, 300, 399)) return judgeRedirect(scene);
  if (hasStatus(scene, 500, 599)) {
    return fromId(
      'app-error',
      fault(`status ${status(scene)} instead of the login`, ['origin', 'gate', 'target']),
    );
  }
  return fromId(
    'wrong-content',
    fault(`status ${status(scene)} instead of the login`, ['target', 'gate', 'origin']),
  );
}

/** 2xx where a login must be: the app for strangers, unless it is a page of the gate or of another host. */
function judgeOpenDoor(scene: Scene): Finding {
  if (isLoginPage(scene) || atGateEndpoint(scene)) {
    return fromId(
      'wrong-login',
      fault(`a login page with status ${status(scene)} instead of the way to the login`),
    );
  }
  if (scene.response === null || !isOwnHost(scene, scene.response)) {
    return fromId('wrong-login', fault(`status ${status(scene)} of another host instead of the login`));
  }
  return fromId(
    'exposed',
    fault(`a stranger gets status ${status(scene)} of the app, without login`, exposedBy(scene)),
  );
}

/** A redirect that is no hand-over: within the host it is only left unfollowed so as not to wake a sleeper. */
function judgeRedirect(scene: Scene): Finding {
  if (scene.location === null)
    return fromId('wrong-content', fault(`status ${status(scene)} without a usable Location`));
  if (isTargetHost(scene, scene.location) && scene.observation.stop === 'asleep') {
    return fromId(
      'asleep',
      unclear('redirects within the host; not followed, so as not to wake the service'),
    );
  }
  return fromId('wrong-login', fault('redirects strangers elsewhere than to the login'));
}

function judgeOpen(scene: Scene, kind: 'public' | 'app'): Finding {
  const gate = walledOffBy(scene);
  if (gate !== null || (hasStatus(scene, 401) && producer(scene) === 'outpost')) {
    return fromId('walled-off', fault('a stranger is asked for the login of the gate, where none must be'));
  }
  if (isLoginPage(scene) && !isLoginItself(scene)) {
    return fromId('walled-off', fault('the login page of the gate in place of the page'));
  }
  const expect = scene.check?.expect;
  if (expect !== undefined && expect.status.length > 0) return unmet(scene) ?? answered(scene, kind);
  if (hasStatus(scene, 500, 599)) return fromId('app-error', fault(`status ${status(scene)} of the app`));
  if (!hasStatus(scene, 200, 399) && !GUARDED.includes(status(scene))) {
    return fromId('wrong-content', fault(`status ${status(scene)}`));
  }
  return unmet(scene) ?? answered(scene, kind);
}

/** The identity provider's own pages can be a public target. */
function isLoginItself(scene: Scene): boolean {
  return scene.gates.some((gate) => URL.parse(gate.url)?.hostname === scene.check?.target.host);
}

function answered(scene: Scene, kind: 'public' | 'app'): Finding {
  const own = kind === 'app' && (leadsToLogin(scene) || hasStatus(scene, 401)) ? ', its own login' : '';
  return right(`the app answers ${status(scene)}${own}`);
}

function isShut(scene: Scene): boolean {
  if (scene.error !== null) return scene.error.phase !== 'prober' && SHUT.includes(scene.error.code);
  const wanted = scene.check?.expect.status ?? [];
  if (wanted.length > 0) return wanted.includes(status(scene));
  return hasStatus(scene, 403) || isNoRoute(scene);
}

/** The condition of the expectation that does not hold, as a finding; null when all do. */
function unmet(scene: Scene): Finding | null {
  const problem = unmetCondition(scene);
  return problem === null ? null : fromId('wrong-content', fault(problem));
}

function unmetCondition(scene: Scene): string | null {
  const { check, response } = scene;
  if (check === null || response === null) return null;
  const { expect } = check;
  if (expect.status.length > 0 && !expect.status.includes(status(scene))) {
    return `status ${status(scene)}, expected ${expect.status.join(' or ')}`;
  }
  const location = response.headers['location'] ?? '';
  if (expect.location !== null && !location.startsWith(expect.location))
    return 'the redirect is not the expected one';
  for (const [name, part] of Object.entries(expect.header)) {
    if (response.headers[name]?.includes(part) !== true) return `header ${name} is not as expected`;
  }
  if (expect.contains !== null && !response.body.includes(expect.contains)) return missing(scene);
  if (expect.notContains !== null && response.body.includes(expect.notContains))
    return 'the text that must not be there is';
  return null;
}

function missing(scene: Scene): string {
  const read =
    scene.response?.bodyTruncated === true
      ? `the first ${scene.response.body.length} characters`
      : 'the body';
  return `${read} of the answer, status ${status(scene)}, lack the expected text`;
}

function status(scene: Scene): number {
  return scene.response?.status ?? 0;
}
