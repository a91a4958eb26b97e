// TLS of a server with one wildcard certificate for each zone, chosen by the name the visitor asks for.

import { createSecureContext, type SecureContext, type TlsOptions } from 'node:tls';
import type { Authority, Leaf } from './certificates.ts';
import { ZONES, type Zone, zoneOf } from './services.ts';

/** Certificates of the zones. */
export type Leafs = Readonly<Record<Zone, Leaf>>;

/** `*.zone` and the zone itself, for every zone; `validity` of all of them. */
export async function issueLeafs(
  authority: Authority,
  validity: { notBefore?: Date; notAfter?: Date } = {},
): Promise<Leafs> {
  const [casa, lab] = await Promise.all(ZONES.map((zone) => authority.issue([`*.${zone}`, zone], validity)));
  if (casa === undefined || lab === undefined) throw new Error('a zone is without a certificate');
  return { 'casa.test': casa, 'lab.test': lab };
}

/** Options of a TLS server; `current` is asked at each handshake. Names of no zone get the first zone's certificate. */
export function tlsOptions(leafs: Leafs, current: (zone: Zone) => Leaf = (zone) => leafs[zone]): TlsOptions {
  const contexts = new WeakMap<Leaf, SecureContext>();
  const contextOf = (leaf: Leaf): SecureContext => {
    const known = contexts.get(leaf);
    if (known !== undefined) return known;
    const made = createSecureContext({ cert: leaf.certPem, key: leaf.keyPem });
    contexts.set(leaf, made);
    return made;
  };
  return {
    cert: leafs[ZONES[0]].certPem,
    key: leafs[ZONES[0]].keyPem,
    ALPNProtocols: ['http/1.1'],
    SNICallback: (name, done) => done(null, contextOf(current(zoneOf(name.toLowerCase()) ?? ZONES[0]))),
  };
}
