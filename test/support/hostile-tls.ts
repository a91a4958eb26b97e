// Hostile servers that break the TLS handshake, byte by byte (RFC 8446 5.1, RFC 5246 7.4).

import type { Socket } from 'node:net';
import { type Answer, type HostileServer, say } from './hostile-answer.ts';

const FAILED = 'down tls-failed';
const TIMEOUT = 'down timeout';

const record = (type: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type, 3, 3, body.length >> 8, body.length & 0xff]), body]);
const handshake = (type: number, length: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type, length >> 16, (length >> 8) & 0xff, length & 0xff]), body]);
const alert = (level: number, description: number): Buffer => record(21, Buffer.from([level, description]));

/** ServerHello of TLS 1.2 with ECDHE-RSA-AES128-GCM-SHA256 and the extension renegotiation_info, which OpenSSL insists on. */
const HELLO = record(
  22,
  handshake(
    2,
    45,
    Buffer.concat([Buffer.from([3, 3]), Buffer.alloc(32, 7), Buffer.from('00c02f000005ff01000100', 'hex')]),
  ),
);

/** The hello, then a Certificate message of 16 MB that never ends. */
const endlessChain: Answer = (socket) => {
  socket.once('data', () => {
    socket.write(HELLO);
    socket.write(record(22, handshake(11, 0xffffff, Buffer.from([0xff, 0xff, 0xfc]))));
    const piece = record(22, Buffer.alloc(16_000));
    const more = (): void => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', more);
    more();
  });
};

const dripped =
  (first: Buffer, piece: Buffer): Answer =>
  (socket) => {
    socket.once('data', () => {
      socket.write(first);
      const timer = setInterval(() => socket.write(piece), 20);
      socket.once('close', () => clearInterval(timer));
    });
  };

function row(name: string, answer: Answer, expected: string): HostileServer {
  const slow = expected === TIMEOUT;
  return { name, http: 1, carrier: 'tcp', scheme: 'https', answer, public: expected, login: expected, slow };
}

/** Bytes below TLS, in place of a record of it, once `text` of the answer is out. */
const below =
  (bytes: Buffer, text: string): Answer =>
  (socket: Socket & { _parent?: Socket }) => {
    socket.once('data', () => socket.write(text, () => void socket._parent?.write(bytes)));
  };

function afterHandshake(name: string, answer: Answer, expected: string): HostileServer {
  return { ...row(name, answer, expected), carrier: 'tls', breaksTls: true };
}

const BEGUN = 'HTTP/1.1 200 OK\r\n';
const HALF = 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf';
const FORGED = record(23, Buffer.alloc(64, 7));

const AFTER_HANDSHAKE: readonly HostileServer[] = [
  afterHandshake('a forged record in the head', below(FORGED, BEGUN), FAILED),
  afterHandshake('a forged record in the body', below(FORGED, HALF), FAILED),
  afterHandshake(
    'plain text after the handshake',
    below(Buffer.from('HTTP/1.1 200 OK\r\n\r\nok'), BEGUN),
    FAILED,
  ),
  afterHandshake(
    'a record over the limit in the body',
    below(Buffer.from('170303ffff', 'hex'), HALF),
    FAILED,
  ),
  afterHandshake('half a record, then silence', below(FORGED.subarray(0, 20), HALF), TIMEOUT),
  afterHandshake('a plain alert in the body', below(alert(2, 40), HALF), FAILED),
];

export const TLS_SERVERS: readonly HostileServer[] = [
  row(
    'noise instead of TLS',
    say(Buffer.from(Array.from({ length: 512 }, (_, n) => (n * 167) & 0xff)), 'wait'),
    FAILED,
  ),
  row('plain HTTP on the TLS port', say('HTTP/1.1 400 Bad Request\r\n\r\n'), FAILED),
  row('alert handshake_failure', say(alert(2, 40)), FAILED),
  row('alert unrecognized_name', say(alert(2, 112)), FAILED),
  row('alert of no known kind', say(alert(2, 222)), 'down reset'),
  row('alert close_notify', say(alert(1, 0)), 'down reset'),
  row('warnings without end', dripped(Buffer.alloc(0), alert(1, 90)), FAILED),
  row('a record of no known kind', say(record(99, Buffer.from('x')), 'wait'), FAILED),
  row(
    'a record over the limit',
    say(Buffer.concat([Buffer.from([22, 3, 3, 0xff, 0xff]), Buffer.alloc(0xffff)]), 'wait'),
    FAILED,
  ),
  row('SSLv3', say(Buffer.from('150300000202280a', 'hex'), 'wait'), FAILED),
  row('half a hello, then silence', say(HELLO.subarray(0, 20), 'wait'), TIMEOUT),
  row('a hello, then silence', say(HELLO, 'wait'), TIMEOUT),
  row('a hello, then the end', say(HELLO), 'down reset'),
  row('a hello, then a reset', say(HELLO, 'reset'), 'down reset'),
  row('a hello, dripped', dripped(HELLO.subarray(0, 5), Buffer.alloc(0)), TIMEOUT),
  row('empty handshake records, dripped', dripped(Buffer.alloc(0), record(22, Buffer.alloc(0))), FAILED),
  row('a chain without end', endlessChain, FAILED),
  row('accepts and says nothing', (socket) => void socket.resume(), TIMEOUT),
  row('closes at once', (socket) => void socket.end(), 'down reset'),
  row('resets at once', (socket) => void socket.resetAndDestroy(), 'down reset'),
  row('closes in the handshake', say(''), 'down reset'),
  ...AFTER_HANDSHAKE,
];
