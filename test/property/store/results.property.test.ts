// Against plain arrays: whatever the clock does, wherever the writer dies, each stored result counts once in every
// roll-up, and each query gives exactly the results it asks for.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VERDICTS } from '../../../src/model/verdict.ts';
import { readNewest } from '../../../src/store/newest.ts';
import { nextId } from '../../../src/store/result-ids.ts';
import { createResultQuery, type ResultQuery } from '../../../src/store/result-query.ts';
import { type PendingResult, ResultRows } from '../../../src/store/result-rows.ts';
import { BUCKETS, createRollups, type Rollup } from '../../../src/store/rollups.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { pendingResult, type ResultsFile, resultsFile, retentionOf } from '../../support/results-file.ts';

const T0 = Date.UTC(2026, 3, 16);
const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const LENGTH_MS = { '5m': 5 * MINUTE, '1h': 60 * MINUTE, '1d': 1440 * MINUTE };
const HOSTS = ['a.example.com', 'b.example.com'];
const CHECKS = HOSTS.flatMap((host) => [`fresh:cdn:${host}`, `return:cdn:${host}`]);

/** Minutes by which the wall clock moves before a batch: usually a little, now and then a step. */
const move = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 9 }) },
  { weight: 1, arbitrary: fc.integer({ min: -200, max: 200 }) },
  { weight: 1, arbitrary: fc.constantFrom(-1440, 1440) },
);
const sample = fc.record({
  host: fc.constantFrom(...HOSTS),
  visit: fc.constantFrom('fresh' as const, 'return' as const),
  verdict: fc.constantFrom('up' as const, ...VERDICTS),
  durationUs: fc.nat(90_000),
  /** How long the probe took to come in, ms. */
  late: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30_000 })),
});
const step = fc.record({
  move,
  samples: fc.array(sample, { minLength: 1, maxLength: 6 }),
  after: fc.constantFrom('go on' as const, 'go on' as const, 'die' as const, 'fail' as const),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Writes the steps; what is in the file afterwards, oldest first. */
function play(file: ResultsFile, steps: readonly Step[]): PendingResult[] {
  let rows = new ResultRows(file.db);
  let now = T0;
  let lastId = 0;
  const written: PendingResult[] = [];
  for (const { move, samples, after } of steps) {
    now = Math.max(0, now + move * MINUTE);
    const batch = samples.map(({ late, ...part }) => {
      const at = Math.max(0, now - late);
      lastId = nextId(lastId, at);
      return pendingResult({ ...part, id: lastId, at });
    });
    if (after === 'fail') {
      // A second row of the same id: the batch is rolled back after its first rows.
      expect(() => rows.write([...batch, batch[0]!])).toThrow(/UNIQUE/);
    }
    rows.write(batch);
    written.push(...batch);
    // A writer that died left nothing but the file.
    if (after === 'die') rows = new ResultRows(file.db);
  }
  return written;
}

const SEED = { seed: 20260418, interruptAfterTimeLimit: 8_000 };

test('every stored result counts once in each roll-up, read beside the writer', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      using file = resultsFile();
      const written = play(file, steps);
      const rollups = createRollups(file.reader);
      const idOf = file.reader.prepare<[string], number>('SELECT id FROM checks WHERE name = ?').pluck();
      for (const check of CHECKS) {
        for (const bucket of BUCKETS) {
          const starts = new Set(
            written.map(({ at }) => Math.floor(at / LENGTH_MS[bucket]) * LENGTH_MS[bucket]),
          );
          const [since, until] = [Math.min(...starts), Math.max(...starts) + 1];
          const long = (until - since) / LENGTH_MS[bucket] > 2_000;
          const range = { bucket, since: long ? until - 1000 * LENGTH_MS[bucket] : since, until };
          const expected = summed(written, check, LENGTH_MS[bucket]).filter(
            ({ start }) => start >= range.since,
          );
          expect(rollups.read(idOf.get(check) ?? 0, range)).toEqual(expected);
        }
      }
    }),
    { ...SEED, numRuns: 60 },
  );
});

function summed(written: readonly PendingResult[], check: string, lengthMs: number): Rollup[] {
  const mine = written.filter((one) => one.check === check);
  const starts = [...new Set(mine.map(({ at }) => Math.floor(at / lengthMs) * lengthMs))].sort(
    (a, b) => a - b,
  );
  return starts.map((start) => {
    const inside = mine.filter(({ at }) => at >= start && at < start + lengthMs);
    const timed = inside.filter(({ verdict }) => verdict <= 1).map(({ durationUs }) => durationUs);
    const count = (index: number) => inside.filter(({ verdict }) => verdict === index).length;
    return {
      start,
      counts: { up: count(0), degraded: count(1), down: count(2), unknown: count(3) },
      sumMs: timed.reduce((sum, us) => sum + us, 0) / 1000,
      minMs: timed.length === 0 ? 0 : Math.min(...timed) / 1000,
      maxMs: timed.length === 0 ? 0 : Math.max(...timed) / 1000,
    };
  });
}

const wish = fc.record(
  {
    check: fc.constantFrom(...CHECKS, 'fresh:cdn:nobody'),
    target: fc.constantFrom(...HOSTS),
    since: fc.integer({ min: -300, max: 300 }),
    until: fc.integer({ min: -300, max: 300 }),
    verdicts: fc.subarray([...VERDICTS], { minLength: 1 }),
    before: fc.nat(200),
    limit: fc.integer({ min: 1, max: 30 }),
  },
  { requiredKeys: [] },
);

test('a query gives exactly what it asks for, newest first', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 40 }),
      fc.array(wish, { minLength: 20, maxLength: 20 }),
      (steps, wishes) => {
        using file = resultsFile();
        const written = play(file, steps);
        const query = createResultQuery(file.reader);
        for (const { since, until, before, ...rest } of wishes) {
          const asked: ResultQuery = {
            ...rest,
            ...(since === undefined ? {} : { since: Math.max(0, T0 + since * MINUTE) }),
            ...(until === undefined ? {} : { until: Math.max(0, T0 + until * MINUTE) }),
            ...(before === undefined ? {} : { before: written[before % written.length]!.id }),
          };
          expect(query(asked).map(({ id }) => id)).toEqual(wanted(written, asked));
        }
      },
    ),
    { ...SEED, numRuns: 100 },
  );
});

function wanted(written: readonly PendingResult[], query: ResultQuery): number[] {
  const { check, target, since = 0, until = Infinity, verdicts = VERDICTS, before = Infinity } = query;
  return written
    .filter((one) => (check ?? one.check) === one.check && (target ?? one.target) === one.target)
    .filter(
      ({ at, id, verdict }) =>
        at >= since && at < until && id < before && verdicts.includes(VERDICTS[verdict]!),
    )
    .map(({ id }) => id)
    .reverse()
    .slice(0, query.limit ?? 100);
}

test('after any death the newest result of each check is known, with the time since when it is so', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      using file = resultsFile();
      const written = play(file, steps);
      const latest = readNewest(file.reader).latest;
      const expected = CHECKS.flatMap((check) => {
        const mine = written.filter((one) => one.check === check).reverse();
        const change = mine.findIndex(({ verdict }) => verdict !== mine[0]!.verdict);
        const first = change === -1 ? mine.at(-1) : mine[change - 1];
        return mine.length === 0 ? [] : [[check, mine[0]!.id, first!.at]];
      });
      const found = latest.map(({ check, id, since }) => [check, id, since]);
      expect(found.sort()).toEqual(expected.sort());
    }),
    { ...SEED, numRuns: 60 },
  );
});

test('pruning deletes only what is older than its time, and in the end all of it', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 40 * 24 }), { minLength: 1, maxLength: 60 }), (hours) => {
      using file = resultsFile();
      const times = [...hours].sort((a, b) => a - b).map((hour) => T0 + hour * 60 * MINUTE);
      const rows = new ResultRows(file.db);
      for (const [index, at] of times.entries()) rows.write([pendingResult({ id: index + 1, at })]);
      const clock = manualClock(T0 + 40 * DAY);
      const retain = retentionOf(file, { rows, clock }, { space: () => ({ free: 1, all: 1 }) });
      for (let hour = 0; hour < 60; hour += 1) {
        while (retain(clock.now()));
        clock.advance(60 * MINUTE);
      }
      const limit = times.at(-1)! - 14 * DAY;
      const left = createResultQuery(file.reader)({ limit: 1000 }).map((one) => one.at);
      expect(left).toEqual(times.filter((at) => at >= limit).reverse());
    }),
    { ...SEED, numRuns: 25 },
  );
});
