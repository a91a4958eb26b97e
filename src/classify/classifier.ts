// The classifier: an observation in, a judgement out. Pure and total; the clock and what is known are passed in.
//
//   our own fault -> users' signatures -> right anyway -> layers from outside in -> expectation
//   then: path proof may take the finding back, and a right answer may be slow or its certificate near its end

import { humanDuration } from '../base/duration.ts';
import { logsIn, type Subject } from '../model/check.ts';
import type { Gate } from '../model/gate.ts';
import type { NetworkPath } from '../model/network-path.ts';
import type { EpochMs, Observation } from '../model/observation.ts';
import type { Judgement, Knowledge } from '../model/verdict.ts';
import { isTransportOnly, judgeCanary } from './canaries.ts';
import { claims, type Layer } from './catalogue.ts';
import { judgeAnswer, rightAnyway } from './expectations.ts';
import { learnedFacts, sessionsSeen } from './facts.ts';
import { type Finding, fromClaim, fromId, isHealthy } from './finding.ts';
import { judgeFlow, judgeProvider } from './flows.ts';
import { proofClaim } from './path-proof.ts';
import { createScene, isOwnHost, type Scene } from './scene.ts';
import { isCookieLost } from './signatures/gate.ts';
import { judgeSession } from './signed-in.ts';
import { type UserSignature, userClaim } from './user-signature.ts';

export interface Classifier {
  /**
   * Judges what a probe saw; pure and total: the same arguments and knowledge give the same judgement, and no
   * observation makes it throw. `now` (wall clock) is for certificates and the age of facts.
   */
  classify(subject: Subject, observation: Observation, now: EpochMs): Judgement;
}

export interface ClassifierOptions {
  readonly gates: readonly Gate[];
  readonly paths: readonly NetworkPath[];
  readonly signatures: readonly UserSignature[];
  readonly knowledge: Knowledge;
  /** A certificate with less left than this, or than a third of its life, makes a right answer `degraded`. */
  readonly certificateWarnMs: number;
}

/** Classifier for one configuration. */
export function createClassifier(options: ClassifierOptions): Classifier {
  const { gates, paths, knowledge } = options;
  return {
    classify(subject, observation, now) {
      const scene = createScene(subject, observation, { gates, paths, knowledge, now });
      const proven = proveOrUnsay(scene, judge(scene, options.signatures));
      const finding = proven.verdict === 'up' ? weigh(scene, proven, options.certificateWarnMs) : proven;
      return {
        ...finding,
        sessionsSeen: sessionsSeen(scene),
        cookieLost: finding.signature !== 'path-not-taken' && isCookieLost(scene),
        learned: isOwnFault(finding) ? [] : learnedFacts(scene, finding),
      };
    },
  };
}

function judge(scene: Scene, signatures: readonly UserSignature[]): Finding {
  const own = firstClaim(scene, 'transport');
  if (own !== null && (isOwnFault(own) || own.signature === 'path-not-taken')) return own;
  const stranger = scene.canary !== null && isTransportOnly(scene.canary.canary);
  const configured = stranger ? null : userClaim(scene, signatures);
  if (configured !== null) return fromClaim(configured.text, configured.claim);
  const anyway = rightAnyway(scene);
  if (anyway !== null) return anyway;
  const { flow } = scene.observation;
  const ended = flow === null ? null : judgeFlow(scene, flow);
  const judged = ended ?? judgeLayers(scene, { transport: own, stranger });
  return judged.verdict === 'down' && isOnlyEntry(scene) ? { ...judged, verdict: 'unknown' } : judged;
}

/**
 * Whether a session visit ended before the host was opened to the account: nothing is known then of those who are in,
 * and what keeps newcomers out is told by `fresh` and `login` visits.
 */
function isOnlyEntry({ check, observation }: Scene): boolean {
  return check?.visit === 'session' && observation.flow?.end === 'not-finished';
}

/** The layers in front from outside in, the first of which has been asked; then what is right for such a probe. */
function judgeLayers(
  scene: Scene,
  { transport, stranger }: { transport: Finding | null; stranger: boolean },
): Finding {
  // An answered control is healthy even where the body broke off: only the way is tested.
  const answered = scene.canary?.canary === 'control' && scene.response !== null;
  const claimed = answered ? null : (transport ?? (stranger ? null : firstClaim(scene, 'answer')));
  const settled = (scene.observation.flow === null ? null : judgeProvider(scene, claimed)) ?? claimed;
  if (settled !== null) return settled;
  if (scene.subject.kind === 'canary') return judgeCanary(scene, scene.subject.canary);
  return scene.subject.visit === 'session'
    ? judgeSession(scene)
    : judgeAnswer(scene, scene.subject.expect.is);
}

function firstClaim(scene: Scene, layer: Layer): Finding | null {
  const [found] = claims(scene, layer);
  return found === undefined ? null : fromClaim(found.text, found.claim);
}

function isOwnFault(finding: Finding): boolean {
  return finding.signature === 'prober-fault';
}

function proveOrUnsay(scene: Scene, finding: Finding): Finding {
  if (isOwnFault(finding)) return finding;
  const claim = proofClaim(scene, { healthy: isHealthy(finding), exposed: finding.signature === 'exposed' });
  return claim === null ? finding : fromId('path-not-taken', claim);
}

/** A login has a dozen requests and more; it is slow when it takes this many times what one answer may. */
const LOGIN_SLOWNESS = 4;

/** A right answer that is slow, or whose certificate is near its end, is `degraded`. */
function weigh(scene: Scene, finding: Finding, certificateWarnMs: number): Finding {
  const { check, observation } = scene;
  const limitMs = (check?.target.slowMs ?? 0) * (check !== null && logsIn(check.visit) ? LOGIN_SLOWNESS : 1);
  if (check !== null && observation.durationMs > limitMs) {
    const took = `${humanDuration(observation.durationMs)}, limit ${humanDuration(limitMs)}`;
    return degraded('slow', { finding, reason: `${finding.reason}, but slowly: ${took}` });
  }
  const leftMs = certificateLeft(scene, certificateWarnMs);
  if (leftMs === null) return finding;
  return degraded('certificate-expiring', {
    finding,
    reason: `${finding.reason}, but the certificate ends in ${humanDuration(leftMs)}`,
  });
}

function degraded(id: string, of: { finding: Finding; reason: string }): Finding {
  return {
    ...fromId(id, { verdict: 'degraded', pointsAt: null, reason: of.reason }),
    handover: of.finding.handover,
  };
}

/** What the certificate has left, when that is less than the warning or a third of its life; else null. */
function certificateLeft(scene: Scene, warnMs: number): number | null {
  const tls = scene.observation.exchanges.find(
    (exchange) => exchange.tls !== null && isOwnHost(scene, exchange),
  )?.tls;
  if (tls == null || scene.canary?.canary === 'control') return null;
  const leftMs = tls.notAfter - scene.now;
  return leftMs < Math.min(warnMs, (tls.notAfter - tls.notBefore) / 3) ? Math.max(0, leftMs) : null;
}
