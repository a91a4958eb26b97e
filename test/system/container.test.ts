// What the image does, without Docker: builds as the Dockerfile builds, lays the program out as the image has it, and
// runs it by the Dockerfile's own command line as an unprivileged user who may write to the store's folder alone.

import { spawnSync } from 'node:child_process';
import { chmod, chown, cp, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { REPOSITORY } from '../readme-tables.ts';
import { loopbackPort } from '../support/loopback-port.ts';
import { type Program, startProgram } from '../support/program.ts';
import { blocksOf } from '../support/readme-blocks.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait.ts';

/** The user of the image. */
const NOBODY = 65_532;
/** Starts a program as that user, without capabilities; somebody who is not root is unprivileged already. */
const UNPRIVILEGED =
  process.getuid?.() === 0
    ? [
        'setpriv',
        `--reuid=${NOBODY}`,
        `--regid=${NOBODY}`,
        '--clear-groups',
        '--bounding-set=-all',
        '--no-new-privs',
      ]
    : [];

interface LockedPackage {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly devOptional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const stack = new AsyncDisposableStack();
let dockerfile: string;
let packages: Record<string, LockedPackage>;
let root: string;
let node: string;

beforeAll(async () => {
  dockerfile = await readFile(join(REPOSITORY, 'Dockerfile'), 'utf8');
  packages = JSON.parse(await readFile(join(REPOSITORY, 'package-lock.json'), 'utf8')).packages;
  root = stack.use(await tempFolder('image')).path;
  await chmod(root, 0o755);
  node = join(root, 'node');
  await cp(process.execPath, node);
  await chmod(node, 0o755);
  await build();
  await layOut();
}, 300_000);

afterAll(async () => {
  // What was made read-only must be writable again to be removed by somebody who is not root.
  if (root !== undefined) spawnSync('chmod', ['-R', 'u+w', root]);
  await stack.disposeAsync();
});

describe('the Dockerfile', () => {
  test('copies files that exist and that .dockerignore lets in', async () => {
    const sources = copied();
    expect(sources.length).toBeGreaterThan(4);
    for (const source of sources) await stat(join(REPOSITORY, source));
    const ignored = await readFile(join(REPOSITORY, '.dockerignore'), 'utf8');
    const allowed = ignored.split('\n').flatMap((line) => /^!(.*)$/.exec(line)?.[1] ?? []);
    expect(sources.filter((source) => !allowed.includes(source))).toEqual([]);
  });

  test('installs what the compiler needs to run: its program is an optional package', () => {
    expect(Object.keys(packages['node_modules/typescript']?.optionalDependencies ?? {})).not.toEqual([]);
    expect(instruction('RUN npm ci')).not.toContain('omit');
  });

  test('pins its base by version, and by a digest that can be given', () => {
    expect(dockerfile).toMatch(/^ARG BASE=\S+:\d+\.\d+\.\d+\S*$/m);
    expect(dockerfile.match(/^FROM \$\{BASE\}\$\{BASE_DIGEST:\+@\$\{BASE_DIGEST\}\}/gm)).toHaveLength(2);
  });

  test('the commands of the README mount what it reads', () => {
    const run = blocksOf('sh').flatMap(({ text }) =>
      text.split('\n').filter((line) => /^docker run/.test(line)),
    );
    expect(run).not.toEqual([]);
    for (const line of run) {
      expect(line).toContain(`:${instruction('VOLUME').split(' ')[1]}`);
      expect(line).toContain(`:${list('CMD').at(-1)}:ro`);
    }
  });
});

describe('the built program as an unprivileged user', () => {
  let store: string;

  beforeAll(async () => {
    store = join(root, 'store');
    await mkdir(store, { mode: 0o700 });
    if (UNPRIVILEGED.length > 0) await chown(store, NOBODY, NOBODY);
  });

  test('may not write to the application', () => {
    expect(asNobody('test', '-r', join(root, 'app/dist/src/main.js'))).toBe(0);
    expect(asNobody('test', '-w', join(root, 'app'))).not.toBe(0);
    expect(asNobody('test', '-w', join(root, 'app/dist/src/main.js'))).not.toBe(0);
    expect(asNobody('test', '-w', store)).toBe(0);
  });

  test('starts, is healthy, and ends with 0 on SIGTERM', async () => {
    const port = await loopbackPort();
    const file = await configuration(port);
    await using program = image(file);
    await waitFor('the program to be alive', () => isAlive(port), { limitMs: 60_000 }).catch(
      (error: Error) => {
        throw new Error(`${error.message}\n${program.output().slice(-4000)}`);
      },
    );
    expect(await health(port)).toBe(0);
    expect((await stat(join(store, 'gatewatch.db'))).mode & 0o777).toBe(0o600);
    expect(await program.end('SIGTERM')).toBe(0);
    expect(await health(port)).toBe(1);
  });

  test('a second start finds its store again', async () => {
    const port = await loopbackPort();
    await using program = image(await configuration(port));
    await waitFor('the program to be alive', () => isAlive(port), { limitMs: 60_000 });
    expect(await program.end('SIGTERM')).toBe(0);
  });

  test('a missing configuration is exit code 2, not the demo', async () => {
    await using program = image(join(root, 'missing.yaml'));
    expect(await program.exited).toBe(2);
    expect(program.output()).toContain('missing.yaml');
    expect(program.output()).not.toContain('demo');
  });

  /** Runs the image's own command line in the folder of the store, without a folder for temporary files. */
  function image(file: string): Program {
    const [program = '', ...flags] = list('ENTRYPOINT');
    expect(program).toBe('node');
    const args = [...flags.map((flag) => flag.replace(/^\/app\//, `${join(root, 'app')}/`)), ...list('CMD')];
    const own = args.map((arg) => (arg === '/etc/gatewatch/gatewatch.yaml' ? file : arg));
    const [command = node, ...rest] = [...UNPRIVILEGED, node, ...own];
    return startProgram(command, rest, {
      cwd: store,
      environment: { NODE_ENV: 'production', HOME: '/nonexistent', TMPDIR: '/nonexistent', NODE_OPTIONS: '' },
    });
  }

  async function configuration(port: number): Promise<string> {
    const file = join(root, 'gatewatch.yaml');
    const text = stringify({
      paths: [{ name: 'direct', kind: 'direct', private: true, resolver: '127.0.0.1:9' }],
      defaults: { expect: 'app' },
      targets: ['https://grafana.example.com'],
      web: { listen: `127.0.0.1:${port}` },
    });
    await writeFile(file, text, { mode: 0o644 });
    return file;
  }
});

/** `npm run build` in a copy that holds what the Dockerfile copies; the packages are those of this clone. */
async function build(): Promise<void> {
  const folder = join(root, 'build');
  for (const source of copied()) {
    await cp(join(REPOSITORY, source), join(folder, source), { recursive: true });
  }
  await symlink(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  const built = spawnSync('npm', ['run', 'build'], { cwd: folder, encoding: 'utf8', timeout: 240_000 });
  if (built.status !== 0) throw new Error(`npm run build: ${built.status} ${built.stdout}${built.stderr}`);
}

/** The folder `/app` of the image: package.json, the compiled program, and the packages of production. */
async function layOut(): Promise<void> {
  const app = join(root, 'app');
  await cp(join(root, 'build/package.json'), join(app, 'package.json'));
  await cp(join(root, 'build/dist'), join(app, 'dist'), { recursive: true });
  const production = Object.entries(packages).filter(
    ([name, entry]) => name !== '' && !entry.dev && !entry.optional && !entry.devOptional,
  );
  expect(production.length).toBeGreaterThan(10);
  for (const [name] of production) {
    await cp(join(REPOSITORY, name), join(app, name), { recursive: true });
  }
  spawnSync('chmod', ['-R', 'a+rX,a-w', app]);
}

/** What the build stage copies from the context. */
function copied(): string[] {
  const lines = dockerfile.match(/^COPY (?!--from).*$/gm) ?? [];
  return lines.flatMap((line) => line.split(/\s+/).slice(1, -1));
}

function instruction(beginning: string): string {
  const line = dockerfile.split('\n').find((each) => each.startsWith(beginning));
  if (line === undefined) throw new Error(`the Dockerfile has no ${beginning}`);
  return line;
}

/** Words of an instruction in its JSON form. */
function list(name: string): string[] {
  return JSON.parse(instruction(`${name} [`).slice(name.length)) as string[];
}

function asNobody(...command: readonly string[]): number | null {
  const [program = '', ...args] = [...UNPRIVILEGED, ...command];
  return spawnSync(program, args).status;
}

async function isAlive(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(5_000) });
  return response.status === 200;
}

/** Exit code of the image's health check. */
async function health(port: number): Promise<number | null> {
  const [, form = '[]'] = /^HEALTHCHECK [\s\S]*?CMD (\[.*\])$/m.exec(dockerfile) ?? [];
  const [, ...args] = JSON.parse(form) as string[];
  await using check = startProgram(node, args, {
    environment: { GATEWATCH_HEALTH_URL: `http://127.0.0.1:${port}/livez` },
  });
  return await check.exited;
}
