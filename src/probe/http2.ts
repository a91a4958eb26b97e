// HTTP/2 on a connection that is already there, by Node itself: undici replays requests on its own and has assertions
// that a dying connection trips outside of any promise.

import {
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { Phase, ProbeError } from '../model/observation.ts';
import type { Ask, Conversation } from './conversation.ts';
import { HEAD_LIMIT_BYTES, HEAD_LIMIT_LINES } from './limits.ts';
import { probeError, toProbeError } from './net-error.ts';
import { watchBytes } from './wire.ts';

/** Stream errors that are only an end (RFC 9113 7); all others say that the protocol was broken. */
const ENDS = new Set<number>([
  constants.NGHTTP2_NO_ERROR,
  constants.NGHTTP2_INTERNAL_ERROR,
  constants.NGHTTP2_REFUSED_STREAM,
  constants.NGHTTP2_CANCEL,
]);

/** Sends the request and reports what comes. Returns what frees the session; throws on a request of ours that is none. */
export function speakHttp2(socket: Socket, ask: Ask, conversation: Conversation, clock: Clock): () => void {
  const session = connect(ask.url.origin, {
    createConnection: () => socket,
    maxHeaderListPairs: 2 * HEAD_LIMIT_LINES, // refused by ours first, with better words
    settings: { enablePush: false, maxHeaderListSize: 2 * HEAD_LIMIT_BYTES },
  });
  session.on('error', (error) => conversation.settle(toProbeError(error, conversation.phase)));
  session.on('close', () => conversation.settle(probeError(conversation.phase, 'reset')));
  const stream = session.request({
    ...ask.headers,
    ':method': ask.post === undefined ? 'GET' : 'POST',
    ':authority': ask.url.host,
    ':path': `${ask.url.pathname}${ask.url.search}`,
  });
  outlive(session, stream);
  if (ask.post !== undefined) stream.end(ask.post);
  const ended = (): void => conversation.settle(resetBy(stream.rstCode ?? 0, conversation.phase));
  const take = (headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void => {
    conversation.firstByte();
    conversation.head(Number(headers[':status'] ?? 0), headerLines(headers), () => stream.resume());
  };
  conversation.sent();
  stream.on('headers', take);
  stream.on('response', take);
  stream.on('data', (piece: Buffer) => {
    if (conversation.data(piece) === 'pause') stream.pause();
  });
  const isWhole = endOf(stream);
  stream.on('end', () => {
    if (isWhole() && conversation.phase === 'body') conversation.settle(null);
    else ended();
  });
  stream.on('error', (error) => {
    const theirs = BY_THE_PEER.has('code' in error ? error.code : null);
    if (theirs) ended();
    else conversation.settle(toProbeError(error, conversation.phase));
  });
  stream.on('close', ended);
  const unwatch = watchBytes(socket, ask, conversation, clock);
  return () => {
    unwatch();
    session.destroy();
  };
}

/**
 * Whether the peer has ended the stream as a whole (END_STREAM). Node ends the readable side of one that was cut by
 * RST_STREAM, too, with code 0 without an error; only then the stream is closed before its data end.
 */
function endOf(stream: ClientHttp2Stream): () => boolean {
  const push = stream.push.bind(stream);
  let whole = false;
  stream.push = (piece, encoding) => {
    if (piece === null && !stream.closed) whole = true;
    return push(piece, encoding);
  };
  return () => whole;
}

/**
 * Node aborts the whole process when a session is collected before a stream that still holds half a header block
 * (assertion `current_nghttp2_memory_ == 0` in node_http2.cc; nodejs/node #39951): a server could choose that. What is
 * registered keeps the session's native half until the stream's is gone.
 */
const pins = new FinalizationRegistry<object>(() => {});

function outlive(session: object, stream: object): void {
  const [first, last] = [nativeHalf(stream), nativeHalf(session)];
  if (first !== null && last !== null) pins.register(first, last);
}

/** Node's own handle of a session or stream; null where a later Node keeps it elsewhere. */
function nativeHalf(owner: object): object | null {
  const key = Object.getOwnPropertySymbols(owner).find((one) => one.description === 'kHandle');
  const handle: unknown = key === undefined ? null : Reflect.get(owner, key);
  return typeof handle === 'object' ? handle : null;
}

/** The peer's RST_STREAM and GOAWAY; with every other error the answer broke a rule, or the connection died. */
const BY_THE_PEER = new Set<unknown>(['ERR_HTTP2_STREAM_ERROR', 'ERR_HTTP2_SESSION_ERROR']);

function resetBy(rstCode: number, phase: Phase): ProbeError {
  return probeError(phase, ENDS.has(rstCode) ? 'reset' : 'bad-response');
}

/** Pseudo headers are no headers; a repeated Set-Cookie comes as a list. */
function headerLines(headers: IncomingHttpHeaders): [string, string][] {
  return Object.entries(headers)
    .filter(([name]) => !name.startsWith(':'))
    .flatMap(([name, value]) => [value ?? ''].flat().map((one): [string, string] => [name, one]));
}
