// The visit `login`: a stranger without any cookie signs in and ends at the app. Nothing is kept here; whoever judges
// the result keeps its session.

import { mayCarry } from '../model/account.ts';
import type { Check } from '../model/check.ts';
import type { Limit } from './exchange.ts';
import { notSent, type Sighting, type VisitTools } from './http-visit.ts';
import { createVisitJar } from './jar.ts';
import { signIn } from './login.ts';

/** Signs in with the account's password. Without one, and where it must not go, nothing is sent. */
export function visitLogin(check: Check, tools: VisitTools, limit: Limit): Promise<Sighting> {
  const { account, gate, target } = check;
  if (account?.credential.kind !== 'password' || gate === null)
    return Promise.resolve(notSent('no account to log in with'));
  if (!mayCarry(account, new URL(target.url)))
    return Promise.resolve(notSent('the account may not be used here'));
  // Never from the strangers' jar, nor from the kept session: what a login proves is that a new visitor can (C10).
  const jar = createVisitJar(tools.clock, gate, null);
  return signIn({ check, account, gate, jar, limit, types: true }, tools);
}
