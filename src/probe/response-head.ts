// The head of a response: bounded, lower-cased, in a map without a prototype; cookies apart (threats H3, H7, K).

import { Cookie } from 'tough-cookie';
import type { SetCookie } from '../model/observation.ts';
import { HEAD_LIMIT_BYTES, HEAD_LIMIT_LINES, SET_COOKIES_KEPT } from './limits.ts';

/** A stored lifetime is never outside of this, whatever the answer says (threats H9, B5). */
const SHORTEST_LIFE_MS = 60_000;
const LONGEST_LIFE_MS = 400 * 86_400_000;

export interface Head {
  readonly headers: Readonly<Record<string, string>>;
  readonly setCookies: readonly SetCookie[];
}

/**
 * Head from name and value pairs in order of arrival, latin1 text; null when there are more than 512 lines or
 * 64 KiB of names and values. `now` is the wall clock.
 */
export function readHead(lines: readonly (readonly [string, string])[], now: number): Head | null {
  if (lines.length > HEAD_LIMIT_LINES) return null;
  const headers: Record<string, string> = Object.create(null);
  const setCookies: SetCookie[] = [];
  let bytes = 0;
  for (const [rawName, value] of lines) {
    bytes += rawName.length + value.length;
    const name = rawName.toLowerCase();
    if (name === 'set-cookie') {
      const cookie = setCookies.length < SET_COOKIES_KEPT ? readSetCookie(value, now) : null;
      if (cookie !== null) setCookies.push(cookie);
    } else {
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
    }
  }
  return bytes > HEAD_LIMIT_BYTES ? null : { headers, setCookies };
}

/** One Set-Cookie line; null when it is none that a strict parser takes. */
function readSetCookie(raw: string, now: number): SetCookie | null {
  const cookie = Cookie.parse(raw, { loose: false });
  if (cookie === undefined) return null;
  const life = lifeMs(cookie, now);
  return {
    name: cookie.key,
    raw,
    deletes: life !== null && life <= 0,
    maxAgeMs: life === null || life <= 0 ? null : Math.min(LONGEST_LIFE_MS, Math.max(SHORTEST_LIFE_MS, life)),
  };
}

/** Max-Age wins over Expires (RFC 6265 5.3, step 3); null = until the session's end. */
function lifeMs(cookie: Cookie, now: number): number | null {
  if (cookie.maxAge === 'Infinity') return Number.POSITIVE_INFINITY;
  if (cookie.maxAge === '-Infinity') return Number.NEGATIVE_INFINITY;
  if (cookie.maxAge !== null && cookie.maxAge !== undefined) return cookie.maxAge * 1000;
  const expires = cookie.expires;
  return expires === 'Infinity' || expires === null ? null : expires.getTime() - now;
}
