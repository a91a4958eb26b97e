// The store's writing thread: whatever the disk does to it, the thread that probes goes on.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { threadStarter } from '../../../src/store/writer.ts';
import { incident } from '../../support/incident.ts';
import { loopDisk } from '../../support/loop-disk.ts';
import { probeResult } from '../../support/probe-result.ts';
import { openIn, type StoreUnderTest } from '../../support/store-under-test.ts';
import { waitFor } from '../../support/wait.ts';

const T0 = Date.UTC(2026, 3, 16, 17);
const slowThread = threadStarter(new URL('../../support/child-slow-writer.ts', import.meta.url));
/** Far above what our own work takes, far below what the disk takes. */
const LAG_LIMIT_MS = 1_000;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatewatch-store-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Resolves when its thread has written something: on a busy machine that takes a while. */
async function started({ store }: StoreUnderTest, where = folder): Promise<void> {
  store.state.put('started', 'yes');
  await waitFor('the thread', () => {
    using stack = new DisposableStack();
    const file = join(where, 'gatewatch-state.db');
    const db = stack.adopt(new Database(file, { readonly: true }), (one) => one.close());
    return db.prepare("SELECT 1 FROM state WHERE key = 'started'").get();
  });
  await store.settled();
}

/** Longest time in ms that the event loop of this thread stood still meanwhile. */
async function lagDuring(run: () => Promise<void>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  await run();
  delay.disable();
  return delay.max / 1e6;
}

describe('settled', () => {
  test('resolves when everything written before is on disk, in the order of writing', async () => {
    const opened = openIn(folder);
    const { store, problems } = opened;
    using _store = store;
    await started(opened);
    store.results.insert(probeResult({ at: T0 }));
    store.transaction(() => {
      store.incidents.save(incident({ id: 'i1' }));
      store.state.put('checkpoint', 'one');
    });
    store.state.put('checkpoint', 'two');
    await store.settled();
    const state = new Database(join(folder, 'gatewatch-state.db'), { readonly: true });
    expect(state.prepare('SELECT id FROM incidents').pluck().all()).toEqual(['i1']);
    expect(state.prepare("SELECT value FROM state WHERE key = 'checkpoint'").pluck().get()).toBe('two');
    state.close();
    const results = new Database(join(folder, 'gatewatch.db'), { readonly: true });
    expect(results.prepare('SELECT count(*) FROM results').pluck().get()).toBe(1);
    results.close();
    expect(problems).toEqual([]);
  });
});

describe('a disk whose every write takes two seconds', () => {
  test('delays nobody but those who ask to wait; what was written is read at once', async () => {
    const opened = openIn(folder, { startWriter: slowThread });
    const { store, problems } = opened;
    await started(opened);
    const startedMs = performance.now();
    const lag = await lagDuring(async () => {
      store.incidents.save(incident({ id: 'i1' }));
      store.results.insert(probeResult({ at: T0, verdict: 'down' }));
      store.results.flush();
      expect(store.incidents.open()).toHaveLength(1);
      expect(store.results.query({})).toHaveLength(1);
      await store.settled('state');
    });
    expect(performance.now() - startedMs).toBeGreaterThan(1_900);
    expect(lag).toBeLessThan(LAG_LIMIT_MS);
    expect(problems).toEqual([]);
    store[Symbol.dispose]();
    using again = openIn(folder).store;
    expect(again.incidents.get('i1')?.id).toBe('i1');
    expect(again.results.query({})).toHaveLength(1);
  });
});

describe('a disk that hangs', () => {
  test('is reported, stops nobody, and gets everything when it answers again', async () => {
    using disk = loopDisk(folder);
    const opened = openIn(disk.folder);
    const { store, problems } = opened;
    using _store = store;
    await started(opened, disk.folder);
    store.incidents.save(incident({ id: 'before' }));
    await store.settled();
    // Whatever fails from here on, the disk must be well again before the store is closed.
    using stack = new DisposableStack();
    stack.defer(() => disk.thaw());
    disk.freeze();
    const lag = await lagDuring(async () => {
      for (let index = 0; index < 50; index += 1) {
        store.results.insert(probeResult({ at: T0 + index, verdict: 'down' }));
        store.incidents.save(incident({ id: `i${index}` }));
        expect(store.incidents.get(`i${index}`)?.id).toBe(`i${index}`);
      }
      await store.settled();
      // Whoever asks later does not wait at all.
      const askedMs = performance.now();
      await store.settled();
      expect(performance.now() - askedMs).toBeLessThan(LAG_LIMIT_MS);
    });
    expect(lag).toBeLessThan(LAG_LIMIT_MS);
    expect(problems).toEqual(['the disk of the store has not answered for 5 s']);
    expect(store.incidents.open()).toHaveLength(51);
    expect(store.results.latest()[0]?.at).toBe(T0 + 49);
    disk.thaw();
    await waitFor('the disk to be well', () => problems.at(-1) === null);
    await store.settled();
    const state = new Database(join(disk.folder, 'gatewatch-state.db'), { readonly: true });
    expect(state.prepare('SELECT count(*) FROM incidents').pluck().get()).toBe(51);
    state.close();
    expect(problems).toHaveLength(2);
  });
});

describe('a disk that becomes read-only', () => {
  test('is reported in words, and alerting goes on from memory', async () => {
    using disk = loopDisk(folder);
    const opened = openIn(disk.folder);
    const { store, problems } = opened;
    await started(opened, disk.folder);
    store.incidents.save(incident({ id: 'before' }));
    await store.settled();
    disk.breakDown();
    store.incidents.save(incident({ id: 'after' }));
    await store.settled();
    expect(problems).toEqual([expect.stringMatching(/^the store cannot write its state: .* \(SQLITE_/)]);
    expect(store.incidents.open().map(({ id }) => id)).toEqual(['after', 'before']);
    store[Symbol.dispose]();
  });
});

describe('a thread that dies', () => {
  test('is reported and started again, and nothing that waited is lost', async () => {
    const { store, problems } = openIn(folder, { startWriter: slowThread });
    store.state.put('key', `die:${join(folder, 'died')}`);
    store.incidents.save(incident({ id: 'i1' }));
    await waitFor('its death to be told', () => problems.length > 0);
    await store.settled();
    await waitFor('the next one to write', () => problems.at(-1) === null);
    expect(problems).toEqual(['the thread that writes the store stopped: told to die', null]);
    await store.settled();
    const state = new Database(join(folder, 'gatewatch-state.db'), { readonly: true });
    expect(state.prepare('SELECT id FROM incidents').pluck().all()).toEqual(['i1']);
    state.close();
    store[Symbol.dispose]();
  });
});

test('a process that is done ends although its store was left open', () => {
  const script = `
    import { openIn, type StoreUnderTest } from ${JSON.stringify(join(import.meta.dirname, '../../support/store-under-test.ts'))};
    openIn(process.argv[1]).store.state.put('a', 'b');
  `;
  execFileSync(process.execPath, ['--input-type=module-typescript', '-e', script, folder], {
    timeout: 30_000,
  });
  using store = openIn(folder).store;
  expect(store.state.get('a')).toBe('b');
});
