// Server certificates to be probed, made by openssl: a leaf straight from its root, and one behind a P-384
// intermediate as Let's Encrypt's ECDSA chain has it (letsencrypt.org/certificates: leaf P-256, E-series and root X2
// P-384), which costs a verifier about twice as much.

import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const CHAINS = ['P-256', 'P-384'] as const;
export type ChainKind = (typeof CHAINS)[number];

/** PEM files of one chain. */
export interface Chain {
  readonly rootFile: string;
  /** Leaf and intermediate, without the root. */
  readonly certificateFile: string;
  readonly keyFile: string;
}

const DAYS = ['-days', '30'];
const AUTHORITY = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];

/** Makes the chain in the folder; the leaf is for `*.probe.test` and 127.0.0.1. */
export async function makeChain(kind: ChainKind, folder: string): Promise<Chain> {
  const file = (name: string): string => join(folder, `${kind}-${name}.pem`);
  const curve = kind === 'P-256' ? 'P-256' : 'P-384';
  await certificate({
    to: file('root'),
    key: file('root-key'),
    curve,
    subject: '/CN=bench root',
    extensions: AUTHORITY,
  });
  let issuer = { certificate: file('root'), key: file('root-key') };
  if (kind === 'P-384') {
    const middle = {
      to: file('middle'),
      key: file('middle-key'),
      curve,
      subject: '/CN=bench middle',
      issuer,
    };
    await certificate({ ...middle, extensions: AUTHORITY });
    issuer = { certificate: file('middle'), key: file('middle-key') };
  }
  const extensions = [
    'subjectAltName=DNS:*.probe.test,IP:127.0.0.1',
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    'extendedKeyUsage=serverAuth',
  ];
  const leaf = { to: file('leaf'), key: file('leaf-key'), curve: 'P-256', subject: '/CN=probe.test', issuer };
  await certificate({ ...leaf, extensions });
  const parts = kind === 'P-384' ? [file('leaf'), file('middle')] : [file('leaf')];
  const pem = await Promise.all(parts.map((part) => readFile(part, 'utf8')));
  await writeFile(file('chain'), pem.join(''));
  return { rootFile: file('root'), certificateFile: file('chain'), keyFile: file('leaf-key') };
}

async function certificate(options: {
  readonly to: string;
  readonly key: string;
  readonly curve: string;
  readonly subject: string;
  readonly extensions: readonly string[];
  readonly issuer?: { readonly certificate: string; readonly key: string };
}): Promise<void> {
  const { to, key, curve, subject, extensions, issuer } = options;
  const signer = issuer === undefined ? [] : ['-CA', issuer.certificate, '-CAkey', issuer.key];
  const written = extensions.flatMap((extension) => ['-addext', extension]);
  const newKey = ['-newkey', 'ec', '-pkeyopt', `ec_paramgen_curve:${curve}`, '-nodes', '-keyout', key];
  await run('openssl', [
    'req',
    '-x509',
    ...DAYS,
    ...newKey,
    '-subj',
    subject,
    ...written,
    ...signer,
    '-out',
    to,
  ]);
}
