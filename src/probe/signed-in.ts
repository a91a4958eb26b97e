// Kept sessions: one jar an account, written by a completed login alone, and holding what the identity provider and
// the gate set in it, nothing of the apps. Visits work on copies that never write back (threats K1, C1, C10).

import type { Clock } from '../base/clock.ts';
import { type Account, mayCarry } from '../model/account.ts';
import { type Gate, isGateCookie } from '../model/gate.ts';
import type { Exchange } from '../model/observation.ts';
import { createVisitJar, dumpJar, isLive, putCookie, restoredJar, type VisitJar } from './jar.ts';
import { StoredCookies } from './stored-cookies.ts';

/** The sessions of all accounts. Values are secrets: never logged or shown. */
export interface SignedIn {
  /** An unexpired session of the gate exists for the URL. */
  has(account: Account, gate: Gate, url: string): boolean;
  /** A session at the identity provider itself exists: the gate can be entered without a password. */
  hasLogin(account: Account, gate: Gate): boolean;
  /** A jar for one visit that starts with the account's cookies. */
  copy(account: Account, gate: Gate): VisitJar;
  /** Keeps what a completed login set; with `replace` in the place of everything kept before. */
  keep(
    signIn: { readonly account: Account; readonly gate: Gate; readonly replace: boolean },
    exchanges: readonly Exchange[],
  ): void;
  /** Forgets the gate's session of the URL's host alone, and with `shared` that of its domain too; whether there was one. */
  drop(account: Account, gate: Gate, url: string, shared: boolean): boolean;
  /** Forgets all sessions of the account; whether there was any. */
  forget(account: Account): boolean;
  /** Values of all kept cookies of the account: secrets to take out of what is kept of a visit. */
  secrets(account: Account): readonly string[];
  /** Durable form of the account's sessions, JSON text that holds secrets; null when there are none. */
  dump(account: Account): string | null;
  /** Takes a dump back; anything else leaves the account without a session. */
  restore(account: Account, text: string): void;
}

/** No sessions. */
export function createSignedIn(clock: Clock): SignedIn {
  const jars = new Map<string, StoredCookies>();
  const live = (account: Account, url: string) =>
    (jars.get(account.name)?.for(url) ?? []).filter((one) => isLive(one, clock.now()));
  return {
    has: (account, gate, url) => live(account, url).some((one) => isSessionCookie(gate, one.key)),
    hasLogin: (account, gate) => live(account, `${gate.url}/`).length > 0,
    copy: (account, gate) => createVisitJar(clock, gate, jars.get(account.name) ?? null),
    keep({ account, gate, replace }, exchanges) {
      const stored = replace ? new StoredCookies() : (jars.get(account.name) ?? new StoredCookies());
      jars.set(account.name, stored);
      for (const { setCookies, url } of exchanges) {
        const from = new URL(url);
        const provider = from.origin === new URL(gate.url).origin;
        for (const { name, raw } of setCookies) {
          if (!provider && !(mayCarry(account, from) && isSessionCookie(gate, name))) continue;
          putCookie(stored.jar, raw, url, { now: clock.now(), gate });
        }
      }
    },
    drop(account, gate, url, shared) {
      const stored = jars.get(account.name);
      const dropped = (stored?.for(url) ?? []).filter(
        (one) => isSessionCookie(gate, one.key) && (shared || one.hostOnly === true),
      );
      for (const { domain, path, key } of dropped)
        stored?.jar.store.removeCookie(domain, path, key, () => {});
      return dropped.length > 0;
    },
    forget: (account) => jars.delete(account.name),
    secrets: (account) => (jars.get(account.name)?.all() ?? []).map(({ value }) => value),
    dump(account) {
      const stored = jars.get(account.name);
      return stored === undefined ? null : dumpJar(stored);
    },
    restore(account, text) {
      const stored = restoredJar(text, clock.now());
      if (stored !== null) jars.set(account.name, stored);
    },
  };
}

/** Where the names are not known (`oidc`), every cookie that a login set on a host of the account. */
function isSessionCookie(gate: Gate, name: string): boolean {
  return gate.kind === 'oidc' || isGateCookie(gate.kind, name);
}
