// Findings: what the stages of judging hand on to each other until one becomes the judgement.

import type { Handover, SignatureId, SignatureText, Verdict } from '../model/verdict.ts';
import { textOf } from './catalogue.ts';
import type { Claim } from './signature.ts';

export interface Finding {
  readonly verdict: Verdict;
  /** Null when up. */
  readonly signature: SignatureId | null;
  readonly pointsAt: readonly string[];
  readonly reason: string;
  readonly handover: Handover | null;
}

/** A right answer. */
export function right(reason: string, handover: Handover | null = null): Finding {
  return { verdict: 'up', signature: null, pointsAt: [], reason, handover };
}

/** A recognised signature. One that a user calls `up` leaves nothing to point at. */
export function fromClaim(text: SignatureText, claim: Claim): Finding {
  if (claim.verdict === 'up') return right(claim.reason);
  return {
    verdict: claim.verdict,
    signature: text.id,
    pointsAt: claim.pointsAt ?? text.pointsAt,
    reason: claim.reason,
    handover: null,
  };
}

/** A signature of the catalogue by its id; `what` as in the claim, its `pointsAt` by default the catalogue's. */
export function fromId(id: string, what: Claim): Finding {
  const text = textOf(id);
  if (text === null) throw new Error(`no signature ${id} in the catalogue`);
  return fromClaim(text, what);
}

/** Whether the answer was right, slow or not. */
export function isHealthy(finding: Finding): boolean {
  return finding.verdict === 'up' || finding.verdict === 'degraded';
}
