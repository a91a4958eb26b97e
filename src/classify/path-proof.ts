// Path proof: did the answer really come by the path it was asked on? (DESIGN 3, "Path proof"; threats Q2)
// The connected address counts first, headers second; judged on answers only, with one exception: a `cdn` probe that
// was sent to a configured origin address did not take the CDN, answered or not.

import ipaddr from 'ipaddr.js';
import type { Exchange } from '../model/observation.ts';
import type { Scene } from './scene.ts';
import { type Claim, unclear } from './signature.ts';

/** How long an address keeps its proof (DESIGN 3). */
const PROOF_MS = 24 * 3_600_000;

/**
 * proven         the answer carries what the path must show
 * unproven       it does not
 * contradicted   the answer or the dialled address belongs to another path
 * silent         there was no answer, or the probe has no path
 */
export type Proof = 'proven' | 'unproven' | 'contradicted' | 'silent';

/** What the observation says about its path. */
export function readProof(scene: Scene): Proof {
  const path = scene.path;
  if (path === null) return 'silent';
  const { own } = scene;
  if (path.kind === 'cdn' && own.some((exchange) => isOriginAddress(scene, exchange))) return 'contradicted';
  const answers = own.filter((exchange) => exchange.status !== null);
  const last = answers.at(-1);
  if (last === undefined) return 'silent';
  const { header: mark, absent } = path.proof;
  if (path.kind === 'cdn') return mark === null || last.headers[mark] !== undefined ? 'proven' : 'unproven';
  if (absent === null || answers.every((answer) => answer.headers[absent] === undefined)) return 'proven';
  return path.kind === 'origin' ? 'contradicted' : 'unproven';
}

/**
 * What the missing proof makes of a finding, or null when the finding stands. A fault without proof stands if its
 * address proved itself within 24 h; an exposed page never does.
 */
export function proofClaim(scene: Scene, finding: { healthy: boolean; exposed: boolean }): Claim | null {
  switch (readProof(scene)) {
    case 'proven':
    case 'silent':
      return null;
    case 'contradicted':
      return unclear(
        scene.path?.kind === 'cdn'
          ? 'the name led to an address of the origin: the CDN was not on the way'
          : `the answer carries the CDN's mark although it was asked of the origin`,
      );
    case 'unproven': {
      if (!finding.healthy && !finding.exposed && isProvenLately(scene)) return null;
      const wants = scene.path?.kind === 'cdn' ? `lacks the CDN's mark` : `carries the CDN's mark`;
      return unclear(`the answer ${wants}, so it proves nothing about this path`);
    }
  }
}

/** Key of fact `proven-address` of the probe, or null when nothing was dialled. */
export function provenKey(scene: Scene): string | null {
  const dialled = scene.own.at(-1)?.remote ?? null;
  return scene.path === null || dialled === null ? null : `${scene.path.name}|${normal(dialled.address)}`;
}

function isProvenLately(scene: Scene): boolean {
  const key = provenKey(scene);
  const fact = key === null ? null : scene.knowledge.get('proven-address', key);
  return fact !== null && scene.now - fact.at <= PROOF_MS;
}

/** A configured origin address; of an origin that is configured by name, an address that proved to be it. */
function isOriginAddress(scene: Scene, exchange: Exchange): boolean {
  const dialled = exchange.remote;
  if (dialled === null) return false;
  const address = normal(dialled.address);
  return scene.paths.some((path) => {
    if (path.kind !== 'origin' || path.address === null || path.address.port !== dialled.port) return false;
    const configured = normal(path.address.host);
    if (ipaddr.isValid(configured)) return configured === address;
    return scene.knowledge.get('proven-address', `${path.name}|${address}`) !== null;
  });
}

/** An IPv4 address in the one spelling it has. */
const PLAIN_IPV4 = /^((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(?!$)|$)){4}$/;

/** One spelling of an address, IPv4-mapped ones as IPv4; a name as it is. */
function normal(address: string): string {
  if (PLAIN_IPV4.test(address)) return address;
  const bare = address.replace(/^\[|\]$/g, '').toLowerCase();
  return ipaddr.isValid(bare) ? ipaddr.process(bare).toString() : bare;
}
