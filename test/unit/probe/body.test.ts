// The body reader's share of memory: what all bodies in flight hold together is bounded.

import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { type BodyLedger, createBodyReader } from '../../../src/probe/body.ts';

const KIB = 1024;

const reader = (ledger: BodyLedger, headers: Record<string, string> = {}) =>
  createBodyReader({ headers, limitBytes: 256 * KIB, ledger, resume: () => {}, stop: () => {} });

test('a new body keeps 16 KiB while 32 MiB are in flight, and the usual again afterwards', async () => {
  const ledger: BodyLedger = { bytes: 0 };
  const held = Array.from({ length: 129 }, () => {
    const one = reader(ledger);
    one.write(Buffer.alloc(256 * KIB));
    return one;
  });
  expect(ledger.bytes).toBe(129 * 256 * KIB);
  const late = reader(ledger);
  expect(late.write(Buffer.alloc(17 * KIB))).toBe('stop');
  expect(await late.end()).toMatchObject({ bytes: 16 * KIB, truncated: true });
  for (const one of held) await one.end();
  expect(ledger.bytes).toBe(0);
  expect(reader(ledger).write(Buffer.alloc(17 * KIB))).toBe('more');
});

test('gives back what it held whatever became of the body', async () => {
  const ledger: BodyLedger = { bytes: 0 };
  const broken = reader(ledger, { 'content-encoding': 'gzip' });
  broken.write(Buffer.from('no gzip'));
  expect(await broken.end()).toMatchObject({ undecodable: true });
  const cut = reader(ledger, { 'content-encoding': 'gzip' });
  cut.write(gzipSync(Buffer.alloc(100 * KIB)).subarray(0, 60));
  await cut.end();
  const unread = reader(ledger, { 'content-encoding': 'zstd' });
  unread.write(Buffer.from('x'));
  await unread.end();
  expect(ledger.bytes).toBe(0);
});
