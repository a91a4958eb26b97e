// `gatewatch run` as a process: reload in all its ways, one daemon a store, a clean stop, and what stops it from
// starting. What it finds in outages is in outages.test.ts.

import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  api,
  type CliSite,
  gatewatch,
  post,
  startCliSite,
  startGatewatch,
  untilUp,
} from '../../support/cli-site.ts';
import { freePort } from '../../support/free-port.ts';
import type { Program } from '../../support/program.ts';
import { waitFor } from '../../support/wait.ts';

let lab: CliSite;
beforeAll(async () => {
  lab = await startCliSite();
});
afterAll(() => lab[Symbol.asyncDispose]());

const targets = async (): Promise<number> =>
  (await api<{ targets: unknown[] }>(lab.url, 'targets')).targets.length;
const metric = async (name: string): Promise<string | null> => {
  const text = await (await fetch(`${lab.url}/metrics`)).text();
  return text.match(new RegExp(`^${name} (.*)$`, 'm'))?.[1] ?? null;
};
const more = (hosts: readonly string[]): Record<string, unknown> => ({ targets: hosts.map(lab.service) });

describe('a configuration that cannot be used ends with 2 and its place', () => {
  const cases: [what: string, text: () => string, says: RegExp][] = [
    ['an empty file', () => '', /bad\.yaml:1:1: is empty/],
    [
      'a missing CA file',
      () => lab.configuration({ tls: { ca: ['nowhere.pem'] } }),
      /bad\.yaml:\d+:\d+: tls\.ca\.0: .*nowhere\.pem/,
    ],
    [
      'an unknown key',
      () => lab.configuration({ tragets: [] }),
      /bad\.yaml:\d+:1: tragets: unknown key; did you mean "targets"\?/,
    ],
    [
      'a feature that is not built',
      () => lab.configuration({ shard: { index: 0, count: 2 } }),
      /bad\.yaml:\d+:1: shard: is not built yet/,
    ],
  ];

  test.each(cases)('%s', async (_, text, says) => {
    await writeFile(join(lab.folder, 'bad.yaml'), text());
    for (const command of ['run', 'validate']) {
      const { code, stderr } = await gatewatch([command, '--config', 'bad.yaml'], { cwd: lab.folder });
      expect({ command, code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(says) });
    }
  });

  test('a named file that is missing, never the demo', async () => {
    const { code, stdout, stderr } = await gatewatch(['run', '--config', 'nope.yaml'], { cwd: lab.folder });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('nope.yaml:1:1: cannot be read (ENOENT)');
  });

  test('a file that is named without --config, never the demo', async () => {
    const { code, stderr } = await gatewatch(['run', 'gatewatch.yaml'], { cwd: lab.folder });
    expect(code).toBe(2);
    expect(stderr).toContain('usage: gatewatch run');
  });

  test('a busy port and a folder that is no folder end with one line that says so', async () => {
    await using busy = await listening();
    await lab.write({ web: { listen: `127.0.0.1:${busy.port}` } }, 'busy.yaml');
    const onPort = await gatewatch(['run', '--config', 'busy.yaml'], { cwd: lab.folder });
    expect(onPort.code).toBe(3);
    expect(onPort.stderr).toMatch(new RegExp(`^gatewatch run: .*${busy.port}`));
    await writeFile(join(lab.folder, 'plain'), '');
    await lab.write({ store: { file: join(lab.folder, 'plain', 'x.db') } }, 'store.yaml');
    const onStore = await gatewatch(['run', '--config', 'store.yaml'], { cwd: lab.folder });
    expect(onStore.code).toBe(2);
    expect(onStore.stderr).toMatch(/^gatewatch run: .*plain\/x/);
    expect(onStore.stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('a running daemon', () => {
  let daemon: Program;
  const marker = { token: 'MARKERtoken5f2c', header: 'MARKERheader81aa', path: 'MARKERpath77d0' };

  beforeAll(async () => {
    await lab.write(withSecrets());
    daemon = startGatewatch(['run'], lab.folder);
    await daemon.says('watching');
    await untilUp(lab.url);
  });
  afterAll(() => daemon[Symbol.asyncDispose]());

  function withSecrets(keys: Record<string, unknown> = {}): Record<string, unknown> {
    return {
      defaults: {
        gate: 'authentik',
        paths: ['cdn', 'origin'],
        timeout: '4s',
        headers: { 'x-waf-skip': marker.header },
      },
      receivers: [
        { name: 'phone', kind: 'webhook', url: lab.fact('PHONE_URL') },
        { name: 'lost', kind: 'webhook', url: `http://127.0.0.1:1/${marker.path}?key=${marker.token}` },
      ],
      ...keys,
    };
  }

  test('a second one on the same store is refused, and the first goes on', async () => {
    await lab.write({ web: { listen: `127.0.0.1:${await freePort()}` } }, 'second.yaml');
    const second = await gatewatch(['run', '--config', 'second.yaml'], { cwd: lab.folder });
    expect(second.code).toBe(3);
    expect(second.stderr).toMatch(/held by another gatewatch \[pid \d+ on /);
    expect(await targets()).toBe(3);
  });

  test('reloads a changed file by itself', async () => {
    await lab.write(
      withSecrets(more(['photos.casa.test', 'grafana.lab.test', 'wiki.lab.test', 'git.lab.test'])),
    );
    await waitFor('four targets', async () => (await targets()) === 4);
    expect(await metric('gatewatch_config_last_reload_successful')).toBe('1');
  });

  test('keeps the old configuration when the new one is broken, and says so until it is mended', async () => {
    await writeFile(join(lab.folder, 'gatewatch.yaml'), `${lab.configuration()}nonsense: true\n`);
    await waitFor(
      'the refusal',
      async () => (await metric('gatewatch_config_last_reload_successful')) === '0',
    );
    const answer = await post(`${lab.url}/-/reload`);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.text).toContain('nonsense: unknown key');
    expect(await targets()).toBe(4);
    expect(await (await fetch(lab.url)).text()).toContain('nonsense');
    expect(daemon.output()).toContain('configuration refused');
    await lab.write(withSecrets());
    await waitFor('three targets', async () => (await targets()) === 3);
    expect(await metric('gatewatch_config_last_reload_successful')).toBe('1');
  });

  test('loads a file that was refused for a missing secret as soon as the secret is there', async () => {
    const secret = join(lab.folder, 'secrets', 'late');
    await mkdir(join(lab.folder, 'secrets'));
    await lab.write(
      withSecrets({
        ...more(['photos.casa.test', 'grafana.lab.test']),
        vantage: `\${file:${secret}}`,
      }),
    );
    await daemon.says('cannot be read (ENOENT)', 20_000);
    expect(await targets()).toBe(3);
    await writeFile(secret, 'laboratory\n');
    await waitFor('two targets', async () => (await targets()) === 2, { limitMs: 20_000 });
    await lab.write(withSecrets());
    await waitFor('three targets', async () => (await targets()) === 3, { limitMs: 20_000 });
  });

  test('waits to be asked when a changed file drops most targets', async () => {
    await lab.write(withSecrets(more(['photos.casa.test'])));
    await waitFor(
      'the refusal',
      async () => (await metric('gatewatch_config_last_reload_successful')) === '0',
    );
    expect(await targets()).toBe(3);
    process.kill(daemon.pid, 'SIGHUP');
    await waitFor('one target', async () => (await targets()) === 1);
    await lab.write(withSecrets());
    const answer = await post(`${lab.url}/-/reload`);
    expect(answer.status).toBe(200);
    expect(await targets()).toBe(3);
  });

  test('takes alerts of others, keeps them over a reload, and shows planned work', async () => {
    const evidence = [{ alertname: 'NodeRebooting', component: 'cdn:cdn', effect: 'hold' }];
    const maintenance = [{ cron: '* * * * *', for: '1h', targets: '*' }];
    await lab.write(withSecrets({ evidence, maintenance }));
    expect((await post(`${lab.url}/-/reload`)).status).toBe(200);
    const labels = { alertname: 'NodeRebooting' };
    const alert = { status: 'firing', labels, startsAt: '2026-04-18T09:12:04Z', fingerprint: 'f1' };
    const send = (status: string) =>
      post(`${lab.url}/api/v1/alertmanager`, {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ version: '4', alerts: [{ ...alert, status }] }),
      });
    expect(await send('firing')).toMatchObject({ status: 200 });
    expect((await post(`${lab.url}/-/reload`)).status).toBe(200);
    const page = async (): Promise<string> => (await fetch(lab.url)).text();
    expect(await page()).toMatch(/NodeRebooting<\/b> cdn:cdn[\s\S]*alerts of its services wait until/);
    expect(await page()).toMatch(/targets \*[\s\S]*no new alert/);
    expect(await api(lab.url, 'maintenance')).toMatchObject({
      maintenance: [{ about: 'targets *', now: expect.anything() }],
    });
    expect(await send('resolved')).toMatchObject({ status: 200 });
    expect(await page()).not.toContain('NodeRebooting');
    await lab.write(withSecrets());
    expect((await post(`${lab.url}/-/reload`)).status).toBe(200);
  });

  test('misses none of many changes in a row', async () => {
    const hosts = ['photos.casa.test', 'grafana.lab.test', 'blog.casa.test'];
    for (const host of ['wiki.lab.test', 'git.lab.test', 'chat.lab.test']) {
      hosts.push(host);
      await lab.write(withSecrets(more(hosts)));
      process.kill(daemon.pid, 'SIGHUP');
    }
    await waitFor('six targets', async () => (await targets()) === 6, { limitMs: 20_000 });
    await lab.write(withSecrets({ log: { level: 'debug' } }));
    process.kill(daemon.pid, 'SIGHUP');
    await waitFor('three targets', async () => (await targets()) === 3);
    await daemon.says('"level":"debug"');
  });

  test('keeps secrets out of log, database, page, API and metrics', async () => {
    lab.site.set('service-down', true);
    await waitFor('an incident', async () => (await incidents()).length > 0, { limitMs: 150_000 });
    await waitFor('a failed delivery', async () =>
      /notification_failures_total\{[^}]*lost/.test(await text('/metrics')),
    );
    const places = [
      '/',
      '/metrics',
      ...['targets', 'checks', 'results?limit=1000', 'incidents'].map((one) => `/api/v1/${one}`),
    ];
    const seen = new Map(await Promise.all(places.map(async (place) => [place, await text(place)] as const)));
    seen.set('log', daemon.output());
    for (const file of (await readdir(lab.folder)).filter((name) => name.includes('.db')))
      seen.set(file, await readFile(join(lab.folder, file), 'latin1'));
    const { stdout } = await gatewatch(['results', '--json', '--limit', '1000'], { cwd: lab.folder });
    seen.set('results', stdout);
    expect(seen.size).toBeGreaterThan(8);
    for (const [place, content] of seen) {
      for (const secret of Object.values(marker))
        expect(`${place} ${content.includes(secret)}`).toBe(`${place} false`);
      // The strangers' jar is in the state file, on purpose; nowhere else are values of a hand-over.
      if (place.includes('-state.db')) continue;
      expect(content.match(/[?&](state|code|sid|rd)=[A-Za-z0-9]/)?.[0] ?? null, place).toBeNull();
      expect(content.match(/authentik_proxy_\w*=\w/)?.[0] ?? null, place).toBeNull();
    }
    lab.site.set('service-down', false);
  });

  test('stops within the time that is allowed, with 0, and leaves nothing to repair', async () => {
    expect(await daemon.end('SIGTERM')).toBe(0);
    expect(daemon.output()).toContain('stopping');
    expect(daemon.output()).not.toMatch(/"level":"(error|fatal)".*internal error/);
    const names = await readdir(lab.folder);
    expect(names.filter((name) => /\.db-(wal|shm)$/.test(name))).toEqual([]);
  });

  const incidents = async (): Promise<unknown[]> =>
    (await api<{ incidents: unknown[] }>(lab.url, 'incidents')).incidents;
  const text = async (pathname: string): Promise<string> => (await fetch(lab.url + pathname)).text();
});

describe('a mounted ConfigMap', () => {
  test('is reloaded when its symlink is swapped', async () => {
    const mount = join(lab.folder, 'mount');
    await mkdir(join(mount, 'first'), { recursive: true });
    await mkdir(join(mount, 'second'));
    const own = { store: { file: join(lab.folder, 'mounted.db') } };
    await lab.write(own, 'mount/first/gatewatch.yaml');
    await lab.write(
      {
        ...own,
        ...more(['photos.casa.test', 'wiki.lab.test', 'git.lab.test', 'blog.casa.test', 'grafana.lab.test']),
      },
      'mount/second/gatewatch.yaml',
    );
    await symlink('first', join(mount, '..data'));
    await symlink('..data/gatewatch.yaml', join(mount, 'gatewatch.yaml'));
    await using daemon = startGatewatch(['run', '--config', join(mount, 'gatewatch.yaml')], lab.folder);
    await daemon.says('watching');
    expect(await targets()).toBe(3);
    await symlink('second', join(mount, '..data_tmp'));
    await rename(join(mount, '..data_tmp'), join(mount, '..data'));
    await waitFor('five targets', async () => (await targets()) === 5, { limitMs: 20_000 });
  });
});

/** A port that somebody listens on. */
async function listening(): Promise<{ port: number } & AsyncDisposable> {
  const { createServer } = await import('node:net');
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  return {
    port,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
