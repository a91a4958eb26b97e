// One secret for each thing that must not be told, through the whole daemon: every place it writes to is searched for
// every secret in every form (threats P1, S1, S2, A3; DESIGN 10 "State is a secret"). What is found elsewhere than in
// the table of allowed places is a leak; a place that holds nothing proves nothing, and fails too.

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { gatewatch } from '../support/cli-site.ts';
import { type EchoSite, SITE_SECRETS, startEchoSite } from '../support/echo-site.ts';
import { loopbackPort } from '../support/loopback-port.ts';
import { leaksIn, type Marker, marker, markerOf } from '../support/markers.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { type Program, startProgram } from '../support/program.ts';
import { type ReceiverStandIn, receiver } from '../support/receiver.ts';
import { type TempFolder, tempFolder } from '../support/temp-folder.ts';
import { waitFor } from '../support/wait.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/** What the operator's file holds. */
const OWN = {
  header: marker('WAF skip header'),
  webPassword: marker('password of the page'),
  webToken: marker('token of the page'),
  metricsToken: marker('token of Prometheus'),
  hookPath: marker('pathname of the webhook'),
  hookToken: marker('token in the query of the webhook'),
  hookPassword: marker('password of the webhook'),
  amBearer: marker('bearer of Alertmanager'),
  heartbeat: marker('pathname of the heartbeat'),
  misplaced: marker('secret on a faulty line'),
  accountPassword: marker('password of an account'),
  accountTotp: markerOf('TOTP secret of an account', 'MGEHEIMTOTPQ2345GEHEIM77'),
  accountBearer: marker('bearer token of an account', '+/='),
  storeKey: marker('key of kept sessions'),
} as const satisfies Record<string, Marker>;

/** Places that may hold a secret, because it is sent or kept there on purpose. */
const ALLOWED: readonly { place: RegExp; markers: readonly Marker[]; why: string }[] = [
  {
    place: /^store\/.*-state\.db/,
    markers: [SITE_SECRETS.gateCookie],
    why: "the strangers' jar outlives a restart",
  },
  { place: /^requests of the targets' hosts$/, markers: [OWN.header], why: 'it is for them' },
  {
    place: /^requests of the targets' hosts$/,
    markers: [
      SITE_SECRETS.gateCookie,
      SITE_SECRETS.querySid,
      SITE_SECRETS.code,
      SITE_SECRETS.rd,
      SITE_SECRETS.pathSession,
    ],
    why: 'cookies and redirects go back to who made them',
  },
  {
    place: /^heads of the webhook$/,
    markers: [OWN.hookPath, OWN.hookToken, OWN.hookPassword],
    why: 'it is for it',
  },
  { place: /^requests of the targets' hosts$/, markers: [OWN.accountBearer], why: 'its host gets it' },
  {
    place: /^requests of the identity provider$/,
    markers: [SITE_SECRETS.querySid, SITE_SECRETS.code, SITE_SECRETS.rd, SITE_SECRETS.nonce],
    why: 'a login brings the request of the gate to its provider, as a browser does',
  },
  { place: /^heads of Alertmanager$/, markers: [OWN.amBearer], why: 'it is for it' },
  { place: /^heads of the heartbeat$/, markers: [OWN.heartbeat], why: 'it is for it' },
];

let folder: TempFolder;
let site: EchoSite;
let control: Origin;
let hook: ReceiverStandIn;
let alertmanager: ReceiverStandIn;
let plain: ReceiverStandIn;
let pulse: ReceiverStandIn;
let daemon: Program;
let url: string;
let clientKey: Marker;
const sinks = new Map<string, Buffer>();
const environment = { WAF_SKIP: OWN.header.value, HOOK_PASSWORD: OWN.hookPassword.value };
const basic = `Basic ${Buffer.from(`ops:${OWN.webPassword.value}`).toString('base64')}`;

function keep(place: string, content: string | Buffer): void {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content);
  sinks.set(place, Buffer.concat([sinks.get(place) ?? Buffer.alloc(0), bytes]));
}

beforeAll(async () => {
  folder = await tempFolder('secrets');
  site = await startEchoSite();
  control = await startOrigin({ respond: (_request, response) => void response.end('still there\n') });
  [hook, alertmanager, plain, pulse] = await Promise.all([receiver(), receiver(), receiver(), receiver()]);
  repeatAll(pulse, 403);
  clientKey = markerOf(
    'key of the client certificate',
    site.client.keyPem.split('\n').slice(1, 3).join('').slice(20, 60),
  );
  await writeConfiguration();
}, 60_000);

afterAll(async () => {
  for (const one of [daemon, hook, alertmanager, plain, pulse, control, site, folder])
    await one?.[Symbol.asyncDispose]();
});

/** From here on the receiver takes nothing, and repeats what it was sent. */
function repeatAll(one: ReceiverStandIn, status: number): void {
  one.answer = ({ url: asked, headers, body }) => ({
    status,
    body: JSON.stringify({ error: `cannot take ${asked}`, headers, body }),
    headers: { 'x-error': encodeURIComponent(JSON.stringify(headers)) },
  });
}

async function writeConfiguration(): Promise<void> {
  await mkdir(join(folder.path, 'secrets'));
  await mkdir(join(folder.path, 'store'));
  const file = async (name: string, content: string): Promise<string> => {
    const path = join(folder.path, 'secrets', name);
    await writeFile(path, `${content}\n`, { mode: 0o600 });
    return path;
  };
  const reference = async (name: string, content: string): Promise<string> =>
    `\${file:${await file(name, content)}}`;
  const port = await loopbackPort();
  url = `http://127.0.0.1:${port}`;
  const hookUrl = `${hook.url}/${encodeURIComponent(OWN.hookPath.value)}?token=${encodeURIComponent(OWN.hookToken.value)}`;
  const configuration = {
    vantage: 'laboratory',
    gates: [
      {
        name: 'authentik',
        url: site.url('auth'),
        sessions: { store: 'files', capacity: '64MiB', lifetime: '1h', budget: '60/m' },
      },
    ],
    paths: [
      { name: 'direct', kind: 'direct', resolver: `127.0.0.1:${site.names.port}`, private: true },
      {
        name: 'origin',
        kind: 'origin',
        address: `127.0.0.1:${site.origin.port}`,
        tls: {
          cert: await file('client.pem', site.client.certPem),
          key: await file('client-key.pem', site.client.keyPem),
        },
      },
    ],
    defaults: {
      expect: 'login',
      paths: ['direct', 'origin'],
      timeout: '4s',
      headers: { 'x-waf-skip': '${env:WAF_SKIP}' },
    },
    targets: ['app', 'exposed', 'failing', 'redirect', 'elsewhere'].map(site.url),
    control: [`http://127.0.0.1:${control.port}/`],
    checks: { return: { every: '3s' }, session: { every: '3s', account: 'machine' } },
    accounts: [
      {
        name: 'person',
        username: 'probe',
        password: await reference('account', OWN.accountPassword.value),
        totp: await reference('totp', OWN.accountTotp.value),
        hosts: ['app.echo.test'],
      },
      {
        name: 'machine',
        bearer: await reference('account-bearer', OWN.accountBearer.value),
        hosts: ['app.echo.test'],
      },
    ],
    alerts: { 'startup-grace': '1s' },
    heartbeat: {
      url: await reference('heartbeat', `${pulse.url}/${encodeURIComponent(OWN.heartbeat.value)}`),
      every: '1s',
    },
    receivers: [
      { name: 'plain', kind: 'webhook', url: plain.url },
      {
        name: 'hook',
        kind: 'webhook',
        url: await reference('hook', hookUrl),
        auth: { basic: { username: 'us', password: '${env:HOOK_PASSWORD}' } },
      },
      {
        name: 'am',
        kind: 'alertmanager',
        urls: [alertmanager.url],
        auth: { bearer: await reference('bearer', OWN.amBearer.value) },
      },
    ],
    store: {
      file: join(folder.path, 'store', 'gatewatch.db'),
      key: await reference('store-key', OWN.storeKey.value),
    },
    web: {
      listen: `127.0.0.1:${port}`,
      auth: {
        basic: { username: 'ops', password: await reference('web', OWN.webPassword.value) },
        tokens: [
          {
            name: 'all',
            token: await reference('token', OWN.webToken.value),
            may: ['read', 'metrics', 'probe', 'run', 'reload'],
          },
          { name: 'prometheus', token: await reference('metrics', OWN.metricsToken.value), may: ['metrics'] },
        ],
      },
    },
    tls: { ca: [await file('ca.pem', site.caPem)] },
    log: { level: 'debug' },
  };
  await writeFile(join(folder.path, 'gatewatch.yaml'), stringify(configuration));
}

function start(flags: readonly string[] = []): Program {
  return startProgram(process.execPath, [...flags, MAIN, 'run'], { cwd: folder.path, environment });
}

async function ask(
  pathname: string,
  headers: Record<string, string> = { authorization: basic },
): Promise<string> {
  const response = await fetch(url + pathname, { headers, signal: AbortSignal.timeout(20_000) });
  const shown = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  return `${response.status}\n${shown}\n\n${await response.text()}`;
}

async function command(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await gatewatch(args, { cwd: folder.path, environment });
  return `${code}\n${stdout}\n${stderr}`;
}

async function keepFiles(): Promise<void> {
  for (const name of await readdir(join(folder.path, 'store')))
    keep(`store/${name}`, await readFile(join(folder.path, 'store', name)));
}

describe('a daemon among sites and receivers that repeat everything', () => {
  test('goes through all that it can do', async () => {
    const [plan, cost, table, json] = await Promise.all([
      command('validate', '--all'),
      command('validate', '--json'),
      command('check', site.url('elsewhere'), site.url('failing')),
      command('check', '--json'),
    ]);
    keep('validate', `${plan}${cost}`);
    keep('check', table);
    keep('check --json', json);
    daemon = start();
    await daemon.says('watching', 90_000);
    // It is silent while a receiver takes nothing.
    await waitFor('the heartbeat', () => pulse.requests.length > 0, { limitMs: 90_000 });
    for (const one of [hook, alertmanager]) repeatAll(one, 500);
    keep('argv', await readFile(`/proc/${daemon.pid}/cmdline`));
    await waitFor(
      'the exposed page to be told of',
      () => plain.requests.some(({ body }) => body.alerts?.[0]?.labels.alertname === 'GatewatchExposed'),
      { limitMs: 90_000 },
    );
    const told = (name: string): boolean =>
      plain.requests.some(({ body }) => JSON.stringify(body).includes(name));
    await waitFor('the failing page to be told of', () => told('failing.echo.test'), { limitMs: 90_000 });
    await waitFor('both failing receivers', async () => {
      const metrics = await ask('/metrics');
      return ['hook', 'am'].every((name) =>
        new RegExp(`notification_failures_total\\{[^}]*"${name}"`).test(metrics),
      );
    });
    await keepWeb();
    await keepFiles();
    await reloadBroken();
    const [asJson, asText, alerted] = await Promise.all([
      command('results', '--json', '--limit', '1000'),
      command('results', '--limit', '1000'),
      command('test-alert'),
    ]);
    keep('results', `${asJson}${asText}`);
    keep('test-alert', alerted);
    expect(await daemon.end('SIGTERM')).toBe(0);
    keep('log', daemon.output());
    await keepFiles();
    keepRequests();
  });

  async function keepWeb(): Promise<void> {
    const lists = [
      'targets',
      'checks',
      'components',
      'gates',
      'results?limit=1000',
      'incidents?state=all',
      'openapi.json',
    ];
    for (const one of lists) keep(`/api/v1/${one}`, await ask(`/api/v1/${one}`));
    for (const one of ['/', '/metrics', '/livez', '/readyz', '/nothing-here']) keep(one, await ask(one));
    const { checks } = JSON.parse((await ask('/api/v1/checks')).split('\n\n')[1]!) as {
      checks: { id: string }[];
    };
    for (const { id } of checks) keep('pages of checks', await ask(`/checks/${encodeURIComponent(id)}`));
    const { incidents } = JSON.parse((await ask('/api/v1/incidents?state=all')).split('\n\n')[1]!) as {
      incidents: { id: string }[];
    };
    expect(incidents.length).toBeGreaterThan(0);
    for (const { id } of incidents) {
      keep('pages of incidents', await ask(`/incidents/${id}`));
      keep('/api/v1/incidents/{id}', await ask(`/api/v1/incidents/${id}`));
    }
    for (const label of ['app', 'exposed', 'failing', 'redirect', 'elsewhere']) {
      for (const more of ['', '&module=fresh', '&path=origin'])
        keep('/probe', await ask(`/probe?debug=true&target=${encodeURIComponent(site.url(label))}${more}`));
    }
    const token = { authorization: `Bearer ${OWN.webToken.value}` };
    keep('a run', await ask('/api/v1/components', token));
    for (const wrong of [
      `Bearer ${OWN.metricsToken.value}`,
      `Bearer ${OWN.misplaced.value}`,
      `Basic ${btoa(`ops:${encodeURIComponent(OWN.misplaced.value)}`)}`,
    ])
      keep('refusals', await ask('/api/v1/targets', { authorization: wrong }));
  }

  /** Asks for the reload of files that are wrong where a secret stands. */
  async function reloadBroken(): Promise<void> {
    const good = await readFile(join(folder.path, 'gatewatch.yaml'), 'utf8');
    const broken = brokenFiles(good);
    for (const text of broken) keep('words about broken files', wordsAbout(text));
    await writeFile(join(folder.path, 'gatewatch.yaml'), broken[BADLY_BROKEN]!);
    keep('validate of a broken file', await command('validate'));
    const response = await fetch(`${url}/-/reload`, {
      method: 'POST',
      headers: { authorization: `Bearer ${OWN.webToken.value}` },
    });
    expect(response.status).toBe(400);
    keep('a refused reload', await response.text());
    keep('the page after it', await ask('/'));
    keep('the metrics after it', await ask('/metrics'));
    await writeFile(join(folder.path, 'gatewatch.yaml'), good);
  }

  function keepRequests(): void {
    const own = ['app', 'exposed', 'failing', 'redirect', 'elsewhere'].map((label) => `${label}.echo.test`);
    const isOwn = (host: string): boolean => own.includes(host.split(':')[0] ?? '');
    keep(
      "requests of the targets' hosts",
      JSON.stringify(site.origin.requests.filter(({ host }) => isOwn(host))),
    );
    const isProvider = (host: string): boolean => host.startsWith('auth.echo.test');
    keep(
      'requests of the identity provider',
      JSON.stringify(site.origin.requests.filter(({ host }) => isProvider(host))),
    );
    keep(
      'requests of other hosts',
      JSON.stringify(site.origin.requests.filter(({ host }) => !isOwn(host) && !isProvider(host))),
    );
    keep('requests of the control', JSON.stringify(control.requests));
    for (const [name, one] of [
      ['the webhook', hook],
      ['Alertmanager', alertmanager],
      ['the heartbeat', pulse],
      ['the plain webhook', plain],
    ] as const) {
      keep(
        `heads of ${name}`,
        JSON.stringify(one.requests.map(({ url: asked, headers }) => [asked, headers])),
      );
      if (one !== pulse)
        keep(`bodies of ${name}`, JSON.stringify(one.requests.map(({ body }) => body as unknown)));
    }
  }

  test('crashes and is reported on', async () => {
    const crash = join(folder.path, 'crash.mjs');
    const reports = join(folder.path, 'reports');
    await mkdir(reports);
    const words = JSON.stringify(
      `cannot use ${OWN.header.value} of ${OWN.webPassword.value}, nor ${OWN.amBearer.value}`,
    );
    await writeFile(crash, `process.on('SIGUSR2', () => { throw new TypeError(${words}); });\n`);
    const flags = [
      '--report-on-signal',
      '--report-signal=SIGWINCH',
      '--report-uncaught-exception',
      `--report-directory=${reports}`,
    ];
    const crashing = start([...flags, '--import', crash]);
    daemon = crashing;
    await crashing.says('watching', 90_000);
    process.kill(crashing.pid, 'SIGWINCH');
    await waitFor('the report', async () => (await readdir(reports)).length > 0);
    process.kill(crashing.pid, 'SIGUSR2');
    expect(await crashing.exited).toBe(3);
    keep('crash', crashing.output());
    for (const name of await readdir(reports)) keep('diagnostic report', await readFile(join(reports, name)));
    await keepFiles();
  });

  test('and tells nobody', () => {
    const markers = [...Object.values(SITE_SECRETS), ...Object.values(OWN), clientKey];
    const leaks: string[] = [];
    for (const [place, content] of sinks) {
      expect(`${place}: ${content.length > 0}`).toBe(`${place}: true`);
      const allowed = ALLOWED.filter((one) => one.place.test(place)).flatMap((one) => one.markers);
      for (const { marker: name, form } of leaksIn(
        content,
        markers.filter((one) => !allowed.includes(one)),
      ))
        leaks.push(`${place}: ${name} (${form})`);
    }
    expect(leaks).toEqual([]);
  });

  test('nothing that a terminal or a page would obey gets out', () => {
    const shown = [
      'log',
      'check',
      'check --json',
      'results',
      'test-alert',
      'pages of checks',
      '/probe',
      '/api/v1/results?limit=1000',
    ];
    for (const place of shown) {
      const text = sinks.get(place)?.toString() ?? '';
      expect(`${place} ${/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.exec(text)?.index}`).toBe(
        `${place} undefined`,
      );
    }
    expect(sinks.get('results')?.toString()).toContain('Echo ·31m·');
  });

  test('the search would have found them: every allowed place holds its secret, every place what it is for', () => {
    const at = (place: RegExp): Buffer =>
      Buffer.concat([...sinks].filter(([name]) => place.test(name)).map(([, content]) => content));
    for (const { place, markers } of ALLOWED)
      for (const one of markers)
        expect(`${place.source} ${one.name} ${leaksIn(at(place), [one]).length}`).toBe(
          `${place.source} ${one.name} 1`,
        );
    const words: [RegExp, string][] = [
      [/^log$/, 'verdict changed'],
      [/^crash$/, 'internal error'],
      [/^diagnostic report$/, 'javascriptStack'],
      [/^check$/, 'failing.echo.test'],
      [/^results$/, 'failing.echo.test'],
      [/^validate$/, 'failing.echo.test'],
      [/^test-alert$/, 'hook'],
      [/^validate of a broken file$/, 'gatewatch.yaml:'],
      [/^words about broken files$/, 'gatewatch.yaml:'],
      [/^a refused reload$/, 'gatewatch.yaml:'],
      [/^argv$/, 'run'],
      [/^store\/gatewatch\.db/, 'failing.echo.test'],
      [/^store\/.*-wal$/, ''],
      [/^bodies of the webhook$/, 'GatewatchExposed'],
      [/^bodies of Alertmanager$/, 'GatewatchExposed'],
      [/^\/probe$/, 'Evidence'],
    ];
    for (const [place, word] of words)
      expect(`${place.source} ${at(place).includes(word) && at(place).length > 0}`).toBe(
        `${place.source} true`,
      );
  });
});

/** What the loader says; it must say something. */
function wordsAbout(text: string): string {
  try {
    loadConfig({ text, name: 'gatewatch.yaml', folder: folder.path }, environment);
  } catch (error) {
    if (error instanceof ConfigError) return `${error.message}\n${inspect(error)}\n`;
    throw error;
  }
  throw new Error('the file is not broken');
}

/** The one that the daemon and the command get. */
const BADLY_BROKEN = 6;

/** The configuration with a secret where it does not belong, or of a type it must not have. */
function brokenFiles(good: string): string[] {
  const { value } = OWN.misplaced;
  const quoted = JSON.stringify(value);
  return [
    `${good}\n${value}`,
    `${good}\nlog: ${quoted}\n`,
    `${good}\nsecrets: { ${quoted}: 1 }\n`,
    good.replace(/^vantage: .*$/m, `vantage: { ${quoted} }`),
    good.replace(/^vantage: .*$/m, `vantage: "\${env:${value.replaceAll('"', '')}}"`),
    good.replace(/^vantage: .*$/m, `vantage: "\${file:/nowhere/${value.replaceAll('"', '')}}"`),
    good.replace(/^( +)x-waf-skip: .*$/m, `$1${JSON.stringify(`x-waf-skip: ${value}`)}:`),
    good.replace(/^( +)x-waf-skip: .*$/m, `$1x-waf-skip: [${quoted}]`),
    good.replace(/^( +)password: .*$/gm, `$1password: { ${quoted}: 1 }`),
    good.replace(/^( +)bearer: .*$/m, `$1${JSON.stringify(`bearer ${value}`)}: 1`),
    good.replace(/^( +)bearer: .*$/m, `$1bearer: [${quoted}]`),
    good.replace(
      /^( +)- name: hook\n +kind: webhook\n +url: .*$/m,
      `$1- name: hook\n$1  kind: webhook\n$1  url: http://u:${encodeURIComponent(value)}@127.0.0.1:1/`,
    ),
    good.replace(/^( +)token: .*$/gm, `$1token: ${JSON.stringify(value.slice(0, 9))}`),
    good.replace(/^( +)key: .*$/m, `$1key: ${JSON.stringify(`-----BEGIN PRIVATE KEY-----\n${value}`)}`),
    good.replace(/^( +)urls:$/m, `$1urls: ${quoted}\n$1other:`),
    good.replace(/^heartbeat:$/m, `heartbeat:\n  url: ${quoted}\nx:`),
    `${good}\nx: [${quoted}\n`,
    `${good}\nx: !${value.replaceAll(/\W/g, '')} 1\n`,
  ];
}
