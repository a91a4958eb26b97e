// Options of the web port (`web:` of the configuration), in the YAML's own words, turned into nouns here.

import { isIP } from 'node:net';
import { z } from 'zod';
import { Secret } from '../base/secret.ts';

/**
 * What a token may do: `read` the pages and the API, `metrics` read /metrics alone, `probe` ask /probe, `run` a
 * check now, `reload` the configuration, `alertmanager` bring alerts of others as evidence, `demo` switch faults of the demo site.
 */
export const SCOPES = ['read', 'metrics', 'probe', 'run', 'reload', 'alertmanager', 'demo'] as const;
export type Scope = (typeof SCOPES)[number];

export interface Token {
  /** Shown in the log when the token is used. */
  readonly name: string;
  readonly token: Secret;
  readonly may: ReadonlySet<Scope>;
}

export interface WebOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** Where people reach the page from outside, without a trailing slash; links in alerts start with it. */
  readonly url: string | null;
  /** Further names, lower case, that the `Host` header may have. */
  readonly hosts: readonly string[];
  /** With it, everything but the health pages asks for the password or a token. */
  readonly auth: {
    readonly basic: { readonly username: string; readonly password: Secret } | null;
    readonly tokens: readonly Token[];
  } | null;
}

/** Shortest secret that is accepted: with 10 tries a minute, 12 characters cannot be guessed. */
const MIN_SECRET = 12;

const listen = z.string().transform((text, context) => {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3] ?? Number.NaN);
  if (isIP(host) === 0 || !(port <= 65_535)) {
    context.addIssue({
      code: 'custom',
      message: 'expected an IP address and a port, like 127.0.0.1:10780 or [::1]:10780',
    });
    return z.NEVER;
  }
  return { host, port };
});

const externalUrl = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : null;
  const plain = url !== null && url.username === '' && url.search === '' && url.hash === '';
  if (url === null || !plain || !['http:', 'https:'].includes(url.protocol)) {
    context.addIssue({
      code: 'custom',
      message: 'expected an http or https URL without credentials and query',
    });
    return z.NEVER;
  }
  if (url.pathname !== '/') {
    context.addIssue({
      code: 'custom',
      message: 'the page cannot live below a pathname; give it a host of its own',
    });
    return z.NEVER;
  }
  return url.origin;
});

const hostName = z
  .string()
  .regex(/^(?=.{1,253}$)[a-z0-9-]+(\.[a-z0-9-]+)*$/i, 'expected a host name without scheme and port')
  .transform((name) => name.toLowerCase());

const secretText = z
  .string()
  .min(MIN_SECRET, `expected at least ${MIN_SECRET} characters`)
  .transform((value) => new Secret(value));

const token = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9-]{1,64}$/, 'expected lower-case letters, digits and dashes'),
    token: secretText,
    may: z.array(z.enum(SCOPES)).min(1),
  })
  .transform(({ may, ...rest }): Token => ({ ...rest, may: new Set(may) }));

const auth = z
  .strictObject({
    basic: z
      .strictObject({
        username: z.string().regex(/^[^:\u0000-\u001f]{1,64}$/, 'expected a name without colon'),
        password: secretText,
      })
      .nullable()
      .default(null),
    tokens: z.array(token).max(100).default([]),
  })
  .refine(({ basic, tokens }) => basic !== null || tokens.length > 0, 'expected basic, tokens, or both')
  .refine(
    ({ tokens }) => new Set(tokens.map(({ name }) => name)).size === tokens.length,
    'the names of tokens must differ',
  );

/** `web:`. Features that are not built yet are errors, never silently accepted. */
export const webSchema = z
  .strictObject({
    listen: listen.prefault('127.0.0.1:10780'),
    url: externalUrl.nullable().default(null),
    hosts: z.array(hostName).max(100).default([]),
    auth: auth.nullable().default(null),
    'status-page': z.null('status-page is not built yet; leave it out').default(null),
  })
  .transform(({ listen, url, hosts, auth }): WebOptions => ({ listen, url, hosts, auth }));
