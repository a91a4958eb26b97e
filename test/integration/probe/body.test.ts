// Bodies: codings, limits, bombs.

import { brotliCompressSync, constants, createGzip, gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Expectation } from '../../../src/model/target.ts';
import { type Identity, startOrigin } from '../../support/origin.ts';
import { check, createKit, fault, type Kit, only, path } from './probe-kit.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
let kit: Kit;
let identity: Identity;

beforeAll(async () => {
  kit = await createKit();
  identity = await kit.authority.issue(['*.site.test']);
});

async function seen(
  body: Buffer | string,
  headers: Record<string, string> = {},
  wanted: Partial<Expectation> = {},
  status = 200,
) {
  await using origin = await startOrigin({
    identity,
    respond: (_request, response) => {
      response.on('error', () => {});
      response.writeHead(status, headers).end(body);
    },
  });
  const observation = await kit.run(
    check('https://app.site.test/', { path: path(origin.address), expect: wanted }),
  );
  return { observation, exchange: only(observation), fault: fault(observation) };
}

describe('a body', () => {
  const page = `<h1>${'ä'.repeat(1000)}</h1>`;
  const rows: [name: string, body: Buffer | string, headers: Record<string, string>][] = [
    ['plain', page, {}],
    ['named identity', page, { 'content-encoding': 'identity' }],
    ['gzip', gzipSync(page), { 'content-encoding': 'gzip' }],
    ['x-gzip, in capitals', gzipSync(page), { 'content-encoding': 'X-GZIP' }],
    [
      'gzip of two members',
      Buffer.concat([gzipSync(page.slice(0, 7)), gzipSync(page.slice(7))]),
      { 'content-encoding': 'gzip' },
    ],
    ['brotli', brotliCompressSync(page), { 'content-encoding': 'br' }],
    ['latin1, declared', Buffer.from(page, 'latin1'), { 'content-type': 'text/html; charset=ISO-8859-1' }],
  ];
  test.each(rows)('%s, is read', async (_name, body, headers) => {
    const { exchange, fault } = await seen(body, headers);
    expect(fault).toBeNull();
    expect(exchange).toMatchObject({ body: page, bodyTruncated: false });
  });

  const bad: [name: string, body: Buffer | string, coding: string][] = [
    ['in a coding nobody asked for', 'x', 'zstd'],
    ['in two codings', gzipSync(gzipSync('x')), 'gzip, gzip'],
    ['in a thousand codings', 'x', Array.from({ length: 1000 }, () => 'gzip').join(', ')],
    ['not in the coding it names', 'plain', 'gzip'],
    ['not in brotli as it says', Buffer.alloc(100, 0xff), 'br'],
    ['cut short in gzip', gzipSync('x'.repeat(1000)).subarray(0, 20), 'gzip'],
  ];
  test.each(bad)('%s, is a bad response with a head', async (_name, body, coding) => {
    const { exchange, fault } = await seen(body, { 'content-encoding': coding, server: 'x' });
    expect(fault).toBe('body:bad-response');
    expect(exchange).toMatchObject({ status: 200, headers: { server: 'x' } });
  });

  test.each([204, 304, 200])('that is empty is fine in any coding (%i)', async (status) => {
    expect((await seen('', { 'content-encoding': 'zstd' }, {}, status)).fault).toBeNull();
    expect((await seen('', { 'content-encoding': 'gzip' }, {}, status)).fault).toBeNull();
  });

  test('invalid UTF-8 is replaced, and a NUL stays', async () => {
    const { exchange } = await seen(Buffer.from([0x61, 0xff, 0x00, 0x62]));
    expect(exchange.body).toBe('a\ufffd\u0000b');
  });
});

describe('the kept prefix', () => {
  const rows: [
    name: string,
    bytes: number,
    wanted: Partial<Expectation>,
    kept: number,
    truncated: boolean,
  ][] = [
    ['256 KiB', 256 * KIB, {}, 256 * KIB, false],
    ['256 KiB and a byte', 256 * KIB + 1, {}, 256 * KIB, true],
    ['1 MiB when text is looked for', MIB, { contains: 'x' }, MIB, false],
    ['1 MiB and a byte when text must be missing', MIB + 1, { notContains: 'y' }, MIB, true],
  ];
  test.each(rows)('%s', async (_name, bytes, wanted, kept, truncated) => {
    const { exchange, fault } = await seen(Buffer.alloc(bytes, 'x'), {}, wanted);
    expect(fault).toBeNull();
    expect(exchange).toMatchObject({ bodyBytes: kept, bodyTruncated: truncated });
    expect(exchange.body).toHaveLength(kept);
  });
});

describe('a bomb', () => {
  const brotli = brotliCompressSync(Buffer.alloc(200 * MIB), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 5 },
  });

  /** 1 GiB of zeros, piece by piece. */
  async function gzipBomb(): Promise<Buffer> {
    const zip = createGzip();
    const pieces: Buffer[] = [];
    zip.on('data', (piece: Buffer) => pieces.push(piece));
    const zeros = Buffer.alloc(MIB);
    for (let written = 0; written < 1024; written += 1) {
      if (!zip.write(zeros)) await new Promise((resolve) => zip.once('drain', resolve));
    }
    await new Promise((resolve) => zip.end(() => resolve(null)));
    return Buffer.concat(pieces);
  }

  test('of brotli stops at the limit, thirty at once in little memory', async () => {
    expect(brotli.length).toBeLessThan(2_000);
    await using origin = await startOrigin({
      identity,
      respond: (_request, response) => response.writeHead(200, { 'content-encoding': 'br' }).end(brotli),
    });
    const before = process.memoryUsage().rss;
    const subject = check('https://app.site.test/', { path: path(origin.address) });
    const all = await Promise.all(Array.from({ length: 30 }, () => kit.run(subject)));
    const grown = process.memoryUsage().rss - before;
    for (const one of all)
      expect(only(one)).toMatchObject({ error: null, bodyBytes: 256 * KIB, bodyTruncated: true });
    // Thirty prefixes, their strings and sockets; one bomb alone would be 200 MiB.
    expect(grown).toBeLessThan(150 * MIB);
  });

  test('of gzip stops at the limit', async () => {
    const { exchange, fault } = await seen(await gzipBomb(), { 'content-encoding': 'gzip' });
    expect(fault).toBeNull();
    expect(exchange).toMatchObject({ bodyBytes: 256 * KIB, bodyTruncated: true });
  });
});
