// What an import writes loads, whatever it was made from, and says what is not in it.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { costsOf } from '../../../src/import/cost.ts';
import { importBlackbox } from '../../../src/import/import-blackbox.ts';
import { importGatus } from '../../../src/import/import-gatus.ts';
import { importKuma } from '../../../src/import/import-kuma.ts';
import type { Imported, LeftOut } from '../../../src/import/imported.ts';
import { writtenConfiguration } from '../../../src/import/write.ts';
import type { Target } from '../../../src/model/target.ts';
import { HOSTILE_STRINGS } from '../../support/hostile-strings.ts';
import { KUMA_VERSIONS, type KumaBeat, type KumaRow, writeKuma } from '../../support/kuma-file.ts';
import { tempFolder } from '../../support/temp-folder.ts';

/** The targets of what is written, by the real loader. */
function loaded(
  imported: Imported,
  gate: string | null = null,
): { targets: readonly Target[]; leftOut: string[] } {
  const { text, leftOut, count } = writtenConfiguration(imported, gate === null ? null : { url: gate });
  const { config } = loadConfig({ text, name: 'gatewatch.yaml' }, {});
  expect(config.targets.length).toBe(count);
  expect(text).not.toContain('hunter2');
  return { targets: config.targets, leftOut: leftOut.map(({ name, why }: LeftOut) => `${name}: ${why}`) };
}

const expectations = (targets: readonly Target[]) =>
  targets.map(({ id, expect: by, everyMs, slowMs }) => ({ id, ...by['direct' as never], everyMs, slowMs }));

const MONITORS: readonly KumaRow[] = [
  { name: 'Grafana', url: 'https://grafana.example.com', interval: 60 },
  {
    name: 'Wiki # ${HOME}\n- url: https://evil.example.com',
    type: 'keyword',
    url: 'https://wiki.example.com/a?b=c#d',
    interval: 600,
    keyword: 'Welcome: "${USER}" \\ {x}',
  },
  { name: 'Not', type: 'keyword', url: 'https://not.example.com', keyword: 'Error', invert_keyword: 1 },
  {
    name: 'API',
    url: 'https://api.example.com',
    accepted_statuscodes_json: '["401","403-404"]',
    method: 'POST',
  },
  {
    name: 'Secret',
    url: 'https://s.example.com',
    basic_auth_user: 'u',
    basic_auth_pass: 'hunter2',
    ignore_tls: 1,
  },
  { name: 'Inline', url: 'https://u:hunter2@inline.example.com' },
  { name: 'Login', url: 'https://auth.example.com', interval: 20 },
  { name: 'Router', type: 'ping', url: null, hostname: '10.0.0.1' },
  { name: 'All', type: 'group', url: null },
  { name: 'Off', url: 'https://off.example.com', active: 0 },
  { name: 'Again', url: 'https://grafana.example.com/', interval: 60 },
];

async function kuma(
  version: (typeof KUMA_VERSIONS)[number],
  content: Parameters<typeof writeKuma>[2],
): Promise<Imported> {
  await using folder = await tempFolder('import');
  const file = join(folder.path, 'kuma.db');
  writeKuma(file, version, content);
  return importKuma(file);
}

describe.each(KUMA_VERSIONS)('from Uptime Kuma %s', (version) => {
  const receivers = [{ name: 'Phone', config: '{"type":"telegram","telegramBotToken":"hunter2"}' }];

  test('carries pages, keywords, statuses and long intervals over', async () => {
    const { targets, leftOut } = loaded(await kuma(version, { monitors: MONITORS, receivers }));
    expect(expectations(targets)).toMatchObject([
      { id: 'grafana.example.com', is: 'app', everyMs: null },
      { id: 'wiki.example.com/a?b=c', is: 'app', contains: 'Welcome: "${USER}" \\ {x}', everyMs: 600_000 },
      { id: 'not.example.com', is: 'app', notContains: 'Error' },
      { id: 'api.example.com', is: 'app', status: [401, 403, 404] },
      { id: 's.example.com', is: 'app' },
      { id: 'auth.example.com', is: 'app' },
    ]);
    expect(leftOut).toEqual([
      'API: its method POST: pages are fetched by GET',
      'Secret: its headers, body, credentials or proxy: nothing secret is copied',
      'Secret: ignoring TLS errors: name the authority under tls: { ca }',
      'Router: is of type ping: only pages are watched',
      'All: is a group: gatewatch finds out by itself what fails together',
      'Off: is paused',
      'Phone: is a receiver (telegram): see receivers: in the README',
      'Inline: its URL must not carry a user name or password',
      'Again: watches the same page as Grafana',
    ]);
  });

  test('expects the login where a gate is named, but not of the identity provider', async () => {
    const { targets, leftOut } = loaded(
      await kuma(version, { monitors: MONITORS }),
      'https://auth.example.com',
    );
    expect(targets.map(({ id, gate, expect: by }) => [id, gate, Object.values(by)[0]?.is])).toEqual([
      ['grafana.example.com', 'login', 'login'],
      ['wiki.example.com/a?b=c', 'login', 'login'],
      ['not.example.com', 'login', 'login'],
      ['api.example.com', 'login', 'login'],
      ['s.example.com', 'login', 'login'],
      ['auth.example.com', 'login', 'app'],
    ]);
    expect(leftOut.filter((line) => line.includes('a stranger sees the login')).length).toBe(3);
  });

  test('counts the notifications of the last shared outage, recoveries and reminders included', async () => {
    const at = Date.UTC(2026, 3, 16, 20);
    const minute = 60_000;
    const beat = (monitor: number, minutes: number, status: 0 | 1, important: boolean): KumaBeat => ({
      monitor,
      at: at + minutes * minute,
      status,
      important,
    });
    const beats = [
      // An earlier one, and a single failure afterwards: neither is the last shared outage.
      ...[1, 2, 3].flatMap((monitor) => [beat(monitor, -5_000, 0, true), beat(monitor, -4_990, 1, true)]),
      ...[1, 2, 3, 4].flatMap((monitor) => [beat(monitor, monitor, 0, true), beat(monitor, 60, 1, true)]),
      // Monitor 1 flaps in it, monitor 2 is reminded of 7 times: after every 2 of 14 more down beats.
      beat(1, 20, 1, true),
      beat(1, 21, 0, true),
      ...Array.from({ length: 14 }, (_, index) => beat(2, 10 + index, 0, false)),
      beat(5, 500, 0, true),
    ];
    const monitors = [1, 2, 3, 4, 5].map((index) => ({
      name: `m${index}`,
      url: `https://m${index}.example.com`,
      resend_interval: index === 2 ? 2 : 0,
    }));
    const { outage } = await kuma(version, {
      monitors,
      beats,
      receivers: [...receivers, { name: 'Mail', config: '{"type":"smtp"}' }],
    });
    // Downs: 4 and one more by flapping; ups likewise: 10. Reminders: 15 down beats / 2 = 7. Two receivers.
    expect(outage).toEqual({ at: at + minute, monitors: 4, notifications: (10 + 7) * 2 });
  });

  test('says that nothing was shared, and reads an empty history', async () => {
    expect((await kuma(version, { monitors: MONITORS })).outage).toBeNull();
    expect((await kuma(version, { monitors: [] })).pages).toEqual([]);
  });

  test('writes what loads, whatever monitors and keywords are called', async () => {
    const monitors = Object.values(HOSTILE_STRINGS).map((text, index) => ({
      name: text,
      type: 'keyword',
      url: `https://h${index}.example.com`,
      keyword: text,
    }));
    expect(monitors.length).toBeGreaterThan(20);
    const { targets } = loaded(await kuma(version, { monitors }));
    expect(targets.length).toBe(monitors.length);
  });
});

test('carries a configuration of Gatus over', () => {
  const { targets, leftOut } = loaded(importGatus('test/fixtures/import/gatus.yaml'));
  expect(expectations(targets)).toMatchObject([
    { id: 'grafana.example.com', status: [200], slowMs: 800, everyMs: null },
    { id: 'wiki.example.com/start', status: [200, 403], contains: 'Welcome ${name}', everyMs: 600_000 },
    { id: 'api.example.com/health', is: 'app', status: [] },
  ]);
  expect(leftOut).toEqual([
    'wiki: some of its conditions',
    'wiki: its headers or body: nothing secret is copied',
    'api: some of its conditions',
    'off: is not enabled',
    'dns: asks a name server: only pages are watched',
    'ssh: is no http or https URL: only pages are watched',
    'variable: has a variable in its URL',
    'discord: is a receiver: see receivers: in the README',
    'picture: its URL names a static file, which a CDN answers from its cache; probe a page instead',
    'again: watches the same page as metrics/grafana',
  ]);
});

test('carries the targets of a blackbox_exporter over', () => {
  const { targets, leftOut } = loaded(importBlackbox('test/fixtures/import/prometheus.yml'));
  expect(targets.map(({ url, everyMs }) => [url, everyMs])).toEqual([
    ['http://prometheus.io/', null],
    ['http://example.com:8080/', null],
    ['http://plain.example.com/', null],
  ]);
  expect(leftOut).toEqual([
    'strict: the settings of its module http_post',
    'strict: its targets of file_sd: see discover: in the README',
    'ping: router.example.com: is asked by module icmp: only pages are watched',
    'blackbox: watches the same page as blackbox',
    'strict: its URL must not carry a user name or password',
  ]);
});

test('says what the old set-up costs, zone by zone', () => {
  const page = { name: '', contains: null, notContains: null, statuses: [], slowMs: null };
  const pages = Array.from({ length: 36 }, (_, index) => ({
    ...page,
    url: `https://app-${index}.example.com`,
    intervalSeconds: 120,
  }));
  expect(costsOf([...pages, { ...page, url: 'https://a.example.net', intervalSeconds: 3_600 }])).toEqual([
    // 18 a minute: the incident this program was made for. 16,384 sessions have room in 64 MiB.
    { zone: 'example.com', pages: 36, requestsADay: 25_920, fullAfterHours: 15 },
    { zone: 'example.net', pages: 1, requestsADay: 24, fullAfterHours: null },
  ]);
});

test.each([
  [
    'gatus',
    importGatus,
    'endpoints: [{ name: hunter2, url: [] }]',
    'endpoint 1: url is not what it should be',
  ],
  ['gatus', importGatus, 'hunter2: [', 'is not YAML'],
  ['gatus', importGatus, '{ hunter2: 1 }', 'has no endpoints: it is none of Gatus'],
  ['blackbox', importBlackbox, 'modules: { http_2xx: { prober: http } }', 'has modules but no targets'],
  ['blackbox', importBlackbox, '[hunter2]', 'has no scrape_configs'],
  [
    'blackbox',
    importBlackbox,
    'scrape_configs: [{ job_name: 7 }]',
    'job 1: job_name is not what it should be',
  ],
  ['blackbox', importBlackbox, `scrape_configs: ${'['.repeat(50_000)}`, 'is not YAML'],
  ['uptime-kuma', importKuma, 'hunter2', 'is no SQLite database'],
])('refuses a file that is none of %s', async (_, read, text, why) => {
  await using folder = await tempFolder('import');
  const file = join(folder.path, 'file');
  await writeFile(file, text);
  expect(() => read(file)).toThrow(why);
  expect(() => read(join(folder.path, 'none'))).toThrow();
});
