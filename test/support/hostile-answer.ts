// The words in which hostile servers are written: one row is a name, how bytes reach the client, and what a visit of
// a public and of a login target must come to.

import type { Socket } from 'node:net';
import type { Identity } from './origin.ts';

/** Serves one connection from its first byte on. */
export type Answer = (socket: Socket) => void;

export interface HostileServer {
  readonly name: string;
  /** What the path offers: 2 = h2 before http/1.1. */
  readonly http: 1 | 2;
  /** What stands before `answer` gets the socket: nothing, or a TLS handshake with a good certificate. */
  readonly carrier: 'tcp' | 'tls';
  /** Scheme of the target; a `tcp` carrier under `https` is a server that breaks TLS itself. */
  readonly scheme: 'http' | 'https';
  readonly answer: Answer;
  /** `up`, or verdict and signature: `down reset`. */
  readonly public: string;
  readonly login: string;
  /** Nothing but the deadline ends it. */
  readonly slow: boolean;
  /** It breaks TLS after the handshake, and is nothing without it. */
  readonly breaksTls?: boolean;
  /** Certificate of its own; else one that is right. */
  readonly identity?: () => Promise<Identity>;
}

/** Control characters, terminal escapes, bidi, markup, templates and mentions: what people and parsers choke on. */
export const EVIL_TEXT =
  '\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp.exe\u2066\u200b<script>alert(1)</script>{{7*7}}${HOME}<!channel>`id`\'"&';

/** The same as bytes that a header may carry: UTF-8 without C0, which parsers refuse. */
export const EVIL_BYTES: Buffer = Buffer.concat([
  Buffer.from([0x9b]),
  Buffer.from(EVIL_TEXT.replace(/[\x00-\x1f]/g, ''), 'utf8'),
]);

/** Row of HTTP/1.1 text inside TLS. `login` is as `public` unless told. */
export function http1(
  name: string,
  answer: Answer,
  expected: string,
  over: { login?: string; slow?: boolean } = {},
): HostileServer {
  const { login = expected, slow = expected.endsWith(' timeout') } = over;
  return { name, http: 1, carrier: 'tls', scheme: 'https', answer, public: expected, login, slow };
}

/** Answers the first request with these bytes; `then` is what follows: a clean end, a reset, or silence. */
export function say(bytes: string | Buffer, then: 'end' | 'reset' | 'wait' = 'end'): Answer {
  return (socket) => {
    socket.once('data', () => {
      socket.write(bytes, () => {
        if (then === 'end') socket.end();
        if (then === 'reset') reset(socket);
      });
    });
  };
}

/** A reset on the wire, below TLS if there is any. */
function reset(socket: Socket & { _parent?: Socket }): void {
  (socket._parent ?? socket).resetAndDestroy();
}

/** Writes `piece` every 20 ms after `first`, for ever. */
export function drip(first: string | Buffer, piece: string | Buffer): Answer {
  return (socket) => {
    socket.once('data', () => {
      socket.write(first);
      const timer = setInterval(() => socket.write(piece), 20);
      socket.once('close', () => clearInterval(timer));
    });
  };
}

/** Writes `piece` as fast as it is taken after `first`, for ever. */
export function flood(first: string | Buffer, piece: string | Buffer): Answer {
  const block = typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece;
  const repeated = Buffer.concat(Array.from({ length: Math.ceil(16_384 / block.length) }, () => block));
  return (socket) => {
    socket.once('data', () => {
      socket.write(first);
      const more = (): void => {
        while (!socket.destroyed && socket.write(repeated));
      };
      socket.on('drain', more);
      more();
    });
  };
}

/** Another answer for each request, by its path: a server that can redirect to itself. */
export function byPath(answer: (path: string) => string | Buffer): Answer {
  return (socket) => {
    socket.once('data', (request) => {
      const path = /^GET (\S+)/.exec(request.toString('latin1'))?.[1] ?? '';
      socket.end(answer(path));
    });
  };
}
