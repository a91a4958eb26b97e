// The web port on real sockets: routes with their headers, who may do what, bounds, and the API.

import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { webSchema } from '../../../src/web/options.ts';
import type { DemoFaults } from '../../../src/web/reads.ts';
import { ROUTES } from '../../../src/web/routes.ts';
import { createWeb, type Web, type WebTools } from '../../../src/web/server.ts';
import { createSite } from '../../../src/web/site.ts';
import { ARTIFACT, idleActions, readsOf, STORED, sessionsFull } from '../../support/web-snapshot.ts';

/** As Alertmanager 0.28 sends it. */
const WEBHOOK = {
  version: '4',
  groupKey: '{}:{alertname="NodeNotReady"}',
  truncatedAlerts: 0,
  status: 'firing',
  receiver: 'gatewatch',
  groupLabels: { alertname: 'NodeNotReady' },
  commonLabels: { alertname: 'NodeNotReady' },
  commonAnnotations: {},
  externalURL: 'http://alertmanager:9093',
  alerts: [
    {
      status: 'firing',
      labels: { alertname: 'NodeNotReady', node: 'rack-1' },
      annotations: { summary: '<script>' },
      startsAt: '2026-04-18T09:12:04.123456789+02:00',
      endsAt: '0001-01-01T00:00:00Z',
      generatorURL: 'http://prometheus:9090/graph',
      fingerprint: 'b9c3f0d8e1a2b3c4',
    },
  ],
};

let running: Web[] = [];
let faults: { id: string; title: string; on: boolean }[];
beforeEach(() => {
  faults = [{ id: 'gate-down', title: 'gate down', on: false }];
});
afterEach(async () => {
  await Promise.all(running.map((web) => web.stop()));
  running = [];
});

function toolsOf(options: object = {}, part: Partial<WebTools> = {}): WebTools {
  const demo: DemoFaults = {
    faults: () => faults,
    set: (id, on) => {
      faults = faults.map((fault) => (fault.id === id ? { ...fault, on } : fault));
    },
  };
  return {
    options: webSchema.parse({ listen: '127.0.0.1:0', ...options }),
    clock: systemClock,
    log: silentLog(),
    reads: readsOf(sessionsFull),
    metrics: () => Promise.resolve('# HELP x X.\n'),
    health: { ready: () => true },
    actions: idleActions,
    demo,
    ...part,
  };
}

/** Base URL of a started web port. */
async function started(options: object = {}, part: Partial<WebTools> = {}): Promise<string> {
  const web = createWeb(toolsOf(options, part));
  running.push(web);
  const { port } = await web.start();
  return `http://127.0.0.1:${port}`;
}

/** Sends bytes and reads to the end, as no client library would let us. */
function raw(base: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(base).port), '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setEncoding('latin1').on('data', (data) => (answer += data));
    socket.on('end', () => resolve(answer)).on('error', reject);
    socket.setTimeout(20_000, () => socket.destroy(new Error('no end')));
  });
}

const ids: Record<string, string> = {
  checks: encodeURIComponent(STORED.check),
  incidents: 'i7',
  faults: 'gate-down',
};
const pathname = (path: string): string =>
  (path === '/probe'
    ? '/probe?target=grafana.example.com'
    : path === '/artifacts/:id/:kind'
      ? `/artifacts/${ARTIFACT}/screenshot`
      : path
  ).replace(/:(id|name)/, () => ids[path.split('/').at(path.endsWith('/run') ? -3 : -2) ?? ''] ?? 'x');

describe('every route of the table', () => {
  test('is registered, and nothing else is', () => {
    const registered = createSite(toolsOf())
      .routes.filter(({ method, path }) => method !== 'ALL' && path !== '*')
      .map(({ method, path }) => `${method} ${path}`);
    expect(new Set(registered)).toEqual(new Set(ROUTES.map(({ method, path }) => `${method} ${path}`)));
    // Each is there at least twice: its guard, and its handler.
    for (const { method, path } of ROUTES) {
      expect(registered.filter((each) => each === `${method} ${path}`).length, path).toBeGreaterThan(1);
    }
  });

  test('carries the security headers, errors and unknown pathnames included', async () => {
    const base = await started();
    const page = await (await fetch(base)).text();
    const css = /href="(\/static\/[^"]+)"/.exec(page)?.[1] ?? '';
    const unknown = { method: 'GET', path: '/no/such/page', answer: 'data' } as const;
    for (const { method, path, answer } of [...ROUTES, unknown]) {
      const at = path === '/static/:name' ? css : pathname(path);
      const body =
        path === '/demo/faults/:id'
          ? new URLSearchParams({ on: 'true' })
          : path.endsWith('faults/:id')
            ? '{"on":true}'
            : path === '/api/v1/alertmanager'
              ? JSON.stringify(WEBHOOK)
              : null;
      const headers = path.startsWith('/api') && body !== null ? { 'content-type': 'application/json' } : {};
      const response = await raw(
        base,
        `${method} ${at} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${Object.entries(headers)
          .map(([k, v]) => `${k}: ${v}\r\n`)
          .join(
            '',
          )}${body === null ? '' : `${typeof body === 'string' ? '' : 'content-type: application/x-www-form-urlencoded\r\n'}Content-Length: ${String(body).length}\r\n`}\r\n${body ?? ''}`,
      );
      const name = `${method} ${at}`;
      expect(response, name).toMatch(/^HTTP\/1\.1 (200|202|303|404|429)/);
      if (path !== unknown.path) expect(response, name).not.toMatch(/^HTTP\/1\.1 404/);
      expect(response, name).toContain(
        answer === 'artifact'
          ? "content-security-policy: default-src 'none'; sandbox\r\n"
          : "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'\r\n",
      );
      expect(response, name).toContain('x-content-type-options: nosniff\r\n');
      expect(response, name).toContain('x-frame-options: DENY\r\n');
      expect(response, name).toContain('cross-origin-opener-policy: same-origin\r\n');
      expect(response, name).toContain('cross-origin-resource-policy: same-origin\r\n');
      expect(response, name).toContain(
        `referrer-policy: ${answer === 'page' ? 'same-origin' : 'no-referrer'}\r\n`,
      );
      expect(response, name).toContain(
        `cache-control: ${answer === 'asset' ? 'public, max-age=31536000, immutable' : 'no-store'}\r\n`,
      );
      expect(response.toLowerCase(), name).not.toContain('access-control-allow');
      expect(response.toLowerCase(), name).not.toContain('set-cookie');
    }
  });

  test('files of visits go out as files, by ids that are there alone', async () => {
    const base = await started();
    const picture = await fetch(`${base}/artifacts/${ARTIFACT}/screenshot`);
    expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    const record = await fetch(`${base}/artifacts/${ARTIFACT}/exchanges`);
    expect(record.headers.get('content-disposition')).toBe('attachment; filename="exchanges.har"');
    expect(record.headers.get('x-content-type-options')).toBe('nosniff');
    for (const path of [
      `${ARTIFACT}/console`,
      `${ARTIFACT}/other`,
      '..%2f..%2fetc/screenshot',
      'a/screenshot',
    ])
      expect((await fetch(`${base}/artifacts/${path}`)).status, path).toBe(404);
  });

  test('asks for the password when there is one, but for health', async () => {
    const base = await started({ auth: { basic: { username: 'ops', password: 'correct horse battery' } } });
    for (const { method, path, need } of ROUTES) {
      const { status, headers } = await fetch(`${base}${pathname(path)}`, { method });
      expect(status, path).toBe(need === 'nothing' ? 200 : 401);
      if (status === 401) expect(headers.get('www-authenticate')).toContain('Basic');
    }
    expect((await fetch(`${base}/no/such/page`)).status).toBe(401);
    const authorization = `Basic ${Buffer.from('ops:correct horse battery').toString('base64')}`;
    expect((await fetch(base, { headers: { authorization } })).status).toBe(200);
  });
});

describe('Host', () => {
  test.each([
    ['evil.example', 421],
    ['127.0.0.1.evil.example:80', 421],
    ['localhost', 200],
    ['watch.example.com', 200],
  ])('%s is answered with %i', async (host, status) => {
    const base = await started({ url: 'https://watch.example.com' });
    const answer = await raw(base, `GET /livez HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  test('in the request target does not count', async () => {
    const base = await started();
    const answer = await raw(
      base,
      'GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer).not.toContain('gatewatch</a>');
  });

  test('never becomes part of a page', async () => {
    const base = await started();
    const text = await (
      await fetch(base, { headers: { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' } })
    ).text();
    expect(text).not.toContain('evil.example');
  });
});

describe('changes', () => {
  test('curl on this machine reloads; a page of another site does not', async () => {
    let reloads = 0;
    const reload = () => Promise.resolve({ ok: ++reloads > 0, problems: [] });
    const base = await started({}, { actions: { ...idleActions, reload } });
    expect(
      (
        await raw(
          base,
          'POST /-/reload HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
        )
      ).split('\r\n')[0],
    ).toContain('200');
    for (const headers of [
      'Origin: https://evil.example',
      'Origin: null',
      'Referer: https://evil.example/',
      'Sec-Fetch-Site: cross-site',
    ]) {
      const answer = await raw(
        base,
        `POST /-/reload HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      );
      expect(answer, headers).toMatch(/^HTTP\/1\.1 403 /);
    }
    expect(reloads).toBe(1);
  });

  test('reading changes nothing: a GET of a change is 405', async () => {
    const base = await started();
    const response = await fetch(`${base}/-/reload`);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await fetch(`${base}/`, { method: 'DELETE' })).status).toBe(405);
  });

  test('a reload that fails says why and leaves a 400', async () => {
    const reload = () =>
      Promise.resolve({ ok: false, problems: ['gatewatch.yaml:3:1 targets: expected a list'] });
    const base = await started({}, { actions: { ...idleActions, reload } });
    const answer = await raw(
      base,
      'POST /-/reload HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('gatewatch.yaml:3:1 targets: expected a list');
  });

  test('one reload at a time', async () => {
    let finish: (() => void) | null = null;
    const begun = Promise.withResolvers<void>();
    const reload = () =>
      new Promise<{ ok: boolean; problems: string[] }>((resolve) => {
        finish = () => resolve({ ok: true, problems: [] });
        begun.resolve();
      });
    const base = await started({}, { actions: { ...idleActions, reload } });
    const request =
      'POST /-/reload HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
    const first = raw(base, request);
    await begun.promise;
    expect(await raw(base, request)).toMatch(/^HTTP\/1\.1 429 /);
    (finish as (() => void) | null)?.();
    expect(await first).toMatch(/^HTTP\/1\.1 200 /);
  });

  const switchOn = (base: string, headers: Record<string, string>) =>
    raw(
      base,
      `POST /demo/faults/gate-down HTTP/1.1\r\nHost: ${new URL(base).host}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n${Object.entries(
        headers,
      )
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}\r\non=true`,
    );

  test("the page's own form switches a fault of the demo site", async () => {
    const base = await started();
    const answer = await switchOn(base, { Origin: base, 'Sec-Fetch-Site': 'same-origin' });
    expect(answer).toMatch(/^HTTP\/1\.1 303 [\s\S]*location: \/\r\n/i);
    expect(faults[0]?.on).toBe(true);
  });

  test("another site's form does not", async () => {
    const base = await started();
    expect(await switchOn(base, { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' })).toMatch(
      /^HTTP\/1\.1 403 /,
    );
    expect(await switchOn(base, { Origin: 'null', 'Sec-Fetch-Site': 'same-origin' })).toMatch(
      /^HTTP\/1\.1 403 /,
    );
    expect(faults[0]?.on).toBe(false);
  });

  test('a daemon that listens wide without a password only shows', async () => {
    const base = await started({ listen: '0.0.0.0:0' });
    expect((await fetch(base)).status).toBe(200);
    for (const { method, path } of ROUTES.filter((route) => route.method === 'POST')) {
      expect((await fetch(`${base}${pathname(path)}`, { method })).status, path).toBe(403);
    }
  });

  test('Alertmanager brings alerts: what is asked for is taken, anything else refused', async () => {
    const taken: unknown[] = [];
    const actions = { ...idleActions, inbound: (alerts: readonly unknown[]) => taken.push(...alerts) };
    const tokens = [
      { name: 'am', token: 'alertmanager-token', may: ['alertmanager'] },
      { name: 'ci', token: 'continuous-token-2', may: ['reload'] },
    ];
    const base = await started({ auth: { tokens } }, { actions });
    const send = async (body: string, token: string, type = 'application/json'): Promise<number> => {
      const headers = { 'content-type': type, authorization: `Bearer ${token}` };
      return (await fetch(`${base}/api/v1/alertmanager`, { method: 'POST', body, headers })).status;
    };
    const good = JSON.stringify(WEBHOOK);
    expect(await send(good, 'alertmanager-token')).toBe(200);
    expect(taken).toEqual([
      {
        status: 'firing',
        labels: { alertname: 'NodeNotReady', node: 'rack-1' },
        startsAt: Date.parse('2026-04-18T07:12:04.123Z'),
        fingerprint: 'b9c3f0d8e1a2b3c4',
      },
    ]);
    expect(await send(good, 'continuous-token-2')).toBe(403);
    expect(await send(good, 'nobody-knows-this')).toBe(401);
    const [alert] = WEBHOOK.alerts;
    for (const body of [
      '',
      '{',
      '[]',
      '{"version":"3","alerts":[]}',
      JSON.stringify({ ...WEBHOOK, alerts: [{ ...alert, status: 'pending' }] }),
      JSON.stringify({ ...WEBHOOK, alerts: [{ ...alert, startsAt: 'yesterday' }] }),
      JSON.stringify({ ...WEBHOOK, alerts: [{ ...alert, labels: { alertname: 7 } }] }),
      JSON.stringify({ ...WEBHOOK, alerts: [{ ...alert, fingerprint: 'f'.repeat(65) }] }),
    ])
      expect([body.slice(0, 40), await send(body, 'alertmanager-token')]).toEqual([body.slice(0, 40), 400]);
    expect(await send(good, 'alertmanager-token', 'text/plain')).toBe(415);
    expect(await send(good + ' '.repeat(2 ** 20), 'alertmanager-token')).toBe(413);
    expect(taken).toHaveLength(1);
    const open = await started({}, { actions });
    const browser = { 'content-type': 'application/json', origin: 'https://evil.example' };
    const foreign = { method: 'POST', body: good, headers: browser };
    expect((await fetch(`${open}/api/v1/alertmanager`, foreign)).status).toBe(403);
  });

  test('a token changes what it may, and metrics need a scope', async () => {
    const tokens = [
      { name: 'prometheus', token: 'prometheus-token-1', may: ['metrics'] },
      { name: 'ci', token: 'continuous-token-2', may: ['reload'] },
    ];
    const base = await started({ auth: { tokens } });
    const as = (token: string, path: string, method = 'GET') =>
      fetch(`${base}${path}`, { method, headers: { authorization: `Bearer ${token}` } }).then(
        ({ status }) => status,
      );
    expect(await as('prometheus-token-1', '/metrics')).toBe(200);
    expect(await as('prometheus-token-1', '/')).toBe(403);
    expect(await as('prometheus-token-1', '/-/reload', 'POST')).toBe(403);
    expect(await as('continuous-token-2', '/-/reload', 'POST')).toBe(200);
    expect(await as('continuous-token-2', '/metrics')).toBe(403);
    expect(await as('wrong', '/metrics')).toBe(401);
    for (let tries = 0; tries < 9; tries += 1) await as('wrong', '/metrics');
    expect(await as('prometheus-token-1', '/metrics')).toBe(429);
  });
});

describe('the API', () => {
  const get = async (base: string, path: string) => {
    const response = await fetch(`${base}${path}`);
    return {
      status: response.status,
      body: (await response.json()) as Record<string, unknown[]> & { error?: string },
    };
  };

  test('gives targets, checks, components, gates, incidents and results', async () => {
    const base = await started();
    expect((await get(base, '/api/v1/targets')).body['targets']).toHaveLength(37);
    expect((await get(base, '/api/v1/targets')).body['targets']?.[0]).toMatchObject({
      id: 'grafana.example.com',
      expect: { cdn: 'login' },
      verdict: 'down',
    });
    expect((await get(base, '/api/v1/checks')).body['checks']?.[0]).toMatchObject({
      id: 'fresh:cdn:grafana.example.com',
      lastAt: '2026-04-18T09:55:42.000Z',
    });
    expect((await get(base, '/api/v1/components')).body['components']).toContainEqual({
      type: 'gate-sessions',
      name: 'embedded',
      state: 'down',
      suspicion: 0.98,
      checks: 74,
    });
    expect((await get(base, '/api/v1/gates')).body['gates']?.[0]).toMatchObject({
      outpost: 'embedded',
      held: 1604,
    });
    expect((await get(base, '/api/v1/maintenance')).body).toEqual({ maintenance: [] });
    expect((await get(base, '/api/v1/incidents')).body['incidents']?.[0]).toMatchObject({
      id: 'i7',
      blame: { type: 'gate-sessions', name: 'embedded' },
      startedAt: '2026-04-18T09:12:04.000Z',
    });
    expect((await get(base, '/api/v1/incidents/i7')).status).toBe(200);
    expect((await get(base, '/api/v1/incidents/i8')).status).toBe(404);
    expect(
      (await get(base, `/api/v1/results?check=${encodeURIComponent(STORED.check)}&limit=1`)).body,
    ).toMatchObject({
      results: [{ id: STORED.id, verdict: 'down', evidence: [{ status: 400 }] }],
      next: STORED.id,
    });
  });

  test.each([
    'limit=0',
    'limit=1001',
    'limit=x',
    'since=yesterday',
    'verdict=fine',
    'before=-1',
    'unknown=1',
  ])('refuses results?%s in one line', async (query) => {
    const base = await started();
    const { status, body } = await get(base, `/api/v1/results?${query}`);
    expect([status, typeof body.error]).toEqual([400, 'string']);
  });

  test('describes itself', async () => {
    const base = await started();
    const { body } = await get(base, '/api/v1/openapi.json');
    const described = Object.keys(body['paths'] ?? {}).map((path) => path.replace('{id}', ':id'));
    const own = ROUTES.map(({ path }) => path).filter(
      (path) => path.startsWith('/api/') && !path.endsWith('openapi.json'),
    );
    expect(described.sort()).toEqual([...new Set(own)].sort());
  });

  test('runs a check once in ten seconds, and says when the budget is empty', async () => {
    const answers: Record<string, 'queued' | 'no-budget' | 'unknown'> = {
      'a/b?c': 'queued',
      poor: 'no-budget',
    };
    const asked: string[] = [];
    const run = (check: string) => {
      asked.push(check);
      return Promise.resolve(answers[check] ?? 'unknown');
    };
    const base = await started({}, { actions: { ...idleActions, run } });
    const post = async (id: string) =>
      Number(
        /^HTTP\/1\.1 (\d+)/.exec(
          await raw(
            base,
            `POST /api/v1/checks/${encodeURIComponent(id)}/run HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
          ),
        )?.[1],
      );
    expect([await post('a/b?c'), await post('a/b?c'), await post('poor'), await post('x')]).toEqual([
      202, 429, 503, 404,
    ]);
    expect(asked).toEqual(['a/b?c', 'poor', 'x']);
  });

  test('switches a demo fault, and takes only JSON that says it is JSON', async () => {
    const base = await started();
    const post = (type: string, body: string, id = 'gate-down') =>
      raw(
        base,
        `POST /api/v1/demo/faults/${id} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${type === '' ? '' : `Content-Type: ${type}\r\n`}Content-Length: ${body.length}\r\n\r\n${body}`,
      );
    for (const [type, body] of [
      ['text/plain', '{"on":true}'],
      ['', '{"on":true}'],
      ['application/json', '{"on":"yes"}'],
      ['application/json', '{'],
    ] as const) {
      expect(await post(type, body), `${type} ${body}`).toMatch(/^HTTP\/1\.1 4(00|15) /);
    }
    expect(faults[0]?.on).toBe(false);
    expect(await post('application/json', '{"on":true}', 'nothing')).toMatch(/^HTTP\/1\.1 404 /);
    expect(await post('application/json', '{"on":true}')).toMatch(/^HTTP\/1\.1 200 /);
    expect(faults[0]?.on).toBe(true);
  });

  test('has no demo switches on a configured site', async () => {
    const base = await started({}, { demo: null });
    const answer = await raw(
      base,
      'POST /api/v1/demo/faults/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  });

  test('escapes what a terminal would obey', async () => {
    const hostile = { ...STORED, reason: 'a\u009b31m\u202eb' };
    const base = await started({}, { reads: readsOf(sessionsFull, [hostile]) });
    const text = await (await fetch(`${base}/api/v1/results`)).text();
    expect(text).toContain('a\\u009b31m\\u202eb');
    expect(JSON.parse(text)).toMatchObject({ results: [{ reason: hostile.reason }] });
  });
});

describe('pages', () => {
  test('of a check whose id has slashes and queries, and of an incident', async () => {
    const base = await started();
    const check = await fetch(`${base}/checks/${encodeURIComponent('fresh:cdn:hooks.example.com/github')}`);
    expect([check.status, await check.text()]).toEqual([
      200,
      expect.stringContaining('hooks.example.com/github'),
    ]);
    const incident = await fetch(`${base}/incidents/i7`);
    expect([incident.status, await incident.text()]).toEqual([200, expect.stringContaining('gate-sessions')]);
    expect((await fetch(`${base}/checks/nothing`)).status).toBe(404);
    expect((await fetch(`${base}/incidents/nothing`)).status).toBe(404);
  });

  test.each([
    '/static/../package.json',
    '/static/%2e%2e%2fpackage.json',
    '/static/..%5c..%5cetc%2fpasswd',
    '/static/page.css',
    '/static/%00',
  ])('%s is no file', async (path) => {
    const base = await started();
    const answer = await raw(base, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(answer).toContain('cache-control: no-store');
  });

  test('health says only ok or not', async () => {
    let ready = false;
    let live = true;
    const base = await started({}, { health: { ready: () => ready, live: () => live } });
    const ask = async (path: string) => {
      const response = await fetch(`${base}${path}`);
      return [response.status, await response.text()];
    };
    expect([
      await ask('/readyz'),
      await ask('/-/ready'),
      await ask('/livez'),
      await ask('/-/healthy'),
    ]).toEqual([
      [503, 'not ready\n'],
      [503, 'not ready\n'],
      [200, 'ok\n'],
      [200, 'ok\n'],
    ]);
    ready = true;
    live = false;
    expect([await ask('/readyz'), await ask('/livez')]).toEqual([
      [200, 'ok\n'],
      [503, 'not well\n'],
    ]);
  });

  test('a bug behind a page is a plain 500 without its words', async () => {
    const reads = {
      ...readsOf(sessionsFull),
      texts: () => {
        throw new Error('secret detail');
      },
    };
    const base = await started({}, { reads });
    const response = await fetch(base);
    expect([response.status, await response.text()]).toEqual([500, 'Internal error.\n']);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });
});

describe('bounds', () => {
  test('16 KiB of headers pass, more do not', async () => {
    const base = await started();
    const ask = (bytes: number) =>
      raw(
        base,
        `GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: ${'x'.repeat(bytes)}\r\n\r\n`,
      );
    expect(await ask(16 * 1024 - 200)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ask(17 * 1024)).toMatch(/^HTTP\/1\.1 431 /);
  });

  test('1 MiB of body passes, a byte more does not, whether the length is told or not', async () => {
    const base = await started();
    const most = 1024 * 1024;
    const told = (bytes: number) =>
      raw(
        base,
        `POST /-/reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`,
      );
    const chunked = (bytes: number) =>
      raw(
        base,
        `POST /-/reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n0\r\n\r\n`,
      );
    expect(await told(most)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await chunked(most)).toMatch(/^HTTP\/1\.1 200 /);
    expect(await told(most + 1)).toMatch(/^HTTP\/1\.1 413 /);
    expect(await chunked(most + 1)).toMatch(/^HTTP\/1\.1 413 /);
  });

  test('stop ends connections that hang, twice and before start included', async () => {
    const web = createWeb(toolsOf());
    await web.stop();
    const { port } = await web.start();
    const socket = connect(port, '127.0.0.1');
    const closed = new Promise((resolve) => socket.on('close', resolve).on('error', () => {}));
    await new Promise((resolve) => socket.on('connect', resolve));
    socket.write('GET / HTTP/1.1\r\nHost: loc');
    await Promise.all([web.stop(), web.stop()]);
    await closed;
  });

  test('an address that is taken is an error of start', async () => {
    const base = await started();
    await expect(started({ listen: new URL(base).host })).rejects.toThrow('EADDRINUSE');
  });
});
