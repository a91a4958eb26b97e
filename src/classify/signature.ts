// The form of a signature: its text, and what makes an observation one.

import type { SignatureId, SignatureText, Verdict } from '../model/verdict.ts';
import type { Scene } from './scene.ts';

/** A signature recognised in an observation. */
export interface Claim {
  readonly verdict: Verdict;
  /** Component types it points at here, most likely first; null = as the signature's text says. */
  readonly pointsAt: readonly string[] | null;
  /** One line in our own words and numbers; never text of the response. */
  readonly reason: string;
}

/** Entry of the catalogue. */
export interface Signature extends SignatureText {
  /** Recognises it in a scene; null where the expectation decides (expectations.ts, path-proof.ts). Pure, total. */
  readonly claim: ((scene: Scene) => Claim | null) | null;
}

/** The literal as an id. */
export function signatureId(id: string): SignatureId {
  return id as SignatureId;
}

/** A fault: verdict `down`. */
export function fault(reason: string, pointsAt: readonly string[] | null = null): Claim {
  return { verdict: 'down', pointsAt, reason };
}

/** Nothing can be said of the target: verdict `unknown`. */
export function unclear(reason: string, pointsAt: readonly string[] | null = null): Claim {
  return { verdict: 'unknown', pointsAt, reason };
}
