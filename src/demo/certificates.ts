// A private certificate authority, made in memory at each start: for the demo site and for tests. Its root must
// never enter a system's trust store; gatewatch trusts it only where `tls: { ca }` names it.

// tsyringe, which @peculiar/x509 uses, needs this polyfill to be loaded first.
import 'reflect-metadata';

import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { systemClock } from '../base/clock.ts';

/** P-256 with SHA-256, as public authorities issue for small sites. */
const KEY = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

export interface Leaf {
  /** Leaf and root, PEM. */
  readonly certPem: string;
  readonly keyPem: string;
}

export interface Authority {
  readonly certificatePem: string;
  /** Leaf for those DNS names or IP addresses; valid from yesterday for 90 days unless told otherwise. */
  issue(names: readonly string[], validity?: { notBefore?: Date; notAfter?: Date }): Promise<Leaf>;
}

/** A new authority with its own key; valid for ten years. */
export async function createAuthority(commonName: string = 'gatewatch demo CA'): Promise<Authority> {
  cryptoProvider.set(webcrypto);
  const keys = await generateKeys();
  const root = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    keys,
    notBefore: new Date(systemClock.now() - DAY_MS),
    notAfter: new Date(systemClock.now() + 3650 * DAY_MS),
    signingAlgorithm: KEY,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return {
    certificatePem: root.toString('pem'),
    issue: (names, validity = {}) => issueLeaf(root, keys, { names, ...validity }),
  };
}

async function issueLeaf(
  root: X509Certificate,
  rootKeys: webcrypto.CryptoKeyPair,
  leaf: { names: readonly string[]; notBefore?: Date; notAfter?: Date },
): Promise<Leaf> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${leaf.names[0] ?? 'leaf'}`,
    issuer: root.subject,
    publicKey: keys.publicKey,
    signingKey: rootKeys.privateKey,
    notBefore: leaf.notBefore ?? new Date(systemClock.now() - DAY_MS),
    notAfter: leaf.notAfter ?? new Date(systemClock.now() + 90 * DAY_MS),
    signingAlgorithm: KEY,
    extensions: [
      new BasicConstraintsExtension(false),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        leaf.names.map((name) => ({
          type: /^[\d.]+$|:/.test(name) ? ('ip' as const) : ('dns' as const),
          value: name,
        })),
      ),
    ],
  });
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    certPem: `${certificate.toString('pem')}\n${root.toString('pem')}\n`,
    keyPem: PemConverter.encode(key, 'PRIVATE KEY'),
  };
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
}
