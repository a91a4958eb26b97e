// What happens to the store when the world is against it: kills, foreign files, two daemons; and what it deletes.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { openStore, openStoreWhenFree, type Store, type StoreOptions } from '../../../src/store/store.ts';
import { incident } from '../../support/incident.ts';
import { inlineWriter } from '../../support/inline-writer.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { probeResult } from '../../support/probe-result.ts';
import { simulatedClock } from '../../support/simulated-clock.ts';
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
    startWriter: inlineWriter,
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
  test('is waited for by a second daemon, which says so at once and gives up after its time', async () => {
    const first = open();
    const said: string[] = [];
    const log = pino({ base: null }, { write: (line) => said.push(line) });
    const clock = simulatedClock();
    const wish = { file: join(folder, 'gatewatch.db'), clock, log, startWriter: inlineWriter };
    const times = { resultsMs: DAY, rollupsMs: DAY, maxBytes: 2 ** 30 };
    const second = openStoreWhenFree({ ...wish, ...times }, AbortSignal.timeout(60_000));
    await clock.pass(2_000);
    expect(said).toEqual([
      expect.stringMatching(/"waiting for the store"|is held by another gatewatch \[pid \d+ on /),
    ]);
    expect(said[0]).toContain(`pid ${process.pid} `);
    close(first);
    await clock.pass(1_000);
    stores.push(await second);

    const third = openStoreWhenFree({ ...wish, ...times }, AbortSignal.timeout(60_000));
    const refused = expect(third).rejects.toThrow(/is held by another gatewatch \[pid \d+ on .*\]/);
    await clock.pass(16_000);
    await refused;
  });

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
  test('in a folder that does not exist are refused with words', () => {
    expect(() => open({ file: join(folder, 'nowhere', 'gatewatch.db') })).toThrow(
      /folder of .*nowhere.* cannot be used/,
    );
    expect(() => open({ readonly: true, file: join(folder, 'missing.db') })).toThrow(
      /missing-state.db cannot be opened/,
    );
  });

  test('of a newer program are left alone: what they say of open incidents goes on in files beside them', () => {
    const before = open();
    before.transaction(() => {
      before.incidents.save(incident({ id: 'i1', labels: { alertname: 'GatewatchSharedFault' } }));
      before.incidents.save(incident({ id: 'i0', state: 'resolved', resolvedAt: T0 }));
      before.state.put('checkpoint', 'one');
    });
    close(before);
    const named = ['gatewatch.db', 'gatewatch-state.db'];
    for (const name of named) {
      const db = new Database(join(folder, name));
      db.pragma('user_version = 99');
      db.close();
    }
    const bytes = named.map((name) => readFileSync(join(folder, name)));
    expect(() => open({ readonly: true })).toThrow(/newer gatewatch/);

    const older = open();
    expect(older.problem).toMatch(
      /was written by a newer gatewatch \(form 99, .* until then .*gatewatch-state-form1\.db is used/,
    );
    expect(older.incidents.open()).toEqual([
      incident({ id: 'i1', labels: { alertname: 'GatewatchSharedFault' } }),
    ]);
    expect(older.state.get('checkpoint')).toBe('one');
    older.state.put('checkpoint', 'two');
    older.results.insert(probeResult({ at: T0 }));
    close(older);
    expect(named.map((name) => readFileSync(join(folder, name)))).toEqual(bytes);
    const again = open();
    expect(again.state.get('checkpoint')).toBe('two');
    expect(again.results.query({})).toHaveLength(1);
  });
});

test('old results go, slice by slice, while the store is open', async () => {
  const clock = manualClock(T0 + 30 * DAY);
  const store = open({ clock });
  for (let day = 0; day < 30; day += 1) store.results.insert(probeResult({ at: T0 + day * DAY }));
  store.results.flush();
  await store.prune(clock.now());
  // The next batch adds up what was before it; only that may go.
  store.results.insert(probeResult({ at: T0 + 30 * DAY }));
  store.results.flush();
  for (let hour = 0; hour < 24; hour += 1) {
    while (await store.prune(clock.now()));
    clock.advance(3_600_000);
  }
  expect(store.results.query({}).map(({ at }) => (at - T0) / DAY)).toEqual(
    Array.from({ length: 15 }, (_, index) => 30 - index),
  );
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
