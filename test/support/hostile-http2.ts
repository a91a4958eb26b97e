// Hostile servers that agreed on h2 in the handshake: frames made byte by byte (RFC 9113 4.1).

import type { Socket } from 'node:net';
import { type Answer, EVIL_BYTES, type HostileServer } from './hostile-answer.ts';

const DATA = 0;
const HEADERS = 1;
const PRIORITY = 2;
const RST_STREAM = 3;
const SETTINGS = 4;
const PUSH_PROMISE = 5;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const CONTINUATION = 9;
const END_STREAM = 1;
const END_HEADERS = 4;
const PREFACE_BYTES = 24;

const BAD = 'down bad-response';
const RESET = 'down reset';
const TIMEOUT = 'down timeout';

function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const u32 = (...values: number[]): Buffer => {
  const buffer = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) buffer.writeUInt32BE(value, 4 * index);
  return buffer;
};

/** A length as HPACK writes it, with a prefix of seven bits (RFC 7541 5.1). */
function hpackLength(length: number): Buffer {
  if (length < 127) return Buffer.from([length]);
  const bytes = [127];
  let rest = length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

/** Literal header field; with `index` it goes into the dynamic table (RFC 7541 6.2). */
function field(name: string | Buffer, value: string | Buffer, index = false): Buffer {
  const text = (one: string | Buffer): Buffer => Buffer.concat([hpackLength(one.length), Buffer.from(one)]);
  return Buffer.concat([Buffer.from([index ? 0x40 : 0x00]), text(name), text(value)]);
}

/** `:status: 200`, index 8 of the static table. */
const STATUS_200 = Buffer.from([0x88]);
const status = (code: string): Buffer => field(':status', code);
const headers = (flags: number, ...fields: Buffer[]): Buffer =>
  frame(HEADERS, flags, 1, Buffer.concat(fields));
const OK = headers(END_HEADERS, STATUS_200);
/** Our settings, and that theirs are taken: without that nobody holds us to them. */
const OPEN = Buffer.concat([frame(SETTINGS, 0, 0), frame(SETTINGS, 1, 0)]);
const HINT = headers(END_HEADERS, status('103'));
const goaway = (code: number, last = 0): Buffer => frame(GOAWAY, 0, 0, u32(last, code));
const data = (text: string, flags = 0): Buffer => frame(DATA, flags, 1, Buffer.from(text));

/** Calls back once the request's HEADERS frame has come: before that its stream does not exist. */
function onRequest(socket: Socket, answer: () => void): void {
  let read = Buffer.alloc(0);
  let answered = false;
  socket.on('data', (piece) => {
    if (answered) return;
    read = Buffer.concat([read, piece]);
    for (let at = PREFACE_BYTES; at + 9 <= read.length; at += 9 + read.readUIntBE(at, 3)) {
      if (read[at + 3] !== HEADERS) continue;
      answered = true;
      return answer();
    }
  });
}

/** Frames in answer to the request; then the connection ends, is left open, or gets `more` for ever. */
function reply(
  frames: readonly Buffer[],
  then: 'end' | 'wait' | { flood: Buffer } | { drip: Buffer } = 'wait',
): Answer {
  return (socket) => {
    onRequest(socket, () => {
      socket.write(Buffer.concat([OPEN, ...frames]));
      if (then === 'end') socket.end();
      if (typeof then === 'string') return;
      if ('drip' in then) {
        const timer = setInterval(() => socket.write(then.drip), 20);
        socket.once('close', () => clearInterval(timer));
        return;
      }
      const block = Buffer.concat(
        Array.from({ length: Math.ceil(16_384 / then.flood.length) }, () => then.flood),
      );
      const more = (): void => {
        while (!socket.destroyed && socket.write(block));
      };
      socket.on('drain', more);
      more();
    });
  };
}

/** Speaks first, whatever the client says. */
const blurt =
  (bytes: string | Buffer): Answer =>
  (socket) => {
    socket.resume();
    socket.write(bytes);
  };

function row(name: string, answer: Answer, expected: string, login: string = expected): HostileServer {
  const slow = expected.endsWith(' timeout');
  return { name, http: 2, carrier: 'tls', scheme: 'https', answer, public: expected, login, slow };
}

/** Codes that only end a stream; the others say that a rule was broken (RFC 9113 7). */
const ENDS = [0, 2, 7, 8];

const ENDINGS: readonly HostileServer[] = [
  ...Array.from({ length: 14 }, (_, code) => [
    row(
      `stream reset before the answer, code ${code}`,
      reply([frame(RST_STREAM, 0, 1, u32(code))]),
      ENDS.includes(code) ? RESET : BAD,
    ),
    row(
      `stream reset in the body, code ${code}`,
      reply([OK, data('half'), frame(RST_STREAM, 0, 1, u32(code))]),
      ENDS.includes(code) ? RESET : BAD,
    ),
  ]).flat(),
  row('GOAWAY before the request', blurt(Buffer.concat([OPEN, goaway(0)])), RESET),
  row('GOAWAY before the answer', reply([goaway(0)]), RESET),
  row('GOAWAY before the answer, protocol error', reply([goaway(1)]), BAD),
  row('GOAWAY before the answer, enough', reply([goaway(11)]), BAD),
  row('GOAWAY that spares the request, and the end', reply([goaway(0, 1)], 'end'), RESET),
  row('GOAWAY in the body, then the end', reply([OK, data('half'), goaway(0, 1)], 'end'), RESET),
  row('GOAWAY in the body that refuses it', reply([OK, data('half'), goaway(2)]), RESET),
  row(
    'GOAWAY, then a whole answer',
    reply([goaway(0, 1), OK, data('all', END_STREAM)]),
    'up',
    'down exposed',
  ),
  row('end before the answer', reply([], 'end'), RESET),
  row('end in the body', reply([OK, data('half')], 'end'), RESET),
  row('end in a frame', reply([OK, data('half').subarray(0, 11)], 'end'), RESET),
  row(
    'reset in the body',
    (socket: Socket & { _parent?: Socket }) =>
      onRequest(socket, () =>
        socket.write(Buffer.concat([OPEN, OK, data('half')]), () => socket._parent?.resetAndDestroy()),
      ),
    RESET,
  ),
];

const ENDLESS: readonly HostileServer[] = [
  row(
    'CONTINUATION without end',
    reply([headers(0, STATUS_200)], { flood: frame(CONTINUATION, 0, 1, field('x-a', 'b')) }),
    BAD,
  ),
  row(
    'empty CONTINUATION without end',
    reply([headers(0, STATUS_200)], { flood: frame(CONTINUATION, 0, 1) }),
    BAD,
  ),
  row('HEADERS never ended', reply([headers(0, STATUS_200)]), TIMEOUT),
  row(
    'a header block never ended',
    reply([headers(0, STATUS_200, ...Array.from({ length: 50 }, (_, n) => field(`h${n}`, 'v'.repeat(100))))]),
    TIMEOUT,
  ),
  row('SETTINGS without end', reply([], { flood: frame(SETTINGS, 0, 0) }), BAD),
  row('PING without end', reply([], { flood: frame(PING, 0, 0, Buffer.alloc(8)) }), BAD),
  row('PING, dripped', reply([], { drip: frame(PING, 0, 0, Buffer.alloc(8)) }), TIMEOUT),
  row('window updates without end', reply([], { flood: frame(WINDOW_UPDATE, 0, 0, u32(1)) }), BAD),
  row('window updates, dripped', reply([], { drip: frame(WINDOW_UPDATE, 0, 0, u32(1)) }), TIMEOUT),
  row('window updates in the body', reply([OK], { flood: frame(WINDOW_UPDATE, 0, 1, u32(1)) }), BAD),
  row('PRIORITY without end', reply([], { flood: frame(PRIORITY, 0, 1, Buffer.alloc(5)) }), BAD),
  row('settled SETTINGS without end', reply([], { flood: frame(SETTINGS, 1, 0) }), BAD),
  row('answered PING without end', reply([], { flood: frame(PING, 1, 0, Buffer.alloc(8)) }), BAD),
  row('resets of streams nobody opened', reply([], { flood: frame(RST_STREAM, 0, 3, u32(8)) }), BAD),
  row('GOAWAY without end', reply([], { flood: goaway(0, 1) }), BAD),
  row('empty DATA without end', reply([OK], { flood: data('') }), BAD),
  row('unknown frames without end', reply([], { flood: frame(0xaa, 0, 0, Buffer.alloc(8)) }), BAD),
  row('103 without end', reply([], { flood: HINT }), BAD),
  row('103, dripped', reply([], { drip: HINT }), BAD),
  row('body, dripped', reply([OK], { drip: data('x') }), TIMEOUT),
  row('settings alone', reply([]), TIMEOUT),
  row('nothing at all', () => {}, TIMEOUT),
  row('a head alone', reply([OK]), TIMEOUT),
  row('a window of zero', reply([frame(SETTINGS, 0, 0, Buffer.from('000400000000', 'hex'))]), TIMEOUT),
];

const TOO_MUCH: readonly HostileServer[] = [
  row('a header of 100 KB in 7 frames', reply(split(field('a', 'x'.repeat(100_000)))), BAD),
  row(
    '600 headers',
    reply(split(Buffer.concat(Array.from({ length: 600 }, (_, n) => field(`h${n}`, 'v'))))),
    BAD,
  ),
  row(
    '4 KB indexed a thousand times',
    reply([
      headers(
        END_HEADERS | END_STREAM,
        STATUS_200,
        field('a', 'x'.repeat(3_900), true),
        Buffer.alloc(1_000, 0xbe),
      ),
    ]),
    BAD,
  ),
  row('more than the window', reply([OK], { flood: data('x'.repeat(16_384)) }), 'up', 'down exposed'),
  row('a frame over the agreed size', reply([OK, data('x'.repeat(20_000))]), BAD),
  row(
    '500 cookies',
    reply(split(Buffer.concat(Array.from({ length: 500 }, (_, n) => field('set-cookie', `c${n}=v`))))),
    'up',
    'down exposed',
  ),
];

/** A header block in frames of the size that everybody takes (RFC 9113 4.2). */
function split(block: Buffer): Buffer[] {
  const frames: Buffer[] = [headers(END_STREAM, STATUS_200)];
  for (let at = 0; at < block.length; at += 16_384) {
    const last = at + 16_384 >= block.length ? END_HEADERS : 0;
    frames.push(frame(CONTINUATION, last, 1, block.subarray(at, at + 16_384)));
  }
  return frames;
}

const BROKEN: readonly HostileServer[] = [
  row('HTTP/1.1 after agreeing on h2', blurt('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'), BAD),
  row(
    'noise instead of frames',
    blurt(Buffer.from(Array.from({ length: 512 }, (_, n) => (n * 167) & 0xff))),
    BAD,
  ),
  row('DATA before HEADERS', reply([data('x')]), BAD),
  row('DATA on a stream nobody opened', reply([frame(DATA, 0, 7, Buffer.from('x'))]), BAD),
  row(
    'a pushed stream',
    reply([frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([u32(2), STATUS_200]))]),
    BAD,
  ),
  row('no status', reply([headers(END_HEADERS | END_STREAM, field('x-a', 'b'))]), BAD),
  row('status abc', reply([headers(END_HEADERS | END_STREAM, status('abc'))]), BAD),
  row('status 000', reply([headers(END_HEADERS | END_STREAM, status('000'))]), BAD),
  row('status 101', reply([headers(END_HEADERS | END_STREAM, status('101'))]), BAD),
  row('status 999', reply([headers(END_HEADERS | END_STREAM, status('999'))]), 'down wrong-content'),
  row(
    'a header name in capitals',
    reply([headers(END_HEADERS | END_STREAM, STATUS_200, field('X-A', 'b'))]),
    BAD,
  ),
  row(
    'connection header',
    reply([headers(END_HEADERS | END_STREAM, STATUS_200, field('connection', 'close'))]),
    BAD,
  ),
  row(
    'a body that is longer than it says',
    reply([headers(END_HEADERS, STATUS_200, field('content-length', '1')), data('long', END_STREAM)]),
    BAD,
  ),
  row(
    'a body that is shorter than it says',
    reply([headers(END_HEADERS, STATUS_200, field('content-length', '99')), data('half', END_STREAM)]),
    BAD,
  ),
  row('HPACK that is none', reply([headers(END_HEADERS | END_STREAM, Buffer.alloc(9, 0xff))]), BAD),
  row(
    'a window over 2^31',
    reply([frame(WINDOW_UPDATE, 0, 0, u32(0x7fffffff)), frame(WINDOW_UPDATE, 0, 0, u32(0x7fffffff))]),
    BAD,
  ),
  row(
    'evil text in headers',
    reply([
      headers(END_HEADERS | END_STREAM, STATUS_200, field('server', EVIL_BYTES), field('__proto__', 'x')),
    ]),
    'up',
    'down exposed',
  ),
  row(
    'control bytes in headers',
    reply([headers(END_HEADERS | END_STREAM, STATUS_200, field('server', '\x1b[2J\0'))]),
    'up',
    'down exposed',
  ),
];

export const HTTP2_SERVERS: readonly HostileServer[] = [...ENDINGS, ...ENDLESS, ...TOO_MUCH, ...BROKEN];
