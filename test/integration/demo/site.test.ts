// The demo site as its visitors see it: healthy, with each of its faults, and healthy again.

import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { systemClock } from '../../../src/base/clock.ts';
import { FAULTS } from '../../../src/demo/faults.ts';
import { PROTECTED } from '../../../src/demo/services.ts';
import { type Site, startSite } from '../../../src/demo/site.ts';
import { type Person, person } from '../../support/person.ts';
import { anySite, doorOf, flip, locationOf, type Path, portOf, type Seen, visit } from './visitor.ts';

let site: Site;
beforeAll(async () => {
  site = await anySite();
});
afterAll(() => site[Symbol.asyncDispose]());

/** What a visitor gets, in one line: status or error, and who is marked as having answered. */
async function shown(path: Path, hostAndPathname: string): Promise<string> {
  const seen = await visit(site, path, hostAndPathname);
  if (seen.status === null) return seen.error ?? 'nothing';
  const location = seen.headers['location'];
  const isLogin = typeof location === 'string' && location.includes('/application/o/authorize/');
  return `${seen.status}${isLogin ? ' login' : ''}${seen.body === '' ? ' empty' : ''}`;
}

function fetchOutside(): Promise<string> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port: portOf(site, 'OUTSIDE_PORT'), agent: false }, (answer) => {
      answer.resume();
      resolve(String(answer.statusCode));
    }).on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  });
}

function resolver(): Resolver {
  const asked = new Resolver({ timeout: 300, tries: 1 });
  asked.setServers([`127.0.0.1:${portOf(site, 'DNS_PORT')}`]);
  return asked;
}

describe('healthy', () => {
  test('has 34 services behind the login in two zones, each handing strangers over on both paths', async () => {
    expect(PROTECTED).toHaveLength(34);
    for (const path of ['edge', 'origin'] as const) {
      for (const host of PROTECTED) expect(`${host} ${await shown(path, host)}`).toBe(`${host} 302 login`);
    }
  });

  const answers: [string, string][] = [
    ['blog.casa.test', '200'],
    ['hooks.lab.test/deploy', '405'],
    ['api.lab.test', '401'],
    ['auth.casa.test/-/health/ready/', '200 empty'],
    ['auth.casa.test/-/health/live/', '200 empty'],
    ['grafana.lab.test/outpost.goauthentik.io/ping', '204 empty'],
    ['nobody.lab.test', '404'],
  ];
  test.each(answers)('%s answers %s on both paths', async (address, answer) => {
    expect(await shown('edge', address)).toBe(answer);
    expect(await shown('origin', address)).toBe(answer);
  });

  test('marks what comes through the CDN, and nothing else', async () => {
    const [edge, origin] = [
      await visit(site, 'edge', 'blog.casa.test'),
      await visit(site, 'origin', 'blog.casa.test'),
    ];
    expect(edge.headers).toMatchObject({ server: 'cloudflare', 'cf-cache-status': 'DYNAMIC' });
    expect(edge.headers['cf-ray']).toMatch(/^[0-9a-f]{16}-FRA$/);
    expect(Object.keys(origin.headers).filter((name) => name === 'server' || name.startsWith('cf-'))).toEqual(
      [],
    );
  });

  test('answers the trace page of the CDN at the edge alone', async () => {
    const trace = await visit(site, 'edge', 'blog.casa.test/cdn-cgi/trace');
    expect(trace.status).toBe(200);
    expect(trace.body).toContain(`h=blog.casa.test:${portOf(site, 'EDGE_PORT')}\n`);
    expect(await shown('edge', 'elsewhere.example')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('resolves every name of its zones to loopback, and no other', async () => {
    expect(await resolver().resolve4('grafana.lab.test')).toEqual(['127.0.0.1']);
    expect(await resolver().resolve4('x7f3.casa.test')).toEqual(['127.0.0.1']);
    expect(await resolver().resolveSoa('lab.test')).toMatchObject({ nsname: expect.any(String) });
    await expect(resolver().resolve4('www.example.com')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  test('counts what was asked of whom', async () => {
    const before = site.counters().requests;
    await visit(site, 'edge', 'music.casa.test');
    const after = site.counters().requests;
    const grown = Object.keys(after).filter((part) => after[part]! > before[part]!);
    expect(grown).toEqual(['edge', 'origin', 'gate']);
  });
});

/** Somebody who logged in once and has applications open since; asks for what a session is lost for again. */
let user: Person | null = null;
async function shownToUser(host: string): Promise<string> {
  if (user === null) {
    user = person(doorOf(site));
    await user.logIn(host);
  }
  const before = await user.go(host);
  if (before.status !== 302) return String(before.status);
  // A cookie of a lost session is deleted by that answer; the next one begins a session that can become the user's.
  const handOver = locationOf(await user.go(host));
  await user.go(locationOf(await user.go(handOver.href)).href);
  return `login, then ${(await user.go(host)).status}`;
}

/** Faults and what is seen while they are on: `[path, or user, address, answer]`. */
const SIGHTS: Record<(typeof FAULTS)[number]['id'], [Path | 'user', string, string][]> = {
  'session-store-full': [
    ['edge', 'grafana.lab.test', '400 empty'],
    ['origin', 'photos.casa.test', '400 empty'],
    ['origin', 'photos.casa.test/outpost.goauthentik.io/ping', '204 empty'],
    ['edge', 'blog.casa.test', '200'],
  ],
  'gate-down': [
    ['edge', 'grafana.lab.test', '500 empty'],
    ['origin', 'photos.casa.test', '500 empty'],
    ['origin', 'photos.casa.test/outpost.goauthentik.io/ping', '502'],
    ['origin', 'auth.casa.test/-/health/ready/', '200 empty'],
    ['edge', 'blog.casa.test', '200'],
  ],
  'idp-down': [
    ['edge', 'grafana.lab.test', '302 login'],
    ['edge', 'auth.casa.test/-/health/ready/', '502'],
    ['origin', 'auth.casa.test/if/flow/default-authentication-flow/', '502'],
  ],
  'login-page-blank': [
    ['edge', 'grafana.lab.test', '302 login'],
    ['edge', 'auth.casa.test/-/health/ready/', '200 empty'],
    ['edge', 'auth.casa.test/if/flow/default-authentication-flow/', '200'],
    ['edge', 'auth.casa.test/static/dist/authentik.css', '429'],
    ['origin', 'auth.casa.test/static/dist/flow/FlowInterface-2025.12.4.js', '429'],
  ],
  'app-broken': [
    ['user', 'git.lab.test', '502'],
    ['user', 'ci.lab.test', '200'],
    ['edge', 'git.lab.test', '302 login'],
    ['origin', 'git.lab.test', '302 login'],
  ],
  'gate-restarted': [['user', 'git.lab.test', 'login, then 200']],
  'cdn-tunnel-dead': [
    ['edge', 'grafana.lab.test', '530'],
    ['edge', 'blog.casa.test', '530'],
    ['edge', 'blog.casa.test/cdn-cgi/trace', '200'],
    ['origin', 'grafana.lab.test', '302 login'],
  ],
  'origin-unreachable': [
    ['edge', 'grafana.lab.test', '521'],
    ['origin', 'grafana.lab.test', 'ECONNREFUSED'],
    ['edge', 'blog.casa.test/cdn-cgi/trace', '200'],
  ],
  'service-down': [
    ['edge', 'blog.casa.test', '502'],
    ['origin', 'blog.casa.test', '502'],
    ['origin', 'api.lab.test', '401'],
  ],
  'service-exposed': [
    ['edge', 'papers.casa.test', '200'],
    ['origin', 'papers.casa.test', '200'],
    ['origin', 'photos.casa.test', '302 login'],
  ],
  'public-walled-off': [
    ['edge', 'hooks.lab.test/deploy', '302 login'],
    ['origin', 'hooks.lab.test/deploy', '302 login'],
    ['origin', 'api.lab.test', '401'],
  ],
  'challenge-page': [
    ['edge', 'grafana.lab.test', '200'],
    ['edge', 'blog.casa.test', '200'],
    ['origin', 'grafana.lab.test', '302 login'],
  ],
  'no-route': [
    ['edge', 'wiki.lab.test', '200'],
    ['origin', 'wiki.lab.test', '200'],
    ['origin', 'nobody.lab.test', '200'],
    ['origin', 'grafana.lab.test', '302 login'],
  ],
  'certificate-expired': [
    ['edge', 'grafana.lab.test', '526'],
    ['origin', 'grafana.lab.test', 'CERT_HAS_EXPIRED'],
    ['edge', 'photos.casa.test', '302 login'],
    ['origin', 'photos.casa.test', '302 login'],
  ],
  'prober-banned': [
    ['edge', 'grafana.lab.test', '403'],
    ['edge', 'blog.casa.test', '403'],
    ['origin', 'grafana.lab.test', '429'],
  ],
  'uplink-gone': [
    ['edge', 'grafana.lab.test', 'ECONNREFUSED'],
    ['origin', 'grafana.lab.test', 'ECONNREFUSED'],
  ],
};

describe('faults', () => {
  test.each(FAULTS.map((fault) => [fault.id]))(
    '%s is seen while it is on, and not before or after',
    async (id) => {
      const sights = SIGHTS[id];
      const look = async (): Promise<string[]> => {
        const lines: string[] = [];
        for (const [path, address] of sights) {
          const seen = await (path === 'user' ? shownToUser(address) : shown(path, address));
          lines.push(`${path} ${address} ${seen}`);
        }
        return lines;
      };
      // The first look opens the applications that the user looks at.
      if (sights.some(([path]) => path === 'user')) await look();
      const healthy = await look();
      await flip(site, id, true);
      expect(
        site
          .faults()
          .filter((fault) => fault.on)
          .map((fault) => fault.id),
      ).toEqual([id]);
      const faulty = await look();
      await flip(site, id, false);
      expect(faulty).toEqual(sights.map(([path, address, answer]) => `${path} ${address} ${answer}`));
      expect(faulty).not.toEqual(healthy);
      expect(await look()).toEqual(healthy);
    },
  );

  test('each has a title and one sentence', () => {
    for (const fault of site.faults()) {
      expect(fault.title).toMatch(/^[A-Z].+[^.]$/);
      expect(fault.description).toMatch(/^.+\.$/);
    }
  });

  test('refuses the name of a fault that does not exist', () => {
    expect(() => site.set('moon-fell-down', true)).toThrow('no fault has this name');
  });

  test('two faults at once are both seen, and one goes without the other', async () => {
    await flip(site, 'service-exposed', true);
    await flip(site, 'idp-down', true);
    await flip(site, 'service-exposed', false);
    expect(await shown('origin', 'papers.casa.test')).toBe('302 login');
    expect(await shown('origin', 'auth.casa.test/-/health/live/')).toBe('502');
    await flip(site, 'idp-down', false);
  });

  test('a fault that is switched to and fro in one go ends as it was asked last', async () => {
    for (const on of [true, false, true, false, true]) site.set('gate-down', on);
    await site.settled();
    expect(await shown('origin', 'photos.casa.test')).toBe('500 empty');
    site.set('gate-down', true);
    await flip(site, 'gate-down', false);
    expect(await shown('origin', 'photos.casa.test')).toBe('302 login');
  });

  test('without the uplink the outside and the resolver are gone too', async () => {
    expect(await fetchOutside()).toBe('200');
    await flip(site, 'uplink-gone', true);
    expect(await fetchOutside()).toBe('ECONNREFUSED');
    await expect(resolver().resolve4('grafana.lab.test')).rejects.toMatchObject({ code: 'ETIMEOUT' });
    await flip(site, 'uplink-gone', false);
    expect(await fetchOutside()).toBe('200');
    expect(await resolver().resolve4('grafana.lab.test')).toEqual(['127.0.0.1']);
  });

  test('the CDN hides the words of an origin that answers 502', async () => {
    await flip(site, 'service-down', true);
    const edge = await visit(site, 'edge', 'blog.casa.test');
    const origin = await visit(site, 'origin', 'blog.casa.test');
    await flip(site, 'service-down', false);
    expect(edge.body).toContain('cf-error-details');
    expect([origin.body, origin.headers['content-type']]).toEqual([
      'Bad Gateway',
      'text/plain; charset=utf-8',
    ]);
  });

  const marks: [string, Path, string, (seen: Seen) => void][] = [
    ['cdn-tunnel-dead', 'edge', 'blog.casa.test', (seen) => expect(seen.body).toContain('>1033<')],
    ['prober-banned', 'edge', 'blog.casa.test', (seen) => expect(seen.body).toContain('>1006<')],
    ['prober-banned', 'origin', 'blog.casa.test', (seen) => expect(seen.headers['retry-after']).toBe('3600')],
    [
      'challenge-page',
      'edge',
      'blog.casa.test',
      (seen) => expect(seen.body).toContain('/cdn-cgi/challenge-platform/'),
    ],
    ['no-route', 'origin', 'wiki.lab.test', (seen) => expect(seen.body).toContain('404 page not found')],
    [
      'service-exposed',
      'origin',
      'papers.casa.test',
      (seen) => expect(seen.body).toContain('<title>Papers</title>'),
    ],
  ];
  test.each(marks)('%s is recognised on path %s by its mark', async (id, path, address, check) => {
    await flip(site, id, true);
    const seen = await visit(site, path, address);
    await flip(site, id, false);
    check(seen);
  });

  test('a visitor who wants no HTML gets the sixteen bytes of the CDN', async () => {
    await flip(site, 'cdn-tunnel-dead', true);
    const seen = await visit(site, 'edge', 'blog.casa.test', { accept: '*/*' });
    await flip(site, 'cdn-tunnel-dead', false);
    expect([seen.status, seen.body]).toEqual([530, 'error code: 1033']);
  });
});

test('takes free ports when its own are busy, and frees them at the end', async () => {
  const ports = {
    edge: portOf(site, 'EDGE_PORT'),
    origin: portOf(site, 'ORIGIN_PORT'),
    dns: portOf(site, 'DNS_PORT'),
  };
  const other = await startSite({ clock: systemClock, ports });
  expect(portOf(other, 'EDGE_PORT')).not.toBe(ports.edge);
  expect(portOf(other, 'DNS_PORT')).not.toBe(ports.dns);
  expect((await visit(other, 'edge', 'grafana.lab.test')).status).toBe(302);
  expect(locationOf(await visit(other, 'edge', 'grafana.lab.test')).port).toBe(
    String(portOf(other, 'EDGE_PORT')),
  );
  await other[Symbol.asyncDispose]();
  expect((await visit(other, 'edge', 'grafana.lab.test')).error).toBe('ECONNREFUSED');
  await expect(readFile(other.environment['GATEWATCH_DEMO_CA_FILE']!)).rejects.toMatchObject({
    code: 'ENOENT',
  });
});

test('config/demo.yaml names every service once, and only variables that the site sets', async () => {
  const text = await readFile(new URL('../../../config/demo.yaml', import.meta.url), 'utf8');
  const wanted = new Set([...text.matchAll(/\$\{env:(\w+)\}/g)].map(([, name]) => name));
  expect(Object.keys(site.environment)).toEqual(expect.arrayContaining([...wanted]));
  const filled = text.replace(/\$\{env:(\w+)\}/g, (_, name: string) => site.environment[name]!);
  const config = parse(filled) as { targets: (string | { url: string })[] };
  const hosts = config.targets.map(
    (target) => new URL(typeof target === 'string' ? target : target.url).hostname,
  );
  expect(hosts.slice(3)).toEqual(PROTECTED);
  expect(hosts.slice(0, 3).sort()).toEqual(['api.lab.test', 'blog.casa.test', 'hooks.lab.test']);
});
