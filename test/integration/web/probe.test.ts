// `GET /probe` through the whole program: HTTP in, probe, corridor, metrics out; against the demo site.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runApp } from '../../../src/app.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { type Site, startSite } from '../../../src/demo/site.ts';
import type { ProbeOutcome, ProbeWish } from '../../../src/model/probe-report.ts';
import { openStore } from '../../../src/store/store.ts';
import { STATE } from '../../../src/watch.ts';
import { webSchema } from '../../../src/web/options.ts';
import { createWeb } from '../../../src/web/server.ts';
import { type TempFolder, tempFolder } from '../../support/temp-folder.ts';
import { waitFor } from '../../support/wait.ts';
import { idleActions, readsOf, sessionsFull } from '../../support/web-snapshot.ts';

const CONFIGURATION = `
vantage: here
gates:
  - name: authentik
    kind: authentik
    url: "https://auth.casa.test:\${env:GATEWATCH_DEMO_EDGE_PORT}"
    sessions: { store: files, capacity: "\${env:GATEWATCH_DEMO_STORE_CAPACITY}", lifetime: 1h, budget: 1/h }
paths:
  - name: cdn
    kind: cdn
    resolver: "127.0.0.1:\${env:GATEWATCH_DEMO_DNS_PORT}"
    proof: { header: cf-ray }
    private: true
  - { name: origin, kind: origin, address: "127.0.0.1:\${env:GATEWATCH_DEMO_ORIGIN_PORT}", proof: { absent: cf-ray } }
defaults: { gate: authentik, expect: login, paths: [cdn, origin], timeout: 5s }
targets:
  - { url: "https://blog.casa.test:\${env:GATEWATCH_DEMO_EDGE_PORT}", expect: public }
  - "https://grafana.lab.test:\${env:GATEWATCH_DEMO_EDGE_PORT}"
checks: { return: { every: 1h } }
canaries: none
store: { file: "\${env:STORE_FILE}" }
web: { listen: "127.0.0.1:0" }
tls: { ca: ["\${env:GATEWATCH_DEMO_CA_FILE}"] }
`;

let site: Site;
let folder: TempFolder;
beforeAll(async () => {
  folder = await tempFolder('probe');
  site = await startSite({ clock: systemClock, ports: { edge: 0, origin: 0, dns: 0 } });
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

interface Running extends AsyncDisposable {
  /** Status and text of a question. */
  probe(query: Record<string, string>, headers?: Record<string, string>): Promise<[number, string]>;
  api<T>(pathname: string): Promise<T>;
  metrics(): Promise<string>;
}

/** The daemon in this process, on a store of its own. */
async function daemon(storeFile: string): Promise<Running> {
  const stop = new AbortController();
  const ready = Promise.withResolvers<string>();
  const environment = { ...site.environment, STORE_FILE: storeFile };
  const ended = runApp(
    {
      clock: systemClock,
      log: silentLog(),
      load: () => loadConfig({ text: CONFIGURATION, name: 'test.yaml' }, environment),
      file: null,
      demo: null,
      ready: ({ port }) => ready.resolve(`http://127.0.0.1:${port}`),
      signal: stop.signal,
    },
    () => {},
  );
  ended.catch(ready.reject);
  const base = await ready.promise;
  const read = async (pathname: string, headers = {}): Promise<[number, string]> => {
    const response = await fetch(`${base}${pathname}`, { headers });
    return [response.status, await response.text()];
  };
  return {
    probe: (query, headers) => read(`/probe?${new URLSearchParams(query)}`, headers),
    api: async <T>(pathname: string) => JSON.parse((await read(`/api/v1/${pathname}`))[1]) as T,
    metrics: async () => (await read('/metrics'))[1],
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

const urlOf = (host: string): string => `https://${host}:${site.environment['GATEWATCH_DEMO_EDGE_PORT']}/`;
const sampleOf = (text: string, series: string): number =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.split(' ')
      .at(-1) ?? Number.NaN,
  );
const promtool = (input: string) => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
  return { status, said: stdout + stderr };
};

describe('the daemon', () => {
  let running: Running;
  beforeAll(async () => {
    running = await daemon(join(folder.path, 'full.db'));
    await waitFor("a stranger's cookie", async () => {
      const { checks } = await running.api<{ checks: { id: string; idle: string | null }[] }>('checks');
      return checks.every(({ idle }) => idle === null);
    });
  });
  afterAll(() => running[Symbol.asyncDispose]());
  const results = async (check: string) =>
    (await running.api<{ results: unknown[] }>(`results?check=${encodeURIComponent(check)}`)).results.length;
  const created = async () =>
    (await running.api<{ gates: { created: number }[] }>('gates')).gates[0]?.created ?? Number.NaN;

  test('probes a public target, stores and counts the result, and promtool likes the answer', async () => {
    const check = `fresh:cdn:${new URL(urlOf('blog.casa.test')).host}`;
    const before = await results(check);
    const series = 'gatewatch_probes_total{path="cdn",visit="fresh"}';
    const counted = sampleOf(await running.metrics(), series);
    const [status, text] = await running.probe({ target: urlOf('blog.casa.test') });
    expect(status).toBe(200);
    expect(promtool(text)).toEqual({ status: 0, said: '' });
    expect(sampleOf(text, 'probe_success')).toBe(1);
    expect(sampleOf(text, 'probe_http_status_code')).toBe(200);
    expect(sampleOf(text, 'probe_http_ssl')).toBe(1);
    expect(sampleOf(text, 'probe_ip_protocol')).toBe(4);
    expect(sampleOf(text, 'probe_ssl_earliest_cert_expiry')).toBeGreaterThan(Date.now() / 1000);
    expect(text).toContain('probe_tls_version_info{version="TLS 1.3"} 1');
    expect(text).toContain('probe_http_duration_seconds{phase="processing"} 0.');
    expect(sampleOf(text, 'gatewatch_probe_age_seconds')).toBe(0);
    await waitFor('the stored result', async () => (await results(check)) > before);
    expect(sampleOf(await running.metrics(), series)).toBeGreaterThan(counted);
    // Asked again at once, the last result is the answer.
    const stored = await results(check);
    const [, again] = await running.probe({ target: urlOf('blog.casa.test') });
    expect(sampleOf(again, 'gatewatch_probe_age_seconds')).toBeGreaterThan(0);
    expect(sampleOf(again, 'probe_success')).toBe(1);
    expect(await results(check)).toBe(stored);
  });

  test('replays the cookie by default, and pays for a fresh visit', async () => {
    const grafana = { hostname: 'grafana.lab.test', target: 'http://10.0.0.5/', path: 'origin' };
    const before = await created();
    const [status, text] = await running.probe(grafana);
    expect([status, sampleOf(text, 'probe_success'), sampleOf(text, 'probe_http_status_code')]).toEqual([
      200, 1, 302,
    ]);
    expect(text).toContain('visit="return",path="origin",verdict="up"');
    expect(await created()).toBe(before);
    const [, fresh] = await running.probe({ ...grafana, module: 'fresh' });
    expect(fresh).toContain('visit="fresh",path="origin",verdict="up"');
    expect(await created()).toBe(before + 1);
    const [, debug] = await running.probe({ ...grafana, module: 'fresh', debug: 'true' });
    expect(debug).toContain('Verdict: up');
    expect(debug).toContain('/application/o/authorize/?client_id=');
    expect(debug).not.toMatch(/state=[^…]|authentik_proxy_\w+=/);
    expect(await created()).toBe(before + 1);
  });

  test('answers 200 with probe_success 0 when the target is down', async () => {
    site.set('cdn-tunnel-dead', true);
    await site.settled();
    const [status, text] = await running.probe({ target: urlOf('grafana.lab.test') });
    site.set('cdn-tunnel-dead', false);
    await site.settled();
    expect([status, sampleOf(text, 'probe_success')]).toEqual([200, 0]);
    expect(promtool(text)).toEqual({ status: 0, said: '' });
  });

  test.each<[Record<string, string>, string]>([
    [{}, 'Target parameter is missing\n'],
    [
      { target: 'http://169.254.169.254/' },
      'The target is not configured; only configured targets are probed\n',
    ],
    [{ target: 'blog.casa.test', module: 'icmp' }, 'Unknown module; there are http_2xx and fresh\n'],
  ])('answers %j with 400', async (query, text) => {
    expect(await running.probe(query)).toEqual([400, text]);
  });
});

test('without a token there is no fresh visit, and without a cookie nothing is probed behind a login', async () => {
  const file = join(folder.path, 'empty.db');
  const times = { resultsMs: 86_400_000, rollupsMs: 86_400_000, maxBytes: 2 ** 28 };
  const store = openStore({ file, clock: systemClock, log: silentLog(), ...times });
  store.state.put(STATE.sessions, JSON.stringify({ levels: { authentik: 0 } }));
  store[Symbol.dispose]();
  const sessions = site.counters().sessions;
  await using running = await daemon(file);
  const target = urlOf('grafana.lab.test');
  expect(await running.probe({ target, module: 'fresh' })).toEqual([
    503,
    'Not probed: the session budget of authentik has no token left.\n',
  ]);
  const [status, text] = await running.probe({ target });
  expect([status, text]).toEqual([503, expect.stringContaining('use module=fresh')]);
  expect(site.counters().sessions).toBe(sessions);
  expect((await running.probe({ target: urlOf('blog.casa.test') }))[0]).toBe(200);
});

describe('the door', () => {
  /** A web port whose probes end when told. */
  async function port(options: object = {}) {
    const waiting: ((outcome: ProbeOutcome) => void)[] = [];
    const wishes: ProbeWish[] = [];
    const probe = (wish: ProbeWish) =>
      new Promise<ProbeOutcome>((resolve) => {
        wishes.push(wish);
        waiting.push(resolve);
      });
    const web = createWeb({
      options: webSchema.parse({ listen: '127.0.0.1:0', ...options }),
      clock: systemClock,
      log: silentLog(),
      reads: readsOf(sessionsFull),
      metrics: () => Promise.resolve(''),
      health: { ready: () => true },
      actions: { ...idleActions, probe },
      demo: null,
    });
    const { port: number } = await web.start();
    const finish = () => {
      for (const end of waiting.splice(0)) end({ kind: 'late', waitedMs: 1 });
    };
    return {
      wishes,
      finish,
      ask: (headers = {}, query = 'target=grafana.example.com') =>
        fetch(`http://127.0.0.1:${number}/probe?${query}`, { headers }),
      [Symbol.asyncDispose]() {
        finish();
        return web.stop();
      },
    };
  }

  test('lets ten in at a time', async () => {
    await using web = await port();
    const first = Array.from({ length: 10 }, () => web.ask());
    await waitFor('ten probes', () => web.wishes.length === 10);
    const eleventh = await web.ask();
    expect([eleventh.status, await eleventh.text()]).toEqual([503, '10 probes are under way already.\n']);
    web.finish();
    for (const answer of await Promise.all(first)) expect(answer.status).toBe(200);
    const next = web.ask();
    await waitFor('the next probe', () => web.wishes.length === 11);
    web.finish();
    expect((await next).status).toBe(200);
  });

  test("hands on Prometheus' patience, and dresses the answer", async () => {
    await using web = await port();
    const asked = web.ask({ 'x-prometheus-scrape-timeout-seconds': '10' });
    await waitFor('the probe', () => web.wishes.length === 1);
    web.finish();
    const { headers } = await asked;
    expect(web.wishes[0]?.patienceMs).toBe(9_500);
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('is shut on a wide listen without a password, and opens for a token of its scope', async () => {
    {
      await using wide = await port({ listen: '0.0.0.0:0' });
      expect((await wide.ask()).status).toBe(403);
      expect(wide.wishes).toEqual([]);
    }
    const tokens = [
      { name: 'prometheus', token: 'prometheus-token-1', may: ['metrics', 'read'] },
      { name: 'prober', token: 'prober-token-number-2', may: ['probe'] },
    ];
    await using locked = await port({ listen: '0.0.0.0:0', auth: { tokens } });
    const as = async (token: string, query = '') =>
      (await locked.ask({ authorization: `Bearer ${token}` }, query)).status;
    expect((await locked.ask()).status).toBe(401);
    expect(await as('prometheus-token-1')).toBe(403);
    expect(await as('prober-token-number-2')).toBe(400); // let in; the target is missing
    expect(locked.wishes).toEqual([]);
  });
});
