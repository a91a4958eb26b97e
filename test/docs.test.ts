// README and examples say what the program does: tables are current, every public name is there, stated defaults are
// the real ones, configurations load. Commands of the README are run by test/system/readme.test.ts.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { VERSION } from '../src/base/version.ts';
import { CATALOGUE as SIGNATURES } from '../src/classify/catalogue.ts';
import { type Loaded, loadConfig } from '../src/config/load.ts';
import { LATER_KEYS } from '../src/config/not-built.ts';
import { problemText } from '../src/config/problem.ts';
import { CATALOGUE as METRICS } from '../src/metrics/catalogue.ts';
import { CANARY_KINDS, VISITS } from '../src/model/check.ts';
import { EXPECTATION_KINDS } from '../src/model/target.ts';
import { ROUTES } from '../src/web/routes.ts';
import { commandOverview, configurationKeys, REPOSITORY, withTables } from './readme-tables.ts';
import { KEY_MEANINGS } from './support/key-meanings.ts';
import { blocksOf, README, withKey, yamlBlocks } from './support/readme-blocks.ts';

/** One of everything, so that any key can be set in it. */
const BASE = {
  vantage: { name: 'local' },
  gates: [{ name: 'authentik', url: 'https://auth.example.com' }],
  paths: [
    { name: 'origin', kind: 'origin', address: '203.0.113.10:443' },
    { name: 'cdn', kind: 'cdn' },
  ],
  defaults: { gate: 'authentik' },
  targets: [{ url: 'https://grafana.example.com' }],
  control: ['https://www.debian.org'],
  heartbeat: { url: 'https://alive.example.net/x' },
  receivers: [{ name: 'am', kind: 'alertmanager', urls: ['http://127.0.0.1:9093'] }],
};

/** Stands in for whatever an example refers to. */
const ENVIRONMENT = { WAF_SKIP: 'a-secret-of-the-waf' };

function load(value: unknown): Loaded {
  return loadConfig({ text: stringify(value), name: 'test' }, ENVIRONMENT);
}

const inCode = (text: string): boolean => README.includes(`\`${text}\``);

describe('the README', () => {
  test('has the tables that the code makes (npm run docs)', () => {
    expect(withTables(README)).toBe(README);
  }, 180_000); // each command is started for its help

  test('names every configuration key, with its meaning', () => {
    const keys = configurationKeys().map(({ path }) => path);
    expect(keys.length).toBeGreaterThan(100);
    expect(Object.keys(KEY_MEANINGS).toSorted()).toEqual(keys.toSorted());
    expect(keys.filter((path) => !inCode(path))).toEqual([]);
  });

  test('names every command, metric, signature, canary, visit, expectation and alert', () => {
    const commands = commandOverview().map(({ name }) => name);
    expect(commands.length).toBeGreaterThan(4);
    expect(commands.filter((name) => !README.includes(`| \`${name} `))).toEqual([]);
    const names = [
      ...Object.keys(METRICS),
      ...SIGNATURES.map(({ id }) => id),
      ...CANARY_KINDS,
      ...VISITS,
      ...EXPECTATION_KINDS,
      ...alertNames(),
    ];
    expect(names.filter((name) => !inCode(name))).toEqual([]);
  });

  test('names every door of the web port, and no other', () => {
    const doors = ROUTES.map(({ method, path }) => `${method} ${path}`);
    expect(doors.filter((door) => !inCode(door))).toEqual([]);
    const named = [...README.matchAll(/`((?:GET|POST) \/[^`]*)`/g)].map((match) => match[1] ?? '');
    expect(named.filter((door) => !doors.includes(door))).toEqual([]);
  });

  test('names every room of the source', () => {
    const rooms = readdirSync(join(REPOSITORY, 'src'), { withFileTypes: true });
    const names = rooms.map((entry) => `src/${entry.name}${entry.isDirectory() ? '/' : ''}`);
    expect(names.filter((name) => name !== 'src/main.ts' && !inCode(name))).toEqual([]);
  });

  test('names files that exist', () => {
    const named = [...README.matchAll(/`((?:src|test|config)\/[\w./-]+)`/g)].map((match) => match[1] ?? '');
    const missing = named.filter((file) => {
      const folder = join(REPOSITORY, file, file.endsWith('/') ? '.' : '..');
      return !readdirSync(folder).includes(file.split('/').at(-1) ?? '') && !file.endsWith('/');
    });
    expect(named.length).toBeGreaterThan(20);
    expect(missing).toEqual([]);
  });
});

describe('what the README says of keys', () => {
  const stated = Object.entries(KEY_MEANINGS).filter(([, { default: value }]) => value !== undefined);

  test.each(stated)('the stated default of %s is the real one', (path, { default: value = '' }) => {
    // Of a map that is not there by itself, the keys are set in an empty one.
    const written = load(withKey(BASE, path, parse(value)));
    const [parent = ''] = /^.*\.(?=[^.]+$)/.exec(path) ?? [];
    const bare = parent === '' ? without(BASE, path) : withKey(BASE, path, undefined);
    expect(written.config).toEqual(load(bare).config);
  });

  test('the keys that are not built yet give an error that says so', () => {
    const list = /### Not built yet[\s\S]*?so:\n([\s\S]*?)\n\n/.exec(README)?.[1] ?? '';
    const keys = [...list.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
    expect(keys).toEqual(expect.arrayContaining([...LATER_KEYS]));
    const wrong = keys.filter((key) => !problemOf(withKey(BASE, key, true)).includes('not built yet'));
    expect(wrong).toEqual([]);
  });

  test.each(['ntfy', 'slack', 'email'])('a receiver of kind %s is not built yet', (kind) => {
    const receivers = [...BASE.receivers, { name: 'other', kind }];
    expect(problemOf({ ...BASE, receivers })).toContain('not built yet');
  });
});

describe('configurations in the README', () => {
  test('every one says what it is', () => {
    const kinds = ['gatewatch.yaml', 'fragment', 'alertmanager.yml', 'prometheus.yml', 'rules.yml'];
    const known = kinds.flatMap((kind) => yamlBlocks(kind));
    expect(known.length).toBe(blocksOf('yaml').length);
  });

  test.each(yamlBlocks('gatewatch.yaml'))('the one at line $line loads without a warning', ({ text }) => {
    expect(loadConfig({ text, name: 'README.md' }, ENVIRONMENT).warnings).toEqual([]);
  });

  test.each(yamlBlocks('fragment'))('the fragment at line $line loads within a small one', ({ text }) => {
    const fragment = text.replace('${file:/run/secrets/hook-url}', 'https://hooks.example.net/x');
    const { config } = load({ ...BASE, ...(parse(fragment) as object) });
    expect(config.targets.length).toBeGreaterThan(0);
  });
});

describe('files beside the README', () => {
  test('config/example.yaml loads as it is, without a warning', () => {
    const { warnings } = loadConfig({ file: join(REPOSITORY, 'config/example.yaml') }, {});
    expect(warnings.map(problemText)).toEqual([]);
  });

  test('config/example.yaml names every key that is built', () => {
    const text = readFileSync(join(REPOSITORY, 'config/example.yaml'), 'utf8');
    const names = configurationKeys()
      .filter(({ path }) => KEY_MEANINGS[path]?.meaning !== 'not built yet')
      .map(({ path }) => path.split(/[.[\]]+/).findLast((step) => step !== '') ?? '');
    expect([...new Set(names)].filter((name) => !new RegExp(`\\b${name}:`).test(text))).toEqual([]);
  });

  test('package.json has the scripts that the README tells people to run, and the version of the program', () => {
    const { scripts, version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
    expect(version).toBe(VERSION);
    expect(scripts).toMatchObject({
      start: 'src/main.ts run',
      gatewatch: 'src/main.ts',
      test: 'node test/run.ts',
    });
    const told = [...README.matchAll(/npm (?:run )?(start|test|(?<=run )[\w-]+)/g)].map(
      (match) => match[1] ?? '',
    );
    expect(told.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

/** Names of all alerts, as the code has them. */
function alertNames(): string[] {
  const files = readdirSync(join(REPOSITORY, 'src/notify')).map((file) =>
    join(REPOSITORY, 'src/notify', file),
  );
  const found = files.flatMap(
    (file) => readFileSync(file, 'utf8').match(/(?<=')Gatewatch[A-Z]\w+(?=')/g) ?? [],
  );
  expect(found.length).toBeGreaterThan(5);
  return [...new Set(found)];
}

function problemOf(value: unknown): string {
  try {
    load(value);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return '';
}

function without(value: Readonly<Record<string, unknown>>, key: string): unknown {
  const copy = { ...value };
  delete copy[key];
  return copy;
}
