// One request and its answer on a connection that is already there, by the protocol its handshake agreed on.

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import type { BodyLedger } from './body.ts';
import { type Ask, createConversation, type Reply } from './conversation.ts';
import { speakHttp1 } from './http1.ts';
import { speakHttp2 } from './http2.ts';
import { probeError, toProbeError } from './net-error.ts';

/** Sends one request over the socket, whose end this is. Never rejects; an abort ends it with code `timeout`. */
export async function talk(
  socket: Socket,
  ask: Ask,
  tools: { readonly clock: Clock; readonly ledger: BodyLedger },
  signal: AbortSignal,
): Promise<Reply> {
  const conversation = createConversation(ask.bodyLimitBytes, tools);
  const isHttp2 = socket instanceof TLSSocket && socket.alpnProtocol === 'h2';
  const stop = (): void => conversation.settle(probeError(conversation.phase, 'timeout'));
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  let free = (): void => {};
  try {
    free = isHttp2
      ? speakHttp2(socket, ask, conversation, tools.clock)
      : speakHttp1(socket, ask, conversation);
  } catch (error) {
    conversation.settle(toProbeError(error, 'prober'));
  }
  const error = await conversation.settled;
  signal.removeEventListener('abort', stop);
  free();
  socket.destroy();
  return conversation.reply(error);
}
