// Evidence: what may be kept of an exchange. An allow list of fields (DESIGN 10, threats S1): `state`, `code`,
// cookie values, other query values and bodies never pass this door, nor do secrets of ours that an answer gives back
// in a field that is kept.

import { accountSecrets } from './account.ts';
import type { Subject } from './check.ts';
import type { EpochMs, Exchange, Observation, ProbeError, Timings } from './observation.ts';
import { evidenceText, holdsSecret } from './text.ts';

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

/** Query values that are kept of a Location, and those that are an address of which the host is kept. */
const KEPT_QUERY = new Set(['client_id', 'response_type', 'scope', 'error']);
const ADDRESS_QUERY = new Set(['redirect_uri', 'redirect']);
/** A longer name without a value is a value without a name: `?eyJhbGciOi…`. */
const LONGEST_BARE_NAME = 16;
const NOT_SHOWN = '…';

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

/**
 * What of our own, or of the visitor we played, an answer may give back: the configured headers, the credentials and
 * sessions of the account, and the values of the cookies that were set. Secrets themselves.
 */
export function secretsOf(
  subject: Subject,
  { exchanges, secrets }: Pick<Observation, 'exchanges' | 'secrets'>,
): readonly string[] {
  const own = subject.kind === 'visit' ? subject.target.headers : (subject.headers ?? {});
  const cookies = exchanges.flatMap(({ setCookies }) =>
    setCookies.map(({ raw }) => raw.slice(raw.indexOf('=') + 1).split(';', 1)[0] ?? ''),
  );
  const account = subject.kind === 'visit' ? subject.account : null;
  return [
    ...Object.values(own),
    ...(account === null ? [] : accountSecrets(account)),
    ...secrets,
    ...cookies,
  ];
}

/** Location with only scheme, host, pathname, and the names of the query; a few harmless values stay. */
export function redactLocation(location: string, base: string, secrets: readonly string[] = []): string {
  const url = URL.parse(location, base);
  if (url === null) return '(not a URL)';
  // `javascript:`, `data:` and their like are all content.
  if (url.host === '') return `${url.protocol}${NOT_SHOWN}`;
  const query = [...url.searchParams].map(([name, value]) => queryText(name, value, secrets));
  return evidenceText(`${addressText(url, secrets)}${query.length > 0 ? `?${query.join('&')}` : ''}`);
}

/** Scheme, host and pathname. Parameters of a pathname are session ids (`;jsessionid=…`): left out. */
function addressText(url: URL, secrets: readonly string[]): string {
  const pathname = holdsSecret(url.pathname, secrets)
    ? `/${NOT_SHOWN}`
    : url.pathname.replace(/;[^/]*/g, `;${NOT_SHOWN}`);
  return `${url.protocol}//${url.host}${pathname}`;
}

function queryText(name: string, value: string, secrets: readonly string[]): string {
  const bare = value === '' && name.length > LONGEST_BARE_NAME;
  if (bare || !/^[\w.~-]{1,40}$/.test(name) || holdsSecret(name, secrets)) return NOT_SHOWN;
  const shown = KEPT_QUERY.has(name)
    ? value
    : ADDRESS_QUERY.has(name)
      ? (URL.parse(value)?.host ?? NOT_SHOWN)
      : NOT_SHOWN;
  return `${name}=${holdsSecret(shown, secrets) ? NOT_SHOWN : shown}`;
}

/** The storable part of all exchanges of a probe, in order. */
export function evidenceOf(subject: Subject, observation: Observation): Evidence[] {
  const secrets = secretsOf(subject, observation);
  return observation.exchanges.map((exchange) => evidenceWithout(exchange, secrets));
}

/** The storable part of an exchange that carried no secret of ours. */
export function toEvidence(exchange: Exchange): Evidence {
  return evidenceWithout(exchange, []);
}

function evidenceWithout(exchange: Exchange, secrets: readonly string[]): Evidence {
  const headers: Record<string, string> = {};
  for (const name of KEPT_HEADERS) {
    const value = exchange.headers[name];
    if (value !== undefined) headers[name] = holdsSecret(value, secrets) ? NOT_SHOWN : evidenceText(value);
  }
  const location = exchange.headers['location'];
  return {
    url: addressText(new URL(exchange.url), secrets),
    remote: exchange.remote === null ? null : `${exchange.remote.address}:${exchange.remote.port}`,
    resolver: exchange.resolver,
    timings: exchange.timings,
    status: exchange.status,
    headers,
    location: location === undefined ? null : redactLocation(location, exchange.url, secrets),
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
