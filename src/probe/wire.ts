// Bytes on the wire of one answer: what leads nowhere is ended long before the deadline, whatever it is made of. undici
// bounds the names and values of a head alone, nghttp2 some kinds of frames (threats H1, H3).

import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { ProbeError } from '../model/observation.ts';
import type { Ask, Conversation } from './conversation.ts';
import { BARREN_LIMIT_BYTES, BODY_WIRE_FACTOR, HEAD_LIMIT_LINES, HEAD_WIRE_LIMIT_BYTES } from './limits.ts';
import { probeError } from './net-error.ts';

const LINE_END = 10;
const HEAD_END = '\n\r\n';

/**
 * Holds back what is over a limit, so that no parser sees it, and ends the conversation. Returns what is to be called
 * when a head has ended or a piece of the body has come: lines and bytes are counted from there.
 */
export function boundReads(socket: Socket, ask: Ask, conversation: Conversation): () => void {
  const startBytes = socket.bytesRead;
  const read = socket.read.bind(socket);
  let lines = 0;
  let barrenBytes = 0;
  const problem = (piece: Buffer): ProbeError | null => {
    if (conversation.phase === 'body') {
      const barren = barrenBytes > BARREN_LIMIT_BYTES;
      barrenBytes += piece.length;
      if (barren) return tooMuch('body');
    } else {
      lines += headLines(piece);
      // A head of so many lines would be refused; to parse one costs 3 µs a line.
      if (lines > HEAD_LIMIT_LINES + 1) return tooMuch('headers');
    }
    return excess(socket.bytesRead - startBytes, ask, conversation);
  };
  socket.read = (size) => {
    const piece: Buffer | null = read(size);
    const error = piece === null ? null : problem(piece);
    if (error === null) return piece;
    conversation.settle(error);
    return null;
  };
  return () => {
    lines = 0;
    barrenBytes = 0;
  };
}

/** How often the bytes are looked at where nobody hears of them, ms. A flood costs no more than that of our time. */
const LOOK_EVERY_MS = 25;

/** Ends a conversation over a socket that something else reads: floods of frames have no events. Returns the end of it. */
export function watchBytes(socket: Socket, ask: Ask, conversation: Conversation, clock: Clock): () => void {
  const startBytes = socket.bytesRead;
  let cancel = (): void => {};
  const look = (): void => {
    const error = excess(socket.bytesRead - startBytes, ask, conversation);
    if (error === null) cancel = clock.after(LOOK_EVERY_MS, look);
    else conversation.settle(error);
  };
  look();
  return () => cancel();
}

function excess(bytes: number, ask: Ask, { phase }: Conversation): ProbeError | null {
  const limitBytes = HEAD_WIRE_LIMIT_BYTES + (phase === 'body' ? BODY_WIRE_FACTOR * ask.bodyLimitBytes : 0);
  return bytes <= limitBytes ? null : tooMuch(phase);
}

function tooMuch(phase: ProbeError['phase']): ProbeError {
  return probeError(phase, 'bad-response', 'far more bytes than the answer is worth');
}

/** Lines of a piece up to the end of a head in it. */
function headLines(piece: Buffer): number {
  const end = piece.indexOf(HEAD_END);
  const head = end === -1 ? piece : piece.subarray(0, end);
  let lines = 0;
  for (let at = head.indexOf(LINE_END); at !== -1; at = head.indexOf(LINE_END, at + 1)) lines += 1;
  return lines;
}
