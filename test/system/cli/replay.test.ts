// `gatewatch replay` as a process: beside a daemon that holds the store, the same twice, compared, and refused.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { Subject } from '../../../src/model/check.ts';
import type { SignatureId } from '../../../src/model/verdict.ts';
import type { Replayed } from '../../../src/replay.ts';
import type { Store } from '../../../src/store/store.ts';
import { type Finished, gatewatch } from '../../support/cli-site.ts';
import { probeResult } from '../../support/probe-result.ts';
import { pastResult, record, replayConfig } from '../../support/replay-site.ts';
import { componentFault, down, EPOCH } from '../../support/simulator.ts';
import { openIn } from '../../support/store-under-test.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const MINUTE = 60_000;
const SINCE = new Date(EPOCH).toISOString();
const UNTIL = new Date(EPOCH + 60 * MINUTE).toISOString();

let folder: Awaited<ReturnType<typeof tempFolder>>;
let store: Store;

/** The site of the results, as a file. */
async function write(name: string, keys: Record<string, unknown> = {}): Promise<void> {
  const { targets, ...site } = {
    vantage: 'vps',
    gates: [{ name: 'authentik', url: 'https://auth.example.com', outpost: 'embedded' }],
    paths: [
      { name: 'cdn', kind: 'cdn', resolver: '1.1.1.1' },
      { name: 'origin', kind: 'origin', address: '203.0.113.10:443' },
    ],
    defaults: { gate: 'authentik', paths: ['cdn', 'origin'] },
    targets: replayConfig().targets.map(({ url, expect: by }) => ({ url, expect: Object.values(by)[0]?.is })),
    control: ['https://control0.test', 'https://control1.test', 'https://control2.test'],
    store: { file: join(folder.path, 'gatewatch.db') },
  };
  await writeFile(join(folder.path, name), stringify({ ...site, targets, ...keys }));
}

beforeAll(async () => {
  folder = await tempFolder('replay');
  store = openIn(folder.path).store;
  const config = replayConfig();
  const faults = [componentFault('cdn:cdn', { from: 10 * MINUTE, until: 20 * MINUTE })];
  const { results: all, simulator } = record(config, { seed: 5, faults }, 40 * MINUTE);
  // The store knows no authorize request, so there is no such canary.
  const results = all.filter(({ check }) => !check.startsWith('canary:authorize:'));
  const subjects = new Map<string, Subject>(simulator.subjects.map((subject) => [subject.id, subject]));
  const gone = pastResult('fresh:cdn:gone.example.com', EPOCH + MINUTE, down('app-error', 'target'));
  for (const past of [...results.slice(0, 50), gone, ...results.slice(50)]) {
    const base = probeResult({ at: past.at, host: past.target, durationMs: past.durationMs });
    const subject = subjects.get(past.check) ?? base.subject;
    const { verdict, signature, pointsAt } = past;
    const judgement = { ...base.judgement, verdict, signature: signature as SignatureId | null };
    store.results.insert({ ...base, subject, judgement: { ...judgement, pointsAt: pointsAt ?? [] } });
  }
  for (const target of config.targets)
    store.facts.put({ kind: 'seen-up', key: target.id, value: 'yes' }, EPOCH);
  for (const { id, kind } of simulator.subjects)
    if (kind === 'canary') store.facts.put({ kind: 'canary', key: id, value: 'yes' }, EPOCH);
  store.facts.flush();
  await store.settled();
  await write('gatewatch.yaml');
});
afterAll(async () => {
  store[Symbol.dispose]();
  await folder[Symbol.asyncDispose]();
});

const replay = (...args: string[]): Promise<Finished> => gatewatch(['replay', ...args], { cwd: folder.path });
const period = ['--since', SINCE, '--until', UNTIL];

test('lists incidents and alerts beside the daemon, and what it left out', async () => {
  const { code, stdout, stderr } = await replay(...period);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [head, incident, ...rest] = stdout.trim().split('\n');
  expect(head).toMatch(/^opened {2,}resolved {2,}severity {2,}blame {2,}services {2,}alert$/);
  expect(incident).toMatch(
    /^2027-01-15 08:1\d:\d\d {2}2027-01-15 08:2\d:\d\d {2}critical {2}cdn:cdn {2,}9 {2,}GatewatchSharedFault\{/,
  );
  expect(incident).toContain('component="cdn",name="cdn"');
  expect(rest.join('\n')).toMatch(/^\n1 incident in \d+ results from 2027-01-15 08:00:00 until/);
  expect(rest.at(-1)).toBe('left out, not in this configuration: gone.example.com (1)');
});

test('is the same twice, as JSON', async () => {
  const [first, second] = await Promise.all([replay('--json', ...period), replay('--json', ...period)]);
  expect(first.stdout).toBe(second.stdout);
  const { incidents, leftOut, pauses } = JSON.parse(first.stdout) as Replayed;
  expect({ leftOut, pauses }).toEqual({ leftOut: [{ id: 'gone.example.com', results: 1 }], pauses: 0 });
  expect(incidents).toMatchObject([{ alertname: 'GatewatchSharedFault', blame: 'cdn:cdn' }]);
});

test('says what another configuration would have told', async () => {
  await write('other.yaml', { canaries: 'none', control: [], alerts: { labels: { team: 'edge' } } });
  const same = await replay('--compare', 'gatewatch.yaml', ...period);
  expect(same.stdout).toMatch(/^1 incident the same under both\n/);
  const { code, stdout } = await replay('--json', '--compare', 'other.yaml', ...period);
  expect(code).toBe(0);
  const { compare } = JSON.parse(stdout);
  expect(compare.incidents[0]).toMatchObject({ alertname: 'GatewatchSharedFault', labels: { team: 'edge' } });
  expect(Object.keys(compare.difference)).toEqual(['onlyBefore', 'onlyAfter', 'changed', 'same']);
});

test('refuses what it does not understand with 2', async () => {
  await write('never.yaml', { store: { file: join(folder.path, 'never.db') } });
  const cases: [string[], string][] = [
    [['--since', 'yesterday'], '--since must be a duration'],
    [['--since', '1h', '--until', '2h'], '--since must be before --until'],
    [['--config', 'never.yaml'], 'no store at'],
  ];
  const finished = await Promise.all(cases.map(([args]) => replay(...args)));
  for (const [index, { code, stderr }] of finished.entries()) {
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(cases[index]?.[1] ?? '') });
  }
});
