// HTTP to receivers: own connections, no redirects, bounded answers, and the last good address when DNS fails.
// Addresses and credentials of receivers are secrets: nothing here puts them into a message.

import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { rootCertificates } from 'node:tls';
import { Agent, request } from 'undici';
import type { Secret } from '../base/secret.ts';
import type { FailureReason } from './delivery.ts';

/** Bytes of an answer that are read. */
const BODY_LIMIT = 1024 * 1024;
/** Names whose addresses are remembered. */
const ADDRESSES = 64;

export interface Auth {
  readonly basic?: { readonly username: string; readonly password: Secret } | undefined;
  readonly bearer?: Secret | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** The receiver's clock, from its Date header; null without one. Whole seconds. */
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

export interface Http {
  /** Sends one request; rejects with NoAnswer. */
  send(
    call: { method: 'GET' | 'POST'; url: string; body?: string; headers?: Record<string, string> },
    signal: AbortSignal,
  ): Promise<Answer>;
  close(): Promise<void>;
}

/** HTTP for one receiver. `ca`: further trusted roots, PEM. */
export function createHttp(options: { auth: Auth | null; ca: readonly string[]; userAgent: string }): Http {
  const trust = options.ca.length === 0 ? {} : { ca: [...rootCertificates, ...options.ca] };
  const agent = new Agent({ connect: { ...trust, lookup: rememberingLookup() }, pipelining: 1 });
  const authorization = authorizationOf(options.auth);
  return {
    async send({ method, url, body, headers }, signal) {
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
        const date = Date.parse(String(response.headers['date'] ?? ''));
        return {
          status: response.statusCode,
          body: await bodyText(response.body),
          dateMs: Number.isNaN(date) ? null : date,
        };
      } catch (cause) {
        throw new NoAnswer(signal.aborted ? 'timeout' : 'connection', { cause });
      }
    },
    close: () => agent.destroy(),
  };
}

async function bodyText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > BODY_LIMIT) break;
  }
  return Buffer.concat(chunks).subarray(0, BODY_LIMIT).toString();
}

function authorizationOf(auth: Auth | null): string | null {
  if (auth?.bearer !== undefined) return `Bearer ${auth.bearer.reveal()}`;
  if (auth?.basic === undefined) return null;
  const { username, password } = auth.basic;
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString('base64')}`;
}

// The alert about a DNS failure must leave although DNS fails (threats X24). TLS still checks the name.
function rememberingLookup(): LookupFunction {
  const known = new Map<string, Parameters<Parameters<LookupFunction>[2]>>();
  return (hostname, options, callback) => {
    systemLookup(hostname, options, (error, address, family) => {
      const key = `${hostname} ${options.family ?? 0} ${String(options.all ?? false)}`;
      const before = known.get(key);
      if (error !== null && before !== undefined) return callback(...before);
      if (error === null) {
        if (known.size >= ADDRESSES) known.clear();
        known.set(key, [null, address, family]);
      }
      return callback(error, address, family);
    });
  };
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
