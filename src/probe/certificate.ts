// What a server's certificate says: its issuer, its dates, and whether it covers the host. The same certificate says the
// same again, so it is read once; who vouches for it and whether it is valid now, OpenSSL checks at every handshake.

import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type PeerCertificate, TLSSocket } from 'node:tls';
import { BoundedMap } from '../base/bounded-map.ts';
import type { TlsFacts } from '../model/observation.ts';
import { evidenceText } from '../model/text.ts';

/** What is told of a certificate that was presented for a host. */
type CertificateFacts = Omit<TlsFacts, 'protocol' | 'cipher'>;

/**
 * Certificates remembered, each with a host: 5,000 targets over two paths, half a kilobyte each. A server that shows
 * another one each time fills it and no more.
 */
const REMEMBERED = 10_000;

/** Reader of the certificate that a connection presents for a host; null when there is none, or none that can be read. */
export type ReadCertificate = (socket: TLSSocket, host: string) => CertificateFacts | null;

/** A reader with its own memory. */
export function createReadCertificate(): ReadCertificate {
  const known = new BoundedMap<string, CertificateFacts>(REMEMBERED);
  return (socket, host) => {
    const { raw, fingerprint256 } = presented(socket);
    if (raw === undefined) return null;
    const key = `${fingerprint256} ${host}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const facts = factsOf(raw, host);
    if (facts !== null) known.set(key, facts);
    return facts;
  };
}

/**
 * The leaf that the other side showed, as Node's plain object, which is {} without one. Asked of the class: the socket's own method is the one that
 * keeps Node from asking (dial.ts). `getPeerX509Certificate` of Node 24 copies all others of the chain and never frees
 * what it copied, 5 KB a certificate and connection (`X509Certificate::GetPeerCert` in crypto_x509.cc drops them from
 * OpenSSL's list by sk_X509_delete).
 */
export function presented(socket: TLSSocket): Partial<PeerCertificate> {
  return TLSSocket.prototype.getPeerCertificate.call(socket, false) ?? {};
}

function factsOf(raw: Buffer, host: string): CertificateFacts | null {
  try {
    const certificate = new X509Certificate(raw);
    return {
      matchedName: matchedName(certificate, host),
      issuer: issuerText(certificate),
      notBefore: certificate.validFromDate.getTime() || 0,
      notAfter: certificate.validToDate.getTime() || 0,
      fingerprint: certificate.fingerprint256,
    };
  } catch {
    return null;
  }
}

/** Issuer on one line; '' when the certificate names none (Node then gives undefined, whatever its types say). */
function issuerText(certificate: X509Certificate): string {
  const issuer: string | undefined = certificate.issuer;
  return evidenceText((issuer ?? '').replaceAll('\n', ', '));
}

/** SAN entry that covers the host by today's rules: no common name, no partial wildcard. Null when none does. */
function matchedName(certificate: X509Certificate, host: string): string | null {
  if (isIP(host) !== 0) return certificate.checkIP(host) ?? null;
  return certificate.checkHost(host, { subject: 'never', partialWildcards: false }) ?? null;
}
