// Hostile servers whose handshake is sound and whose certificate is not, or is only strange.

import { webcrypto } from 'node:crypto';
import {
  AuthorityInfoAccessExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  Extension,
  GeneralName,
  type JsonName,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { EVIL_TEXT, type HostileServer, say } from './hostile-answer.ts';
import type { Identity } from './origin.ts';

const KEY = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const HOST = 'app.site.test';
const DAY_MS = 86_400_000;
/** Private use; nobody knows what it means. */
const UNKNOWN_EXTENSION = '1.3.6.1.4.1.99999.1';

interface Root {
  readonly certificate: X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

interface Leaf {
  readonly names?: readonly string[];
  readonly subject?: JsonName;
  readonly serialNumber?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly extension?: Extension;
  /** Certificates sent behind the leaf. */
  readonly chain?: (root: string) => string;
}

let shared: Promise<Root> | null = null;

/** The authority of this table, with evil text in its name. */
function root(): Promise<Root> {
  shared ??= createRoot();
  return shared;
}

/** What a client must trust to get past the chain. */
export async function hostileRootPem(): Promise<string> {
  return (await root()).certificate.toString('pem');
}

async function createRoot(): Promise<Root> {
  cryptoProvider.set(webcrypto);
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [EVIL_TEXT] }, { O: ['x'.repeat(64)] }],
    keys,
    ...validity(),
    signingAlgorithm: KEY,
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  });
  return { certificate, keys };
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
}

function validity(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + 900 * DAY_MS) };
}

const issue = (leaf: Leaf) => async (): Promise<Identity> => {
  const { certificate, keys } = await root();
  const own = await generateKeys();
  const issued = await X509CertificateGenerator.create({
    ...validity(),
    ...leaf,
    subject: leaf.subject ?? `CN=${HOST}`,
    issuer: certificate.subjectName,
    publicKey: own.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: KEY,
    extensions: [alternativeNames(leaf.names ?? [HOST]), ...(leaf.extension ? [leaf.extension] : [])],
  });
  const rootPem = certificate.toString('pem');
  return {
    certPem: `${issued.toString('pem')}\n${leaf.chain?.(rootPem) ?? rootPem}\n`,
    keyPem: await keyPem(own),
  };
};

/** Signed by itself, with names that may be empty. */
const selfSigned = (name: string | JsonName) => async (): Promise<Identity> => {
  cryptoProvider.set(webcrypto);
  const keys = await generateKeys();
  const made = await X509CertificateGenerator.createSelfSigned({
    name,
    keys,
    ...validity(),
    signingAlgorithm: KEY,
    extensions: [alternativeNames([HOST])],
  });
  return { certPem: made.toString('pem'), keyPem: await keyPem(keys) };
};

function alternativeNames(names: readonly string[]): SubjectAlternativeNameExtension {
  return new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value })));
}

async function keyPem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
}

function row(
  name: string,
  identity: () => Promise<Identity>,
  expected: string,
  login = expected,
): HostileServer {
  const answer = say('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  const fixed = { http: 1, carrier: 'tls', scheme: 'https', slow: false } as const;
  return { ...fixed, name: `certificate: ${name}`, identity, answer, public: expected, login };
}

const EXPOSED = 'down exposed';
/** What of it fits into a string of ASCII, as names and addresses in certificates are. */
const EVIL_NAME = EVIL_TEXT.replace(/[^\x00-\x7f]/g, '');
const EVIL_PLACES = new AuthorityInfoAccessExtension({
  ocsp: new GeneralName('url', EVIL_NAME),
  caIssuers: new GeneralName('url', EVIL_NAME),
});
const numbered = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `host-${index}.elsewhere.test`);

export const CERTIFICATE_SERVERS: readonly HostileServer[] = [
  row('10,000 names', issue({ names: [HOST, ...numbered(10_000)] }), 'down tls-failed'),
  row('2,000 names, the right one last', issue({ names: [...numbered(2_000), HOST] }), 'up', EXPOSED),
  row('101 names, none of them right', issue({ names: numbered(101) }), 'down tls-wrong-host'),
  row(
    'a megabyte',
    issue({ extension: new Extension(UNKNOWN_EXTENSION, false, new Uint8Array(1_000_000)) }),
    'down tls-failed',
  ),
  row(
    'an unknown critical extension',
    issue({ extension: new Extension(UNKNOWN_EXTENSION, true, new Uint8Array(9)) }),
    'down tls-untrusted',
  ),
  row('a chain of 60 roots', issue({ chain: (pem) => pem.concat('\n').repeat(60) }), 'up', EXPOSED),
  row(
    'a chain of a thousand roots',
    issue({ chain: (pem) => pem.concat('\n').repeat(1_000) }),
    'down tls-failed',
  ),
  row('a name with NUL', issue({ names: [`${HOST}\0.evil.test`] }), 'down tls-wrong-host'),
  row(
    'a name with a line break',
    issue({ names: [`${HOST}\n`, `${HOST}, DNS:${HOST}`] }),
    'down tls-wrong-host',
  ),
  row(
    'a name with markup',
    issue({ names: [`<script>.${HOST}`, '{{7*7}}', EVIL_TEXT.replace(/[^\x20-\x7e]/g, '')] }),
    'down tls-wrong-host',
  ),
  row(
    'a name of 10,000 characters',
    issue({ names: [`${'x'.repeat(10_000)}.${HOST}`] }),
    'down tls-wrong-host',
  ),
  row(
    'wildcards too wide',
    issue({ names: ['*', '*.test', '*.*.test', 'app.*.test', 'a*.site.test'] }),
    'down tls-wrong-host',
  ),
  row('evil text in the subject', issue({ subject: [{ CN: [EVIL_TEXT] }] }), 'up', EXPOSED),
  row(
    'evil text in every field of the subject',
    issue({ subject: ['CN', 'O', 'OU', 'L', 'ST', 'T', 'G', 'SN'].map((part) => ({ [part]: [EVIL_TEXT] })) }),
    'up',
    EXPOSED,
  ),
  row(
    'evil text as further names',
    issue({ names: [HOST, EVIL_NAME], extension: EVIL_PLACES }),
    'up',
    EXPOSED,
  ),
  row('the right common name alone', issue({ names: ['other.test'] }), 'down tls-wrong-host'),
  row('an end in the year 9999', issue({ notAfter: new Date('9999-12-31T23:59:59Z') }), 'up', EXPOSED),
  row(
    'an end before its beginning',
    issue({ notBefore: new Date(Date.now() + DAY_MS), notAfter: new Date(Date.now() - DAY_MS) }),
    'down tls-expired',
  ),
  row('valid since 1950', issue({ notBefore: new Date('1950-01-01T00:00:00Z') }), 'up', EXPOSED),
  row('a negative serial number', issue({ serialNumber: 'ff00000000000001' }), 'up', EXPOSED),
  row('a serial number of 400 digits', issue({ serialNumber: '7f'.repeat(200) }), 'up', EXPOSED),
  row('signed by itself', selfSigned(`CN=${HOST}`), 'down tls-untrusted'),
  row('signed by nobody: empty names', selfSigned(''), 'down tls-untrusted'),
  row('signed by evil text', selfSigned([{ CN: [EVIL_TEXT] }]), 'down tls-untrusted'),
];
