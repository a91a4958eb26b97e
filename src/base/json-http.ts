// JSON over HTTP from servers that we ask by ourselves: bounded in size and depth, no redirects, nothing partial.
// Credentials go to the URL that is asked and nowhere else; no message carries one, nor a query.

import { rootCertificates } from 'node:tls';
import { Agent, request } from 'undici';

/** Largest answer, in bytes, and deepest nesting (threats, section 6, foreign JSON). */
const LARGEST_JSON = 32 * 1024 * 1024;
const DEEPEST_JSON = 64;
/** A server that sends nothing for this long is gone, whatever the caller's own deadline is, ms. */
const SILENCE_MS = 60_000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/**
 * no-answer   no connection, broken off, or nothing within the time
 * status      an answer that is no 200; `status` has the number
 * garbage     not JSON, or nested too deeply
 * too-large   more bytes than are read
 */
export type JsonHttpReason = 'no-answer' | 'status' | 'garbage' | 'too-large';

/** An answer that cannot be used; the message says which address and why, without secrets. */
export class JsonHttpError extends Error {
  readonly reason: JsonHttpReason;
  /** Status of the answer; null without one. */
  readonly status: number | null;

  constructor(
    reason: JsonHttpReason,
    message: string,
    options: { status?: number | null; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'JsonHttpError';
    this.reason = reason;
    this.status = options.status ?? null;
  }
}

export interface JsonAnswer {
  /** Foreign: to be decoded by a schema. */
  readonly value: unknown;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface JsonHttp extends AsyncDisposable {
  /** The JSON of a 200 answer; rejects with JsonHttpError, also when the signal aborts. */
  get(url: string, signal: AbortSignal): Promise<JsonAnswer>;
}

export interface JsonHttpOptions {
  /** Value of the Authorization header, asked for anew at each request; null = none. */
  readonly authorization: () => string | null;
  /** Further trusted roots, PEM. */
  readonly ca: readonly string[];
  /** Whether `ca` stands alone, without the public roots: a private authority's own server. */
  readonly trustsOnlyCa?: boolean;
  /** Client certificate, PEM. */
  readonly client?: { readonly cert: string; readonly key: string };
  readonly userAgent: string;
  /** Default 32 MiB. */
  readonly largestBytes?: number;
}

/** Client for one server. */
export function createJsonHttp(options: JsonHttpOptions): JsonHttp {
  const { authorization, ca, client, userAgent, largestBytes = LARGEST_JSON } = options;
  const roots = options.trustsOnlyCa === true ? ca : [...rootCertificates, ...ca];
  const agent = new Agent({
    connect: { ...(ca.length === 0 ? {} : { ca: [...roots] }), ...client },
    headersTimeout: SILENCE_MS,
    bodyTimeout: SILENCE_MS,
    pipelining: 1,
  });
  return {
    async get(url, signal) {
      const place = shownPlace(url);
      const credentials = authorization();
      try {
        const { statusCode, headers, body } = await request(url, {
          dispatcher: agent,
          signal,
          headers: {
            'user-agent': userAgent,
            accept: 'application/json',
            ...(credentials === null ? {} : { authorization: credentials }),
          },
        });
        if (statusCode !== 200) {
          body.on('error', () => {}).destroy(); // undici tells that it was destroyed
          const message = `HTTP ${statusCode} from ${place}`;
          throw new JsonHttpError('status', message, { status: statusCode });
        }
        return { value: parsedJson(await textOf(body, largestBytes, place), place), headers };
      } catch (cause) {
        if (cause instanceof JsonHttpError) throw cause;
        const why = signal.aborted ? 'not within the time' : reasonOf(cause);
        throw new JsonHttpError('no-answer', `no answer from ${place}: ${why}`, { cause });
      }
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

async function textOf(body: AsyncIterable<Buffer>, limit: number, place: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > limit)
      throw new JsonHttpError('too-large', `the answer of ${place} is larger than ${limit} bytes`);
  }
  return Buffer.concat(chunks).toString();
}

function parsedJson(text: string, place: string): unknown {
  if (depthOf(text) > DEEPEST_JSON)
    throw new JsonHttpError('garbage', `the answer of ${place} is nested too deeply`);
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes what it read.
    throw new JsonHttpError('garbage', `the answer of ${place} is not JSON`);
  }
}

/** Deepest nesting of brackets outside strings. A loop: patterns run out of stack on a string of megabytes. */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (inString) {
      if (character === BACKSLASH) at += 1;
      else if (character === QUOTE) inString = false;
    } else if (character === QUOTE) inString = true;
    else if (OPENING.has(character)) deepest = Math.max(deepest, ++depth);
    else if (CLOSING.has(character)) depth -= 1;
  }
  return deepest;
}

/** Scheme, host and pathname: a query may hold a token. */
function shownPlace(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? 'an address that is none' : `${parsed.origin}${parsed.pathname}`;
}

function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return /^[A-Z][A-Z0-9_]*$/.test(code) ? code : 'connection broken';
}
