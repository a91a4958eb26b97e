// Discovery from end to end: a real Caddy whose sites change under a running daemon, the baseline, and the alerts. A
// site is added, one loses its gate, one is removed; targets, drift and alerts follow within one refresh.

import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { systemClock } from '../../src/base/clock.ts';
import { createAuthority } from '../../src/demo/certificates.ts';
import { startGate } from '../../src/demo/gate.ts';
import { createApp } from '../../src/demo/gate-app.ts';
import { startIdentityProvider } from '../../src/demo/identity-provider.ts';
import { USUAL_LOGIN } from '../../src/demo/login-flow.ts';
import { createSessionStore } from '../../src/demo/session-store.ts';
import { startCaddy } from '../support/caddy.ts';
import { type Finished, gatewatch, startGatewatch } from '../support/cli-site.ts';
import { freePort } from '../support/free-port.ts';
import { receiver } from '../support/receiver.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait.ts';

/** DESIGN 3: a change of a source is seen within a minute; a busy machine gets two. */
const WITHIN_MS = 60_000;
const ZONE = 'haus.test';
const HOSTS = ['grafana', 'wiki', 'shop', 'fresh'].map((name) => `${name}.${ZONE}`);

type Site = 'behind the gate' | 'open' | 'gone';

interface Row {
  readonly id: string;
  readonly expect: Record<string, string>;
  readonly sources: string[];
  readonly drift: string[];
  readonly isNew: boolean;
  readonly verdict: string | null;
}

interface Ports {
  readonly port: number;
  readonly admin: number;
  readonly gate: number;
  readonly idp: number;
  readonly app: number;
}

test('follows the sites of a real Caddy, and holds them to what was accepted', {
  timeout: 480_000,
}, async () => {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder('discovery'));
  const lab = await startLab(stack, folder.path);
  const told = stack.use(await receiver());
  const web = await freePort();
  const url = `http://127.0.0.1:${web}`;
  const lock = join(folder.path, 'gatewatch.lock.yaml');
  await writeFile(
    join(folder.path, 'gatewatch.yaml'),
    configuration(lab.ports, { web, receiver: told.url, folder: folder.path }),
  );
  const cli = (...args: string[]): Promise<Finished> => gatewatch(args, { cwd: folder.path });
  const state = async (): Promise<Map<string, Row>> => {
    const { targets } = (await (await fetch(`${url}/api/v1/targets`)).json()) as { targets: Row[] };
    return new Map(targets.map((row) => [row.id, row]));
  };
  const seen = (what: string, look: (rows: Map<string, Row>) => boolean): Promise<unknown> =>
    waitFor(
      what,
      async () => {
        const rows = await state();
        if (look(rows)) return true;
        throw new Error(JSON.stringify([...rows.values()]));
      },
      { limitMs: WITHIN_MS, everyMs: 500 },
    );
  /** Targets of GatewatchDrift that the receiver was told of, by status. */
  const alerts = (status: string): string[] =>
    told.requests
      .flatMap(
        ({ body }) => (body as { alerts: { status: string; labels: Record<string, string> }[] }).alerts,
      )
      .filter((alert) => alert.labels['alertname'] === 'GatewatchDrift' && alert.status === status)
      .map(({ labels }) => labels['target'] ?? '');

  // A person accepts what is there.
  expect(await cli('accept')).toMatchObject({ code: 0 });
  expect(await readFile(lock, 'utf8')).toContain(`"wiki.${ZONE}": { expect: login, gate: "authentik" }`);
  const daemon = stack.use(startGatewatch(['run'], folder.path));
  await daemon.says('watching');
  await seen(
    'all sites to be up',
    (rows) => rows.size === 3 && [...rows.values()].every(({ verdict }) => verdict === 'up'),
  );
  const before = await cli('targets');
  expect(before).toMatchObject({ code: 0 });
  expect(before.stdout).toMatch(/^grafana\.haus\.test +login +authentik +origin +caddy +up$/m);

  // Commands that probe know what the sources know.
  const plan = JSON.parse((await cli('validate', '--json')).stdout) as { targets: string[] };
  expect(plan.targets).toEqual(['grafana', 'shop', 'wiki'].map((name) => `${name}.${ZONE}`));
  expect(await cli('check', `wiki.${ZONE}`)).toMatchObject({ code: 0 });

  // A new site is watched, beginning with a fresh visit, and shown as new.
  await lab.load({ [`fresh.${ZONE}`]: 'behind the gate' });
  await seen('the new site to be up', (rows) => rows.get(`fresh.${ZONE}`)?.verdict === 'up');
  expect((await state()).get(`fresh.${ZONE}`)).toMatchObject({ isNew: true, sources: ['caddy'], drift: [] });

  // A gate is lost: the login stays expected, and two alerts say what happened.
  await lab.load({ [`wiki.${ZONE}`]: 'open' });
  await seen('the drift', (rows) => rows.get(`wiki.${ZONE}`)?.drift.length === 1);
  const wiki = (await state()).get(`wiki.${ZONE}`);
  expect(wiki?.expect).toEqual({ origin: 'login' });
  expect(wiki?.drift[0]).toContain('has lost its gate authentik: caddy says app');
  await waitFor('the alert', () => alerts('firing').includes(`wiki.${ZONE}`), { limitMs: WITHIN_MS });
  await seen('the exposure', (rows) => rows.get(`wiki.${ZONE}`)?.verdict === 'down');

  // A site is removed: it stays watched, and is told.
  await lab.load({ [`shop.${ZONE}`]: 'gone' });
  await seen('the drift', (rows) => rows.get(`shop.${ZONE}`)?.sources.join() === 'baseline');
  await waitFor('the alert', () => alerts('firing').includes(`shop.${ZONE}`), { limitMs: WITHIN_MS });
  expect((await cli('targets')).stdout).toContain(`no source lists shop.${ZONE} any more`);

  // What was accepted holds across a restart, also while the source is away.
  expect(await daemon.end()).toBe(0);
  await lab.end();
  const again = stack.use(startGatewatch(['run'], folder.path));
  await again.says('watching');
  const rows = await state();
  expect([...rows.keys()].sort()).toEqual(HOSTS.toSorted());
  expect(rows.get(`wiki.${ZONE}`)?.expect).toEqual({ origin: 'login' });
  await again.says('its last good set stays');

  // The source is back, a person accepts, and all is quiet.
  await lab.begin();
  expect(await cli('accept')).toMatchObject({ code: 0 });
  await seen(
    'what was accepted',
    (all) => !all.has(`shop.${ZONE}`) && all.get(`wiki.${ZONE}`)?.expect['origin'] === 'app',
  );
  await waitFor('the end of the alerts', () => new Set(alerts('resolved')).size === 2, {
    limitMs: WITHIN_MS,
  });
  expect(new Set([...alerts('firing'), ...alerts('resolved')])).toEqual(
    new Set([`wiki.${ZONE}`, `shop.${ZONE}`]),
  );
});

/** The gate, its provider, one app and Caddy; sites are as told last. */
async function startLab(stack: AsyncDisposableStack, folder: string) {
  const apps = HOSTS.map((host) => createApp(`https://${host}`));
  const store = createSessionStore({ clock: systemClock, capacity: 16_384, lifetimeMs: 3_600_000 });
  const idp = stack.use(
    await startIdentityProvider({ clock: systemClock, apps, users: [], login: () => ({ ...USUAL_LOGIN }) }),
  );
  const gate = stack.use(
    await startGate({ clock: systemClock, apps, login: `https://auth.${ZONE}`, provider: idp.port, store }),
  );
  const app = createServer((_, response) =>
    response.end('<!doctype html><title>App</title><h1>Welcome</h1>'),
  );
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  stack.defer(() => void app.close());
  const authority = await createAuthority('discovery laboratory CA');
  const leaf = await authority.issue([`*.${ZONE}`]);
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  await writeFile(join(folder, 'ca.pem'), authority.certificatePem);
  await writeFile(certFile, leaf.certPem);
  await writeFile(keyFile, leaf.keyPem);
  const ports: Ports = {
    port: await freePort(),
    admin: await freePort(),
    gate: gate.port,
    idp: idp.port,
    app: (app.address() as AddressInfo).port,
  };
  const sites = new Map<string, Site>(
    HOSTS.map((host) => [host, host.startsWith('fresh') ? 'gone' : 'behind the gate']),
  );
  const text = (): string => caddyfile(sites, ports, { certFile, keyFile });
  let caddy = await startCaddy({ ...ports, sites: text() });
  stack.defer(() => caddy[Symbol.asyncDispose]());
  return {
    ports,
    async load(change: Record<string, Site>) {
      for (const [host, site] of Object.entries(change)) sites.set(host, site);
      const answer = await fetch(`http://127.0.0.1:${ports.admin}/load`, {
        method: 'POST',
        headers: { 'content-type': 'text/caddyfile' },
        body: `{\n\tadmin 127.0.0.1:${ports.admin}\n\tauto_https disable_redirects\n}\n${text()}`,
      });
      expect(answer.status).toBe(200);
    },
    end: () => caddy[Symbol.asyncDispose](),
    async begin() {
      caddy = await startCaddy({ ...ports, sites: text() });
    },
  };
}

function caddyfile(
  sites: ReadonlyMap<string, Site>,
  { port, gate, idp, app }: Ports,
  { certFile, keyFile }: { certFile: string; keyFile: string },
): string {
  const block = (host: string, directives: string): string =>
    `https://${host}:${port} {\n\tbind 127.0.0.1\n\ttls ${certFile} ${keyFile}\n\troute {\n${directives}\n\t}\n}\n`;
  const endpoints = `reverse_proxy /outpost.goauthentik.io/* 127.0.0.1:${gate}`;
  const asked = `forward_auth 127.0.0.1:${gate} {\n uri /outpost.goauthentik.io/auth/caddy\n}`;
  return [...sites]
    .filter(([, site]) => site !== 'gone')
    .map(([host, site]) =>
      block(host, `${endpoints}\n${site === 'open' ? '' : asked}\nreverse_proxy 127.0.0.1:${app}`),
    )
    .concat(block(`auth.${ZONE}`, `reverse_proxy 127.0.0.1:${idp}`))
    .join('\n');
}

function configuration(
  ports: Ports,
  { web, receiver: hook, folder }: { web: number; receiver: string; folder: string },
): string {
  return stringify({
    vantage: 'lab',
    gates: [
      {
        name: 'authentik',
        url: `https://auth.${ZONE}`,
        'forward-auth': [`http://127.0.0.1:${ports.gate}/outpost.goauthentik.io`],
        sessions: { lifetime: '1h', budget: '60/m' },
        paths: ['origin'],
      },
    ],
    paths: [
      {
        name: 'origin',
        kind: 'origin',
        address: `127.0.0.1:${ports.port}`,
        tls: { ca: [join(folder, 'ca.pem')] },
      },
    ],
    discover: [
      {
        kind: 'caddy',
        hosts: HOSTS,
        url: `http://127.0.0.1:${ports.admin}`,
        every: '2s',
      },
    ],
    baseline: 'gatewatch.lock.yaml',
    checks: { return: { every: '3s' } },
    receivers: [{ name: 'hook', kind: 'webhook', url: hook }],
    web: { listen: `127.0.0.1:${web}` },
  });
}
