// HTTP to receivers: own connections, no redirects, bounded answers, and the last good address when DNS fails.
// Addresses and credentials of receivers are secrets: nothing here puts them into a message.

import { isIP } from 'node:net';
import { rootCertificates } from 'node:tls';
import { Agent, request } from 'undici';
import type { Clock } from '../base/clock.ts';
import { authorizationOf, type HttpAuth } from '../base/http-auth.ts';
import { type Addresses, createAddresses } from './addresses.ts';
import type { FailureReason } from './delivery.ts';

/** Bytes of an answer that are read, unless the call says otherwise (threats X25). */
const BODY_LIMIT = 64 * 1024;
/** Years in which a receiver's clock is believed to be at all. */
const DATES = { from: Date.UTC(2000, 0), to: Date.UTC(2200, 0) };

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** The receiver's clock, from its Date header; null without a sensible one. Whole seconds. */
  readonly dateMs: number | null;
}

/** A request that got no answer. */
export class NoAnswer extends Error {
  readonly reason: FailureReason;

  constructor(reason: FailureReason, options?: ErrorOptions) {
    super(`no answer: ${reason}`, options);
    this.name = 'NoAnswer';
    this.reason = reason;
  }
}

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly bodyLimit?: number;
}

export interface Http {
  /** Sends one request; rejects with NoAnswer. A longer answer is cut at `bodyLimit` bytes. */
  send(call: Call, signal: AbortSignal): Promise<Answer>;
  /** Looks the URL's name up, for the time when DNS does not answer; returns at once. */
  remember(url: string): void;
  close(): Promise<void>;
}

/** HTTP for one receiver. `ca`: further trusted roots, PEM. */
export function createHttp(options: {
  readonly auth: HttpAuth | null;
  readonly ca: readonly string[];
  readonly userAgent: string;
  readonly clock: Clock;
  readonly addresses?: Addresses;
}): Http {
  const trust = options.ca.length === 0 ? {} : { ca: [...rootCertificates, ...options.ca] };
  const addresses = options.addresses ?? createAddresses(options.clock);
  const agent = new Agent({ connect: { ...trust, lookup: addresses.lookup }, pipelining: 1 });
  const authorization = authorizationOf(options.auth);
  return {
    async send({ method, url, body, headers, bodyLimit }, signal) {
      try {
        const response = await request(url, {
          dispatcher: agent,
          method,
          signal,
          body: body ?? null,
          headers: {
            'user-agent': options.userAgent,
            accept: 'application/json',
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...(authorization === null ? {} : { authorization }),
            ...headers,
          },
        });
        return {
          status: response.statusCode,
          body: await bodyText(response.body, bodyLimit ?? BODY_LIMIT),
          dateMs: dateOf(response.headers['date']),
        };
      } catch (cause) {
        throw new NoAnswer(signal.aborted ? 'timeout' : 'connection', { cause });
      }
    },
    remember(url) {
      const name = new URL(url).hostname;
      if (isIP(name.replace(/^\[|\]$/g, '')) === 0) addresses.remember(name);
    },
    close: () => agent.destroy(),
  };
}

function dateOf(header: string | string[] | undefined): number | null {
  const date = Date.parse(String(header ?? ''));
  return date >= DATES.from && date < DATES.to ? date : null;
}

async function bodyText(body: AsyncIterable<Buffer>, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit).toString();
}

/** Reason of an answer that is no success; null for 2xx. */
export function reasonOfStatus(status: number): FailureReason | null {
  if (status >= 200 && status < 300) return null;
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 404 || status === 405) return 'not-found';
  if (status === 400 || status === 413 || status === 422) return 'rejected';
  if (status === 429) return 'limited';
  return status >= 500 ? 'server-error' : 'status';
}
