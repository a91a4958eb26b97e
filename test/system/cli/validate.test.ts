// `gatewatch validate` as a process: what probing costs, told before it starts.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Finished, gatewatch } from '../../support/cli-site.ts';
import { type TempFolder, tempFolder } from '../../support/temp-folder.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/config');
let folder: TempFolder;
beforeAll(async () => {
  folder = await tempFolder('validate');
});
afterAll(() => folder[Symbol.asyncDispose]());

async function validate(keys: Record<string, unknown>, more: readonly string[] = []): Promise<Finished> {
  await writeFile(join(folder.path, 'gatewatch.yaml'), stringify(keys));
  return gatewatch(['validate', ...more], { cwd: folder.path });
}

/** The site of the incident: 34 hosts behind one gate, both paths, 64 MiB kept for 7 days. */
const INCIDENT = {
  gates: [
    {
      name: 'authentik',
      kind: 'authentik',
      url: 'https://auth.example.com',
      sessions: { store: 'files', capacity: '64MiB', lifetime: '7d' },
    },
  ],
  paths: [
    { name: 'cdn', kind: 'cdn' },
    { name: 'origin', kind: 'origin', address: '203.0.113.10:443' },
  ],
  defaults: { gate: 'authentik', paths: ['cdn', 'origin'] },
  checks: { fresh: { every: '30s' } },
  targets: Array.from({ length: 34 }, (_, index) => `https://service-${index}.example.com`),
};

test('says that the wish of the incident would fill the store, when, and what is allowed instead', async () => {
  const { code, stdout } = await validate(INCIDENT);
  expect(code).toBe(0);
  expect(stdout).toContain('136 a minute wanted, 0.16 allowed (one in 6 min 9 s)');
  expect(stdout).toMatch(
    /136 fresh visits a minute would fill the session store .* in 2 h; the budget allows one in 6 min 9 s/,
  );
  expect(stdout).toMatch(/path cdn: \d+ requests a day/);
  expect(stdout).toMatch(/path origin: \d+ requests a day/);
  expect(stdout).toContain('cannot be told apart');
});

test('gives the same numbers as JSON, and nothing else on standard output', async () => {
  const { code, stdout } = await validate(INCIDENT, ['--json']);
  const json = JSON.parse(stdout);
  expect(code).toBe(0);
  expect(json.targets).toHaveLength(34);
  expect(json.costs.sessions).toMatchObject([
    { outpost: 'authentik', wantedPerMinute: 136, storeSessions: 16384 },
  ]);
  expect(json.costs.sessions[0].wantedFillsMs / 3_600_000).toBeCloseTo(2, 1);
  expect(json.warnings.join('\n')).toContain('would fill the session store');
});

test('warns of nothing that fills a store when fresh visits follow the budget', async () => {
  const { stdout } = await validate({ ...INCIDENT, checks: { fresh: { every: 'auto' } } });
  expect(stdout).not.toContain('would fill');
});

test('accepts the large site', async () => {
  const { code, stdout } = await gatewatch(['validate', '--config', join(FIXTURES, 'large-site.yaml')], {
    cwd: folder.path,
  });
  expect(code).toBe(0);
  expect(stdout).toContain('the configuration is valid');
});

test('lists the next times of planned work', async () => {
  const maintenance = [{ cron: '0 3 * * 0', for: '2h', targets: 'service-1*' }];
  const { code, stdout } = await validate({ ...INCIDENT, maintenance });
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^Maintenance, UTC\n {2}targets service-1\* \(11 of 34 targets\): (.* 03:00:00 until .* 05:00:00(, )?){3}$/m,
  );
});

test('tells all mistakes at once, each with its place, and ends with 2', async () => {
  const { code, stderr } = await validate({
    ...INCIDENT,
    pahts: [],
    defaults: { gate: 'autentik', paths: ['cdn', 'orgin'] },
    log: { level: 'loud' },
  });
  expect(code).toBe(2);
  for (const says of [
    /^gatewatch\.yaml:\d+:\d+: pahts: unknown key; did you mean "paths"\?$/m,
    /^gatewatch\.yaml:\d+:\d+: defaults\.gate: no such gate; did you mean "authentik"\?$/m,
    /^gatewatch\.yaml:\d+:\d+: defaults\.paths\.1: no such path; did you mean "origin"\?$/m,
    /^gatewatch\.yaml:\d+:\d+: log\.level: must be /m,
  ])
    expect(stderr).toMatch(says);
});

test('does not quote the value of a secret that is in the wrong place', async () => {
  const { code, stderr, stdout } = await gatewatch(['validate'], {
    cwd: (await validateFile('log: { level: "${env:MARKER}" }')).cwd,
    environment: { MARKER: 'MARKERsecret' },
  });
  expect(code).toBe(2);
  expect(stderr + stdout).not.toContain('MARKERsecret');
});

async function validateFile(line: string): Promise<{ cwd: string }> {
  await writeFile(join(folder.path, 'gatewatch.yaml'), `${stringify(INCIDENT)}${line}\n`);
  return { cwd: folder.path };
}
