// Runs every command of README.md: with its own configuration, against the demo site instead of example.com. What
// cannot be run here is listed with the reason; a command that is neither run nor listed fails the last test.

import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { systemClock } from '../../src/base/clock.ts';
import { loadConfig } from '../../src/config/load.ts';
import { problemText } from '../../src/config/problem.ts';
import { type Site, startSite } from '../../src/demo/site.ts';
import { REPOSITORY } from '../readme-tables.ts';
import { type Alertmanager, startAlertmanager } from '../support/alertmanager.ts';
import { loopbackPort } from '../support/loopback-port.ts';
import { startNotificationLedger } from '../support/notification-ledger.ts';
import { type Program, startProgram } from '../support/program.ts';
import { blocksOf, yamlBlocks } from '../support/readme-blocks.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait.ts';

const MAIN = join(REPOSITORY, 'src/main.ts');
/** What stands for the program in a clone; `package.json` has it as a script. */
const GATEWATCH = 'npm run gatewatch -- ';

/** Commands that are not run here, and why. */
const ELSEWHERE: readonly (readonly [RegExp, string])[] = [
  [/^npm ci && npm (start|test)$/, 'the whole installation; .ci/run is the second one'],
  [/^docker /, 'needs Docker; container.test.ts does what the image does'],
  [
    /^npm run (schema|docs)$/,
    'writes into the clone; docs.test.ts and json-schema.test.ts compare the result',
  ],
];

const commands = blocksOf('sh').flatMap(({ text }) => text.split('\n').filter((line) => line !== ''));
const ran = new Set<string>();

const stack = new AsyncDisposableStack();
let site: Site;
let alertmanager: Alertmanager;
let folder: string;
let port: number;

beforeAll(async () => {
  site = stack.use(await startSite({ clock: systemClock, ports: { edge: 0, origin: 0, dns: 0 } }));
  const ledger = stack.use(await startNotificationLedger());
  alertmanager = stack.use(await startAlertmanager({ webhookUrl: ledger.url }));
  folder = stack.use(await tempFolder('readme')).path;
  port = await loopbackPort();
  await writeFile(join(folder, 'gatewatch.yaml'), ownConfiguration());
});

afterAll(() => stack.disposeAsync());

describe('without a configuration', () => {
  test('the check that is shown blames the session store, and is satisfied once it is mended', async () => {
    const empty = join(folder, 'empty');
    await mkdir(empty);
    const options = `--resolver ${fact('127.0.0.1:', 'DNS_PORT')} --ca ${fact('', 'CA_FILE')} --private`;
    const line = only('check https://grafana.example.com');
    site.set('session-store-full', true);
    const broken = await run(line, { more: options, cwd: empty });
    expect(broken).toMatchObject({ code: 1 });
    for (const text of checkShown()) expect(broken.output).toContain(text);
    site.set('session-store-full', false);
    expect(await run(line, { more: options, cwd: empty })).toMatchObject({ code: 0 });
  });

  test('the demo rings with the alert that is shown', { timeout: 720_000 }, async () => {
    const listen = `127.0.0.1:${await loopbackPort()}`;
    await using demo = startProgram(process.execPath, [MAIN, 'demo', '--listen', listen], { cwd: folder });
    await demo.says('Ctrl-C ends the demo', 60_000);
    const up = async (): Promise<boolean> => {
      const { checks } = await api<{ checks: { visit: string; verdict: string | null }[] }>(listen, 'checks');
      const fresh = checks.filter(({ visit, verdict }) => visit === 'fresh' && verdict === 'up');
      const back = checks.filter(({ visit, verdict }) => visit === 'return' && verdict === 'up');
      // The first round has used up the session budget: a fault would be confirmed at its pace, one path first.
      const { gates } = await api<{ gates: { tokens: number }[] }>(listen, 'gates');
      return fresh.length >= 20 && back.length >= 20 && gates.every(({ tokens }) => tokens >= 6);
    };
    await waitFor('the demo to be seen up', up, { limitMs: 420_000, everyMs: 1_000 });
    const [on = '', off = ''] = commands.filter((line) => line.startsWith(`${GATEWATCH}demo `));
    expect(await run(on, { more: `--listen ${listen}` })).toMatchObject({ code: 0 });
    const rings = (): boolean => alertShown().test(demo.output().replace(/\s+/g, ' '));
    await waitFor('the alert of the README', rings, { limitMs: 180_000, everyMs: 500 }).catch(
      (error: Error) => {
        throw new Error(`${error.message}\nwanted ${alertShown()}\n${demo.output()}`);
      },
    );
    expect(await run(off, { more: `--listen ${listen}` })).toMatchObject({ code: 0 });
    expect(await demo.end('SIGTERM')).toBe(0);
  });
});

describe('with the configuration of the README', () => {
  let daemon: Program;

  afterAll(async () => {
    await daemon?.end();
  });

  test('it validates, and the receiver takes a test', async () => {
    expect(await run(only('validate'))).toMatchObject({ code: 0 });
    const sent = await run(only('test-alert'));
    expect(sent).toMatchObject({ code: 0 });
    expect(sent.output).toContain('alertmanager');
  });

  test('npm start watches it', { timeout: 300_000 }, async () => {
    expect(commands).toContain('npm start');
    ran.add('npm start');
    daemon = startProgram(process.execPath, [MAIN, 'run'], { cwd: folder });
    const up = async (): Promise<boolean> => {
      const { checks } = await api<{ checks: { kind: string; verdict: string | null }[] }>(
        `127.0.0.1:${port}`,
        'checks',
      );
      const visits = checks.filter(({ kind }) => kind === 'visit');
      return visits.length > 0 && visits.every(({ verdict }) => verdict === 'up');
    };
    await waitFor('all visits to be up', up, { limitMs: 230_000, everyMs: 1_000 }).catch((error: Error) => {
      throw new Error(`${error.message}\n${daemon.output().slice(-4000)}`);
    });
  });

  test('the other commands work beside it', async () => {
    const lines = commands.filter((line) => line.startsWith(GATEWATCH) && !ran.has(line));
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines)
      expect([line, await run(line)]).toEqual([line, { code: 0, output: expect.anything() }]);
    const json = await run(only('check --json'));
    expect(JSON.parse(json.output)).toMatchObject({ blamed: null });
  });

  test.each(['curl ', 'sqlite3 '])('the lines with %s work beside it', async (program) => {
    const lines = commands.filter((line) => line.startsWith(program));
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines)
      expect([line, await run(line)]).toEqual([line, { code: 0, output: expect.anything() }]);
  });

  test('SIGTERM ends it with 0', async () => {
    expect(await daemon.end('SIGTERM')).toBe(0);
  });
});

describe('configurations of other programs', () => {
  test.each([
    ['alertmanager.yml', 'amtool', ['check-config']],
    ['prometheus.yml', 'promtool', ['check', 'config']],
    ['rules.yml', 'promtool', ['check', 'rules']],
  ])('%s is one that %s accepts', async (kind, program, args) => {
    const blocks = yamlBlocks(kind);
    expect(blocks.length).toBeGreaterThan(0);
    for (const { text } of blocks) {
      const file = join(folder, kind);
      await writeFile(file, text);
      expect(await execute(program, [...args, file], folder)).toMatchObject({ code: 0 });
    }
  });

  test('the systemd unit starts the program that is built', () => {
    const [unit] = blocksOf('ini');
    const [, start = ''] = /^ExecStart=\S+ (.*)$/m.exec(unit?.text ?? '') ?? [];
    expect(start).toMatch(/\/dist\/src\/main\.js run --config \S+\.yaml$/);
  });
});

test('config/demo.yaml loads without a warning', () => {
  const { warnings } = loadConfig({ file: join(REPOSITORY, 'config/demo.yaml') }, site.environment);
  expect(warnings.map(problemText)).toEqual([]);
});

test('no command of the README was left out, and no reason is stale', () => {
  const reason = (line: string): string | undefined => ELSEWHERE.find(([pattern]) => pattern.test(line))?.[1];
  expect(commands.filter((line) => !ran.has(line) && reason(line) === undefined)).toEqual([]);
  expect(ELSEWHERE.filter(([pattern]) => !commands.some((line) => pattern.test(line)))).toEqual([]);
});

/** The one command of the README that begins so. */
function only(beginning: string): string {
  const found = commands.filter((line) => `${line} `.startsWith(`${GATEWATCH}${beginning} `));
  const exact = found.filter((line) => line === `${GATEWATCH}${beginning}`);
  const [line] = exact.length === 1 ? exact : found;
  if (line === undefined) throw new Error(`the README has no command ${beginning}`);
  return line;
}

function fact(before: string, name: string): string {
  return before + (site.environment[`GATEWATCH_DEMO_${name}`] ?? '');
}

/** Names and addresses of the documentation, as those of the demo site. */
function here(text: string): string {
  const edge = fact('', 'EDGE_PORT');
  return text
    .replaceAll('auth.example.com', `auth.casa.test:${edge}`)
    .replaceAll('hooks.example.com/github', `hooks.lab.test:${edge}/deploy`)
    .replaceAll(/(\w+)\.example\.com/g, `$1.lab.test:${edge}`)
    .replaceAll('203.0.113.10:443', fact('127.0.0.1:', 'ORIGIN_PORT'))
    .replaceAll('https://www.debian.org', fact('http://127.0.0.1:', 'OUTSIDE_PORT'))
    .replaceAll('http://127.0.0.1:9093', alertmanager?.url ?? '')
    .replaceAll('127.0.0.1:10780', `127.0.0.1:${port}`);
}

/** The configuration of the README, with what the demo site needs: its resolver, its authority, and free ports. */
function ownConfiguration(): string {
  const [block] = yamlBlocks('gatewatch.yaml');
  const value = parse(here(block?.text ?? '')) as Record<string, unknown> & { paths: { kind: string }[] };
  const paths = value.paths.map((path) =>
    path.kind === 'cdn' ? { ...path, resolver: fact('127.0.0.1:', 'DNS_PORT'), private: true } : path,
  );
  return stringify({
    ...value,
    paths,
    checks: { return: { every: '10s' } },
    web: { listen: `127.0.0.1:${port}` },
    tls: { ca: [fact('', 'CA_FILE')] },
  });
}

/** Runs a line of the README, translated; remembers that it was run. */
function run(line: string, options: { more?: string; cwd?: string } = {}): Promise<Ended> {
  ran.add(line);
  const translated = here(line);
  const cwd = options.cwd ?? folder;
  if (!translated.startsWith(GATEWATCH)) return execute('sh', ['-c', translated], cwd);
  const args = `${translated.slice(GATEWATCH.length)} ${options.more ?? ''}`.trim().split(/\s+/);
  return execute(process.execPath, [MAIN, ...args], cwd);
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Standard output of a program and how it ended; what it complained of is added when it failed. */
function execute(command: string, args: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
    let said = '';
    let complained = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      complained += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output: code === 0 ? said : said + complained }));
  });
}

async function api<T>(listen: string, pathname: string): Promise<T> {
  const response = await fetch(`http://${listen}/api/v1/${pathname}`, {
    signal: AbortSignal.timeout(10_000),
  });
  return (await response.json()) as T;
}

/**
 * The alert at the beginning of the README; its numbers differ from run to run. Who is known to get in does, too: in the
 * first minutes a signed-in visit may have come since the fault began, or only visits with a stranger's session.
 */
function alertShown(): RegExp {
  const shown = blocksOf('text').find(({ text }) => text.startsWith('☎'))?.text ?? 'nothing is shown';
  const words = shown.trim().replace(/\s+/g, ' ');
  return new RegExp(
    words
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replace(/\d+ of \d+ \w+ tried/, '\\d+ of \\d+ services? tried')
      .replace(
        'signed-in users still get in',
        (known) => `(${known}|visitors with a session cookie still get through)`,
      ),
  );
}

/** Rows and sentences that the shown check must share with a real one. */
function checkShown(): string[] {
  const shown = blocksOf('text').find(({ text }) => text.includes('fresh cdn'))?.text ?? '';
  const rows = shown.split('\n').flatMap((line) => /^ {2}([a-z]+(?: [a-z]+)?) {2,}\S/i.exec(line)?.[1] ?? []);
  expect(rows.length).toBeGreaterThan(8);
  const last = shown.split('\n').filter((line) => /^(Why|First check) /.test(line));
  return [
    ...rows,
    ...last,
    'down gate-no-session',
    'Gate cannot create new sessions',
    'Acquitted: vantage:here',
  ];
}
