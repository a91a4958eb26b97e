// Where a cluster's API is and how we are let in: the pod's service account, or a kubeconfig. Everything is read anew
// whenever it is asked, because tokens and certificates are rotated in their files. Nothing is ever run: entries with
// `exec` or `auth-provider` are refused (threats D7). The files are the operator's; their values are never shown.

import { isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { inTime } from '../../base/in-time.ts';
import { readRegularFile } from '../../base/regular-file.ts';
import { Secret } from '../../base/secret.ts';
import { decoded } from '../decode.ts';
import { DiscoveryError } from '../discoverer.ts';

/** Largest file, in bytes, and longest time its text may take to read (threats, section 6). */
const LARGEST_FILE = 256 * 1024;
const YAML_MS = 5_000;

/** Where the kubelet puts a pod's service account. Source: kubernetes.io "Accessing the Kubernetes API from a Pod". */
export const SERVICE_ACCOUNT = {
  url: 'https://kubernetes.default.svc',
  folder: '/var/run/secrets/kubernetes.io/serviceaccount',
} as const;

/** How the API is reached, now. */
export interface Access {
  /** Without a slash at the end. */
  readonly url: string;
  readonly token: Secret | null;
  /** Roots that are trusted, PEM; null = the public ones. */
  readonly ca: string | null;
  readonly client: { readonly cert: string; readonly key: Secret } | null;
}

export type AccessOption =
  | { readonly kubeconfig: string; readonly context: string | null }
  | { readonly url: string; readonly tokenFile: string; readonly caFile: string };

/** Reads how the API is reached; throws DiscoveryError that names the file and the key, never a value. */
export function readAccess(option: AccessOption, source: string): Access {
  if ('kubeconfig' in option) return accessFromKubeconfig(option.kubeconfig, option.context, source);
  const token = textOf(option.tokenFile, source).trim();
  return {
    url: option.url.replace(/\/+$/, ''),
    token: new Secret(token),
    ca: textOf(option.caFile, source),
    client: null,
  };
}

const clusterSchema = z.object({
  server: z.url({ protocol: /^https?$/ }),
  'certificate-authority': z.string().optional(),
  'certificate-authority-data': z.base64().optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': z.string().optional(),
  'proxy-url': z.string().optional(),
});

const userSchema = z.object({
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  'client-certificate': z.string().optional(),
  'client-certificate-data': z.base64().optional(),
  'client-key': z.string().optional(),
  'client-key-data': z.base64().optional(),
  username: z.string().optional(),
  exec: z.unknown().optional(),
  'auth-provider': z.unknown().optional(),
});

const kubeconfigSchema = z.object({
  'current-context': z.string().optional(),
  contexts: z.array(
    z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string() }) }),
  ),
  clusters: z.array(z.object({ name: z.string(), cluster: clusterSchema })),
  users: z.array(z.object({ name: z.string(), user: userSchema.nullish() })),
});

/** What an entry of a kubeconfig may ask for that is refused, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  exec: 'runs a program, which is refused; use a token or a client certificate',
  'auth-provider': 'runs a program, which is refused; use a token or a client certificate',
  username: 'is not supported; use a token or a client certificate',
  'insecure-skip-tls-verify': 'is refused; give the certificate authority',
  'tls-server-name': 'is not supported',
  'proxy-url': 'is not supported',
};

function accessFromKubeconfig(file: string, context: string | null, source: string): Access {
  const text = textOf(file, source);
  const read = inTime(() => parse(text, { maxAliasCount: 10, logLevel: 'error', schema: 'core' }), YAML_MS);
  if (!('value' in read)) throw new DiscoveryError(source, 'kubeconfig is not YAML');
  const config = decoded(kubeconfigSchema, read.value, source, 'kubeconfig');
  const name = context ?? config['current-context'] ?? '';
  const chosen = config.contexts.find((entry) => entry.name === name)?.context;
  if (chosen === undefined) throw new DiscoveryError(source, 'kubeconfig has no such context');
  const cluster = config.clusters.find((entry) => entry.name === chosen.cluster)?.cluster;
  const user = config.users.find((entry) => entry.name === chosen.user)?.user ?? {};
  if (cluster === undefined) throw new DiscoveryError(source, 'kubeconfig has no cluster for the context');
  refuse({ ...cluster, ...user }, source);
  const pem = { file, source };
  const cert = pemOf(user['client-certificate-data'], user['client-certificate'], pem);
  const key = pemOf(user['client-key-data'], user['client-key'], pem);
  const token = user.tokenFile === undefined ? user.token : textOf(beside(file, user.tokenFile), source);
  const access = {
    url: cluster.server.replace(/\/+$/, ''),
    token: token === undefined ? null : new Secret(token.trim()),
    ca: pemOf(cluster['certificate-authority-data'], cluster['certificate-authority'], pem),
    client: cert === null || key === null ? null : { cert, key: new Secret(key) },
  };
  const server = URL.parse(access.url);
  if (server === null) throw new DiscoveryError(source, 'kubeconfig: the address of the server is not a URL');
  const { protocol, hostname } = server;
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  if (protocol === 'http:' && access.token !== null && !isLoopback)
    throw new DiscoveryError(source, 'kubeconfig would send its token unencrypted');
  return access;
}

function refuse(entry: Readonly<Record<string, unknown>>, source: string): void {
  for (const [key, why] of Object.entries(REFUSED)) {
    const value = entry[key];
    if (value !== undefined && value !== null && value !== false)
      throw new DiscoveryError(source, `kubeconfig: ${key} ${why}`);
  }
}

/** PEM text that is in the kubeconfig itself, or in a file beside it; null without either. */
function pemOf(
  data: string | undefined,
  name: string | undefined,
  { file, source }: { readonly file: string; readonly source: string },
): string | null {
  if (data !== undefined) return Buffer.from(data, 'base64').toString();
  return name === undefined ? null : textOf(beside(file, name), source);
}

/** Relative names in a kubeconfig begin where it is. */
function beside(file: string, name: string): string {
  return isAbsolute(name) ? name : join(file, '..', name);
}

function textOf(file: string, source: string): string {
  const read = readRegularFile(file, LARGEST_FILE + 1);
  if ('why' in read) throw new DiscoveryError(source, `${file} cannot be read (${read.why})`);
  if (read.bytes.length > LARGEST_FILE) throw new DiscoveryError(source, `${file} is too large`);
  return read.bytes.toString();
}
