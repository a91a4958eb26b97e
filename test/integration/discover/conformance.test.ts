// One suite over every source of targets: the full set or an error, nothing between, whatever the other side does.
// A new source is a row.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { type Discoverer, DiscoveryError, type Listing } from '../../../src/discover/discoverer.ts';
import { createDiscoverer, discoverSchema } from '../../../src/discover/discoverers.ts';
import { recogniserOf } from '../../../src/discover/gate-recognition.ts';
import type { GateName } from '../../../src/model/gate.ts';
import { recordedCluster } from '../../support/cluster.ts';
import { type Fault, jsonServer } from '../../support/json-server.ts';
import { authentikAnswers, kubeconfigFor, traefikAnswers } from '../../support/recorded-sources.ts';
import { tempFolder } from '../../support/temp-folder.ts';

/** How long a source has for an answer, where the answer never comes. */
const PATIENCE_MS = 1_000;
/** By when it must have given up, at any load. */
const GIVEN_UP_MS = 30_000;

const gate = {
  name: 'authentik' as GateName,
  kind: 'authentik' as const,
  url: 'https://auth.example.com',
  outpost: 'embedded',
  sessions: { lifetimeMs: 86_400_000 },
};
const recognise = recogniserOf([
  { name: gate.name, forwardAuth: ['http://outpost:9000', 'http://auth-proxy.traefik:9000'] },
]);
const made: Discoverer[] = [];
afterAll(async () => {
  for (const one of made) await one[Symbol.asyncDispose]();
});

function source(option: object, folder = '/'): Discoverer {
  const tools = { clock: systemClock, userAgent: 'test', ca: [], folder, gates: [gate], recognise };
  const parsed = discoverSchema.parse({ hosts: ['*.example.com'], ...option });
  const one = createDiscoverer(parsed, parsed.kind, tools);
  made.push(one);
  return one;
}

const caddySite = (host: string) => ({
  match: [{ host: [host] }],
  handle: [{ handler: 'subroute', routes: [{ handle: [{ handler: 'static_response' }] }] }],
});

/** A source that asks a server: what it is told, and which hosts that makes, sorted. */
interface ServerRow {
  readonly kind: string;
  readonly option: (url: string) => object;
  readonly answers: Record<string, unknown>;
  readonly hosts: readonly string[];
}

const SERVERS: readonly ServerRow[] = [
  {
    kind: 'http_sd',
    option: (url) => ({ url: `${url}/sd`, auth: { bearer: 'hunter2' } }),
    answers: {
      '/sd': [
        { targets: ['grafana.example.com', 'https://wiki.example.com/start'], labels: { team: 'ops' } },
        { targets: ['hooks.example.com:443'], labels: { __expect__: 'public' } },
      ],
    },
    hosts: ['grafana.example.com', 'hooks.example.com', 'wiki.example.com'],
  },
  {
    kind: 'kubernetes',
    option: (url) => ({ kubeconfig: kubeconfigFor(url) }),
    answers: recordedCluster('kubernetes-nginx-traefik-2.json'),
    hosts: [
      ...['files', 'mail', 'nas', 'paywall', 'post', 'regex', 'snippet', 'tickets', 'webmail', 'wiki'].map(
        (name) => `${name}.example.com`,
      ),
    ],
  },
  {
    kind: 'traefik',
    option: (url) => ({ url, auth: { bearer: 'hunter2' } }),
    answers: traefikAnswers('traefik-3.json', 100),
    hosts: ['code', 'docs', 'grafana', 'store', 'wiki'].map((name) => `${name}.example.com`),
  },
  {
    kind: 'authentik',
    option: (url) => ({ url, auth: { bearer: 'hunter2' } }),
    answers: authentikAnswers('authentik-2026.5.json'),
    hosts: ['docs', 'grafana', 'plain', 'wiki'].map((name) => `${name}.example.com`),
  },
  {
    kind: 'caddy',
    option: (url) => ({ url }),
    answers: {
      '/config/': {
        admin: { listen: 'hunter2' },
        apps: {
          http: {
            servers: {
              srv0: { routes: ['a', 'b'].map((name) => caddySite(`${name}.example.com`)) },
              srv1: { routes: [caddySite('c.example.com')] },
            },
          },
        },
      },
    },
    hosts: ['a.example.com', 'b.example.com', 'c.example.com'],
  },
  {
    kind: 'gatewatch',
    option: (url) => ({ url: `${url}/`, auth: { bearer: 'hunter2' } }),
    answers: {
      '/api/v1/targets': {
        targets: ['a.example.com', 'b.example.com/hook'].map((id) => ({
          id,
          url: `https://${id}`,
          gate: 'authentik',
          paths: ['cdn'],
          expect: { cdn: 'login' },
          labels: { team: 'ops' },
          later: 1,
        })),
      },
    },
    hosts: ['a.example.com', 'b.example.com'],
  },
];

const FAULTS: readonly Fault[] = [
  { status: 500 },
  { status: 401 },
  { status: 302 },
  { status: 204 },
  'garbage',
  'other-shape',
  'deep',
  'half',
  'endless',
  'reset',
];

const hostsOf = ({ found }: Listing): string[] => [...new Set(found.map(({ host }) => host))].sort();
const long = (): AbortSignal => AbortSignal.timeout(GIVEN_UP_MS);

async function failure(listed: Promise<Listing>): Promise<string> {
  const error: unknown = await listed.then(
    (listing) => expect.fail(`listed ${listing.found.length}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DiscoveryError);
  expect(String(error)).not.toContain('hunter2');
  return String(error);
}

describe.each(SERVERS)('source $kind', ({ kind, option, answers, hosts }) => {
  test('lists the full set, asks by GET alone, and the same again', async () => {
    await using server = await jsonServer(answers);
    const one = source({ kind, ...option(server.url) });
    expect(hostsOf(await one.list(long()))).toEqual(hosts);
    expect(await one.list(long())).toEqual(await one.list(long()));
    expect(new Set(server.asked.map(({ method }) => method))).toEqual(new Set(['GET']));
  });

  test.each(FAULTS.flatMap((what) => Object.keys(answers).map((at) => ({ what, at }))))(
    'is no list at all when $at is $what, and is well again afterwards',
    async ({ what, at }) => {
      await using server = await jsonServer(answers);
      const one = source({ kind, ...option(server.url) });
      server.fault = { at, what };
      expect(await failure(one.list(long()))).toContain(`${kind}: `);
      server.fault = null;
      expect(hostsOf(await one.list(long()))).toEqual(hosts);
    },
  );

  test('gives up when the signal aborts', async () => {
    await using server = await jsonServer(answers);
    server.fault = { at: '/', what: 'silent' };
    const one = source({ kind, ...option(server.url) });
    await failure(one.list(AbortSignal.timeout(PATIENCE_MS)));
    await failure(one.list(AbortSignal.abort()));
  });

  test('says that nobody listens', async () => {
    const server = await jsonServer(answers);
    const one = source({ kind, ...option(server.url) });
    await server[Symbol.asyncDispose]();
    expect(await failure(one.list(long()))).toContain('ECONNREFUSED');
  });
});

describe('source file', () => {
  const groups = [{ targets: ['grafana.example.com', 'http://wiki.example.com'], labels: { team: 'ops' } }];
  const yaml = '- targets: [hooks.example.com]\n  labels: { __expect__: public }\n';

  test.each([
    ['is gone', null],
    ['is garbage', 'hunter2: ['],
    ['has another shape', '{ "targets": "hunter2" }'],
    ['has a target of another type', '[{ "targets": ["a.example.com", 7] }]'],
    ['is too large', `[${' '.repeat(2 ** 20)}]`],
  ])('is no list at all when a file %s', async (_, text) => {
    await using folder = await tempFolder('discover');
    await writeFile(join(folder.path, 'good.yml'), yaml);
    if (text !== null) await writeFile(join(folder.path, 'bad.json'), text);
    const one = source({ kind: 'file', files: ['good.yml', 'bad.json'] }, folder.path);
    expect(await failure(one.list(long()))).toContain('file: bad.json');
    await writeFile(join(folder.path, 'bad.json'), JSON.stringify(groups));
    expect(hostsOf(await one.list(long()))).toEqual([
      'grafana.example.com',
      'hooks.example.com',
      'wiki.example.com',
    ]);
  });

  test('is no list at all when a YAML file ends too early', async () => {
    await using folder = await tempFolder('discover');
    await writeFile(join(folder.path, 'cut.yml'), `${yaml}- targets: [a.example.com, "hunter2`);
    const one = source({ kind: 'file', files: ['cut.yml'] }, folder.path);
    expect(await failure(one.list(long()))).toContain('file: cut.yml: is not YAML');
  });

  test('takes what a pattern finds, and pushes when a file comes, changes and goes', async () => {
    await using folder = await tempFolder('discover');
    const file = (name: string): string => join(folder.path, name);
    await writeFile(file('a-sites.json'), JSON.stringify(groups));
    await writeFile(file('other.json'), '{}');
    const one = source({ kind: 'file', files: '*-sites.json' }, folder.path);
    const pushed: string[][] = [];
    const end = new AbortController();
    const waiting: (() => void)[] = [];
    const watching = one.watch?.((listing) => {
      pushed.push(hostsOf(listing));
      waiting.shift()?.();
    }, end.signal);
    const next = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
    expect(pushed).toEqual([['grafana.example.com', 'wiki.example.com']]);
    let changed = next();
    await writeFile(file('b-sites.json'), '[{"targets":["b.example.com"]}]');
    await changed;
    expect(pushed.at(-1)).toEqual(['b.example.com', 'grafana.example.com', 'wiki.example.com']);
    changed = next();
    await writeFile(file('a-sites.json'), '[]');
    await changed;
    expect(pushed.at(-1)).toEqual(['b.example.com']);
    end.abort();
    await watching;
  });

  test('ends its watch with an error when a file turns bad', async () => {
    await using folder = await tempFolder('discover');
    const file = join(folder.path, 'sites.json');
    await writeFile(file, JSON.stringify(groups));
    const one = source({ kind: 'file', files: [file] });
    const watching = one.watch?.(() => {}, long());
    await writeFile(file, 'hunter2');
    await expect(watching).rejects.toThrow('file: sites.json: is not JSON');
  });
});
