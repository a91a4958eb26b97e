// Evidence: what may be kept of an exchange. An allow list of fields (DESIGN 10, threats S1): `state`, `code`,
// cookie values, other query values and bodies never pass this door.

import type { EpochMs, Exchange, ProbeError, Timings } from './observation.ts';
import { evidenceText } from './text.ts';

/** Headers whose values are kept. Everything else is dropped. */
const KEPT_HEADERS = [
  'server',
  'via',
  'cf-ray',
  'cf-cache-status',
  'cf-mitigated',
  'x-powered-by',
  'x-authentik-id',
  'content-type',
  'content-length',
  'retry-after',
  'date',
  'age',
] as const;

/** Query values that are kept of a Location; of all others only the name. */
const KEPT_QUERY = new Set(['client_id', 'response_type', 'scope', 'error']);

export interface Evidence {
  /** Scheme, host, port and pathname. */
  readonly url: string;
  readonly remote: string | null;
  readonly resolver: string | null;
  readonly timings: Timings;
  readonly status: number | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Redacted Location, or null. */
  readonly location: string | null;
  /** Names of the cookies set; deletions end in `(deleted)`. */
  readonly setCookies: readonly string[];
  readonly bodyBytes: number;
  readonly certificate: {
    readonly name: string | null;
    readonly issuer: string;
    readonly notAfter: EpochMs;
  } | null;
  readonly error: ProbeError | null;
}

/** Location with only scheme, host, pathname, and the names of the query; a few harmless values stay. */
export function redactLocation(location: string, base: string): string {
  let url: URL;
  try {
    url = new URL(location, base);
  } catch {
    return '(not a URL)';
  }
  const query = [...url.searchParams].map(([name, value]) => {
    const shown = KEPT_QUERY.has(name) ? value : name === 'redirect_uri' ? hostOf(value) : '…';
    return `${name}=${shown}`;
  });
  return evidenceText(
    `${url.protocol}//${url.host}${url.pathname}${query.length > 0 ? `?${query.join('&')}` : ''}`,
  );
}

function hostOf(value: string): string {
  try {
    return new URL(value).host;
  } catch {
    return '…';
  }
}

/** The storable part of an exchange. */
export function toEvidence(exchange: Exchange): Evidence {
  const headers: Record<string, string> = {};
  for (const name of KEPT_HEADERS) {
    const value = exchange.headers[name];
    if (value !== undefined) headers[name] = evidenceText(value);
  }
  const url = new URL(exchange.url);
  const location = exchange.headers['location'];
  return {
    url: `${url.protocol}//${url.host}${url.pathname}`,
    remote: exchange.remote === null ? null : `${exchange.remote.address}:${exchange.remote.port}`,
    resolver: exchange.resolver,
    timings: exchange.timings,
    status: exchange.status,
    headers,
    location: location === undefined ? null : redactLocation(location, exchange.url),
    setCookies: exchange.setCookies
      .slice(0, 20)
      .map((cookie) => evidenceText(cookie.name + (cookie.deletes ? ' (deleted)' : ''))),
    bodyBytes: exchange.bodyBytes,
    certificate:
      exchange.tls === null
        ? null
        : {
            name: exchange.tls.matchedName === null ? null : evidenceText(exchange.tls.matchedName),
            issuer: evidenceText(exchange.tls.issuer),
            notAfter: exchange.tls.notAfter,
          },
    error: exchange.error,
  };
}
