// Hostile servers that break or stretch HTTP/1.1 itself: without end, cut off, bombs, and what is no HTTP.

import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { drip, flood, type HostileServer, http1, say } from './hostile-answer.ts';
import { BAD, many, OK, PAGE, page, TIMEOUT } from './hostile-words.ts';

const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;
const MIB = 1024 * 1024;
const RESET = 'down reset';

const coded = (coding: string): string => `${OK}content-encoding: ${coding}\r\n\r\n`;

const ENDLESS: readonly HostileServer[] = [
  http1('endless body', flood(`${OK}\r\n`, 'x'), 'up', PAGE),
  http1('endless chunked body', flood(CHUNKED, '400\r\n'.concat('x'.repeat(1024), '\r\n')), 'up', PAGE),
  http1('header line of 100 MB', flood(`${OK}a: `, 'x'), BAD),
  http1('header name of 100 MB', flood(OK, 'x'), BAD),
  http1('status line of 100 MB', flood('HTTP/1.1 200 ', 'x'), BAD),
  http1('10,000 header lines', say(`${OK}${many(10_000, (n) => `h${n}: v`)}\r\n`, 'wait'), BAD),
  http1('header lines without end', flood(OK, 'x-a: b\r\n'), BAD),
  http1('header lines, dripped', drip(OK, 'x-a: b\r\n'), TIMEOUT),
  http1('one header line, dripped', drip(`${OK}x-a: `, 'b'), TIMEOUT),
  http1('body, dripped', drip(`${OK}\r\n`, 'x'), TIMEOUT),
  http1('empty lines before the status line', flood('', '\r\n'), BAD),
  http1('103 without end', flood('', 'HTTP/1.1 103 Early Hints\r\n\r\n'), BAD),
  http1('103 without end, dripped', drip('', 'HTTP/1.1 103 Early Hints\r\n\r\n'), BAD),
  http1('100 without end', flood('', 'HTTP/1.1 100 Continue\r\n\r\n'), BAD),
  http1('102 without end', flood('', 'HTTP/1.1 102 Processing\r\n\r\n'), BAD),
  http1('chunk extension without end', flood(`${CHUNKED}1;`, 'e'), BAD),
  http1('chunk extension, dripped', drip(`${CHUNKED}1;`, 'e'), TIMEOUT),
  http1('chunks of one byte, dripped', drip(CHUNKED, '1\r\nx\r\n'), TIMEOUT),
  http1('trailers without end', flood(`${CHUNKED}0\r\n`, 't: 1\r\n'), BAD),
  http1('trailers, dripped', drip(`${CHUNKED}0\r\n`, 't: 1\r\n'), TIMEOUT),
  http1('nothing at all', () => {}, TIMEOUT),
  http1('nothing after the request', say('', 'wait'), TIMEOUT),
  http1('half an answer, then silence', say(`${OK}content-length: 9\r\n\r\nhalf`, 'wait'), TIMEOUT),
];

const GZIP_MEMBER = gzipSync(Buffer.alloc(16 * MIB));
const BROTLI = brotliCompressSync(Buffer.alloc(256 * MIB), {
  params: { [constants.BROTLI_PARAM_QUALITY]: 1 },
});
const ZSTD = zstdCompressSync(Buffer.alloc(64 * MIB));

const BOMBS: readonly HostileServer[] = [
  http1('gzip bomb without end', flood(coded('gzip'), GZIP_MEMBER), 'up', PAGE),
  http1('brotli bomb', say(Buffer.concat([Buffer.from(coded('br')), BROTLI])), 'up', PAGE),
  http1('deflate bomb', flood(coded('deflate'), GZIP_MEMBER), BAD),
  http1('zstd bomb', flood(coded('zstd'), ZSTD), BAD),
  http1('gzip in gzip', say(page(gzipSync(GZIP_MEMBER), 'content-encoding: gzip, gzip\r\n')), BAD),
  http1(
    'gzip named twice in two lines',
    say(page('x', 'content-encoding: gzip\r\ncontent-encoding: gzip\r\n')),
    BAD,
  ),
  http1(
    'a thousand codings',
    say(page('x', `content-encoding: ${Array(1000).fill('gzip').join(', ')}\r\n`)),
    BAD,
  ),
  http1('unknown coding', say(page('x', 'content-encoding: x-bomb\r\n')), BAD),
  http1('coding named __proto__', say(page('x', 'content-encoding: __proto__\r\n')), BAD),
  http1('plain text named gzip', say(page('plain', 'content-encoding: gzip\r\n')), BAD),
  http1('noise named brotli', say(page(Buffer.alloc(99, 0xff), 'content-encoding: br\r\n')), BAD),
  http1(
    'gzip cut short',
    say(page(gzipSync('x'.repeat(999)).subarray(0, 20), 'content-encoding: gzip\r\n')),
    BAD,
  ),
  http1('empty gzip members without end', flood(coded('gzip'), gzipSync('')), BAD),
  http1('gzip, dripped', drip(coded('gzip'), gzipSync('')), TIMEOUT),
];

const BROKEN_OFF: readonly HostileServer[] = [
  http1('closes without an answer', say(''), RESET),
  http1('closes before the request', (socket) => void socket.end(), RESET),
  http1('resets without an answer', say('', 'reset'), RESET),
  http1('closes in the status line', say('HTTP/1.1 20'), RESET),
  http1('closes in the headers', say(`${OK}content-le`), RESET),
  http1('resets in the headers', say(`${OK}content-le`, 'reset'), RESET),
  http1('closes in a body of known length', say(`${OK}content-length: 99\r\n\r\nhalf`), RESET),
  http1('resets in a body of known length', say(`${OK}content-length: 99\r\n\r\nhalf`, 'reset'), RESET),
  http1('resets in a body of unknown length', say(`${OK}\r\nhalf`, 'reset'), RESET),
  http1('closes in a chunk', say(`${CHUNKED}9\r\nhalf`), RESET),
  http1('resets in a chunk', say(`${CHUNKED}9\r\nhalf`, 'reset'), RESET),
  http1('closes before the last chunk', say(`${CHUNKED}4\r\nhalf\r\n`), RESET),
  http1(
    'closes in a gzip body of known length',
    say(`${OK}content-encoding: gzip\r\ncontent-length: 99\r\n\r\n\x1f\x8b`),
    RESET,
  ),
  http1('promises an exabyte and closes', say(`${OK}content-length: 1000000000000000000\r\n\r\nx`), RESET),
];

const NO_HTTP: readonly HostileServer[] = [
  http1('SSH banner', say('SSH-2.0-OpenSSH_9.2\r\n'), BAD),
  http1('SMTP banner, then silence', say('220 mail ESMTP\r\n', 'wait'), BAD),
  http1('noise', say(Buffer.from(Array.from({ length: 512 }, (_, n) => (n * 167) & 0xff)), 'wait'), BAD),
  http1('NUL bytes', say(Buffer.alloc(512), 'wait'), BAD),
  http1('HTTP/0.9', say('<html>hello</html>'), BAD),
  http1('HTTP/2 frames on HTTP/1.1', say(Buffer.from('000000040000000000', 'hex'), 'wait'), BAD),
  http1('version 3.0', say('HTTP/3.0 200 OK\r\n\r\n', 'wait'), BAD),
  http1('version 1.10', say('HTTP/1.10 200 OK\r\n\r\n', 'wait'), BAD),
  http1('ICY', say('ICY 200 OK\r\n\r\n', 'wait'), BAD),
  http1('lower-case http', say('http/1.1 200 OK\r\n\r\n', 'wait'), BAD),
  http1('length -1', say(`${OK}content-length: -1\r\n\r\nx`, 'wait'), BAD),
  http1('length in hexadecimal', say(`${OK}content-length: 0x2\r\n\r\nok`, 'wait'), BAD),
  http1('length of 31 digits', say(`${OK}content-length: 1${'0'.repeat(30)}\r\n\r\nx`, 'wait'), BAD),
  http1('two lengths', say(`${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nab`, 'wait'), BAD),
  http1(
    'length and chunks',
    say(`${OK}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, 'wait'),
    BAD,
  ),
  http1(
    'chunks and length',
    say(`${OK}transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n`, 'wait'),
    BAD,
  ),
  http1('chunk size that is no number', say(`${CHUNKED}zz\r\nhalf\r\n`, 'wait'), BAD),
  http1('chunk size below zero', say(`${CHUNKED}-1\r\nhalf\r\n`, 'wait'), BAD),
  http1('chunk size of 17 digits', say(`${CHUNKED}FFFFFFFFFFFFFFFFF\r\nhalf\r\n`, 'wait'), BAD),
  http1('chunk longer than its size', say(`${CHUNKED}2\r\nhalf\r\n0\r\n\r\n`, 'wait'), BAD),
  http1('NUL in a header', say(`${OK}x-a: a\0b\r\ncontent-length: 0\r\n\r\n`, 'wait'), BAD),
  http1('NUL in a header name', say(`${OK}x\0a: b\r\ncontent-length: 0\r\n\r\n`, 'wait'), BAD),
  http1('bare CR in a header', say(`${OK}x-a: a\rb: c\r\ncontent-length: 0\r\n\r\n`, 'wait'), BAD),
  http1('escape sequence in a header', say(`${OK}x-a: \x1b[2J\r\ncontent-length: 0\r\n\r\n`, 'wait'), BAD),
  http1('DEL in a header', say(`${OK}x-a: \x7f\r\ncontent-length: 0\r\n\r\n`, 'wait'), BAD),
  http1('folded header', say(`${OK}x-a: a\r\n b\r\ncontent-length: 0\r\n\r\n`, 'wait'), BAD),
  http1('header without a colon', say(`${OK}nonsense\r\n\r\n`, 'wait'), BAD),
  http1('header without a name', say(`${OK}: b\r\n\r\n`, 'wait'), BAD),
  http1('blank before the colon', say(`${OK}x-a : b\r\n\r\n`, 'wait'), BAD),
  http1(
    'switches protocols',
    say('HTTP/1.1 101 S\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n', 'wait'),
    BAD,
  ),
  http1('switches protocols without a word', say('HTTP/1.1 101 S\r\n\r\n', 'wait'), BAD),
  http1('status 000', say('HTTP/1.1 000 Zero\r\ncontent-length: 0\r\n\r\n', 'wait'), BAD),
  http1('status 99', say('HTTP/1.1 99 Less\r\ncontent-length: 0\r\n\r\n', 'wait'), BAD),
  http1('status 1000', say('HTTP/1.1 1000 More\r\ncontent-length: 0\r\n\r\n', 'wait'), BAD),
  http1('status -20', say('HTTP/1.1 -20 Minus\r\ncontent-length: 0\r\n\r\n', 'wait'), BAD),
  http1('status 199, and no other', say('HTTP/1.1 199 Soon\r\n\r\n', 'wait'), TIMEOUT),
  http1('status 999', say('HTTP/1.1 999 No\r\ncontent-length: 2\r\n\r\nno'), 'down wrong-content'),
  http1('status 600', say('HTTP/1.1 600 No\r\ncontent-length: 2\r\n\r\nno'), 'down wrong-content'),
];

export const HTTP1_SERVERS: readonly HostileServer[] = [...ENDLESS, ...BOMBS, ...BROKEN_OFF, ...NO_HTTP];
