// Cookies. The strangers' jars hold nothing but gates' cookies, one jar a gate, written only after a verified
// hand-over; every visit works on a jar of its own that is thrown away (threats K1 to K6).

import { createHash } from 'node:crypto';
import { Cookie, type CookieJar } from 'tough-cookie';
import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { type Gate, isGateCookie } from '../model/gate.ts';
import type { Exchange } from '../model/observation.ts';
import { StoredCookies } from './stored-cookies.ts';

/** Sent to a host at most (threats, section 6). */
const SENT_COOKIES = 20;
const COOKIE_BYTES = 4 * 1024;
const HEADER_BYTES = 8 * 1024;
/** A kept cookie is replayed for this share of its life, so that none dies on the way (reference/authentik.md 2.5). */
const REPLAYED_SHARE = 0.95;

/** The strangers' cookies of all gates. Values are secrets: never logged or shown. */
export interface Jars {
  /** An applicable, unexpired cookie exists. */
  has(gate: Gate, url: string): boolean;
  /** Cookie header of a return visit, or null. */
  header(gate: Gate, url: string): string | null;
  /** Keeps the gate's cookies of a visit whose hand-over was verified; others must never get here. */
  keep(gate: Gate, exchanges: readonly Exchange[]): void;
  /** Forgets the cookies that apply to the URL's host alone, and with `shared` those of its domain too; whether any. */
  drop(gate: Gate, url: string, shared: boolean): boolean;
  /** A jar for one visit that starts with the gate's cookies and never writes back. */
  copy(gate: Gate): VisitJar;
  /** Durable form, JSON text. Holds secrets. */
  dump(): string;
  /** Takes a dump back; anything else leaves the jars empty. */
  restore(text: string): void;
}

/** What a request carries. */
export interface CookieHeader {
  /** Gate cookies first; null when there are none. */
  readonly value: string | null;
  /** More would belong to it than the limits let through: what is answered to it says nothing about the target. */
  readonly trimmed: boolean;
}

/** Cookies of one visit, carried from hop to hop. */
export interface VisitJar {
  /** Cookies for the URL, within the limits. */
  header(url: string): CookieHeader;
  /** Whether the header would hold a session cookie of the gate. */
  hasGateCookie(url: string): boolean;
  /** Takes what an answer set or deleted. */
  take(exchange: Exchange): void;
}

/** Empty jars. */
export function createJars(clock: Clock): Jars {
  let jars = new Map<string, StoredCookies>();
  const jarOf = (gate: Gate): StoredCookies => {
    const jar = jars.get(gate.name) ?? new StoredCookies();
    jars.set(gate.name, jar);
    return jar;
  };
  const copy = (gate: Gate): VisitJar => createVisitJar(clock, gate, jars.get(gate.name) ?? null);
  return {
    copy,
    has: (gate, url) =>
      jars
        .get(gate.name)
        ?.for(url)
        .some((one) => isLive(one, clock.now())) ?? false,
    header: (gate, url) => copy(gate).header(url).value,
    keep(gate, exchanges) {
      const { jar } = jarOf(gate);
      for (const { raw, url } of gateCookies(gate, exchanges))
        putCookie(jar, raw, url, { now: clock.now(), gate });
    },
    drop(gate, url, shared) {
      const stored = jarOf(gate);
      const dropped = stored.for(url).filter((one) => shared || one.hostOnly === true);
      for (const { domain, path, key } of dropped) stored.jar.store.removeCookie(domain, path, key, () => {});
      return dropped.length > 0;
    },
    dump: () =>
      JSON.stringify(Object.fromEntries([...jars].map(([name, { jar }]) => [name, jar.serializeSync()]))),
    restore(text) {
      jars = restoredJars(text, clock.now());
    },
  };
}

/** Jar of one visit; `kept` are cookies to start with, which what the visit gets shadows. */
export function createVisitJar(clock: Clock, gate: Gate | null, kept: StoredCookies | null): VisitJar {
  /** What the visit was given: most visits are given nothing, or do not ask about it. */
  let own: StoredCookies | null = null;
  /** Answers that nobody asked about yet: most are the last of their visit. */
  let untaken: Exchange[] = [];
  const takeAll = (): void => {
    for (const { setCookies, url } of untaken) {
      if (setCookies.length > 0) own ??= new StoredCookies();
      for (const { raw } of setCookies)
        if (own !== null) putCookie(own.jar, raw, url, { now: clock.now(), gate: null });
    }
    untaken = [];
  };
  const isGates = (cookie: Cookie): boolean => gate !== null && isGateCookie(gate.kind, cookie.key);
  const live = (url: string): Cookie[] => {
    takeAll();
    const found = new Map<string, Cookie>();
    for (const jar of [kept, own]) {
      // Expired ones too: in the visit's own jar they are the deletions that shadow a kept cookie.
      for (const one of jar?.for(url) ?? []) found.set(`${one.domain} ${one.path} ${one.key}`, one);
    }
    const all = [...found.values()].filter((one) => isLive(one, clock.now()));
    return [...all.filter(isGates), ...all.filter((one) => !isGates(one))];
  };
  return {
    header(url) {
      const all = live(url);
      const cookies = withinLimits(all);
      return {
        value: cookies.length === 0 ? null : cookies.map((one) => one.cookieString()).join('; '),
        trimmed: cookies.length < all.length,
      };
    },
    hasGateCookie: (url) => withinLimits(live(url)).some(isGates),
    take: (exchange) => void untaken.push(exchange),
  };
}

/**
 * Stores one Set-Cookie line with its end as an instant: tough-cookie counts Max-Age from the last access, so that
 * a cookie in use would never end. With a gate, the end is the one until which it is replayed.
 */
export function putCookie(
  jar: CookieJar,
  raw: string,
  url: string,
  { now, gate }: { now: number; gate: Gate | null },
): void {
  const cookie = raw.length <= COOKIE_BYTES ? Cookie.parse(raw, { loose: false }) : undefined;
  // Browsers refuse larger ones too, so that nothing is missing in a request without it.
  if (cookie === undefined || sentBytes(cookie) > COOKIE_BYTES) return;
  const life = lifeMs(cookie, now) ?? gate?.sessions.lifetimeMs ?? null;
  if (life !== null)
    cookie.expires = new Date(now + Math.min(life, LONGEST_MS) * (gate === null ? 1 : REPLAYED_SHARE));
  // Refused cookies (foreign domain, public suffix, broken prefix) are simply not there, as in a browser.
  jar.setCookieSync(cookie, url, { ignoreError: true, now: new Date(now) });
}

/** RFC 6265bis 5.5: no cookie lives longer than 400 days. */
const LONGEST_MS = 400 * 86_400_000;

/** Milliseconds left by Max-Age, else by Expires; null for a session cookie. */
function lifeMs(cookie: Cookie, now: number): number | null {
  const { maxAge, expires } = cookie;
  if (typeof maxAge === 'number') return maxAge * 1000;
  if (maxAge === 'Infinity') return LONGEST_MS;
  if (maxAge === '-Infinity') return -1;
  return expires === null || expires === 'Infinity' ? null : expires.getTime() - now;
}

export function isLive(cookie: Cookie, now: number): boolean {
  return !(cookie.expires instanceof Date) || cookie.expires.getTime() > now;
}

function withinLimits(cookies: readonly Cookie[]): Cookie[] {
  let room = HEADER_BYTES;
  return cookies.slice(0, SENT_COOKIES).filter((cookie) => {
    const bytes = sentBytes(cookie);
    const fits = bytes <= room;
    if (fits) room -= bytes;
    return fits;
  });
}

/** Bytes in a Cookie header, with what separates it from the next. */
function sentBytes(cookie: Cookie): number {
  return Buffer.byteLength(cookie.cookieString()) + 2;
}

/**
 * The Set-Cookie lines worth keeping. An app may set cookies with the gate's prefix too, so where the hand-over shows
 * its client only that client's cookie counts, and else only the first one.
 */
function gateCookies(gate: Gate, exchanges: readonly Exchange[]): { raw: string; url: string }[] {
  const all = exchanges.flatMap(({ setCookies, url }) =>
    setCookies
      // A deletion is no cookie to keep; and whose is lost is a return visit's to say, not any answer's (threats K2).
      .filter((one) => isGateCookie(gate.kind, one.name) && !one.deletes)
      .map(({ name, raw }) => ({ name, raw, url })),
  );
  const names = cookieNames(exchanges.at(-1)?.headers['location']);
  const own = all.filter((one) => names.has(one.name));
  return own.length > 0 ? own : all.slice(0, 1);
}

/** Names of the session cookie of an authentik client, by version (reference/authentik.md 0). */
function cookieNames(location: string | undefined): Set<string> {
  const client = URL.parse(location ?? '')?.searchParams.get('client_id');
  if (client == null) return new Set();
  const hash = createHash('sha256').update(client).digest('hex').slice(0, 8);
  return new Set(['authentik_proxy', `authentik_proxy_${client.slice(0, 8)}`, `authentik_proxy_${hash}`]);
}

const jarSchema = z.looseObject({ cookies: z.array(z.looseObject({})) });
const dumpSchema = z.record(z.string(), jarSchema);

function restoredJars(text: string, now: number): Map<string, StoredCookies> {
  try {
    const dump = dumpSchema.parse(JSON.parse(text));
    return new Map(Object.entries(dump).map(([name, { cookies }]) => [name, jarOfCookies(cookies, now)]));
  } catch {
    return new Map(); // no cookies: the next fresh visits bring new ones
  }
}

/** Durable form of one jar, JSON text. Holds secrets. */
export function dumpJar({ jar }: StoredCookies): string {
  return JSON.stringify(jar.serializeSync());
}

/** The jar of a dump, without what has expired; null when the text is none. */
export function restoredJar(text: string, now: number): StoredCookies | null {
  try {
    return jarOfCookies(jarSchema.parse(JSON.parse(text)).cookies, now);
  } catch {
    return null;
  }
}

function jarOfCookies(cookies: readonly object[], now: number): StoredCookies {
  const stored = new StoredCookies();
  for (const json of cookies) {
    const cookie = Cookie.fromJSON(json);
    if (cookie !== undefined && isLive(cookie, now)) stored.jar.store.putCookie(cookie, () => {});
  }
  return stored;
}
