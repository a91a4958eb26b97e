// What happens to the store when the world is against it: kills, full disks, damaged and foreign files, two daemons.

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { openStore, type Store, type StoreOptions } from '../../../src/store/store.ts';
import { incident } from '../../support/incident.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { exchange, probeResult } from '../../support/probe-result.ts';
import { waitFor } from '../../support/wait.ts';

const DAY = 86_400_000;
const T0 = Date.UTC(2026, 3, 16, 17);
const CHILD = join(import.meta.dirname, '../../support/child-store.ts');
let folder: string;
let stores: Store[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatewatch-store-'));
  stores = [];
});
afterEach(() => {
  for (const store of stores.reverse()) store[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

function open(part: Partial<StoreOptions> = {}): Store {
  const store = openStore({
    file: join(folder, 'gatewatch.db'),
    clock: manualClock(),
    log: silentLog(),
    resultsMs: 14 * DAY,
    rollupsMs: 400 * DAY,
    maxBytes: 2 ** 31,
    lockWaitMs: 0,
    ...part,
  });
  stores.push(store);
  return store;
}

function close(store: Store): void {
  stores = stores.filter((one) => one !== store);
  store[Symbol.dispose]();
}

describe('a process killed with SIGKILL', () => {
  // Per round: 0 inserted, 1 flushed, 2 inside the transaction, 3 committed.
  test.each([0, 1, 2, 3, 5, 6, 7, 11])('at step %i keeps what was committed, whole', (step) => {
    const file = join(folder, 'gatewatch.db');
    const child = spawnSync(process.execPath, [CHILD, file, String(step)], { encoding: 'utf8' });
    expect(child.signal).toBe('SIGKILL');
    const store = open();
    const rounds = Math.floor(step / 4);
    const committed = rounds + (step % 4 === 3 ? 1 : 0);
    expect(store.results.query({})).toHaveLength(rounds + (step % 4 >= 1 ? 1 : 0));
    expect(store.incidents.open()).toHaveLength(committed);
    expect(store.outbox.queued()).toHaveLength(committed);
    expect(store.state.get('checkpoint')).toBe(committed === 0 ? null : String(committed));
  });
});

describe('the lock', () => {
  test('lets one daemon in, names the holder to the second, and dies with its process', async () => {
    const file = join(folder, 'gatewatch.db');
    const holder = spawn(process.execPath, [CHILD, file, 'hold'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = new Promise((resolve) => holder.once('exit', resolve));
    let said = '';
    holder.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await waitFor('the holder', () => said.includes('done'));
    const second = spawnSync(process.execPath, [CHILD, file], { encoding: 'utf8' });
    expect(second.stdout).toMatch(
      /^locked: .*is held by another gatewatch \[pid \d+ on .*\]; one daemon a store/,
    );
    expect(second.stdout).toContain(`pid ${holder.pid} `);

    const reader = open({ readonly: true });
    expect(reader.results.query({})).toHaveLength(3);
    close(reader);

    holder.kill('SIGKILL');
    await ended;
    expect(open().results.query({})).toHaveLength(3);
  });
});

describe('files', () => {
  test('of a newer program are refused with words and left alone', () => {
    close(open());
    const db = new Database(join(folder, 'gatewatch.db'));
    db.pragma('user_version = 99');
    db.close();
    expect(() => open()).toThrow(/was written by a newer gatewatch \(form 99, this program knows up to 1\)/);
    expect(() => open({ readonly: true })).toThrow(/newer gatewatch/);
  });

  test('that are no database are set aside, one of them kept, and the other file is not touched', () => {
    const store = open();
    store.state.put('a', 'b');
    close(store);
    for (const round of [1, 2]) {
      writeFileSync(join(folder, 'gatewatch.db'), `garbage ${round} `.repeat(1000));
      const fresh = open({ clock: manualClock(T0 + round) });
      expect(fresh.state.get('a')).toBe('b');
      expect(fresh.results.query({})).toEqual([]);
      close(fresh);
    }
    const aside = readdirSync(folder).filter((name) => name.includes('corrupt'));
    expect(aside).toEqual([`gatewatch.db.corrupt-${T0 + 2}`]);
    expect(readFileSync(join(folder, aside[0]!), 'utf8')).toContain('garbage 2');
  });

  test('a damaged state file is set aside and begun anew', () => {
    const store = open();
    for (let index = 0; index < 200; index += 1) store.state.put(`key ${index}`, 'x'.repeat(500));
    close(store);
    const path = join(folder, 'gatewatch-state.db');
    const bytes = readFileSync(path);
    bytes.fill(0xaa, 8192, bytes.length);
    writeFileSync(path, bytes);
    const fresh = open();
    expect(fresh.state.get('key 1')).toBeNull();
    fresh.state.put('key 1', 'new');
    expect(fresh.state.get('key 1')).toBe('new');
  });

  test('in a folder that does not exist are refused with words', () => {
    expect(() => open({ file: join(folder, 'nowhere', 'gatewatch.db') })).toThrow(
      /folder of .*nowhere.* cannot be used/,
    );
    expect(() => open({ readonly: true, file: join(folder, 'missing.db') })).toThrow(
      /missing-state.db cannot be opened/,
    );
  });
});

describe('a full disk', () => {
  let disk: string;
  beforeEach(() => {
    disk = join(folder, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'gatewatch-test', disk]);
  });
  afterEach(() => {
    for (const store of stores.reverse()) store[Symbol.dispose]();
    stores = [];
    execFileSync('umount', [disk]);
  });

  test('drops the reserve first, then goes on from memory, says so once, and writes everything when there is room', () => {
    const clock = manualClock();
    const problems: (string | null)[] = [];
    const file = join(disk, 'gatewatch.db');
    const store = open({ file, clock, maxBytes: 4 * 2 ** 20, problem: (detail) => problems.push(detail) });
    expect(existsSync(join(disk, 'gatewatch.reserve'))).toBe(true);
    const blocker = join(disk, 'blocker');
    fill(blocker);

    // With the reserve gone there is room for this.
    store.state.put('first', 'x'.repeat(60_000));
    expect(existsSync(join(disk, 'gatewatch.reserve'))).toBe(false);
    expect(problems).toEqual([]);

    fill(join(disk, 'blocker-2'));
    const bulky = exchange({ headers: { server: 'x'.repeat(190) } });
    for (let index = 0; index < 1000; index += 1) {
      store.results.insert(probeResult({ at: T0 + index, verdict: 'down', exchanges: [bulky, bulky] }));
    }
    store.results.flush();
    store.transaction(() => {
      store.incidents.save(incident({ id: 'i7' }));
      store.state.put('big', 'y'.repeat(300_000));
    });
    expect(problems).toEqual([
      expect.stringMatching(/^the store cannot write its (results|state): SQLITE_FULL$/),
    ]);
    expect(store.results.latest()[0]?.at).toBe(T0 + 999);
    expect(store.incidents.get('i7')).toBeNull();

    rmSync(blocker);
    rmSync(join(disk, 'blocker-2'));
    clock.advance(5_000);
    expect(problems.at(-1)).toBeNull();
    expect(problems).toHaveLength(2);
    expect(store.incidents.get('i7')?.id).toBe('i7');
    expect(store.state.get('big')).toHaveLength(300_000);
    const stored = new Database(file, { readonly: true });
    expect(stored.prepare('SELECT count(*) FROM results').pluck().get()).toBe(1000);
    stored.close();
  });

  function fill(path: string): void {
    for (const size of [65_536, 4096]) {
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

describe('retention', () => {
  const insertDays = (store: Store, days: number, perDay: number): void => {
    for (let day = 0; day < days; day += 1) {
      for (let index = 0; index < perDay; index += 1)
        store.results.insert(probeResult({ at: T0 + day * DAY + index }));
    }
    store.results.flush();
  };

  test('deletes what is older than its time, in slices, and leaves all that is newer', () => {
    const clock = manualClock(T0 + 30 * DAY);
    const store = open({ clock });
    insertDays(store, 30, 400);
    clock.advance(3_600_000);
    expect(store.prune(clock.now())).toBe(true);
    expect(store.results.query({ limit: 1000, until: T0 + 30 * DAY })).toHaveLength(1000);
    while (store.prune(clock.now()));
    const db = new Database(join(folder, 'gatewatch.db'), { readonly: true });
    expect(db.prepare('SELECT count(*) AS n, min(at) AS oldest FROM results').get()).toEqual({
      n: 14 * 400 + 1,
      oldest: T0 + 15 * DAY + 399,
    });
    expect(db.prepare('SELECT count(*) FROM rollups_1d').pluck().get()).toBe(30);
    db.close();
  });

  test('deletes nothing in the first hour, nor in the hour after the clock has jumped', () => {
    const clock = manualClock(T0 + 30 * DAY);
    const store = open({ clock });
    insertDays(store, 30, 10);
    const count = () => store.results.query({ limit: 1000 }).length;
    store.prune(clock.now());
    expect(count()).toBe(300);
    clock.advance(3_600_000);
    clock.step(400 * DAY);
    store.results.insert(probeResult({ at: clock.now() }));
    store.prune(clock.now());
    clock.step(-400 * DAY);
    clock.advance(600_000);
    store.prune(clock.now());
    expect(count()).toBe(301);
  });

  test('keeps the size below the maximum by deleting the oldest first', () => {
    const store = open({ maxBytes: 2 ** 20 });
    for (let index = 0; index < 12_000; index += 1) {
      store.results.insert(probeResult({ at: T0 + index * 1000, verdict: 'down' }));
    }
    store.results.flush();
    expect(store.sizeBytes()).toBeGreaterThan(2 ** 20);
    while (store.prune(T0));
    expect(store.sizeBytes()).toBeLessThan(2 ** 20 + 2 ** 19);
    const left = store.results.query({ limit: 1000 });
    expect(left[0]?.at).toBe(T0 + 11_999_000);
  });
});

test('the schema of both files is the one of the fixture', () => {
  close(open());
  const schema = ['gatewatch.db', 'gatewatch-state.db'].map((name) => {
    const db = new Database(join(folder, name), { readonly: true });
    const version = db.pragma('user_version', { simple: true });
    const parts = db
      .prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name')
      .pluck()
      .all();
    db.close();
    return [`-- ${name}, form ${version}`, ...parts.map((sql) => `${sql};`)].join('\n\n');
  });
  const golden = join(import.meta.dirname, '../../fixtures/schema.sql');
  expect(`${schema.join('\n\n')}\n`).toBe(readFileSync(golden, 'utf8'));
});
