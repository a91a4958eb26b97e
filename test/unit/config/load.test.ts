// The configuration as users meet it: what loads, what is refused, and with which words.

import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { type Loaded, loadConfig } from '../../../src/config/load.ts';
import { ConfigError, type Problem } from '../../../src/config/problem.ts';

const FIXTURES = new URL('../../fixtures/config/', import.meta.url).pathname;
const SMALL = `
gates: [{ name: authentik, url: "https://auth.example.com" }]
paths: [{ name: cdn, kind: cdn }, { name: origin, kind: origin, address: "203.0.113.10:443" }]
targets: [https://grafana.example.com]
control: [https://www.example.net]
receivers: [{ name: am, kind: alertmanager, urls: ["http://alertmanager:9093"] }]
`;

function load(more: string, environment: Record<string, string> = {}): Loaded {
  return loadConfig({ text: SMALL + more, name: 'test.yaml' }, environment);
}

function problemsOf(run: () => unknown): readonly Problem[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

function shown(problem: Problem): string {
  const where = problem.path === '' ? '' : `${problem.path}: `;
  return `${problem.line}:${problem.column} ${where}${problem.message}`;
}

describe('broken files', () => {
  const broken = readdirSync(FIXTURES).filter((name) =>
    /^# expect: /.test(readFileSync(join(FIXTURES, name), 'utf8')),
  );

  test('there are many of them', () => expect(broken.length).toBeGreaterThan(70));

  test.each(broken)('%s gives exactly the expected problem', (name) => {
    const [first = ''] = readFileSync(join(FIXTURES, name), 'utf8').split('\n');
    const problems = problemsOf(() => loadConfig({ file: join(FIXTURES, name) }, {}));
    expect(problems.map(shown)).toEqual([first.replace('# expect: ', '')]);
    expect(problems[0]?.message).not.toContain('geheim-marker');
  });

  test('all problems of a file are reported at once, in order', () => {
    const text =
      'paths: [{ name: cdn, kind: cdm }]\ntargets:\n  - { url: x, gate: nope }\nlog: { level: loud }\nfoo: 1\n';
    const problems = problemsOf(() => loadConfig({ text, name: 't.yaml' }, {}));
    expect(problems.map((problem) => problem.path)).toEqual([
      'paths.0.kind',
      'targets.0.url',
      'targets.0.gate',
      'log.level',
      'foo',
    ]);
  });

  test('a missing or empty file is a problem, not the demo', () => {
    const missing = problemsOf(() => loadConfig({ file: join(FIXTURES, 'no-such-file.yaml') }, {}));
    expect(missing.map((problem) => problem.message)).toEqual(['cannot be read (ENOENT)']);
    expect(problemsOf(() => loadConfig({ file: FIXTURES }, {}))[0]?.message).toBe('is not a regular file');
  });

  test.each([
    [
      'aliases that explode',
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(9)}*a]\nc: &c [${'*b,'.repeat(9)}*b]\nd: [${'*c,'.repeat(9)}*c]\n`,
    ],
    ['a circle', 'zones: &z [*z]\n'],
    ['thousands of brackets', `${'['.repeat(20_000)}\n`],
    ['a key that is an own prototype', '__proto__: { x: 1 }\n'],
    ['two documents', '---\nx: 1\n'],
  ])('%s is refused without harm', (_what, text) => {
    expect(problemsOf(() => load(text)).length).toBeGreaterThan(0);
  });

  test('a secret on the faulty line is in no message', () => {
    const marker = 'geheim-marker';
    for (const text of [
      `heartbeat: { url: "${marker}" }`,
      `web: { auth: { basic: { username: "${marker}:", password: ${marker} } } }`,
      `receivers: [{ name: hook, kind: ${marker}, url: ${marker} }]`,
      `defaults: { headers: { "x y": ${marker} } }`,
      `tls: { ca: ["${marker} "] }`,
      `log: { level: ${marker} }`,
      `log: ${marker}`,
      `control: ${marker}`,
      `zones: ["${marker}!"]`,
      `store: { max: ${marker} }`,
      `x: [${marker}`,
    ]) {
      const problems = problemsOf(() =>
        loadConfig({ text: SMALL.replace(/^receivers.*$/m, '') + text, name: 't' }, {}),
      );
      expect(problems.length, text).toBeGreaterThan(0);
      for (const problem of problems)
        expect(shown(problem).includes(marker), shown(problem)).toBe(text.startsWith('tls'));
    }
  });
});

describe('what loads', () => {
  test('a small file gets the defaults of the design', () => {
    const { config } = load('');
    expect(config.vantage).toBe('local');
    expect(config.targets[0]).toMatchObject({
      id: 'grafana.example.com',
      gate: 'authentik',
      paths: ['cdn', 'origin'],
      zone: 'example.com',
      timeoutMs: 10_000,
      slowMs: 5_000,
      owner: 'grafana.example.com',
      source: 'static',
    });
    expect(config.targets[0]?.expect['cdn' as never]).toMatchObject({ is: 'login', status: [] });
    expect(config.gates[0]).toMatchObject({ outpost: 'authentik', paths: ['cdn'], clients: [] });
    expect(config.paths[0]).toMatchObject({
      resolver: ['1.1.1.1:53', '9.9.9.9:53'],
      proof: { header: 'cf-ray', absent: null },
    });
    expect(config.paths[1]).toMatchObject({
      address: { host: '203.0.113.10', port: 443 },
      proof: { header: null, absent: 'cf-ray' },
    });
    expect(config.checks).toMatchObject({
      returnEvery: { cdn: 300_000, origin: 60_000, direct: 60_000 },
      freshEveryMs: null,
    });
    expect(config.canaries).toBe('auto');
  });

  test('everything in config/example.yaml', () => {
    const file = new URL('../../../config/example.yaml', import.meta.url).pathname;
    const { config, warnings } = loadConfig({ file }, {});
    expect(config.targets).toHaveLength(7);
    expect(config.receivers).toHaveLength(2);
    expect(warnings).toEqual([]);
  });

  test('empty forms of keys that are not built yet ask for nothing', () => {
    expect(() => load('discover: []\nreport-to: null\nvantage: { name: x, inside: false }\n')).not.toThrow();
  });

  test('one key for all paths, or one for each', () => {
    expect(load('checks: { return: { every: 30s } }').config.checks.returnEvery).toEqual({
      cdn: 30_000,
      origin: 30_000,
      direct: 30_000,
    });
    const rules = load('checks: { return: { every: { cdn: 1m } }, fresh: { every: 30s } }').config.checks;
    expect(rules).toMatchObject({
      returnEvery: { cdn: 60_000, origin: 60_000, direct: 60_000 },
      freshEveryMs: 30_000,
    });
  });

  test('the hash changes with the content alone', () => {
    expect(load('# a comment').hash).toBe(load('').hash);
    expect(load('watchdog: true').hash).not.toBe(load('').hash);
    const referred = 'vantage: "${env:PLACE}"';
    expect(load(referred, { PLACE: 'a' }).hash).not.toBe(load(referred, { PLACE: 'b' }).hash);
  });
});

describe('references', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewatch-config-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const header = (text: string, environment: Record<string, string> = {}): string | undefined =>
    load(`defaults: { headers: { X-Skip: '${text}' } }`, environment).config.targets[0]?.headers['x-skip'];

  test.each([
    ['a ${env:A} b', 'a 1 b'],
    ['${env:A}${env:A}', '11'],
    ['$${env:A}', '${env:A}'],
    ['$$${env:A}', '$${env:A}'],
    ['cost: 5$', 'cost: 5$'],
    ['${env:NESTED}', '${env:A}'],
    ['${env:EMPTY}', ''],
  ])('%s becomes %s', (text, wanted) => {
    expect(header(text, { A: '1', NESTED: '${env:A}', EMPTY: '' })).toBe(wanted);
  });

  test('a file is read without its last newline, and is watched', () => {
    const secret = file('secret', 'hunter2\n');
    const { config, files } = load(`defaults: { headers: { X-Skip: '\${file:${secret}}' } }`);
    expect(config.targets[0]?.headers['x-skip']).toBe('hunter2');
    expect(files).toEqual([secret]);
  });

  test('keys are never expanded', () => {
    expect(problemsOf(() => load('"${env:A}": 1', { A: 'watchdog' }))[0]?.message).toBe('unknown key');
  });

  test.each([
    ['a folder', () => mkdirSync(join(folder, 'a/b'), { recursive: true }), 'not a regular file'],
    ['a device', () => '/dev/zero', 'not a regular file'],
    ['a large file', () => file('large', 'x'.repeat(65_537)), 'larger than 64 KiB'],
    ['a binary file', () => file('binary', new Uint8Array([0xff, 0xfe])), 'not UTF-8'],
    ['a NUL byte', () => file('nul', 'a\0b'), 'NUL byte'],
  ])('%s is refused', (_what, make, message) => {
    const problems = problemsOf(() => load(`vantage: '\${file:${make()}}'`));
    expect(problems.map((problem) => problem.message).join()).toContain(message);
  });
});

describe('a file that everybody may write', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewatch-mode-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  afterEach(() => vi.restoreAllMocks());
  const open = (): string => {
    const file = join(folder, 'gatewatch.yaml');
    writeFileSync(file, SMALL);
    chmodSync(file, 0o666);
    return file;
  };

  test('is warned of, and as root it is refused', () => {
    const file = open();
    vi.spyOn(process, 'getuid').mockReturnValue(1000);
    expect(loadConfig({ file }, {}).warnings.map(({ message }) => message)).toEqual([
      'can be written by everybody: whoever may log in here decides',
    ]);
    vi.spyOn(process, 'getuid').mockReturnValue(0);
    expect(problemsOf(() => loadConfig({ file }, {})).map(({ message }) => message)).toEqual([
      'can be written by everybody; chmod o-w it',
    ]);
  });
});

test('a refused file tells all files it asked for, the missing ones too', () => {
  try {
    load('vantage: "${file:/nowhere/at/all}"');
  } catch (error) {
    expect((error as ConfigError).files).toEqual(['/nowhere/at/all']);
    return;
  }
  throw new Error('it was not refused');
});

test('what references and credentials bring is known as secret, and which variables it came from', () => {
  const { secrets, variables } = load(
    'defaults: { headers: { X-Skip: "${env:SKIP}" } }\nheartbeat: { url: "https://beat.example/in-the-file" }',
    { SKIP: 'skip-me' },
  );
  expect(secrets).toEqual(expect.arrayContaining(['skip-me', 'https://beat.example/in-the-file']));
  expect(variables).toEqual(['SKIP']);
});

describe('warnings', () => {
  test('a good file has none', () => expect(load('').warnings).toEqual([]));

  test.each([
    [
      'a literal secret',
      'web: { auth: { basic: { username: a, password: geheim-marker } } }',
      'web.auth.basic.password',
    ],
    [
      'a literal secret header',
      'defaults: { headers: { CF-Access-Client-Secret: geheim-marker } }',
      'defaults.headers.CF-Access-Client-Secret',
    ],
    ['a wide listen without auth', 'web: { listen: "0.0.0.0:10780" }', 'web.listen'],
    ['a fast interval', 'checks: { return: { every: { cdn: 5s } } }', 'checks.return.every.cdn'],
    ['no canaries', 'canaries: none', 'canaries'],
    ['a label nobody has', 'shared: [node]', 'shared.0'],
    ['slow above the timeout', 'defaults: { slow: 10s }', 'targets.0.slow'],
    [
      'a password without TLS',
      'web: { listen: "0.0.0.0:10780", auth: { basic: { username: a, password: "${env:P}" } } }',
      'web.auth.basic',
    ],
    ['a page behind the gate it watches', 'web: { url: "https://grafana.example.com" }', 'web.url'],
  ])('%s is warned of', (_what, more, path) => {
    const found = load(more, { P: 'geheim-marker-long' }).warnings.map(
      (one) => `${one.path}: ${one.message}`,
    );
    expect(found.map((text) => text.split(': ')[0])).toContain(path);
    expect(found.join()).not.toContain('geheim-marker');
  });

  test.each([
    [
      'receivers that are watched themselves',
      SMALL.replace('http://alertmanager:9093', 'https://grafana.example.com/am'),
      'receivers',
    ],
    [
      'a secret in the query of a target',
      SMALL.replace('grafana.example.com', 'grafana.example.com/?api-key=geheim-marker'),
      'targets.0',
    ],
  ])('%s are warned of', (_what, text, path) => {
    const found = loadConfig({ text, name: 't' }, {}).warnings;
    expect(found.map((one) => one.path)).toContain(path);
    expect(found.map(({ message }) => message).join()).not.toContain('geheim-marker');
  });

  test('a secret by reference is fine', () => {
    const text = 'web: { auth: { basic: { username: a, password: "${env:P}" } } }';
    expect(load(text, { P: 'long-enough-secret' }).warnings).toEqual([]);
  });
});
