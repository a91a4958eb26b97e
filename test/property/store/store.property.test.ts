// What must hold for every store: what goes in comes out, ids rise under any clock.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { ERROR_CODES, type Exchange } from '../../../src/model/observation.ts';
import { VERDICTS } from '../../../src/model/verdict.ts';
import { formFromResult } from '../../../src/store/result-form.ts';
import { nextId } from '../../../src/store/result-ids.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { inlineWriter } from '../../support/inline-writer.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { exchange, probeResult } from '../../support/probe-result.ts';

const DAY = 86_400_000;
const T0 = Date.UTC(2026, 3, 16);

function withStore(run: (store: Store, clock: ReturnType<typeof manualClock>) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'gatewatch-store-'));
  const clock = manualClock(T0 + 40 * DAY);
  try {
    using store = openStore({
      file: join(folder, 'gatewatch.db'),
      clock,
      log: silentLog(),
      resultsMs: 14 * DAY,
      rollupsMs: 400 * DAY,
      maxBytes: 2 ** 31,
      startWriter: inlineWriter,
    });
    run(store, clock);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const ms = fc.option(fc.double({ min: 0, max: 1e5, noNaN: true }));
const text = fc.string({ unit: 'binary', maxLength: 60 });
const anyExchange: fc.Arbitrary<Exchange> = fc
  .record({
    remote: fc.option(fc.record({ address: fc.ipV4(), port: fc.nat(65_535) })),
    resolver: fc.option(fc.ipV4()),
    timings: fc.record({ dnsMs: ms, connectMs: ms, tlsMs: ms, firstByteMs: ms, transferMs: ms }),
    status: fc.option(fc.integer({ min: 100, max: 599 })),
    headers: fc.dictionary(
      fc.constantFrom('server', 'date', 'cf-ray', 'x-powered-by', 'location', 'x-secret'),
      text,
    ),
    bodyBytes: fc.nat(),
    error: fc.option(
      fc.record({
        phase: fc.constantFrom('dns' as const, 'tls' as const),
        code: fc.constantFrom(...ERROR_CODES),
        message: text,
      }),
    ),
  })
  .map((part) => exchange(part));
const wish = fc.record({
  at: fc.integer({ min: 0, max: 4e12 }),
  verdict: fc.constantFrom(...VERDICTS),
  reason: text,
  durationMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
  exchanges: fc.array(anyExchange, { maxLength: 3 }),
  host: fc.constantFrom('a.example.com', 'b.example.com'),
});

test('a result comes out as it went in: the allowed fields, rounded; repeated answers without what always differs', () => {
  withStore((store) => {
    fc.assert(
      fc.property(wish, fc.integer({ min: 1, max: 3 }), (one, times) => {
        const result = probeResult(one);
        for (let index = 0; index < times; index += 1) store.results.insert(result);
        const form = formFromResult(result);
        const read = store.results.query({ check: result.subject.id, limit: times });
        expect(read).toHaveLength(times);
        for (const stored of read) {
          expect(stored).toMatchObject({
            at: one.at,
            verdict: one.verdict,
            status: form.status,
            reason: form.reason,
          });
          expect(stored.durationMs).toBeCloseTo(one.durationMs, 3);
          expect(stored.evidence.map((evidence) => evidence.timings)).toEqual(
            form.evidence.map((evidence) => evidence.timings),
          );
          expect(stored.evidence.map((evidence) => evidence.bodyBytes)).toEqual(
            form.evidence.map((evidence) => evidence.bodyBytes),
          );
        }
        if (one.verdict === 'down' || one.verdict === 'unknown')
          expect(read[0]?.evidence).toEqual(form.evidence);
        expect(store.results.latest().find(({ check }) => check === result.subject.id)?.id).toBe(read[0]?.id);
      }),
      { seed: 20260418, interruptAfterTimeLimit: 15_000, numRuns: 200 },
    );
  });
});

test('ids rise and stay safe integers, whatever the clock does', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 0, max: 4e12 }), fc.double({ min: 0, max: 8e15, noNaN: true }))),
      (walk) => {
        let last = 0;
        for (const at of walk) {
          const id = nextId(last, at);
          expect(id).toBeGreaterThan(last);
          expect(Number.isSafeInteger(id)).toBe(true);
          last = id;
        }
      },
    ),
    { seed: 20260418, numRuns: 500 },
  );
});
