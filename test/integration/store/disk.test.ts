// What disks do to files: full, torn, damaged, deleted, locked. Whatever it is, memory goes on, one sentence says what
// is wrong, nothing that is known is lost, and the files catch up.

import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { incident } from '../../support/incident.ts';
import { inlineWriter } from '../../support/inline-writer.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { exchange, probeResult } from '../../support/probe-result.ts';
import { seeded } from '../../support/simulator.ts';
import { openIn, type StoreUnderTest } from '../../support/store-under-test.ts';

const T0 = Date.UTC(2026, 3, 16, 17);
const RETRY_MS = 5_000;
const PAGE = 4096;
let folder: string;
let home: string;
let clock: ReturnType<typeof manualClock>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatewatch-store-'));
  home = join(folder, 'home');
  mkdirSync(home);
  clock = manualClock();
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function open(where = home): StoreUnderTest & Disposable {
  const opened = openIn(where, { startWriter: inlineWriter, maxBytes: 4 * 2 ** 20 }, clock);
  return { ...opened, [Symbol.dispose]: () => opened.store[Symbol.dispose]() };
}

/** One more incident, its delivery and the checkpoint, in one transaction; and a result. */
function record({ store }: StoreUnderTest, round: number): void {
  store.results.insert(probeResult({ at: T0 + round, verdict: 'down' }));
  store.results.flush();
  store.transaction(() => {
    store.incidents.save(incident({ id: `i${round}`, labels: { alertname: `A${round}` } }));
    store.outbox.put({ id: round, receiver: 'am', incident: `i${round}`, body: '{}', queuedAt: T0 });
    store.state.put('checkpoint', `${round}`);
  });
}

/** What the rooms would take over from the store. */
function known({ store }: StoreUnderTest): {
  incidents: string[];
  queued: number[];
  checkpoint: string | null;
} {
  return {
    incidents: store.incidents.open().map(({ id, labels }) => `${id} ${labels?.['alertname']}`),
    queued: store.outbox.queued().map(({ id }) => id),
    checkpoint: store.state.get('checkpoint'),
  };
}

function afterRounds(rounds: number): ReturnType<typeof known> {
  const all = Array.from({ length: rounds }, (_, index) => index + 1);
  return {
    incidents: all.map((round) => `i${round} A${round}`).sort(),
    queued: all,
    checkpoint: rounds === 0 ? null : `${rounds}`,
  };
}

function count(where: string, table = 'results'): unknown {
  using stack = new DisposableStack();
  const db = stack.adopt(new Database(where, { readonly: true }), (one) => one.close());
  return db.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
}

describe('a full disk', () => {
  beforeEach(() => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'gatewatch-test', home]);
  });
  afterEach(() => {
    execFileSync('umount', [home]);
  });

  test('costs the reserve first; then memory goes on, it is said once, and all is written when there is room', () => {
    using opened = open();
    const { store, problems } = opened;
    record(opened, 1);
    expect(existsSync(join(home, 'gatewatch.reserve'))).toBe(true);
    fill(join(home, 'blocker'));

    // With the reserve gone there is room for this.
    store.state.put('first', 'x'.repeat(60_000));
    expect(existsSync(join(home, 'gatewatch.reserve'))).toBe(false);
    expect(problems).toEqual([]);

    fill(join(home, 'blocker-2'));
    const bulky = exchange({ headers: { server: 'x'.repeat(190) } });
    for (let index = 0; index < 1000; index += 1)
      store.results.insert(probeResult({ at: T0 + 10 + index, verdict: 'down', exchanges: [bulky, bulky] }));
    store.results.flush();
    store.state.put('big', 'y'.repeat(300_000));
    record(opened, 2);
    expect(problems).toEqual([
      expect.stringMatching(/^the store cannot write its (results|state): the disk is full \(SQLITE_FULL\)$/),
    ]);
    expect(known(opened)).toEqual(afterRounds(2));
    expect(store.results.query({ limit: 1000 })[0]?.at).toBe(T0 + 2);

    rmSync(join(home, 'blocker'));
    rmSync(join(home, 'blocker-2'));
    clock.advance(RETRY_MS);
    expect(problems.at(-1)).toBeNull();
    expect(count(join(home, 'gatewatch.db'))).toBe(1002);
    expect(count(join(home, 'gatewatch-state.db'), 'incidents')).toBe(2);
    store[Symbol.dispose]();
    using again = open();
    expect(known(again)).toEqual(afterRounds(2));
    expect(again.store.state.get('big')).toHaveLength(300_000);
  });

  function fill(path: string): void {
    for (const size of [65_536, PAGE]) {
      for (;;) {
        try {
          writeFileSync(path, Buffer.alloc(size, 1), { flag: 'a' });
        } catch {
          break;
        }
      }
    }
  }
});

describe('a torn write', () => {
  test('at any place of the journal leaves the state of some moment, whole, and never an older one', () => {
    const rounds = 8;
    const crashed = join(folder, 'crashed');
    {
      using opened = open();
      for (let round = 1; round <= rounds; round += 1) record(opened, round);
      mkdirSync(crashed);
      for (const name of ['gatewatch-state.db', 'gatewatch-state.db-wal', 'gatewatch.db', 'gatewatch.db-wal'])
        copyFileSync(join(home, name), join(crashed, name));
    }
    const wal = readFileSync(join(crashed, 'gatewatch-state.db-wal')).length;
    let least = 0;
    for (let length = 0; length <= wal; length += (PAGE + 24) / 2) {
      const torn = join(folder, `torn-${length}`);
      mkdirSync(torn);
      for (const name of readdirSync(crashed)) copyFileSync(join(crashed, name), join(torn, name));
      truncateSync(join(torn, 'gatewatch-state.db-wal'), length);
      using opened = open(torn);
      const found = known(opened);
      const round = Number(found.checkpoint ?? 0);
      expect(found).toEqual(afterRounds(round));
      expect(round).toBeGreaterThanOrEqual(least);
      expect(opened.store.problem).toBeNull();
      least = round;
    }
    expect(least).toBe(rounds - 1);
  });
});

describe('a damaged file', () => {
  /** Overwrites some pages behind the back of whoever has the file open. */
  function damage(name: string, seed: number): void {
    const random = seeded(seed);
    const path = join(home, name);
    const bytes = readFileSync(path);
    for (let times = 0; times < 3; times += 1) {
      const page = Math.floor((random() * bytes.length) / PAGE);
      if (random() < 0.5) bytes.fill(0, page * PAGE, (page + 1) * PAGE);
      else
        for (let at = 0; at < 64; at += 1) bytes[page * PAGE + Math.floor(random() * 200)] = random() * 256;
    }
    writeFileSync(path, bytes);
  }

  test.each([1, 2, 3, 4, 5, 6])(
    'at the start is set aside, and the other one is not touched (seed %i)',
    (seed) => {
      for (const name of ['gatewatch.db', 'gatewatch-state.db']) {
        {
          using opened = open();
          for (let round = 1; round <= 30; round += 1) record(opened, round);
        }
        damage(name, seed);
        using opened = open();
        record(opened, 31);
        expect(opened.store.results.query({})[0]?.at).toBe(T0 + 31);
        expect(known(opened).incidents).toContain('i31 A31');
        const other = name === 'gatewatch.db' ? 'gatewatch-state.db.corrupt' : 'gatewatch.db.corrupt';
        expect(readdirSync(home).filter((one) => one.startsWith(other))).toEqual([]);
        if (name === 'gatewatch.db') expect(known(opened)).toEqual(afterRounds(31));
        rmSync(home, { recursive: true });
        mkdirSync(home);
      }
    },
  );

  test.each(['gatewatch.db', 'gatewatch-state.db'])(
    '%s, damaged while it is used, is set aside, and what memory knows goes into a new one',
    (name) => {
      using opened = open();
      const { store, problems } = opened;
      for (let round = 1; round <= 30; round += 1) record(opened, round);
      // Out of the journal and out of SQLite's cache.
      const other = new Database(join(home, name));
      other.pragma('wal_checkpoint(TRUNCATE)');
      other.close();
      const path = join(home, name);
      writeFileSync(path, Buffer.alloc(readFileSync(path).length, 0xaa), { flag: 'r+' });
      for (let round = 31; round <= 60 && problems.length === 0; round += 1) {
        store.incidents.list({ limit: 1000 });
        store.results.query({ limit: 1000 });
        record(opened, round);
      }
      const part = name === 'gatewatch.db' ? 'results' : 'state';
      expect(problems).toEqual([
        expect.stringMatching(
          `^the file with the store's ${part} was damaged and is kept as ${path}.corrupt-\\d+; a new one was begun$`,
        ),
      ]);
      const rounds = Number(store.state.get('checkpoint'));
      expect(known(opened)).toEqual(afterRounds(rounds));
      clock.advance(15 * 60_000);
      expect(problems.slice(1)).toEqual([null]);
      store[Symbol.dispose]();
      using again = open();
      expect(known(again)).toEqual(afterRounds(rounds));
      expect(again.store.results.query({})[0]?.at).toBe(T0 + rounds);
    },
  );

  test('is kept, but only the last one', () => {
    for (const round of [1, 2]) {
      writeFileSync(join(home, 'gatewatch.db'), `garbage ${round} `.repeat(1000));
      using opened = open();
      expect(opened.store.problem).toContain('was damaged and is kept as');
      expect(opened.store.results.query({})).toEqual([]);
      opened.store[Symbol.dispose]();
      clock.advance(1);
    }
    const aside = readdirSync(home).filter((name) => /corrupt-\d+$/.test(name));
    expect(aside).toEqual([`gatewatch.db.corrupt-${clock.now() - 1}`]);
    expect(readFileSync(join(home, aside[0]!), 'utf8')).toContain('garbage 2');
  });
});

describe('files that vanish while they are used', () => {
  test.each([
    ['the journals', ['gatewatch.db-wal', 'gatewatch-state.db-wal']],
    ['both files', ['gatewatch.db', 'gatewatch-state.db']],
    [
      'files and journals',
      ['gatewatch.db', 'gatewatch-state.db', 'gatewatch.db-wal', 'gatewatch-state.db-wal'],
    ],
  ])('%s: everything is there again after the next write', (_, names) => {
    {
      using opened = open();
      for (let round = 1; round <= 5; round += 1) record(opened, round);
      opened.store.incidents.save(incident({ id: 'ended', state: 'resolved', resolvedAt: T0 }));
      for (const name of names) rmSync(join(home, name));
      // Whatever a reader makes of it, it does no harm.
      opened.store.results.query({});
      opened.store.incidents.list({});
      record(opened, 6);
      expect(known(opened)).toEqual(afterRounds(6));
      expect(opened.problems).toEqual([]);
    }
    using again = open();
    expect(known(again)).toEqual(afterRounds(6));
    expect(again.store.incidents.get('ended')?.id).toBe('ended');
    expect(again.store.results.query({}).map(({ at }) => at - T0)).toEqual([6, 5, 4, 3, 2, 1]);
  });

  test('the whole folder: it is said, and when there is a folder again, memory fills it', () => {
    using opened = open();
    const { store, problems } = opened;
    for (let round = 1; round <= 5; round += 1) record(opened, round);
    rmSync(home, { recursive: true });
    record(opened, 6);
    expect(problems).toEqual(['the store cannot write its results: the file or its folder is gone (ENOENT)']);
    expect(known(opened)).toEqual(afterRounds(6));
    mkdirSync(home);
    clock.advance(RETRY_MS);
    expect(problems.at(-1)).toMatch(
      /^the file with the store's (state|results) was gone; a new one was begun$/,
    );
    clock.advance(15 * 60_000);
    expect(problems.at(-1)).toBeNull();
    store[Symbol.dispose]();
    using again = open();
    expect(known(again)).toEqual(afterRounds(6));
    expect(again.store.results.query({}).map(({ at }) => at - T0)).toEqual([6]);
  });
});

test('a file that another process has locked is reported, and written when it is free', () => {
  using opened = open();
  record(opened, 1);
  const other = new Database(join(home, 'gatewatch-state.db'));
  other.exec('BEGIN EXCLUSIVE');
  record(opened, 2);
  record(opened, 3);
  expect(opened.problems).toEqual([
    'the store cannot write its state: another process has locked it (SQLITE_BUSY)',
  ]);
  expect(known(opened)).toEqual(afterRounds(3));
  other.exec('ROLLBACK');
  expect(count(join(home, 'gatewatch-state.db'), 'incidents')).toBe(1);
  clock.advance(RETRY_MS);
  expect(opened.problems.slice(1)).toEqual([null]);
  expect(count(join(home, 'gatewatch-state.db'), 'incidents')).toBe(3);
  other.close();
});

test('what waits too long is written as one copy of memory, and old results make room for new ones', () => {
  using opened = open();
  const { store } = opened;
  record(opened, 1);
  const others = ['gatewatch-state.db', 'gatewatch.db'].map((name) => new Database(join(home, name)));
  for (const other of others) other.exec('BEGIN IMMEDIATE');
  store.outbox.remove(1);
  for (let index = 0; index < 6_000; index += 1) store.state.put('count', `${index}`);
  for (let index = 0; index < 10_100; index += 1) store.results.insert(probeResult({ at: T0 + 100 + index }));
  record(opened, 2);
  for (const other of others) other.close();
  clock.advance(2 * RETRY_MS);
  expect(opened.problems.at(-1)).toBeNull();
  expect(store.results.dropped).toBe(101);
  store[Symbol.dispose]();
  using again = open();
  expect(again.store.state.get('count')).toBe('5999');
  expect(known(again)).toEqual({ ...afterRounds(2), queued: [2] });
  expect(count(join(home, 'gatewatch.db'))).toBe(10_001);
});
