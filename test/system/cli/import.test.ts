// `gatewatch import` as a process: the configuration on standard output alone, and what the old set-up cost beside it.

import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gatewatch } from '../../support/cli-site.ts';
import { writeKuma } from '../../support/kuma-file.ts';
import { type TempFolder, tempFolder } from '../../support/temp-folder.ts';

let folder: TempFolder;
beforeAll(async () => {
  folder = await tempFolder('import');
  const monitors = Array.from({ length: 34 }, (_, index) => ({
    name: `App ${index}`,
    url: `https://app-${index}.example.com`,
    interval: 60,
    basic_auth_pass: 'hunter2',
  }));
  const at = Date.UTC(2026, 3, 16, 20);
  writeKuma(join(folder.path, 'kuma.db'), '2.0', {
    monitors,
    receivers: [{ name: 'Phone', config: '{"type":"ntfy","ntfyPassword":"hunter2"}' }],
    beats: monitors.flatMap((_, index) => [
      { monitor: index + 1, at: at + index * 1000, status: 0 as const, important: true },
      { monitor: index + 1, at: at + 44 * 3_600_000, status: 1 as const, important: true },
    ]),
  });
  await copyFile('test/fixtures/import/gatus.yaml', join(folder.path, 'gatus.yaml'));
});
afterAll(() => folder[Symbol.asyncDispose]());

const run = (args: readonly string[]) => gatewatch(args, { cwd: folder.path });

test('writes a configuration that validates, and says what the old set-up cost', async () => {
  const { code, stdout, stderr } = await run([
    'import',
    'uptime-kuma',
    'kuma.db',
    '--gate',
    'https://auth.example.com',
  ]);
  expect(code).toBe(0);
  expect(stderr).toContain('34 pages; not carried over: 1');
  expect(stderr).toContain(
    'example.com: 34 pages, at most 48,960 sessions a day at a gate in front of them; kept for a week they fill 64 MiB of session files in 8 hours',
  );
  expect(stderr).toContain('2026-04-16 20:00 UTC: 34 monitors went down together and sent 68 notifications');
  expect(`${stdout}${stderr}`).not.toContain('hunter2');
  await writeFile(join(folder.path, 'gatewatch.yaml'), stdout);
  const validated = await run(['validate']);
  expect(validated.code, validated.stderr).toBe(0);
});

test('writes a new file, never over another, and tells as JSON', async () => {
  expect((await run(['import', 'gatus', 'gatus.yaml', '--out', 'new.yaml'])).code).toBe(0);
  const text = await readFile(join(folder.path, 'new.yaml'), 'utf8');
  const again = await run(['import', 'gatus', 'gatus.yaml', '--out', 'new.yaml']);
  expect([again.code, again.stderr]).toEqual([2, 'gatewatch import: new.yaml is there already\n']);
  expect(JSON.parse((await run(['import', 'gatus', 'gatus.yaml', '--json'])).stdout)).toMatchObject({
    configuration: text,
    targets: 3,
    outage: null,
  });
});

test.each([
  [['import', 'nagios', 'x'], 'needs one of uptime-kuma, gatus, blackbox, and a file'],
  [['import', 'gatus', 'none.yaml'], 'none.yaml cannot be read (ENOENT)'],
])('refuses %j', async (args, why) => {
  const { code, stdout, stderr } = await run(args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(why);
});
