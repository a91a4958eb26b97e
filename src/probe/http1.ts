// HTTP/1.1 on a connection that is already there, by undici's parser: no retry, no redirect, no keep-alive.

import type { Socket } from 'node:net';
import { Client, type Dispatcher, errors } from 'undici';
import type { Phase, ProbeError } from '../model/observation.ts';
import type { Ask, Conversation } from './conversation.ts';
import { HEAD_LIMIT_BYTES } from './limits.ts';
import { probeError, toProbeError } from './net-error.ts';
import { boundReads } from './wire.ts';

/**
 * Given both to a peer that left in the middle and to one that broke the protocol. The assertion is undici's own about
 * the order of answers: status 101 or 000 trips it.
 */
const AMBIGUOUS = new Set(['UND_ERR_SOCKET', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'ERR_ASSERTION']);

/** Sends the request and reports what comes. Returns what frees the client; throws on a request of ours that is none. */
export function speakHttp1(socket: Socket, ask: Ask, conversation: Conversation): () => void {
  const advanced = boundReads(socket, ask, conversation);
  const client = createClient(socket, ask.url);
  const request = { path: `${ask.url.pathname}${ask.url.search}`, headers: ask.headers };
  const what = ask.post === undefined ? { method: 'GET' } : { method: 'POST', body: ask.post };
  client.dispatch({ ...request, ...what, reset: true }, handlerFor(socket, conversation, advanced));
  // The end of the socket does: it was the client's only one, and destroying the client costs two errors a probe.
  return () => {};
}

/** Client that uses this one socket once: a second request for a connection (a replay) is refused. */
function createClient(socket: Socket, url: URL): Client {
  let used = false;
  return new Client(url.origin, {
    connect(_options, callback) {
      const usable = !used && (!socket.destroyed || socket.errored !== null);
      used = true;
      // undici expects the answer later than the question.
      queueMicrotask(() => {
        if (usable) callback(null, socket);
        else callback(Object.assign(new Error('the only connection is gone'), { code: 'ECONNRESET' }), null);
      });
    },
    allowH2: false,
    maxHeaderSize: HEAD_LIMIT_BYTES + 1, // undici refuses what reaches its limit, ours may be reached
    headersTimeout: 0, // the visit's one deadline holds instead (threats M3)
    bodyTimeout: 0,
  });
}

function handlerFor(
  socket: Socket,
  conversation: Conversation,
  advanced: () => void,
): Dispatcher.DispatchHandler {
  return {
    onRequestStart() {},
    onRequestSent: () => conversation.sent(),
    onResponseStarted: () => conversation.firstByte(),
    onResponseStart(controller, status) {
      advanced();
      conversation.head(status, headerLines(controller.rawHeaders), () => controller.resume());
    },
    onResponseData(controller, piece) {
      advanced();
      if (conversation.data(piece) === 'pause') controller.pause();
    },
    // A body that only the end of the connection ends is whole only if that was no reset; undici takes both.
    onResponseEnd() {
      withoutStacks();
      conversation.settle(socket.errored === null ? null : toProbeError(socket.errored, 'body'));
    },
    onResponseError: (_controller, error) => conversation.settle(errorOf(error, conversation.phase, socket)),
  };
}

/** Frames that an error of this process keeps. */
const STACK_FRAMES = Error.stackTraceLimit;

/**
 * For the rest of this turn, errors are made without a stack: undici ends every connection with one that nobody sees,
 * and its stack would cost a twentieth of a probe (reference/performance.md 6).
 */
function withoutStacks(): void {
  Error.stackTraceLimit = 0;
  queueMicrotask(() => {
    Error.stackTraceLimit = STACK_FRAMES;
  });
}

/**
 * undici gives the same errors (its parser's even without a code) to a peer that left too early and to an answer that
 * is no HTTP or out of turn (100 or 101 that nobody asked for); only the first one has ended the stream.
 */
function errorOf(error: Error, phase: Phase, socket: Socket): ProbeError {
  if (!(error instanceof errors.HTTPParserError) && !AMBIGUOUS.has(codeOf(error)))
    return toProbeError(error, phase);
  const left = socket.readableEnded || (socket.errored !== null && codeOf(socket.errored) === 'ECONNRESET');
  return probeError(phase, left ? 'reset' : 'bad-response');
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Names and values, in pairs of buffers, as latin1 text. */
function headerLines(raw: Dispatcher.DispatchController['rawHeaders']): [string, string][] {
  const lines: [string, string][] = [];
  if (!Array.isArray(raw)) return lines;
  for (let index = 0; index + 1 < raw.length; index += 2)
    lines.push([latin1(raw[index]), latin1(raw[index + 1])]);
  return lines;
}

function latin1(part: Buffer | string | undefined): string {
  return typeof part === 'string' ? part : (part?.toString('latin1') ?? '');
}
