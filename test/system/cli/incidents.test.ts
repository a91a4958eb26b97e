// `gatewatch incidents` as a process, beside whoever holds the store.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Store } from '../../../src/store/store.ts';
import { type Finished, gatewatch } from '../../support/cli-site.ts';
import { incident } from '../../support/incident.ts';
import { openIn } from '../../support/store-under-test.ts';
import { type TempFolder, tempFolder } from '../../support/temp-folder.ts';

const OPENED = Date.UTC(2026, 3, 16, 17);
let folder: TempFolder;
let store: Store;

beforeAll(async () => {
  folder = await tempFolder('incidents');
  store = openIn(folder.path).store;
  store.incidents.save(incident({ id: 'i1', state: 'resolved', resolvedAt: OPENED + 600_000 }));
  store.incidents.save(incident({ id: 'i2', openedAt: OPENED + 3_600_000, targets: ['a.example.com'] }));
  await store.settled();
  const site = {
    gates: [{ name: 'authentik', url: 'https://auth.example.com', outpost: 'embedded' }],
    paths: [{ name: 'cdn', kind: 'cdn' }],
    targets: ['https://grafana.example.com', { url: 'https://www.example.com', expect: 'public' }],
    store: { file: join(folder.path, 'gatewatch.db') },
  };
  await writeFile(join(folder.path, 'gatewatch.yaml'), stringify(site));
});
afterAll(async () => {
  store[Symbol.dispose]();
  await folder[Symbol.asyncDispose]();
});

const run = (...args: string[]): Promise<Finished> => gatewatch(args, { cwd: folder.path });

test('incidents are listed, newest first, with what they were about', async () => {
  const { code, stdout, stderr } = await run('incidents');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [head, ...lines] = stdout.trim().split('\n');
  expect(head).toMatch(/^id {2}opened {2,}resolved {2,}blame {2,}services {2}summary$/);
  expect(lines[0]).toMatch(
    /^i2 {2}2026-04-16 18:00:00 {2}open {2,}gate-sessions:embedded {2}1 {2,}authentik cannot/,
  );
  expect(lines[1]).toMatch(
    /^i1 {2}2026-04-16 17:00:00 {2}2026-04-16 17:10:00 {2}gate-sessions:embedded {2}2 /,
  );
  expect(lines).toHaveLength(2);
});

test('incidents by state and time, as JSON with their texts', async () => {
  const [active, since, wrong] = await Promise.all([
    run('incidents', '--json', '--state', 'active'),
    run('incidents', '--json', '--since', '2026-04-16T17:30Z'),
    run('incidents', '--state', 'closed'),
  ]);
  const shown = [active, since].map(({ stdout }) => JSON.parse(stdout) as { id: string; summary: string }[]);
  expect(shown.map((list) => list.map(({ id }) => id))).toEqual([['i2'], ['i2']]);
  expect(shown[0]?.[0]?.summary).toContain('authentik cannot create new sessions');
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining("no state 'closed'") });
});
