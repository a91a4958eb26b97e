import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Discoverer } from '../../../src/discover/discoverer.ts';
import { createDiscoverer, discoverSchema } from '../../../src/discover/discoverers.ts';
import { KUMA_VERSIONS, writeKuma } from '../../support/kuma-file.ts';
import { tempFolder } from '../../support/temp-folder.ts';

function source(folder: string): Discoverer {
  const option = discoverSchema.parse({ kind: 'uptime-kuma', hosts: '*.example.com', file: 'kuma.db' });
  return createDiscoverer(option, 'uptime-kuma', {
    clock: systemClock,
    userAgent: 'test',
    ca: [],
    folder,
    gates: [],
    recognise: () => null,
  });
}
const soon = (): AbortSignal => AbortSignal.timeout(30_000);

const MONITORS = [
  { name: 'Grafana', url: 'https://grafana.example.com/login?next=hunter2#top', basic_auth_pass: 'hunter2' },
  { name: 'Wiki', type: 'keyword', url: 'http://wiki.example.com', keyword: 'Wiki' },
  { name: 'Paused', url: 'https://paused.example.com', active: 0 },
  { name: 'Router', type: 'ping', url: 'https://', hostname: '10.0.0.1' },
  { name: 'Group', type: 'group', url: null },
  { name: 'NAS', url: 'https://nas.example.com:8443' },
  { name: 'Closed', url: 'https://closed.example.com', upside_down: 1 },
  { name: 'Template', url: 'not a URL' },
];

test.each(KUMA_VERSIONS)('reads the pages that version %s watches, and writes nothing', async (version) => {
  await using folder = await tempFolder('kuma');
  const file = join(folder.path, 'kuma.db');
  writeKuma(file, version, { monitors: MONITORS });
  const sum = (): string => createHash('sha256').update(readFileSync(file)).digest('hex');
  const before = sum();
  await using one = source(folder.path);
  const { found, notes } = await one.list(soon());
  expect(found.map(({ scheme, host, pathname, expect: kind }) => [scheme, host, pathname, kind])).toEqual([
    ['https', 'grafana.example.com', '/login', null],
    ['http', 'wiki.example.com', '/', null],
  ]);
  expect(notes.map(({ object }) => object)).toEqual(['monitor 6', 'monitor 7', 'monitor 8']);
  expect(JSON.stringify({ found, notes })).not.toContain('hunter2');
  expect(sum()).toBe(before);
});

test('reads while Uptime Kuma writes', async () => {
  await using folder = await tempFolder('kuma');
  const file = join(folder.path, 'kuma.db');
  writeKuma(file, '2.0', { monitors: MONITORS });
  await using one = source(folder.path);
  const writer = new Database(file);
  try {
    writer.exec("BEGIN IMMEDIATE; UPDATE monitor SET url = 'https://new.example.com' WHERE id = 1");
    expect((await one.list(soon())).found[0]?.host).toBe('grafana.example.com');
    writer.exec('COMMIT');
    expect((await one.list(soon())).found[0]?.host).toBe('new.example.com');
  } finally {
    writer.close();
  }
});

test.each([
  ['is gone', null],
  ['is no database', 'hunter2'],
  [
    'is another program’s',
    (file: string) => new Database(file).exec('CREATE TABLE monitor (id, hunter2)').close(),
  ],
  [
    'has a value of another type',
    (file: string) =>
      writeKuma(file, '1.23', { monitors: [{ name: 'a', url: 'x', interval: 'hunter2' as never }] }),
  ],
])('is no list at all when the file %s', async (_, make) => {
  await using folder = await tempFolder('kuma');
  const file = join(folder.path, 'kuma.db');
  if (typeof make === 'string') await writeFile(file, make);
  else make?.(file);
  await using one = source(folder.path);
  const error = await one.list(soon()).then(() => '', String);
  expect(error).toMatch(/^DiscoveryError: uptime-kuma: file /);
  expect(error).not.toContain('hunter2');
  if (make === null) expect(await readdir(folder.path)).toEqual([]);
});
