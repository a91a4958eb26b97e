// The documents of a browser's visit as exchanges: what browser and proxy know of each, joined.

import type { Response } from 'playwright';
import { type Clock, sleep } from '../../base/clock.ts';
import type { ErrorCode, ProbeError, Timings } from '../../model/observation.ts';
import { hostOf } from '../locate.ts';
import { probeError } from '../net-error.ts';
import { type Head, readHead } from '../response-head.ts';
import type { FromChild } from './message.ts';
import type { Seen } from './page-watch.ts';
import type { Contact } from './proxy.ts';

type WireExchange = Extract<FromChild, { kind: 'done' }>['exchanges'][number];

/** Exchanges told of; the last ones count. */
const MOST = 50;
/** How long the browser may take to give a head or a body, ms. */
const GIVE_MS = 2_000;

/** Chromium's codes (net/base/net_error_list.h) as ours; the proxy knows better why it could not connect. */
const CODES: readonly (readonly [RegExp, ErrorCode])[] = [
  [/CERT_DATE_INVALID/, 'tls-expired'],
  [/CERT_COMMON_NAME_INVALID/, 'tls-wrong-host'],
  [/ERR_CERT_|BAD_SSL_CLIENT_AUTH/, 'tls-untrusted'],
  [/ERR_SSL_|ERR_ECH/, 'tls-failed'],
  [/ERR_TOO_MANY_REDIRECTS/, 'too-many-hops'],
  [/ERR_(CONNECTION_TIMED_OUT|TIMED_OUT)/, 'timeout'],
  [/ERR_(CONNECTION|EMPTY_RESPONSE|SOCKET|TUNNEL|PROXY|INCOMPLETE|CONTENT_LENGTH|HTTP2)/, 'reset'],
];

/** Exchanges of the documents, in order. `bodyLimit` bytes are kept of the last body, none of the others. */
export async function exchangesOf(
  documents: readonly Seen[],
  contacts: readonly Contact[],
  { clock, bodyLimit }: { clock: Clock; bodyLimit: number },
): Promise<readonly WireExchange[]> {
  const last = documents.at(-1);
  const exchanges: WireExchange[] = [];
  for (const seen of documents.slice(-MOST)) {
    const contact = contactOf(seen, contacts);
    const head = await headOf(seen, clock);
    const body = seen === last && seen.response !== null ? await bodyOf(seen.response, clock) : null;
    exchanges.push({
      url: seen.request.url(),
      remote: contact?.remote ?? null,
      resolver: contact?.resolver ?? null,
      timings: timingsOf(seen, contact),
      status: seen.response?.status() ?? null,
      headers: Object.entries(head?.headers ?? {}),
      setCookies: [...(head?.setCookies ?? [])],
      sentCookies: [],
      body: body === null ? '' : body.subarray(0, bodyLimit).toString('utf8'),
      bodyBytes: body?.length ?? 0,
      bodyTruncated: (body?.length ?? 0) > bodyLimit,
      error: errorOf(seen, contact),
    });
  }
  return exchanges;
}

function contactOf({ request }: Seen, contacts: readonly Contact[]): Contact | null {
  const url = new URL(request.url());
  const port = Number(url.port || (url.protocol === 'http:' ? 80 : 443));
  return contacts.findLast((one) => one.host === hostOf(url) && one.port === port) ?? null;
}

/** A connection that serves several documents is timed with each: what is new of it cannot be told apart. */
function timingsOf({ request }: Seen, contact: Contact | null): Timings {
  const timing = request.timing();
  const between = (from: number, to: number): number | null => (from < 0 || to < from ? null : to - from);
  return {
    dnsMs: contact?.dnsMs ?? null,
    connectMs: contact?.connectMs ?? null,
    tlsMs: between(timing.secureConnectionStart, timing.connectEnd),
    firstByteMs: between(timing.requestStart, timing.responseStart),
    transferMs: between(timing.responseStart, timing.responseEnd),
  };
}

function errorOf({ failure }: Seen, contact: Contact | null): ProbeError | null {
  if (failure === null || failure === 'net::ERR_ABORTED') return null;
  if (contact?.error != null) return contact.error;
  const code = CODES.find(([pattern]) => pattern.test(failure))?.[1] ?? 'bad-response';
  const phase = code.startsWith('tls-') ? 'tls' : 'headers';
  const name = /^net::(ERR_[A-Z0-9_]{1,80})$/.exec(failure)?.[1];
  const { message } = probeError(phase, code);
  return probeError(phase, code, name === undefined ? message : `${message} (${name})`);
}

/** Null when the browser does not give it, or it is more than we take of anybody. */
async function headOf({ response, answeredAt }: Seen, clock: Clock): Promise<Head | null> {
  const lines = response === null ? null : await inTime(response.headersArray(), clock);
  return lines === null
    ? null
    : readHead(
        lines.map(({ name, value }) => [name, value] as const),
        answeredAt,
      );
}

async function bodyOf(response: Response, clock: Clock): Promise<Buffer | null> {
  return (await inTime(response.body(), clock)) ?? null;
}

/** What the browser gives, or null when it does not. */
function inTime<T>(given: Promise<T>, clock: Clock): Promise<T | null> {
  return Promise.race([given.catch(() => null), sleep(clock, GIVE_MS).then(() => null)]);
}
