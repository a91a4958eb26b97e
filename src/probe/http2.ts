// HTTP/2 on a connection that is already there, by Node itself: undici replays requests on its own and has assertions
// that a dying connection trips outside of any promise.

import { connect, constants, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2';
import type { Socket } from 'node:net';
import type { Ask, Conversation } from './conversation.ts';
import { probeError, toProbeError } from './net-error.ts';
import { HEAD_LIMIT_BYTES, HEAD_LIMIT_LINES } from './response-head.ts';

/** Stream errors that are only an end (RFC 9113 7); all others say that the protocol was broken. */
const ENDS = new Set<number>([
  constants.NGHTTP2_NO_ERROR,
  constants.NGHTTP2_INTERNAL_ERROR,
  constants.NGHTTP2_REFUSED_STREAM,
  constants.NGHTTP2_CANCEL,
]);

/** Sends the request and reports what comes. Returns what frees the session; throws on a request of ours that is none. */
export function speakHttp2(socket: Socket, ask: Ask, conversation: Conversation): () => void {
  const session = connect(ask.url.origin, {
    createConnection: () => socket,
    maxHeaderListPairs: 2 * HEAD_LIMIT_LINES, // refused by ours first, with better words
    settings: { enablePush: false, maxHeaderListSize: 2 * HEAD_LIMIT_BYTES },
  });
  session.on('error', (error) => conversation.settle(toProbeError(error, conversation.phase)));
  session.on('close', () => conversation.settle(probeError(conversation.phase, 'reset')));
  const stream = session.request({
    ...ask.headers,
    ':method': 'GET',
    ':authority': ask.url.host,
    ':path': `${ask.url.pathname}${ask.url.search}`,
  });
  const ended = (): void => {
    const code = ENDS.has(stream.rstCode ?? 0) ? 'reset' : 'bad-response';
    conversation.settle(probeError(conversation.phase, code));
  };
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
  // Node ends the readable side of a stream that was cut, too; then its reset code is set.
  stream.on('end', () => {
    if (stream.rstCode === 0 && conversation.phase === 'body') conversation.settle(null);
    else ended();
  });
  stream.on('error', ended);
  stream.on('close', ended);
  return () => session.destroy();
}

/** Pseudo headers are no headers; a repeated Set-Cookie comes as a list. */
function headerLines(headers: IncomingHttpHeaders): [string, string][] {
  return Object.entries(headers)
    .filter(([name]) => !name.startsWith(':'))
    .flatMap(([name, value]) => [value ?? ''].flat().map((one): [string, string] => [name, one]));
}
