// Retention on a real file: what goes, what stays, and that neither a jumping clock nor a full disk takes it all.

import { describe, expect, test } from 'vitest';
import { readNewest } from '../../../src/store/newest.ts';
import { nextId } from '../../../src/store/result-ids.ts';
import { createResultQuery } from '../../../src/store/result-query.ts';
import { ResultRows } from '../../../src/store/result-rows.ts';
import { bytesOf, type RetentionOptions } from '../../../src/store/retention.ts';
import { createRollups } from '../../../src/store/rollups.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { pendingResult, type ResultsFile, resultsFile, retentionOf } from '../../support/results-file.ts';

const T0 = Date.UTC(2026, 3, 16, 17);
const DAY = 86_400_000;
const HOUR = 3_600_000;

/** A file with a daemon around it. */
function daemon(file: ResultsFile, part: Partial<RetentionOptions> = {}, startAt = T0) {
  const clock = manualClock(startAt);
  const rows = new ResultRows(file.db);
  const retain = retentionOf(file, { rows, clock }, part);
  let lastId = rows.lastId();
  return {
    clock,
    rows,
    /** `times` results of this instant, with a text of their own. */
    write(at: number, times: number, reason?: (index: number) => string) {
      const batch = Array.from({ length: times }, (_, index) => {
        lastId = nextId(lastId, at);
        return pendingResult({ id: lastId, at, ...(reason && { reason: reason(index) }) });
      });
      rows.write(batch);
    },
    prune: () => retain(clock.now()),
    /** All slices that are due now. */
    pruneAll() {
      while (retain(clock.now()));
    },
  };
}

const count = (file: ResultsFile) =>
  file.reader.prepare('SELECT count(*) FROM results').pluck().get() as number;
const oldest = (file: ResultsFile) =>
  file.reader.prepare('SELECT min(at) FROM results').pluck().get() as number;

describe('results that are too old', () => {
  test('go an hour after the start, a tenth of all rows an hour, and in the end every one', () => {
    using file = resultsFile();
    const { clock, write, prune, pruneAll } = daemon(file, {}, T0 + 30 * DAY);
    for (let day = 0; day <= 30; day += 1) write(T0 + day * DAY, 100);
    expect(prune()).toBe(false);
    expect(count(file)).toBe(3_100);
    clock.advance(HOUR);
    pruneAll();
    expect(count(file)).toBe(2_800);
    clock.advance(HOUR - 1);
    pruneAll();
    expect(count(file)).toBe(2_800);
    for (let hour = 0; hour < 24; hour += 1) {
      clock.advance(HOUR);
      pruneAll();
    }
    expect([count(file), oldest(file)]).toEqual([1_500, T0 + 16 * DAY]);
  });

  test('stay when the clock was 400 days ahead for ten minutes, and so do roll-ups', () => {
    using file = resultsFile();
    const { clock, write, pruneAll } = daemon(file);
    for (let hour = 0; hour < 24; hour += 1) write(T0 - DAY + hour * HOUR, 50);
    const rollups = () => file.reader.prepare('SELECT count(*) FROM rollups_5m').pluck().get();
    clock.advance(HOUR);
    pruneAll();
    clock.step(400 * DAY);
    write(clock.now(), 50);
    for (let minute = 0; minute < 10; minute += 1) {
      clock.advance(60_000);
      pruneAll();
    }
    clock.step(-400 * DAY);
    write(clock.now(), 50);
    for (let hour = 0; hour < 3; hour += 1) {
      pruneAll();
      clock.advance(HOUR);
    }
    expect(count(file)).toBe(1_300);
    expect(rollups()).toBe(25);
  });

  test('lose a tenth an hour, not all, when the clock stays wrong', () => {
    using file = resultsFile();
    const { clock, write, pruneAll } = daemon(file);
    write(T0, 1000);
    clock.step(400 * DAY);
    pruneAll();
    write(clock.now(), 1);
    clock.advance(HOUR);
    pruneAll();
    expect(count(file)).toBe(901);
  });

  test('go by the newest result where the clock is ahead of it', () => {
    using file = resultsFile();
    const { clock, write, pruneAll } = daemon(file, {}, T0 + 100 * DAY);
    write(T0, 10);
    write(T0 + DAY, 10);
    clock.advance(HOUR);
    pruneAll();
    expect(count(file)).toBe(20);
  });

  test('go too when results of a time that never came lie before them', () => {
    using file = resultsFile();
    const { clock, write, pruneAll } = daemon(file, {}, T0 + 20 * DAY);
    write(T0 + 400 * DAY, 6_000);
    write(T0, 100);
    for (let day = 10; day <= 20; day += 1) write(T0 + day * DAY, 100);
    for (let hour = 0; hour < 40; hour += 1) {
      clock.advance(HOUR);
      pruneAll();
    }
    expect([count(file), oldest(file)]).toEqual([1_100, T0 + 10 * DAY]);
  });

  test('go without the newer ones that a clock ahead of its time put between them', () => {
    using file = resultsFile();
    const { clock, write, pruneAll } = daemon(file, {}, T0 + 20 * DAY);
    for (const day of [0, 8, 1, 20]) write(T0 + day * DAY, 1);
    for (let hour = 0; hour < 10; hour += 1) {
      clock.advance(HOUR);
      pruneAll();
    }
    expect([count(file), oldest(file)]).toEqual([2, T0 + 8 * DAY]);
  });

  test('stay until they are in roll-ups', () => {
    using file = resultsFile();
    const { clock, write, pruneAll } = daemon(file, { maxBytes: 1 });
    write(T0, 100);
    clock.advance(HOUR);
    pruneAll();
    expect(count(file)).toBe(100);
    write(T0 + HOUR, 1);
    pruneAll();
    expect(count(file)).toBe(1);
    const sums = createRollups(file.reader).read(1, { bucket: '1d', since: T0 - DAY, until: T0 + DAY });
    expect(sums.map(({ counts }) => counts.up)).toEqual([101]);
    expect(readNewest(file.reader).latest.map(({ at }) => at)).toEqual([T0 + HOUR]);
  });
});

describe('what else ages', () => {
  test('roll-ups, shapes, ended incidents and facts go after their times, and shapes are made anew', () => {
    using file = resultsFile();
    const { clock, write, pruneAll } = daemon(file, {}, T0);
    const addIncident = file.state.prepare(
      "INSERT INTO incidents VALUES (?, ?, ?, ?, 'shared', NULL, NULL, '{}')",
    );
    addIncident.run('old', T0 - 500 * DAY, T0 - 499 * DAY, 'resolved');
    addIncident.run('open', T0 - 500 * DAY, null, 'open');
    addIncident.run('new', T0 - DAY, T0, 'resolved');
    file.state.prepare("INSERT INTO facts VALUES ('client', 'a', 'x', ?)").run(T0 - 401 * DAY);
    write(T0 - 20 * DAY, 10, () => 'an answer of before');
    for (let day = 19; day >= 0; day -= 1) write(T0 - day * DAY, 10);
    for (let hour = 0; hour < 30; hour += 1) {
      clock.advance(HOUR);
      pruneAll();
    }
    const table = (sql: string) => file.reader.prepare(sql).pluck().all();
    // Of the newest day nothing is added up yet.
    expect(table(`SELECT (start - ${T0}) / ${DAY} FROM rollups_5m`)).toEqual([-7, -6, -5, -4, -3, -2, -1]);
    expect(table('SELECT count(*) FROM rollups_1d')).toEqual([20]);
    expect(table('SELECT reason FROM shapes')).toEqual(['it is up']);
    expect(file.state.prepare('SELECT id FROM incidents ORDER BY id').pluck().all()).toEqual(['new', 'open']);
    expect(file.state.prepare('SELECT count(*) FROM facts').pluck().get()).toBe(0);

    write(clock.now(), 3, () => 'an answer of before');
    const [newest] = createResultQuery(file.reader)({ limit: 1 });
    expect(newest?.reason).toBe('an answer of before');
    expect(newest?.evidence).toHaveLength(1);
  });
});

describe('space', () => {
  test('above the limit of the settings the oldest go, a tenth at once, and the file gets smaller', () => {
    using file = resultsFile();
    const { write, prune, pruneAll } = daemon(file, { maxBytes: 2 ** 20 });
    // Most of the space is in answers that never repeat.
    for (let hour = 0; hour < 40; hour += 1) {
      write(T0 + hour * HOUR, 100);
      write(T0 + hour * HOUR, 50, (index) => `${hour} ${index} ${'x'.repeat(300)}`);
    }
    const before = count(file);
    expect(bytesOf(file.db).all).toBeGreaterThan(2 ** 20);
    prune();
    expect(count(file)).toBeGreaterThan(before * 0.89);
    pruneAll();
    expect(bytesOf(file.db).all + bytesOf(file.state).all).toBeLessThanOrEqual(2 ** 20 + 65_536);
    expect(count(file)).toBeGreaterThan(100);
    expect(oldest(file)).toBeGreaterThan(T0 + 5 * HOUR);
  });

  const all = 100 * 2 ** 20;
  test.each([
    ['just under 5 % are free', 0.05 * all - 1, 900],
    ['5 % are free', 0.05 * all, 1000],
  ])('when %s of the file system, the oldest go accordingly', (_, free, left) => {
    using file = resultsFile();
    const { clock, write, pruneAll } = daemon(file, { space: () => ({ free, all }) });
    write(T0, 1000);
    write(T0 + HOUR, 1);
    pruneAll();
    expect(count(file)).toBe(left + 1);
    // The next tenth an hour later: others may have filled the disk, and deleting may not help.
    clock.advance(HOUR - 1);
    pruneAll();
    expect(count(file)).toBe(left + 1);
    clock.advance(1);
    pruneAll();
    expect(count(file)).toBe(left === 900 ? 811 : 1001);
  });

  test('on a large disk nothing goes while there is room for all that the store may become', () => {
    using file = resultsFile();
    const space = () => ({ free: 2 ** 31, all: 2 ** 40 });
    const { write, pruneAll } = daemon(file, { space });
    write(T0, 1000);
    write(T0 + HOUR, 1);
    pruneAll();
    expect(count(file)).toBe(1001);
  });
});
