// Limits of the configuration, each at its limit and one beyond (threats, section 6, P4 and X20), and how long the
// worst files may take.

import { describe, expect, test } from 'vitest';
import { parseConfiguration } from '../../../src/config/document.ts';
import { type Loaded, loadConfig } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/config/problem.ts';

const BASE = {
  paths: [{ name: 'origin', kind: 'origin', address: '203.0.113.10:443' }],
  defaults: { expect: 'app' },
  targets: ['https://grafana.example.com'] as unknown[],
};

function load(keys: Record<string, unknown>): Loaded {
  return loadConfig({ text: JSON.stringify({ ...BASE, ...keys }), name: 't.yaml' }, {});
}

/** Messages with their paths; empty when it loads. */
function problems(run: () => unknown): string[] {
  try {
    run();
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const named = (count: number, value: (index: number) => string): Record<string, string> =>
  Object.fromEntries(many(count, (index) => [`l${index}`, value(index)]));
const target = (keys: Record<string, unknown>): Record<string, unknown> => ({
  targets: [{ url: 'https://grafana.example.com', ...keys }],
});

describe('at the limit it loads, one beyond it is refused', () => {
  const cases: [what: string, at: Record<string, unknown>, beyond: Record<string, unknown>, says: string][] =
    [
      [
        'labels of a target',
        target({ labels: named(16, () => 'x') }),
        target({ labels: named(17, () => 'x') }),
        'targets.0.labels: must have at most 16 labels',
      ],
      [
        'characters of a label',
        target({ labels: { a: 'x'.repeat(128) } }),
        target({ labels: { a: 'x'.repeat(129) } }),
        'targets.0.labels.a: must be a text of length at most 128',
      ],
      [
        'labels of all alerts',
        { alerts: { labels: named(16, () => 'x') } },
        { alerts: { labels: named(17, () => 'x') } },
        'alerts.labels: must have at most 16 labels',
      ],
      [
        'characters of a URL',
        { targets: [`https://a.example/${'x'.repeat(2030)}`] },
        { targets: [`https://a.example/${'x'.repeat(2031)}`] },
        'targets.0: must be a text of length at most 2048',
      ],
      [
        'headers of a target',
        { defaults: { expect: 'app', headers: named(32, () => 'x') } },
        { defaults: { expect: 'app', headers: named(33, () => 'x') } },
        'defaults.headers: must have at most 32 headers',
      ],
      [
        'characters of a header',
        { defaults: { expect: 'app', headers: { a: 'x'.repeat(4096) } } },
        { defaults: { expect: 'app', headers: { a: 'x'.repeat(4097) } } },
        'defaults.headers.a: must be a text of length at most 4096',
      ],
      [
        'shortest interval',
        target({ every: '100ms' }),
        target({ every: '99ms' }),
        'targets.0.every: is out of range',
      ],
      [
        'longest interval',
        target({ every: '400d' }),
        target({ every: '401d' }),
        'targets.0.every: must be a duration such as 90s, 5m or 7d',
      ],
      [
        'longest time-out',
        target({ timeout: '120s' }),
        target({ timeout: '121s' }),
        'targets.0.timeout: is out of range',
      ],
      [
        'shortest time-out',
        target({ timeout: '100ms' }),
        target({ timeout: '0s' }),
        'targets.0.timeout: is out of range',
      ],
      [
        'no negative duration',
        target({ slow: '1s' }),
        target({ slow: '-1s' }),
        'targets.0.slow: must be a duration such as 90s, 5m or 7d',
      ],
      [
        'port',
        { web: { listen: '127.0.0.1:65535' } },
        { web: { listen: '127.0.0.1:65536' } },
        'web.listen: expected an IP address and a port, like 127.0.0.1:10780 or [::1]:10780',
      ],
      [
        'status',
        target({ expect: { is: 'app', status: 599 } }),
        target({ expect: { is: 'app', status: 600 } }),
        'targets.0.expect.status: must be at most 599',
      ],
      [
        'requests of a path',
        { paths: [{ ...BASE.paths[0], requests: '1/day' }] },
        { paths: [{ ...BASE.paths[0], requests: '0/day' }] },
        'paths.0.requests: is out of range',
      ],
      [
        'heartbeat',
        { heartbeat: { url: 'https://h.example/', every: '1s' } },
        { heartbeat: { url: 'https://h.example/', every: '999ms' } },
        'heartbeat.every: is out of range',
      ],
    ];
  test.each(cases)('%s', (_, at, beyond, says) => {
    expect(problems(() => load(at))).toEqual([]);
    expect(problems(() => load(beyond))).toEqual([says]);
  });

  test('5,000 targets', () => {
    const targets = (count: number): { targets: string[] } => ({
      targets: many(count, (index) => `https://s${index}.example.com`),
    });
    expect(load(targets(5_000)).config.targets).toHaveLength(5_000);
    expect(problems(() => load(targets(5_001)))).toEqual(['targets: must have at most 5000 entries']);
  });

  test('32 levels, and 100 uses of an alias', () => {
    const nested = (levels: number): string =>
      `${JSON.stringify(BASE)}\n`.replace(/\}\n$/, `, "x": ${'['.repeat(levels)}${']'.repeat(levels)}}`);
    const deep = (levels: number): string[] =>
      problems(() => loadConfig({ text: nested(levels), name: 't' }, {}));
    expect(deep(31)).toEqual(['x: unknown key']);
    expect(deep(32)).toEqual([': is nested more than 32 levels deep']);
    const aliased = (uses: number): string[] =>
      problems(() =>
        loadConfig(
          {
            text: `paths: [{ name: o, kind: direct }]\ndefaults: { expect: app }\nzones: [&z a.test]\ntargets: [https://a.test]\nshared: [${many(uses, () => '*z').join(', ')}]\n`,
            name: 't',
          },
          {},
        ),
      );
    expect(aliased(99)).toEqual([]); // the anchor counts too
    expect(aliased(100)).toEqual([': uses aliases too often, or in a circle']);
  });
});

describe('headers', () => {
  const header = (name: string, value: string): string[] =>
    problems(() => load({ defaults: { expect: 'app', headers: { [name]: value } } }));
  test.each([
    'Cookie',
    'HOST',
    'connection',
    'Keep-Alive',
    'proxy-connection',
    'TE',
    'trailer',
    'Transfer-Encoding',
    'Upgrade',
    'proxy-authorization',
    'range',
    'If-None-Match',
  ])('%s is ours alone', (name) => {
    expect(header(name, 'x')).toEqual([`defaults.headers.${name}: is a header that gatewatch sets itself`]);
  });
  test.each(['a b', 'a:b', 'a\n', '', 'ü', ':authority'])('%j is no name', (name) => {
    expect(header(name, 'x')).toEqual(['defaults.headers.(unusual key): must be a header name']);
  });
  test.each(['a\r\nb: c', 'a\nb', 'a\0b', 'a\x1bb', 'a\x7fb', 'a\x9bb', '\u2028', '€'])(
    '%j is no value',
    (value) => {
      expect(header('x-a', value)).toEqual([
        'defaults.headers.x-a: must be a header value: one line of printable characters',
      ]);
    },
  );
  test('a header twice in different case is refused', () => {
    expect(
      problems(() => load({ defaults: { expect: 'app', headers: { 'X-A': '1', 'x-a': '2' } } })),
    ).toEqual(['defaults.headers: has a header twice, in different case']);
  });
});

test.each(['__proto__x', '__a', '1a', 'a-b', 'a b', ''])('%j is no name of a label', (name) => {
  expect(problems(() => load(target({ labels: { [name]: 'x' } }))).length).toBe(1);
});

test.each(['a\nb', 'a\0', '\x9b31m', '\u2028', 'a\ud800'])('%j is no value of a label', (value) => {
  expect(problems(() => load(target({ labels: { a: value } })))).toEqual([
    'targets.0.labels.a: must be one line without control characters',
  ]);
});

test.each([
  ['control', { control: ['https://u:p@control.example/'] }],
  ['a receiver', { receivers: [{ name: 'am', kind: 'alertmanager', urls: ['http://u:geheim@am:9093'] }] }],
  ['a webhook', { receivers: [{ name: 'hook', kind: 'webhook', url: 'http://u:geheim@hook/' }] }],
  ['a heartbeat', { heartbeat: { url: 'http://u:geheim@beat/' } }],
  ['a gate', { gates: [{ name: 'g', url: 'https://u@auth.example' }] }],
])('the URL of %s carries no password', (_, keys) => {
  const found = problems(() => load(keys));
  expect(found.join()).toContain('must not carry a user name or password');
  expect(found.join()).not.toContain('geheim');
});

test.each([
  'https://a.example/\n',
  ' https://a.example/',
  'https://a.exa\tmple/',
  'https://a.example/\u2028',
])('%j is no URL, though parsers of URLs take it', (url) => {
  expect(problems(() => load({ control: [url] }))).toEqual(['control.0: must be an http or https URL']);
});

test.each(['toString', 'constructor', '__proto__', 'hasOwnProperty'])('${env:%s} is no variable', (name) => {
  const found = problems(() => load({ vantage: `\${env:${name}}` }));
  expect(found[0]).toBe(`vantage: refers to the environment variable ${name}, which is not set`);
});

test('the first hundred problems are told, and how many more there are', () => {
  const found = problems(() => load({ targets: many(150, () => ({ url: 1 })) }));
  expect(found).toHaveLength(101);
  expect(found.at(-1)).toBe(': and 50 more problems');
});

describe('the worst files', () => {
  const size = 20_000;
  const garbage: [what: string, text: string][] = [
    ['nothing but braces', '{'.repeat(size)],
    ['nothing but closing brackets', ']'.repeat(size)],
    ['empty entries', `[${','.repeat(size)}`],
    ['keys by the thousand', many(size / 8, (index) => `k${index}: ${index}\n`).join('')],
    ['one key by the thousand', 'a: 1\n'.repeat(size / 5)],
    ['directives', '%A\n'.repeat(size / 3)],
    [
      'half a bomb of aliases',
      `${many(9, (index) => `a${index}: &a${index} [${many(9, () => (index === 0 ? 'x' : `*a${index - 1}`)).join()}]`).join('\n')}\n`,
    ],
  ];
  test.each(garbage)('%s are refused in time', (_, text) => {
    const from = performance.now();
    expect(problems(() => loadConfig({ text, name: 't' }, {})).length).toBeGreaterThan(0);
    expect(performance.now() - from).toBeLessThan(30_000);
  });

  test('what takes longer than its time is given up', () => {
    const references = {
      environment: {},
      folder: '/',
      files: new Set<string>(),
      brought: new Map<string, string>(),
    };
    const { problems: found, value } = parseConfiguration('%A\n'.repeat(20_000), 't', references, 50);
    expect(found.map(({ message }) => message)).toEqual(['takes too long to read: this is no configuration']);
    expect(value).toBeNull();
  });
});
