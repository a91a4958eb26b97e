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

/** `transport`: there was no proper answer, or none that counts. `answer`: what is behind that. */
export type Layer = 'transport' | 'answer';

const LAYERS: Readonly<Record<Layer, readonly Signature[]>> = {
  transport: TRANSPORT_SIGNATURES,
  answer: [...CDN_SIGNATURES, ...PROXY_SIGNATURES, ...GATE_SIGNATURES, ...IDP_SIGNATURES, ...APP_SIGNATURES],
};

const SIGNATURES: readonly Signature[] = [...LAYERS.transport, ...LAYERS.answer];

/** Texts of all signatures; ids are unique. */
export const CATALOGUE: readonly SignatureText[] = SIGNATURES;

/** The signatures of a layer that recognise the scene, outermost first; worked out as they are asked for. */
export function* claims(
  scene: Scene,
  layer: Layer,
): Generator<{ readonly text: SignatureText; readonly claim: Claim }, void> {
  for (const signature of LAYERS[layer]) {
    const claim = signature.claim?.(scene) ?? null;
    if (claim !== null) yield { text: signature, claim };
  }
}

/** Text of a signature of the catalogue. */
export function textOf(id: string): SignatureText | null {
  return BY_ID.get(id) ?? null;
}

const BY_ID: ReadonlyMap<string, SignatureText> = new Map(
  SIGNATURES.map((signature) => [signature.id, signature]),
);
