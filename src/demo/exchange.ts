// One HTTP exchange of the demo site: answering, and passing a request on. Every wait and every body is bounded.

import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline, Transform } from 'node:stream';
import { LOOPBACK } from './part.ts';

/** Longest body that is passed on, or read. */
const MAX_BODY_BYTES = 1024 * 1024;

export type Headers = Record<string, string | readonly string[]>;

/** Limits of every server of the demo; the values are Node's names and in milliseconds or bytes. */
export const SERVER_LIMITS = {
  requestTimeout: 15_000,
  headersTimeout: 10_000,
  keepAliveTimeout: 5_000,
  maxHeaderSize: 64 * 1024,
} as const;

/** Where a request is passed on to. */
export interface Upstream {
  readonly port: number;
  /** Name and trusted root of a TLS upstream; null = plain HTTP. */
  readonly tls: { readonly servername: string; readonly ca: string } | null;
  readonly method: string;
  readonly target: string;
  readonly headers: Headers;
  /** Longest silence. */
  readonly timeoutMs: number;
}

/** What a server of the demo answers: a text of its own, or the body of somebody else's answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string | IncomingMessage;
}

/** An answer of our own; Content-Length is set, also when it is 0. */
export function reply(status: number, headers: Headers = {}, body: string = ''): Answer {
  const length =
    status === 204 || status === 304 ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return { status, headers: { ...headers, ...length }, body };
}

/** Redirect as Go's net/http writes it: a small page with the link, on GET and HEAD alike. */
export function redirect(location: string, headers: Headers = {}): Answer {
  const href = location.replaceAll('&', '&amp;').replaceAll('"', '&#34;').replaceAll('<', '&lt;');
  const type = { 'content-type': 'text/html; charset=utf-8' };
  return reply(302, { ...type, location, ...headers }, `<a href="${href}">Found</a>.\n\n`);
}

/** Somebody else's status, headers and body, without what belongs to one connection (RFC 9110 7.6.1). */
export function relayed(message: IncomingMessage, headers: Headers = {}): Answer {
  return { status: message.statusCode ?? 502, headers: { ...endToEnd(message), ...headers }, body: message };
}

/** Request handler that sends what `answer` returns; cuts the connection when it rejects. */
export function responder(
  answer: (request: IncomingMessage) => Answer | Promise<Answer>,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    Promise.try(answer, request)
      .then(({ status, headers, body }) => {
        response.writeHead(status, sendable(headers));
        if (typeof body === 'string') response.end(body);
        else pipeline(body, response, () => undefined);
        request.resume();
      })
      .catch(() => response.destroy());
  };
}

/**
 * Sends the request on over a new connection and resolves with the answer when its headers are there. Rejects with
 * Node's error, or with code ETIMEDOUT after the longest silence. `body` is a text, or the request whose body is
 * passed on.
 */
export function ask(upstream: Upstream, body: IncomingMessage | string | null): Promise<IncomingMessage> {
  const { port, tls, method, target, timeoutMs } = upstream;
  const options = {
    host: LOOPBACK,
    port,
    method,
    path: target,
    headers: sendable(upstream.headers),
    timeout: timeoutMs,
    agent: false as const,
  };
  return new Promise((resolve, reject) => {
    const request: ClientRequest =
      tls === null
        ? httpRequest(options)
        : httpsRequest({ ...options, servername: tls.servername, ca: tls.ca });
    request.on('response', resolve);
    request.on('error', reject);
    request.on('timeout', () =>
      request.destroy(Object.assign(new Error('upstream is silent'), { code: 'ETIMEDOUT' })),
    );
    if (body === null || method === 'GET' || method === 'HEAD') request.end();
    else if (typeof body === 'string') request.end(body);
    else pipeline(body, limited(), request, () => undefined);
  });
}

/** The whole body as text, or null when it is too long. */
export async function readBody(message: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** JSON of a text, or null when it is none. */
export function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}

/** Headers of a message that are not about its connection. */
export function endToEnd(message: IncomingMessage): Headers {
  const headers: Headers = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name)) headers[name] = value;
  }
  return headers;
}

/** Lower-case host name of a Host header, without its port. */
export function hostName(host: string | undefined): string {
  return (host ?? '').replace(/:\d+$/, '').toLowerCase();
}

/** First value of a request header, or null. */
export function header(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

/** Value of a cookie of the request, or null. */
export function cookie(request: IncomingMessage, name: string): string | null {
  const pairs = (header(request, 'cookie') ?? '').split(';').map((part) => part.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? null;
}

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function limited(): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      done(bytes > MAX_BODY_BYTES ? new Error('request body is too long') : null, chunk);
    },
  });
}

function sendable(headers: Headers): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  );
}
