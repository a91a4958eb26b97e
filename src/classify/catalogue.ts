// The catalogue: every fault pattern gatewatch knows, outermost layer first. That order is the order of asking:
// what lies further out answers first and can imitate all that is behind it (threats H5).

import type { SignatureText } from '../model/verdict.ts';
import type { Scene } from './scene.ts';
import type { Claim, Signature } from './signature.ts';
import { APP_SIGNATURES } from './signatures/app.ts';
import { CDN_SIGNATURES } from './signatures/cdn.ts';
import { GATE_SIGNATURES } from './signatures/gate.ts';
import { IDP_SIGNATURES } from './signatures/idp.ts';
import { PROXY_SIGNATURES } from './signatures/proxy.ts';
import { TRANSPORT_SIGNATURES } from './signatures/transport.ts';

const SIGNATURES: readonly Signature[] = [
  ...TRANSPORT_SIGNATURES,
  ...CDN_SIGNATURES,
  ...PROXY_SIGNATURES,
  ...GATE_SIGNATURES,
  ...IDP_SIGNATURES,
  ...APP_SIGNATURES,
];

/** Texts of all signatures; ids are unique. */
export const CATALOGUE: readonly SignatureText[] = SIGNATURES;

/** All signatures that recognise the scene, outermost first. `transportOnly`: of those without a proper answer. */
export function claims(
  scene: Scene,
  options: { transportOnly: boolean },
): readonly { readonly text: SignatureText; readonly claim: Claim }[] {
  const found: { text: SignatureText; claim: Claim }[] = [];
  for (const signature of options.transportOnly ? TRANSPORT_SIGNATURES : SIGNATURES) {
    const claim = signature.claim?.(scene) ?? null;
    if (claim !== null) found.push({ text: signature, claim });
  }
  return found;
}

/** Text of a signature of the catalogue. */
export function textOf(id: string): SignatureText | null {
  return BY_ID.get(id) ?? null;
}

const BY_ID: ReadonlyMap<string, SignatureText> = new Map(
  SIGNATURES.map((signature) => [signature.id, signature]),
);
