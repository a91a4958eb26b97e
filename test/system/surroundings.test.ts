// The real daemon in surroundings that die: resolvers, descriptors, its Alertmanager, half of a cluster, whoever reads its
// log, and an operator who reloads all the time. Nobody else is blamed, each alert arrives once, and it stays alive.

import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type NameAnswer, type NameServer, startNameServer } from '../../src/demo/name-server.ts';
import { type CheckView, type Daemon, startDaemon } from '../support/daemon.ts';
import { loopbackPort } from '../support/loopback-port.ts';
import { pause } from '../support/outage.ts';
import { EDGE_ADDRESS, type OutageSite, startOutageSite } from '../support/outage-site.ts';
import { type Behaviour, type ReceiverStandIn, receiver } from '../support/receiver.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait.ts';

vi.setConfig({ maxConcurrency: 4, testTimeout: 240_000 });

/** Detection takes 15 s and more; the machine is busy. */
const LIMIT = { limitMs: 90_000, everyMs: 250 };
/** Reloads, in bunches. */
const STORM = { bunches: 10, each: 10, everyMs: 1_000 };
/** A receiver's name that only `lookup` below knows. */
const NAMED = 'alertmanager.haus.test';

interface Told {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly startsAt: string;
}

/** What a stand-in was told by accepted or refused POSTs, as Alertmanager or as webhook. */
function told({ requests }: ReceiverStandIn): Told[] {
  return requests.flatMap(({ method, url, body }) => {
    if (method !== 'POST') return [];
    if (!url.startsWith('/api/v2/')) return body.alerts as Told[];
    return (body as (Told & { endsAt: string })[]).map((alert) => ({
      ...alert,
      status: Date.parse(alert.endsAt) > Date.now() ? ('firing' as const) : ('resolved' as const),
    }));
  });
}

function about(standIn: ReceiverStandIn, labels: Readonly<Record<string, string>>): Told[] {
  const wanted = Object.entries(labels);
  return told(standIn).filter((one) => wanted.every(([name, value]) => one.labels[name] === value));
}

const FULL = { alertname: 'GatewatchSharedFault', component: 'gate-sessions', name: 'embedded' };
/** Alertmanager answers its status and takes alerts. */
const fine = { status: 200, body: '{"versionInfo":{"version":"0.28.0"}}' } as const;
const am = (...urls: string[]): unknown => ({ name: 'am', kind: 'alertmanager', urls });
const hook = ({ url }: ReceiverStandIn): unknown => ({ name: 'hook', kind: 'webhook', url: `${url}/` });

async function stand(stack: AsyncDisposableStack): Promise<ReceiverStandIn> {
  const standIn = stack.use(await receiver());
  standIn.answer = fine;
  return standIn;
}

/** Incidents about anybody but ourselves. */
async function blamed(daemon: Daemon): Promise<string[]> {
  return (await daemon.incidents()).filter(({ kind }) => kind !== 'prober').map(({ summary }) => summary);
}

async function isWell(daemon: Daemon): Promise<boolean> {
  const checks = await daemon.checks();
  const up = checks.filter(({ verdict }) => verdict === 'up');
  const laneOf = ({ visit, path }: CheckView): string => `${visit} ${path}`;
  const lanes = new Set(up.map(laneOf));
  return up.length > 0.5 * checks.length && checks.every((check) => lanes.has(laneOf(check)));
}

const well = (daemon: Daemon): Promise<unknown> =>
  waitFor('the site to be well', () => isWell(daemon), LIMIT);

/** Asks twice a second whether it is alive, as an orchestrator does; what it said otherwise. */
function watchLife(daemon: Daemon): { readonly bad: string[] } & AsyncDisposable {
  const bad: string[] = [];
  let done = false;
  const run = (async () => {
    while (!done) {
      const answer = await fetch(`${daemon.url}/livez`, { signal: AbortSignal.timeout(10_000) }).catch(
        String,
      );
      if (typeof answer === 'string' || answer.status !== 200)
        bad.push(typeof answer === 'string' ? answer : `${answer.status}`);
      await pause(500);
    }
  })();
  return {
    bad,
    async [Symbol.asyncDispose]() {
      done = true;
      await run;
    },
  };
}

/** Runs the steps of a healthy daemon; a failure carries what it printed. */
async function alive(daemon: Daemon, steps: () => Promise<void>): Promise<void> {
  try {
    await well(daemon);
    await using life = watchLife(daemon);
    await steps();
    expect(life.bad).toEqual([]);
  } catch (error) {
    const incidents = JSON.stringify(await daemon.incidents().catch(String), null, 1);
    throw new Error(`${error}\n${incidents}\n${daemon.output().slice(-6000)}`, { cause: error });
  }
}

/** A resolver of its own in front of a daemon, which can fall silent and go away. */
async function ownResolver(stack: AsyncDisposableStack) {
  let answer: NameAnswer = [EDGE_ADDRESS];
  let running: NameServer | null = await startNameServer({ port: 0, ttl: 1, answer: () => answer });
  const { port } = running;
  const stop = async (): Promise<void> => {
    await running?.[Symbol.asyncDispose]();
    running = null;
  };
  stack.defer(stop);
  return {
    address: `127.0.0.1:${port}`,
    silent() {
      answer = 'silent';
    },
    refusing: stop,
    async back() {
      answer = [EDGE_ADDRESS];
      running = await startNameServer({ port, ttl: 1, answer: () => answer });
    },
  };
}

/** A look-up of the operating system for the child that knows one more name, until the file says otherwise. */
async function namedReceiver(folder: string) {
  const [state, preload] = [join(folder, 'names'), join(folder, 'names.mjs')];
  await writeFile(state, 'answers');
  await writeFile(
    preload,
    `import dns from 'node:dns';
import { readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const real = dns.lookup;
dns.lookup = (name, options, callback) => {
  if (name !== ${JSON.stringify(NAMED)}) return real(name, options, callback);
  const state = readFileSync(${JSON.stringify(state)}, 'utf8');
  if (state === 'answers') setImmediate(callback, null, [{ address: '127.0.0.1', family: 4 }]);
  else if (state === 'fails') setImmediate(callback, Object.assign(new Error('gone'), { code: 'EAI_AGAIN' }));
};
syncBuiltinESMExports();
`,
  );
  return {
    environment: { NODE_OPTIONS: `--import=file://${preload}` },
    set: (to: 'answers' | 'hangs' | 'fails') => writeFile(state, to),
  };
}

describe.concurrent('what is dead around us', () => {
  let stack: AsyncDisposableStack;
  let site: OutageSite;
  /** Daemons that know the site to be well; the gate's session store is full once three of them do. */
  let ready = 0;
  const outage = async (): Promise<void> => {
    ready += 1;
    if (ready === 3) await site.levers.sessionStoreFull(true);
    await waitFor('all to be ready', () => ready >= 3, LIMIT);
  };
  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    site = stack.use(await startOutageSite({ origin: 'caddy' }));
  });
  afterAll(() => stack.disposeAsync());

  it('resolvers that fall silent and then refuse: ours, told to a receiver that has only a name', async () => {
    await using own = new AsyncDisposableStack();
    const folder = own.use(await tempFolder('names'));
    const names = await namedReceiver(folder.path);
    const resolver = await ownResolver(own);
    const named = await stand(own);
    const daemon = own.use(
      await startDaemon({
        site,
        name: 'resolver',
        alertmanagerUrl: `http://${NAMED}:${named.port}`,
        environment: names.environment,
        sections: {
          // What is behind the gate has an outage of its own meanwhile.
          targets: site.publicUrls.map((url) => ({ url, expect: 'public' })),
          paths: [
            { name: 'cdn', kind: 'cdn', resolver: resolver.address, private: true },
            { name: 'origin', kind: 'origin', address: site.originAddress },
          ],
        },
      }),
    );
    await alive(daemon, async () => {
      const ours = (status: Told['status']): Told[] =>
        about(named, { alertname: 'GatewatchProber', reason: 'resolver' }).filter(
          (one) => one.status === status,
        );
      resolver.silent();
      await names.set('hangs');
      await waitFor('the alert', () => ours('firing').length > 0, LIMIT);
      await resolver.refusing();
      await names.set('fails');
      await pause(10_000);
      const prober = (await daemon.incidents()).map(({ kind, state }) => [kind, state]);
      expect(prober).toEqual([['prober', 'open']]);
      await resolver.back();
      await waitFor('its end', () => ours('resolved').length > 0, LIMIT);
      expect(await blamed(daemon)).toEqual([]);
      expect(new Set(told(named).map(({ labels }) => labels['alertname']))).toEqual(
        new Set(['GatewatchProber']),
      );
    });
  });

  it('descriptors that are spent, and a log whose reader has gone: no target is blamed, alerts leave', async () => {
    await using own = new AsyncDisposableStack();
    const server = await stand(own);
    const [page = ''] = site.publicUrls;
    const more = Array.from({ length: 16 }, (_, n) => `${page}/${n}`);
    const daemon = own.use(
      await startDaemon({
        site,
        name: 'descriptors',
        alertmanagerUrl: server.url,
        launch: ['bash', '-c', 'ulimit -n 64; exec "$@" > >(head -n 1)', 'bash'],
        sections: {
          targets: [
            ...site.protectedUrls,
            ...[...more, ...site.publicUrls].map((url) => ({ url, expect: 'public' })),
          ],
        },
      }),
    );
    await alive(daemon, async () => {
      expect((await daemon.checks()).length).toBeGreaterThan(60);
      // Connections that somebody else opens to our page leave the probes none.
      const crowd = Array.from({ length: 64 }, () => connect(Number(new URL(daemon.url).port), '127.0.0.1'));
      for (const socket of crowd) socket.on('error', () => socket.destroy());
      await pause(20_000);
      for (const socket of crowd) socket.destroy();
      expect(await blamed(daemon)).toEqual([]);
      await outage();
      await waitFor('the alert', () => about(server, FULL).length > 0, LIMIT);
      expect((await fetch(`${daemon.url}/`)).status).toBe(200);
      expect(await blamed(daemon)).toHaveLength(1);
      const ours = told(server).filter(({ labels }) => labels['alertname'] === 'GatewatchProber');
      expect(ours.filter(({ labels }) => labels['name'] !== 'descriptors')).toEqual([]);
      expect(
        daemon
          .output()
          .split('\n')
          .filter((line) => line.startsWith('{')),
      ).toHaveLength(1);
    });
  });

  it('an Alertmanager that hangs, fails and babbles, and a log whose reader sleeps: told once it is back', async () => {
    await using own = new AsyncDisposableStack();
    const server = await stand(own);
    const other = await stand(own);
    const daemon = own.use(
      await startDaemon({
        site,
        name: 'alertmanager',
        alertmanagerUrl: server.url,
        launch: ['bash', '-c', 'exec "$@" > >(exec sleep 120 >/dev/null 2>&1)', 'bash'],
        sections: { receivers: [am(server.url), hook(other)], log: { level: 'debug' } },
      }),
    );
    await alive(daemon, async () => {
      const bad: Behaviour[] = ['hang', { status: 500 }, 'noise', 'half', { status: 200, body: '<html>' }];
      server.answer = 'hang';
      await outage();
      await waitFor('the other receiver', () => about(other, FULL).length > 0, LIMIT);
      const page = await (await fetch(`${daemon.url}/`)).text();
      expect(page).toContain('authentik cannot create new sessions');
      for (const behaviour of bad) {
        server.answer = behaviour;
        await pause(2_000);
      }
      const before = server.requests.length;
      server.answer = fine;
      await waitFor(
        'the alert',
        () => about(server, FULL).length > 0 && server.requests.length > before,
        LIMIT,
      );
      await pause(5_000);
      // It may be told again at any time, as long as it is the same alert to it: labels and start.
      const tellings = about(server, FULL);
      expect(new Set(tellings.map(({ labels, startsAt }) => JSON.stringify([labels, startsAt]))).size).toBe(
        1,
      );
      expect(about(other, FULL).map(({ status }) => status)).toEqual(['firing']);
      expect(await blamed(daemon)).toHaveLength(1);
    });
  });

  it('half of a cluster, and reloads without end: one incident, told once through the other half', async () => {
    await using own = new AsyncDisposableStack();
    const [live, other] = [await stand(own), await stand(own)];
    const dead = `http://127.0.0.1:${await loopbackPort()}`;
    const daemon = own.use(
      await startDaemon({
        site,
        name: 'cluster',
        alertmanagerUrl: live.url,
        sections: { receivers: [am(dead, live.url), hook(other)] },
      }),
    );
    await alive(daemon, async () => {
      await outage();
      await waitFor('the alert', () => about(live, FULL).length > 0 && about(other, FULL).length > 0, LIMIT);
      const [before] = await daemon.incidents();
      for (let bunch = 0; bunch < STORM.bunches; bunch += 1) {
        for (let n = 0; n < STORM.each; n += 2) {
          process.kill(daemon.pid(), 'SIGHUP');
          fetch(`${daemon.url}/-/reload`, { method: 'POST' }).catch(() => undefined);
        }
        await pause(STORM.everyMs);
      }
      const reloads = (): number => daemon.output().match(/configuration reloaded/g)?.length ?? 0;
      await waitFor('a reload', () => reloads() > 0, LIMIT);
      await pause(5_000);
      expect(reloads()).toBeLessThan((STORM.bunches * STORM.each) / 2);
      const incidents = await daemon.incidents();
      expect(incidents.map(({ id, startedAt, state }) => ({ id, startedAt, state }))).toEqual([
        { id: before?.id, startedAt: before?.startedAt, state: 'open' },
      ]);
      expect(about(other, FULL).map(({ status }) => status)).toEqual(['firing']);
      expect(new Set(about(live, FULL).map(({ startsAt }) => startsAt)).size).toBe(1);
    });
  });
});
