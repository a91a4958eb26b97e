// Every lever of the laboratory site makes the fault its name says, for a stranger at the edge and at the origin,
// and heals it. Without this a system test could be green because its fault never was there.

import { Resolver } from 'node:dns/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  CARVED,
  EDGE_ADDRESS,
  LOGIN_HOST,
  ORIGIN_ADDRESS,
  type OutageSite,
  PROTECTED_HOSTS,
  startOutageSite,
} from '../../support/outage-site.ts';
import { CHALLENGE_PAGE } from '../../support/site-edge.ts';
import type { Levers } from '../../support/site-levers.ts';
import { CATCH_ALL_PAGE } from '../../support/site-origin.ts';
import { type Answer, visit } from '../../support/stranger.ts';

let site: OutageSite;
beforeAll(async () => {
  site = await startOutageSite({ origin: 'caddy' });
});
afterAll(() => site?.[Symbol.asyncDispose]());

const [FIRST = '', SECOND = ''] = PROTECTED_HOSTS;
const HOOK = `${CARVED.host}${CARVED.pathname}`;
const PROBER = { 'user-agent': 'gatewatch/0.1.0 (+https://example.com)' };

async function ask(
  at: 'edge' | 'origin',
  what: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const [host = '', ...rest] = what.split('/');
  const address = `${at === 'edge' ? EDGE_ADDRESS : ORIGIN_ADDRESS}:${site.port}`;
  return visit(`https://${host}:${site.port}/${rest.join('/')}`, { address, ca: site.ca.pem, headers });
}

/** In a word or two what a stranger meets. */
async function meets(
  at: 'edge' | 'origin',
  what: string,
  headers: Record<string, string> = {},
): Promise<string> {
  try {
    return describeAnswer(await ask(at, what, headers));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function describeAnswer({ status, headers, body }: Answer): string {
  const location = headers['location'] ?? '';
  if (location.startsWith(`${site.loginUrl}/application/o/authorize/`)) return 'login';
  if (body === CATCH_ALL_PAGE) return `${status} catch-all`;
  if (body === CHALLENGE_PAGE) return `${status} challenge`;
  if (body.includes('Welcome to')) return `${status} app`;
  if (body.includes('<ak-flow-executor')) return `${status} login page`;
  if (body.includes('cf-error-details')) return `${status} edge`;
  return `${status}${body === '' ? ' empty' : ''}`;
}

type Meeting = readonly ['edge' | 'origin', string, string];

const HEALTHY: readonly Meeting[] = [
  ['edge', FIRST, 'login'],
  ['origin', FIRST, 'login'],
  ['edge', HOOK, '405'],
  ['origin', HOOK, '405'],
  ['edge', 'blog.haus.test', '200 app'],
  ['edge', `${LOGIN_HOST}/if/flow/default-authentication-flow/`, '200 login page'],
  ['edge', `${LOGIN_HOST}/-/health/ready/`, '200 empty'],
  ['edge', 'nobody-knows-me.haus.test', '200 catch-all'],
  ['edge', `${FIRST}/outpost.goauthentik.io/ping`, '204 empty'],
];

const FAULTS: readonly {
  name: string;
  set: (levers: Levers, on: boolean) => Promise<void>;
  meets: readonly Meeting[];
}[] = [
  {
    name: 'session store full',
    set: (levers, on) => levers.sessionStoreFull(on),
    meets: [
      ['edge', FIRST, '400 empty'],
      ['origin', FIRST, '400 empty'],
      ['edge', `${FIRST}/outpost.goauthentik.io/ping`, '204 empty'],
    ],
  },
  {
    name: 'gate down',
    set: (levers, on) => levers.gateDown(on),
    meets: [
      ['edge', FIRST, '502 edge'],
      ['origin', FIRST, '502 empty'],
    ],
  },
  {
    name: 'identity provider down',
    set: (levers, on) => levers.identityProviderDown(on),
    meets: [
      ['edge', FIRST, 'login'],
      ['edge', `${LOGIN_HOST}/if/flow/default-authentication-flow/`, '502 edge'],
      ['origin', `${LOGIN_HOST}/-/health/ready/`, '502 empty'],
    ],
  },
  {
    name: 'CDN dead',
    set: (levers, on) => levers.cdnDead(on),
    meets: [
      ['edge', FIRST, '530 edge'],
      ['edge', `${FIRST}/cdn-cgi/trace`, '200'],
      ['origin', FIRST, 'login'],
    ],
  },
  {
    name: 'origin closed',
    set: (levers, on) => levers.origin(on ? 'closed' : 'open'),
    meets: [
      ['edge', FIRST, '521 edge'],
      ['origin', FIRST, 'ECONNREFUSED'],
    ],
  },
  {
    name: 'carve-out lost',
    set: (levers, on) => levers.carveOutLost(on),
    meets: [
      ['edge', HOOK, 'login'],
      ['origin', HOOK, 'login'],
    ],
  },
  {
    name: 'middleware lost on one router',
    set: (levers, on) => levers.middlewareLost(FIRST, on),
    meets: [
      ['edge', FIRST, '200 app'],
      ['origin', FIRST, '200 app'],
      ['edge', SECOND, 'login'],
    ],
  },
  {
    name: 'route lost',
    set: (levers, on) => levers.routeLost(FIRST, on),
    meets: [
      ['edge', FIRST, '200 catch-all'],
      ['origin', FIRST, '200 catch-all'],
      ['edge', SECOND, 'login'],
    ],
  },
  {
    name: 'challenge on one host',
    set: (levers, on) => levers.challenge(FIRST, on),
    meets: [
      ['edge', FIRST, '200 challenge'],
      ['origin', FIRST, 'login'],
      ['edge', SECOND, 'login'],
    ],
  },
  {
    name: 'challenge on all hosts',
    set: (levers, on) => levers.challenge('all', on),
    meets: [
      ['edge', SECOND, '200 challenge'],
      ['origin', SECOND, 'login'],
    ],
  },
  {
    name: 'uplink gone',
    set: (levers, on) => levers.uplinkGone(on),
    meets: [
      ['edge', FIRST, 'ECONNREFUSED'],
      ['origin', FIRST, 'ECONNREFUSED'],
    ],
  },
];

async function expectMeetings(meetings: readonly Meeting[]): Promise<void> {
  const met = await Promise.all(meetings.map(([at, what]) => meets(at, what)));
  expect(meetings.map(([at, what], index) => [at, what, met[index]])).toEqual(meetings);
}

it('is healthy at first', () => expectMeetings(HEALTHY));

it.each(FAULTS)('$name', async (fault) => {
  await fault.set(site.levers, true);
  try {
    await expectMeetings(fault.meets);
  } finally {
    await fault.set(site.levers, false);
  }
  await expectMeetings(HEALTHY);
});

it.each([
  ['firewall', 403],
  ['rate-limit', 429],
] as const)('bans the prober at the edge by %s, and nobody else', async (how, status) => {
  await site.levers.banned(how, true);
  try {
    expect(await meets('edge', FIRST, PROBER)).toBe(`${status} edge`);
    expect(await meets('edge', FIRST)).toBe('login');
    expect(await meets('origin', FIRST, PROBER)).toBe('login');
  } finally {
    await site.levers.banned(how, false);
  }
  expect(await meets('edge', FIRST, PROBER)).toBe('login');
});

it('marks every answer of the edge, and none of the origin', async () => {
  const { headers } = await ask('edge', FIRST);
  expect(headers['cf-ray']).toMatch(/^[0-9a-f]{16}-FRA$/);
  expect(headers['server']).toBe('nginx, cloudflare');
  expect(headers['cf-cache-status']).toBe('DYNAMIC');
  expect((await ask('edge', `${FIRST}/cdn-cgi/trace`)).headers['cf-cache-status']).toBeUndefined();
  expect((await ask('origin', FIRST)).headers['cf-ray']).toBeUndefined();
});

it('resolves the public names to the origin under split horizon', async () => {
  const resolver = new Resolver();
  resolver.setServers([site.resolver]);
  expect(await resolver.resolve4(FIRST)).toEqual([EDGE_ADDRESS]);
  await site.levers.splitHorizon(true);
  try {
    expect(await resolver.resolve4(FIRST)).toEqual([ORIGIN_ADDRESS]);
  } finally {
    await site.levers.splitHorizon(false);
  }
});

it('answers 522 at the edge while the origin is silent', async () => {
  await site.levers.origin('silent');
  try {
    expect(await meets('edge', FIRST)).toBe('522 edge');
  } finally {
    await site.levers.origin('open');
  }
});

it('fails once and no more when a glitch is asked for', async () => {
  site.levers.glitch('edge');
  expect(await meets('edge', FIRST)).toBe('ECONNRESET');
  expect(await meets('edge', FIRST)).toBe('login');
  site.levers.glitch('application');
  expect(await meets('edge', 'blog.haus.test')).toBe('503');
  expect(await meets('edge', 'blog.haus.test')).toBe('200 app');
});
