// Passwords and tokens of the web port: compared in constant time, and wrong ones counted per peer (threats W4).

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { Identity } from './access.ts';
import type { WebOptions } from './options.ts';

/** Wrong credentials that one peer may send in a minute. */
const FAILURES_A_MINUTE = 10;
/** Peers remembered; beyond it the oldest is forgotten. */
const PEERS = 1_000;

export type Credentials = { readonly identity: Identity | null } | { readonly refused: 'wrong' | 'too-many' };

/** Tells who an `Authorization` header is; never says which part was wrong. */
export type Identify = (authorization: string | null, peer: string) => Credentials;

/** Checker for the configured password and tokens; without `web.auth` every header is ignored. */
export function createIdentify(auth: WebOptions['auth'], clock: Clock): Identify {
  const failures = new Map<string, { count: number; since: number }>();
  const blocked = (peer: string): boolean => {
    const entry = failures.get(peer);
    return (
      entry !== undefined && clock.monotonic() - entry.since < 60_000 && entry.count >= FAILURES_A_MINUTE
    );
  };
  const failed = (peer: string): void => {
    const entry = failures.get(peer);
    const fresh = entry !== undefined && clock.monotonic() - entry.since < 60_000;
    failures.delete(peer);
    failures.set(peer, fresh ? { ...entry, count: entry.count + 1 } : { count: 1, since: clock.monotonic() });
    const oldest = failures.keys().next();
    if (failures.size > PEERS && !oldest.done) failures.delete(oldest.value);
  };
  return (authorization, peer) => {
    if (auth === null || authorization === null) return { identity: null };
    if (blocked(peer)) return { refused: 'too-many' };
    const identity = identityOf(authorization, auth);
    if (identity !== null) return { identity };
    failed(peer);
    return { refused: 'wrong' };
  };
}

function identityOf(authorization: string, auth: NonNullable<WebOptions['auth']>): Identity | null {
  const bearer = /^bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (bearer !== undefined) return tokenOf(bearer, auth);
  const encoded = /^basic +(\S+) *$/i.exec(authorization)?.[1];
  if (encoded === undefined || auth.basic === null) return null;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const wanted = `${auth.basic.username}:${auth.basic.password.reveal()}`;
  return isSame(text, wanted) ? { kind: 'basic', name: auth.basic.username } : null;
}

/** Looks at every token, so that the time does not tell which one was near. */
function tokenOf(text: string, auth: NonNullable<WebOptions['auth']>): Identity | null {
  let found: Identity | null = null;
  for (const { name, token, may } of auth.tokens) {
    if (isSame(text, token.reveal())) found = { kind: 'token', name, may };
  }
  return found;
}

function isSame(given: string, wanted: string): boolean {
  return timingSafeEqual(
    createHash('sha256').update(given).digest(),
    createHash('sha256').update(wanted).digest(),
  );
}
