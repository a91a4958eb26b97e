// The store on real files: what is written is read back, after a restart too.

import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { openStore, type Store, type StoreOptions } from '../../../src/store/store.ts';
import { incident } from '../../support/incident.ts';
import { inlineWriter } from '../../support/inline-writer.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { exchange, probeResult } from '../../support/probe-result.ts';

const DAY = 86_400_000;
let folder: string;
let stores: Store[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatewatch-store-'));
  stores = [];
});
afterEach(() => {
  for (const store of stores.reverse()) store[Symbol.dispose]();
  rmSync(folder, { recursive: true });
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

const T0 = Date.UTC(2026, 3, 16, 17);

describe('results', () => {
  test('are read back newest first, with the allowed evidence and without secrets', () => {
    const store = open();
    store.results.insert(
      probeResult({ at: T0, verdict: 'down', signature: 'gate-no-session', reason: 'an empty 400' }),
    );
    const [result] = store.results.query({});
    expect(result).toMatchObject({
      at: T0,
      check: 'fresh:cdn:grafana.example.com',
      verdict: 'down',
      signature: 'gate-no-session',
      reason: 'an empty 400',
      status: 302,
      durationMs: 26.13,
    });
    expect(result?.evidence[0]).toMatchObject({
      url: 'https://grafana.example.com/',
      location: 'https://auth.example.com/application/o/authorize/?client_id=abc&state=…',
      timings: { dnsMs: null, connectMs: 1.2, tlsMs: 4.6, firstByteMs: 20, transferMs: 0.3 },
      headers: { server: 'caddy', date: 'Thu, 16 Apr 2026 17:00:00 GMT' },
    });
    close(store);
    for (const name of ['gatewatch.db', 'gatewatch-state.db']) {
      expect(readFileSync(join(folder, name)).includes('SECRET')).toBe(false);
    }
  });

  test('that repeat share one shape and keep their own timings and sizes', () => {
    const store = open();
    for (let index = 0; index < 10; index += 1) {
      const timings = { dnsMs: index, connectMs: null, tlsMs: 0.1, firstByteMs: 2, transferMs: 3 };
      store.results.insert(
        probeResult({ at: T0 + index * 1000, exchanges: [exchange({ timings, bodyBytes: index })] }),
      );
    }
    store.results.flush();
    const read = store.results.query({});
    expect(read.map((one) => one.evidence[0]?.timings.dnsMs)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(read.map((one) => one.evidence[0]?.bodyBytes)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(
      read.every((one) => one.reason === 'a stranger is handed over to the login' && one.status === 302),
    ).toBe(true);
    const db = new Database(join(folder, 'gatewatch.db'), { readonly: true });
    expect(db.prepare('SELECT count(*) AS n FROM shapes').get()).toEqual({ n: 1 });
    expect(db.prepare('SELECT count(*) AS n FROM results WHERE detail IS NULL').get()).toEqual({ n: 9 });
    db.close();
  });

  test('are in the file 500 ms after they were inserted', () => {
    const clock = manualClock();
    const store = open({ clock });
    store.results.insert(probeResult({ at: T0 }));
    const reader = new Database(join(folder, 'gatewatch.db'), { readonly: true });
    const count = () => reader.prepare('SELECT count(*) FROM results').pluck().get();
    expect(count()).toBe(0);
    clock.advance(500);
    expect(count()).toBe(1);
    reader.close();
  });

  test('are found by check, target, time, verdict and page', () => {
    const store = open();
    for (let minute = 0; minute < 300; minute += 1) {
      for (const [visit, path] of [
        ['fresh', 'cdn'],
        ['return', 'cdn'],
        ['return', 'origin'],
      ] as const) {
        const verdict = minute % 50 === 7 && visit === 'fresh' ? 'down' : 'up';
        store.results.insert(probeResult({ at: T0 + minute * 60_000, visit, path, verdict }));
      }
      store.results.insert(probeResult({ at: T0 + minute * 60_000, host: 'wiki.example.com' }));
    }
    const minutes = (found: { at: number }[]) => found.map((one) => (one.at - T0) / 60_000);
    const check = 'return:cdn:grafana.example.com';
    expect(minutes(store.results.query({ check, limit: 3 }))).toEqual([299, 298, 297]);
    expect(minutes(store.results.query({ check, since: T0 + 10 * 60_000, until: T0 + 13 * 60_000 }))).toEqual(
      [12, 11, 10],
    );
    expect(minutes(store.results.query({ verdicts: ['down'] }))).toEqual([257, 207, 157, 107, 57, 7]);
    expect(
      minutes(store.results.query({ check: 'fresh:cdn:grafana.example.com', verdicts: ['down'], limit: 2 })),
    ).toEqual([257, 207]);
    expect(store.results.query({ target: 'grafana.example.com', limit: 1000 })).toHaveLength(900);
    expect(store.results.query({ target: 'nobody.example.com' })).toEqual([]);

    for (const query of [{}, { check }, { target: 'grafana.example.com' }]) {
      const all = store.results.query({ ...query, limit: 1000 }).map((one) => one.id);
      const paged: number[] = [];
      for (let page = store.results.query({ ...query, limit: 70 }); page.length > 0; ) {
        paged.push(...page.map((one) => one.id));
        if (paged.length >= all.length) break;
        page = store.results.query({ ...query, limit: 70, before: paged.at(-1)! });
      }
      expect(paged.slice(0, all.length)).toEqual(all);
    }
  });

  test('latest knows the newest of each check and since when its verdict holds, also after a restart', () => {
    let store = open();
    store.results.insert(probeResult({ at: T0 }));
    store.results.insert(probeResult({ at: T0 + 1000, verdict: 'down' }));
    store.results.insert(probeResult({ at: T0 + 2000, verdict: 'down' }));
    store.results.insert(probeResult({ at: T0 + 500, host: 'wiki.example.com' }));
    const before = store.results.latest();
    expect(before.map((one) => [one.check, one.verdict, one.at - T0, one.since - T0])).toEqual([
      ['fresh:cdn:grafana.example.com', 'down', 2000, 1000],
      ['fresh:cdn:wiki.example.com', 'up', 500, 500],
    ]);
    close(store);
    store = open();
    expect(store.results.latest()).toEqual(before);
  });

  test('keep rising ids when the clock goes back, and are found by their times', () => {
    let store = open();
    store.results.insert(probeResult({ at: T0 }));
    store.results.insert(probeResult({ at: T0 - 3_600_000 }));
    close(store);
    store = open();
    store.results.insert(probeResult({ at: T0 - 3_500_000 }));
    expect(store.results.query({}).map((one) => (one.at - T0) / 1000)).toEqual([-3500, -3600, 0]);
    expect(store.results.query({ until: T0 - 1, since: T0 - 3_550_000 }).map((one) => one.at - T0)).toEqual([
      -3_500_000,
    ]);
  });

  test('a result whose observation cannot be stored is left out and nothing is thrown', () => {
    const store = open();
    store.results.insert(probeResult({ at: T0, exchanges: [exchange({ url: 'not a url' })] }));
    expect(store.results.query({})).toEqual([]);
  });
});

describe('roll-ups', () => {
  test('count verdicts and durations by check and bucket', () => {
    const store = open();
    const samples = [
      ['up', 10],
      ['degraded', 30],
      ['down', 900],
      ['unknown', 5],
      ['up', 20],
    ] as const;
    samples.forEach(([verdict, durationMs], index) => {
      store.results.insert(probeResult({ at: T0 + index * 1000, verdict, durationMs }));
      if (index === 2) store.results.flush();
    });
    store.results.insert(probeResult({ at: T0 + 300_000, verdict: 'up', durationMs: 7 }));
    store.results.flush();
    const check = 'fresh:cdn:grafana.example.com';
    const range = { since: T0 - DAY, until: T0 + DAY };
    const first = {
      start: T0,
      counts: { up: 2, degraded: 1, down: 1, unknown: 1 },
      sumMs: 60,
      minMs: 10,
      maxMs: 30,
    };
    expect(store.rollups(check, { bucket: '5m', ...range })).toEqual([
      first,
      {
        start: T0 + 300_000,
        counts: { up: 1, degraded: 0, down: 0, unknown: 0 },
        sumMs: 7,
        minMs: 7,
        maxMs: 7,
      },
    ]);
    const both = { ...first, counts: { ...first.counts, up: 3 }, sumMs: 67, minMs: 7 };
    expect(store.rollups(check, { bucket: '1h', ...range })).toEqual([both]);
    expect(store.rollups(check, { bucket: '1d', ...range })).toEqual([
      { ...both, start: Date.UTC(2026, 3, 16) },
    ]);
    expect(store.rollups('fresh:cdn:nobody', { bucket: '1h', ...range })).toEqual([]);
  });
});

describe('the state file', () => {
  test('keeps incidents with the labels they first got', () => {
    let store = open();
    store.incidents.save(incident({ id: 'i1', labels: { alertname: 'GatewatchSharedFault' } }));
    store.incidents.save(incident({ id: 'i1', targets: ['a.example.com'], labels: null }));
    store.incidents.save(incident({ id: 'i2', openedAt: T0 + 1, state: 'resolved', resolvedAt: T0 + 5000 }));
    close(store);
    store = open();
    expect(store.incidents.open()).toEqual([
      incident({ id: 'i1', targets: ['a.example.com'], labels: { alertname: 'GatewatchSharedFault' } }),
    ]);
    expect(store.incidents.get('i2')?.resolvedAt).toBe(T0 + 5000);
    expect(store.incidents.list({}).map((one) => one.id)).toEqual(['i2', 'i1']);
    expect(store.incidents.list({ limit: 1, before: 'i2' }).map((one) => one.id)).toEqual(['i1']);
    expect(store.incidents.list({ state: 'resolved' }).map((one) => one.id)).toEqual(['i2']);
    expect(store.incidents.list({ since: T0 + 6000 }).map((one) => one.id)).toEqual(['i1']);
  });

  test('writes a transaction whole or not at all', () => {
    const store = open();
    store.transaction(() => {
      store.state.put('checkpoint', 'one');
      store.incidents.save(incident({ id: 'i1' }));
      expect(store.incidents.get('i1')).toBeNull();
    });
    expect(store.incidents.get('i1')?.id).toBe('i1');
    expect(() =>
      store.transaction(() => {
        store.state.put('checkpoint', 'two');
        throw new Error('a bug');
      }),
    ).toThrow('a bug');
    expect(store.state.get('checkpoint')).toBe('one');
  });

  test('keeps the queue in order and what was accepted', () => {
    let store = open();
    const ids = [1, 2, 3].map(() => store.outbox.nextId(T0));
    for (const id of ids)
      store.outbox.put({ id, receiver: 'am', incident: 'i1', body: `${id}`, queuedAt: T0 });
    store.outbox.remove(ids[1]!);
    store.outbox.accept({ receiver: 'am', incident: 'i1', body: 'x', acceptedAt: T0 });
    store.outbox.accept({ receiver: 'am', incident: 'i1', body: 'y', acceptedAt: T0 + 1 });
    close(store);
    store = open();
    expect(store.outbox.queued().map((row) => row.id)).toEqual([ids[0], ids[2]]);
    expect(store.outbox.accepted()).toEqual([
      { receiver: 'am', incident: 'i1', body: 'y', acceptedAt: T0 + 1 },
    ]);
    expect(store.outbox.nextId(0)).toBeGreaterThan(ids[2]!);
  });

  test('remembers facts: new values at once, confirmations when the last one is ten minutes old', () => {
    const clock = manualClock();
    let store = open({ clock });
    store.facts.put({ kind: 'client', key: 'a', value: 'one' }, T0);
    clock.advance(500);
    store.facts.put({ kind: 'client', key: 'a', value: 'one' }, T0 + 1000);
    expect(store.facts.get('client', 'a')).toMatchObject({ value: 'one', at: T0 + 1000 });
    close(store);
    store = open({ clock });
    expect(store.facts.get('client', 'a')).toMatchObject({ value: 'one', at: T0 });
    store.facts.put({ kind: 'client', key: 'a', value: 'one' }, T0 + 600_000);
    store.facts.put({ kind: 'seen-up', key: 'b', value: '' }, T0);
    close(store);
    store = open({ clock });
    expect(store.facts.all('client')).toMatchObject([{ key: 'a', value: 'one', at: T0 + 600_000 }]);
    expect(store.facts.get('seen-up', 'b')).toMatchObject({ value: '' });
    expect(store.facts.get('callback', 'a')).toBeNull();
  });

  test('all files are readable by their owner alone', () => {
    const store = open();
    store.results.insert(probeResult({ at: T0 }));
    store.results.flush();
    store.state.put('a', 'b');
    for (const name of [
      '.db',
      '.db-wal',
      '.db-shm',
      '-state.db',
      '-state.db-wal',
      '.reserve',
      '.lock-file',
    ]) {
      expect([name, statSync(join(folder, `gatewatch${name}`)).mode & 0o777]).toEqual([name, 0o600]);
    }
  });
});
