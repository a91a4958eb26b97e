// One exchange: look up, connect, handshake, ask, read. Always on a new connection, always under the visit's one
// deadline; what goes wrong is in the exchange, never thrown.

import type { Clock } from '../base/clock.ts';
import { humanDuration } from '../base/duration.ts';
import type { NetworkPath } from '../model/network-path.ts';
import type { Exchange, ProbeError, Timings } from '../model/observation.ts';
import type { BodyLedger } from './body.ts';
import type { Ask, Reply } from './conversation.ts';
import { type Connection, createDial } from './dial.ts';
import type { Resolve } from './dns.ts';
import { createLocate, hostOf, type Location } from './locate.ts';
import { probeError } from './net-error.ts';
import { talk } from './talk.ts';

/** The absolute deadline of one probe, over all its exchanges. */
export interface Limit {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** The signal aborted because we are stopping, not because time is up. */
  stopped(): boolean;
}

/** Executes exchanges; never rejects. */
export interface Exchanger {
  /** GET of `ask.url` by the path, or POST of what it has to post. */
  get(ask: Ask, path: NetworkPath | null, limit: Limit): Promise<Exchange>;
  /** The connection alone, for the URL's host: TCP, and TLS for https. */
  handshake(url: URL, path: NetworkPath | null, limit: Limit): Promise<Exchange>;
}

export function createExchanger(tools: {
  readonly clock: Clock;
  readonly resolve: Resolve;
  readonly ca: readonly string[];
  readonly allowedAddresses: ReadonlySet<string>;
}): Exchanger {
  const locate = createLocate(tools);
  const dial = createDial(tools);
  const ledger: BodyLedger = { bytes: 0 };

  const open = async (url: URL, path: NetworkPath | null, limit: Limit): Promise<Opened> => {
    const location = await locate(url, path, limit.signal);
    const target = {
      port: location.port,
      host: hostOf(url),
      secure: url.protocol === 'https:',
      tls: path?.tls ?? null,
    };
    let opened: Opened = { url, location, address: null, connection: null, dialMs: 0 };
    for (const address of location.addresses) {
      const startMs = tools.clock.monotonic();
      const connection = await dial({ ...target, address, http: path?.http ?? 1 }, limit.signal);
      opened = { url, location, address, connection, dialMs: tools.clock.monotonic() - startMs };
      if (!triesNext(connection)) break;
    }
    return opened;
  };

  return {
    async get(ask, path, limit) {
      const opened = await open(ask.url, path, limit);
      const socket = opened.connection?.socket ?? null;
      const reply =
        socket === null ? null : await talk(socket, ask, { clock: tools.clock, ledger }, limit.signal);
      return toExchange(opened, ask, reply, limit);
    },
    async handshake(url, path, limit) {
      const opened = await open(url, path, limit);
      opened.connection?.socket?.destroy();
      return toExchange(opened, null, null, limit);
    },
  };
}

interface Opened {
  readonly url: URL;
  readonly location: Location;
  readonly address: string | null;
  readonly connection: Connection | null;
  /** Time that went into the last connection attempt. */
  readonly dialMs: number;
}

/** A refused address is passed over as a browser does; silence is not waited for twice. */
function triesNext(connection: Connection): boolean {
  return connection.error?.code === 'connect-refused' || connection.error?.code === 'unreachable';
}

function toExchange(opened: Opened, ask: Ask | null, reply: Reply | null, limit: Limit): Exchange {
  const { url, location, address, connection } = opened;
  const error = location.error ?? connection?.error ?? reply?.error ?? null;
  return {
    url: url.href,
    remote: address === null ? null : { address, port: location.port },
    resolver: location.resolver,
    timings: timingsOf(location, connection, reply),
    tls: connection?.tls ?? null,
    status: reply?.status ?? null,
    headers: reply?.head?.headers ?? Object.create(null),
    setCookies: reply?.head?.setCookies ?? [],
    sentCookies: reply === null ? [] : cookieNames(ask?.headers['cookie']),
    body: reply?.body?.text ?? '',
    bodyBytes: reply?.body?.bytes ?? 0,
    bodyTruncated: reply?.body?.truncated ?? false,
    error: error === null ? null : finalError(error, limit, opened.dialMs),
  };
}

function timingsOf(location: Location, connection: Connection | null, reply: Reply | null): Timings {
  return {
    dnsMs: location.dnsMs,
    connectMs: connection?.connectMs ?? null,
    tlsMs: connection?.tlsMs ?? null,
    firstByteMs: reply?.firstByteMs ?? null,
    transferMs: reply?.transferMs ?? null,
  };
}

/**
 * A stop of ours is nobody's time-out; a time-out says how long it waited. An attempt to connect that the deadline cut
 * short, because earlier hops had used the time up, does not say that nobody is there.
 */
function finalError(error: ProbeError, limit: Limit, dialMs: number): ProbeError {
  if (limit.stopped()) return probeError('prober', 'aborted');
  const cut = error.code === 'connect-timeout' && dialMs < LEAST_DIAL_SHARE * limit.timeoutMs;
  const why = cut ? probeError('connect', 'timeout') : error;
  const waited = why.code === 'timeout' || why.code === 'connect-timeout';
  return waited
    ? { ...why, message: `${why.message} (${humanDuration(limit.timeoutMs)} for everything)` }
    : why;
}

/** Share of the time-out that an unanswered attempt must have had to count as one. */
const LEAST_DIAL_SHARE = 0.25;

function cookieNames(header: string | undefined): string[] {
  if (header === undefined) return [];
  return header.split('; ').map((pair) => pair.slice(0, pair.indexOf('=')));
}
