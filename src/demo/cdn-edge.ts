// The CDN edge of the demo site: ends TLS, marks every answer as Cloudflare does, and asks the origin over verified
// TLS with the visitor's Host ("Full (strict)"). Nothing is cached.

import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { TlsOptions } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import { bannedPage, type CdnStatus, challengePage, errorPage, tracePage, tunnelPage } from './cdn-pages.ts';
import {
  type Answer,
  ask,
  endToEnd,
  type Headers,
  hostName,
  relayed,
  reply,
  responder,
  SERVER_LIMITS,
} from './exchange.ts';
import { type Part, startPart } from './part.ts';
import { zoneOf } from './services.ts';

/** Longest silence of the origin; Cloudflare waits 100 s, a demo does not. */
const ORIGIN_TIMEOUT_MS = 9_000;

/** What the edge does with every request: pass it on, or answer by itself. */
export type EdgeMode = 'pass' | 'tunnel-dead' | 'challenge' | 'banned';

export interface EdgeOptions {
  readonly clock: Clock;
  readonly tls: TlsOptions;
  readonly port: number;
  /** Port of the origin; asked for each request. */
  readonly originPort: () => number;
  /** Root of the origin's certificates, PEM. */
  readonly ca: string;
  readonly mode: () => EdgeMode;
  readonly count?: () => void;
}

/** Starts the edge on the preferred port, or on a free one. */
export function startEdge(options: EdgeOptions): Promise<Part> {
  const handle = responder((request) => answer(options, request));
  return startPart(createServer({ ...SERVER_LIMITS, ...options.tls }, handle), options.clock, options.port);
}

function answer(options: EdgeOptions, request: IncomingMessage): Answer | Promise<Answer> {
  options.count?.();
  const ray = `${randomBytes(8).toString('hex')}-FRA`;
  const marks: Headers = { server: 'cloudflare', 'cf-ray': ray };
  const mode = options.mode();
  if (mode === 'banned') return bannedPage(request, marks);
  if (request.url === '/cdn-cgi/trace') return tracePage(request, marks, options.clock.now());
  if (mode === 'tunnel-dead') return tunnelPage(request, marks);
  if (mode === 'challenge') return challengePage(marks);
  // Error 1000: the request has come through here before; 1001: the name is of no zone of this CDN.
  if (request.headers['cdn-loop'] !== undefined) return reply(403, marks, 'error code: 1000');
  if (zoneOf(hostName(request.headers.host)) === null) return reply(409, marks, 'error code: 1001');
  return passOn(options, request, marks);
}

async function passOn(options: EdgeOptions, request: IncomingMessage, marks: Headers): Promise<Answer> {
  const visitor = request.socket.remoteAddress ?? '';
  const upstream = {
    port: options.originPort(),
    tls: { servername: hostName(request.headers.host), ca: options.ca },
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    headers: {
      ...endToEnd(request),
      'cdn-loop': 'cloudflare',
      'cf-ray': marks['cf-ray'] ?? '',
      'cf-connecting-ip': visitor,
    },
    timeoutMs: ORIGIN_TIMEOUT_MS,
  };
  try {
    const answer = await ask(upstream, request);
    // The body of an origin's 502 and 504 is replaced, so that nobody can tell whose error it is.
    if (answer.statusCode === 502 || answer.statusCode === 504) {
      answer.resume();
      return errorPage(request, answer.statusCode, marks);
    }
    return relayed(answer, { ...marks, 'cf-cache-status': 'DYNAMIC' });
  } catch (error) {
    return errorPage(request, statusOf(error), marks);
  }
}

/** Status by which the edge reports a failed connection to the origin. */
function statusOf(error: unknown): CdnStatus {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ECONNREFUSED') return 521;
  if (code === 'ETIMEDOUT') return 522;
  if (code.startsWith('CERT_') || code.includes('CERTIFICATE') || code.includes('ALTNAME')) return 526;
  return code === 'EPROTO' || code.startsWith('ERR_SSL') ? 525 : 520;
}
