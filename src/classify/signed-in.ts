// What a right answer is to somebody who is signed in (DESIGN 3, `session`): the app itself. Asked after the layers in
// front have not claimed the answer.

import { isDenied } from '../model/account.ts';
import { type Finding, fromId, right } from './finding.ts';
import { leadsToLogin } from './handover.ts';
import { isLoginPage, producer } from './producer.ts';
import { atIdentityProvider, hasStatus, isOwnHost, isTargetHost, type Scene } from './scene.ts';
import { fault, unclear } from './signature.ts';
import { exposedBy } from './signatures/app.ts';

/** Statuses an app may refuse a page of its own with: it is there, and answers. */
const GUARDED = [401, 403, 404, 405];

/** Judges the answer to a session visit that no layer has claimed. */
export function judgeSession(scene: Scene): Finding {
  const account = scene.check?.account ?? null;
  const status = scene.response?.status ?? 0;
  const asked = isAskedToLogIn(scene);
  if (account !== null && isDenied(account, scene.check?.target.host ?? '')) return judgeDenied(scene, asked);
  if (asked) return judgeRefused(scene);
  if (hasStatus(scene, 500, 599))
    return fromId(
      'app-error',
      fault(`status ${status} of the app for a signed-in user`, ['target', 'origin']),
    );
  const elsewhere = scene.response !== null && !isOwnHost(scene, scene.response);
  if (elsewhere || isSentAway(scene))
    return fromId('wrong-login', fault('a signed-in user is sent to another host than the app'));
  if (hasStatus(scene, 200, 399) || GUARDED.includes(status))
    return right(`a signed-in user gets the app, status ${status}`);
  return fromId('wrong-content', fault(`status ${status} for a signed-in user`));
}

/** Whether the answer is what a stranger gets. */
function isAskedToLogIn(scene: Scene): boolean {
  const atProvider = scene.observation.flow !== null && atIdentityProvider(scene);
  if (atProvider || leadsToLogin(scene) || isLoginPage(scene)) return true;
  return hasStatus(scene, 401) && producer(scene) === 'outpost';
}

/** A session that is lost says nothing of the app; a credential has no life that could end, so it is refused. */
function judgeRefused(scene: Scene): Finding {
  const session = scene.check?.account?.credential.kind === 'password';
  return session
    ? fromId('gate-sessions-lost', unclear('the session of the account is not known to the gate any more'))
    : fromId(
        'login-denied',
        fault('the gate does not take the credential of the account, or does not get it', ['gate', 'idp']),
      );
}

/** On a denied host the app is a hole; every other answer of the gate is a refusal. */
function judgeDenied(scene: Scene, asked: boolean): Finding {
  const status = scene.response?.status ?? 0;
  if (asked || hasStatus(scene, 400, 403)) return right(`the account is kept out, status ${status}`);
  const own = scene.response !== null && isOwnHost(scene, scene.response) && !isSentAway(scene);
  if (own && hasStatus(scene, 200, 399))
    return fromId(
      'exposed',
      fault(`an account that must be kept out gets status ${status} of the app`, exposedBy(scene)),
    );
  return hasStatus(scene, 500, 599)
    ? fromId('app-error', fault(`status ${status} instead of a refusal`))
    : right(`the account is kept out, status ${status}`);
}

function isSentAway(scene: Scene): boolean {
  return scene.location !== null && !isTargetHost(scene, scene.location);
}
