// `gatewatch check` as a process: what it blames for each fault of the demo site, and its exit codes.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliSite, type Finished, gatewatch, startCliSite } from '../../support/cli-site.ts';

let lab: CliSite;
beforeAll(async () => {
  lab = await startCliSite();
});
afterAll(() => lab[Symbol.asyncDispose]());

/** What a person types who has no configuration. */
function adHoc(hosts: readonly string[], more: readonly string[] = []): Promise<Finished> {
  return gatewatch(
    [
      'check',
      ...hosts.map(lab.service),
      '--origin',
      `127.0.0.1:${lab.fact('ORIGIN_PORT')}`,
      '--gate',
      lab.service('auth.casa.test'),
      '--resolver',
      `127.0.0.1:${lab.fact('DNS_PORT')}`,
      '--ca',
      lab.fact('CA_FILE'),
      '--private',
      ...more,
    ],
    { cwd: lab.folder },
  );
}

interface Json {
  readonly blamed: { readonly id: string } | null;
  readonly checks: readonly {
    readonly check: string;
    readonly verdict: string;
    readonly status: number | null;
  }[];
}

async function withFault<T>(fault: string | null, run: () => Promise<T>): Promise<T> {
  if (fault === null) return run();
  lab.site.set(fault, true);
  await lab.site.settled();
  try {
    return await run();
  } finally {
    lab.site.set(fault, false);
    await lab.site.settled();
  }
}

describe('without a configuration', () => {
  const hosts = ['photos.casa.test', 'wiki.lab.test'];
  const cases: [fault: string | null, code: number, blamed: RegExp | null][] = [
    [null, 0, null],
    ['session-store-full', 1, /^gate-sessions:gate$/],
    ['gate-down', 1, /^gate:gate$/],
    ['idp-down', 1, /^idp:auth\.casa\.test/],
    ['cdn-tunnel-dead', 1, /^cdn:cdn$/],
    ['origin-unreachable', 1, /^origin:origin$/],
    ['no-route', 1, /^target:wiki\.lab\.test/],
    ['certificate-expired', 1, /^certificate:.*@origin$/],
  ];

  test.each(cases)('with the fault %s it ends with %i and blames %s', async (fault, code, blamed) => {
    const { stdout, ...rest } = await withFault(fault, () => adHoc(hosts, ['--json']));
    const json = JSON.parse(stdout) as Json;
    expect({ code: rest.code, stderr: rest.stderr }).toEqual({ code, stderr: '' });
    if (blamed === null) expect(json.blamed).toBeNull();
    else expect(json.blamed?.id).toMatch(blamed);
    expect(json.checks.length).toBeGreaterThanOrEqual(8);
  });

  test('shows both paths side by side, a paragraph, and nothing of the state or of cookies', async () => {
    const { code, stdout } = await withFault('session-store-full', () => adHoc(hosts));
    expect(code).toBe(1);
    for (const text of [
      'fresh cdn',
      'fresh origin',
      'DNS',
      'TCP',
      'TLS',
      'first byte',
      'status',
      'redirects to',
    ])
      expect(stdout).toContain(text);
    expect(stdout).toMatch(/To blame: gate-sessions:gate\./);
    expect(stdout).toMatch(/Acquitted: .*cdn:cdn/s);
    expect(stdout).not.toMatch(/\u001b|state=|authentik_proxy_[^ ]*=|code=/);
  });

  test('accuses neither of the healthy paths when all is well', async () => {
    const { stdout } = await adHoc(hosts);
    expect(stdout).toContain('Everything answers as it should');
    expect(stdout).not.toMatch(/To blame/);
  });
});

describe('with a configuration', () => {
  test('probes its targets, or those that are named', async () => {
    await lab.write();
    const all = await gatewatch(['check', '--json'], { cwd: lab.folder });
    expect({ code: all.code, stderr: all.stderr }).toEqual({ code: 0, stderr: '' });
    expect(targetsOf(all.stdout)).toEqual(['blog.casa.test', 'grafana.lab.test', 'photos.casa.test']);
    const one = await gatewatch(['check', lab.service('grafana.lab.test'), '--json'], { cwd: lab.folder });
    expect(targetsOf(one.stdout)).toEqual(['grafana.lab.test']);
  });

  test('says what it cannot do', async () => {
    const file = await lab.write();
    const cases: [args: string[], says: RegExp][] = [
      [['check', 'https://nobody.casa.test'], /nobody\.casa\.test is no target of the configuration/],
      [['check', '--config', file, '--origin', '127.0.0.1:1'], /--config stands alone/],
      [['check', '--gate', 'https://auth.casa.test'], /no URL/],
      [['check', '--bogus'], /Unknown option '--bogus'/],
      [['check', 'not a url', '--gate', 'https://auth.casa.test'], /not a url|URL/],
      [['check', '--config', 'missing.yaml'], /missing\.yaml:1:1: cannot be read/],
    ];
    for (const [args, says] of cases) {
      const { code, stderr } = await gatewatch(args, { cwd: lab.folder });
      expect({ args, code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(says) });
    }
  });
});

/** Hosts of the visits, sorted; canaries are left out. */
function targetsOf(stdout: string): string[] {
  const visits = (JSON.parse(stdout) as Json).checks.filter(({ check }) => !check.startsWith('canary:'));
  return [...new Set(visits.map(({ check }) => check.split(':')[2] ?? ''))].sort();
}
