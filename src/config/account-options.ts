// Options of `accounts:`, in the words of the configuration file, and the accounts they make (DESIGN 6 and 10).

import { z } from 'zod';
import { httpUrl, name } from '../base/schema.ts';
import { Secret } from '../base/secret.ts';
import type { Account, AccountName, Credential } from '../model/account.ts';
import type { Gate } from '../model/gate.ts';
import type { Target } from '../model/target.ts';
import { isTotpSecret } from '../probe/one-time-code.ts';

/** Hosts an account has at most: as many as a namespace may have targets (threats, section 6). */
const MOST_HOSTS = 200;
/** Where authentik mints tokens (reference/authentik.md 4.2). */
const AUTHENTIK_TOKEN = '/application/o/token/';

const secret = z
  .string()
  .min(1)
  .max(8_192)
  .refine((text) => !/[\u0000-\u001f\u007f]/.test(text), {
    error: 'must be one line without control characters',
  })
  .transform((text) => new Secret(text));

const username = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => !/[\u0000-\u001f\u007f]/.test(text), {
    error: 'must be one line without control characters',
  });

/** A header carries it: RFC 6750 2.1. */
const bearer = z
  .string()
  .max(8_192)
  .regex(/^[A-Za-z0-9._~+/=-]+$/, { error: 'must be a bearer token' })
  .transform((text) => new Secret(text));

const totp = z
  .string()
  .refine(isTotpSecret, { error: 'must be a base32 secret, or an otpauth://totp/ URL' })
  .transform((text) => new Secret(text));

const host = z.string().regex(/^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/, {
  error: 'must be a host name in lower case, or "*." and one for all below it',
});

const clientSchema = z.strictObject({
  id: z.string().min(1).max(256),
  secret,
  scope: z.string().max(1_000).default('openid profile ak_proxy'),
  'token-url': httpUrl().optional(),
});

/** One entry of `accounts:`: who, at which gate, by exactly one kind of credential. */
export const accountSchema = z
  .strictObject({
    name: name(),
    gate: z.string().optional(),
    username: username.optional(),
    password: secret.optional(),
    totp: totp.optional(),
    bearer: bearer.optional(),
    basic: z
      .strictObject({
        username: username.refine((text) => !text.includes(':'), { error: 'must have no ":"' }),
        password: secret,
      })
      .optional(),
    client: clientSchema.optional(),
    hosts: z.array(host).min(1).max(MOST_HOSTS).optional(),
    denied: z.array(host).max(MOST_HOSTS).default([]),
  })
  .superRefine((written, context) => {
    const problem = problemOf(written);
    if (problem !== null) context.addIssue({ code: 'custom', message: problem });
  });
export type AccountOption = z.output<typeof accountSchema>;

function problemOf(written: Readonly<Record<string, unknown>>): string | null {
  const kinds = ['password', 'bearer', 'basic', 'client'].filter((key) => written[key] !== undefined);
  if (kinds.length !== 1) return 'needs one credential: username and password, bearer, basic, or client';
  const typed = kinds[0] === 'password';
  if (typed && written['username'] === undefined) return 'has a password without a username';
  if (!typed && (written['username'] !== undefined || written['totp'] !== undefined))
    return `has no use for username and totp beside ${kinds[0]}`;
  return null;
}

/** The account of an entry; `targets` are the static ones, whose hosts are the default. */
export function accountFromOption(option: AccountOption, gate: Gate, targets: readonly Target[]): Account {
  return {
    name: option.name as AccountName,
    gate: gate.name,
    credential: credentialOf(option, gate),
    hosts: option.hosts ?? defaultHosts(gate, targets),
    denied: option.denied,
  };
}

function credentialOf(
  { username: user, password, totp: code, bearer: token, basic, client }: AccountOption,
  gate: Gate,
): Credential {
  if (password !== undefined && user !== undefined)
    return { kind: 'password', username: user, password, totp: code ?? null };
  if (token !== undefined) return { kind: 'bearer', token };
  if (basic !== undefined) return { kind: 'basic', ...basic };
  if (client === undefined) throw new Error('an account without a credential has passed the schema');
  const { id, secret: key, scope } = client;
  return { kind: 'client', tokenUrl: client['token-url'] ?? tokenUrlOf(gate), id, secret: key, scope };
}

/** Where a client's tokens are minted when the file does not say so. */
function tokenUrlOf(gate: Gate): string {
  return `${gate.url}${AUTHENTIK_TOKEN}`;
}

/** Hosts of the gate's static targets that expect its login, and the host a domain-wide gate returns to. */
function defaultHosts(gate: Gate, targets: readonly Target[]): string[] {
  const own = targets.filter(
    (target) => target.gate === gate.name && target.paths.some((path) => target.expect[path]?.is === 'login'),
  );
  const callback = gate.callback === null ? null : URL.parse(`https://${gate.callback}`)?.hostname;
  return [...new Set([...own.map((target) => target.host), ...(callback == null ? [] : [callback])])];
}
