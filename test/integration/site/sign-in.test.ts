// Signing in on the laboratory site, behind real Caddy and nginx: a login over HTTP with a one-time code, the session
// it leaves for all other hosts, API credentials, and what a full or a lost store does to each.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Check, Visit } from '../../../src/model/check.ts';
import type { ProbeResult } from '../../../src/model/result.ts';
import { createProbing, probeOnce } from '../../../src/pipeline.ts';
import { createCodes } from '../../../src/probe/one-time-code.ts';
import { createSignedIn } from '../../../src/probe/signed-in.ts';
import { createKeptSessions } from '../../../src/schedule/kept-sessions.ts';
import { plan } from '../../../src/schedule/plan.ts';
import { LOGIN_HOST, type OutageSite, startOutageSite } from '../../support/outage-site.ts';

const NOTHING_KNOWN = { get: () => null };
const signal = new AbortController().signal;

/** Visits of a monitor whose account is written so; its one-time codes go on over all monitors of a site. */
function monitor(
  site: OutageSite,
  credential: Readonly<Record<string, unknown>>,
  steps: Map<string, number>,
) {
  const { config } = loadConfig(
    {
      name: 'test',
      text: JSON.stringify({
        gates: [{ name: 'authentik', url: site.loginUrl, paths: ['cdn'] }],
        paths: [
          { name: 'cdn', kind: 'cdn', resolver: site.resolver, private: true, proof: { header: 'cf-ray' } },
          { name: 'origin', kind: 'origin', address: site.originAddress, proof: { absent: 'cf-ray' } },
        ],
        targets: site.protectedUrls,
        control: [site.controlUrl],
        accounts: [{ name: 'monitor', ...credential }],
        tls: { ca: [site.ca.pem] },
      }),
    },
    {},
  );
  const signedIn = createSignedIn(systemClock);
  const codes = createCodes({
    clock: systemClock,
    lastStep: (name) => steps.get(name) ?? -1,
    spend: async (name, step) => void steps.set(name, step),
  });
  const stall = { during: () => null, [Symbol.dispose]: () => {} };
  const { stages } = createProbing(config, {
    ...{ clock: systemClock, stall, knowledge: NOTHING_KNOWN, jars: null, signedIn, codes },
  });
  const wanted: string[] = [];
  const kept = createKeptSessions({
    clock: systemClock,
    signedIn,
    ended: (_account, outcome) => void wanted.push(`login ${outcome}`),
    renew: ({ name }) => void wanted.push(`renew ${name}`),
    save: () => {},
  });
  const checks = plan({ ...config, knowledge: NOTHING_KNOWN });
  return {
    wanted,
    idle: (visit: Visit, host: string, path = 'cdn') => kept.idle(find(checks, visit, host, path)),
    isPaid: (visit: Visit, host: string, path = 'cdn') => kept.isPaid(find(checks, visit, host, path)),
    async visit(visit: Visit, host: string, path = 'cdn'): Promise<ProbeResult> {
      const result = await probeOnce(find(checks, visit, host, path), { extra: false }, stages, signal);
      kept.settle(result, (check) => void wanted.push(`want ${check.split(':')[0]}`));
      return result;
    },
  };
}

function find(checks: ReturnType<typeof plan>, visit: Visit, host: string, path: string): Check {
  const found = checks.find(
    (one) =>
      one.kind === 'visit' && one.visit === visit && one.target.host === host && one.path.name === path,
  );
  if (found?.kind !== 'visit') throw new Error(`no ${visit} visit of ${host} over ${path}`);
  return found;
}

const said = ({ judgement }: ProbeResult): string =>
  `${judgement.verdict} ${judgement.signature ?? ''}${judgement.verdict === 'up' ? '' : `: ${judgement.reason}`}`;

describe.each(['caddy', 'nginx'] as const)('behind %s', (origin) => {
  let site: OutageSite;
  let visitor: ReturnType<typeof monitor>;
  const steps = new Map<string, number>();
  beforeAll(async () => {
    site = await startOutageSite({ origin });
  });
  afterAll(() => site?.[Symbol.asyncDispose]());
  const password = (): Readonly<Record<string, unknown>> => ({
    username: site.user.username,
    password: site.user.password,
    totp: site.user.totp ?? '',
  });

  test('a login ends at the app, and its session opens every host on every path', async () => {
    visitor = monitor(site, password(), steps);
    expect(visitor.idle('session', 'grafana.haus.test')).toBe('no session yet');
    const login = await visitor.visit('login', 'grafana.haus.test', 'origin');
    expect([said(login), login.observation.flow?.steps.filter(({ failed }) => failed !== null)]).toEqual([
      'up ',
      [],
    ]);
    expect(Math.abs(login.observation.flow?.clockSkewMs ?? Number.NaN)).toBeLessThan(5_000);
    // The gate has a session of its own for each host: this one is open, the next one is opened without a password.
    const before = site.sessions.size;
    expect(visitor.isPaid('session', 'grafana.haus.test')).toBe(false);
    expect(said(await visitor.visit('session', 'grafana.haus.test'))).toBe('up ');
    expect(site.sessions.size).toBe(before);
    expect(visitor.isPaid('session', 'wiki.haus.test')).toBe(true);
    const entered = await visitor.visit('session', 'wiki.haus.test', 'origin');
    expect([said(entered), entered.observation.flow?.secretsSent]).toEqual(['up ', false]);
    expect(visitor.isPaid('session', 'wiki.haus.test')).toBe(false);
    expect((await visitor.visit('session', 'wiki.haus.test')).observation.exchanges).toHaveLength(1);
    expect(site.sessions.size).toBe(before + 1);
    expect(visitor.wanted).toEqual(['login accepted']);
    // Each path was the one that was asked for.
    expect(
      login.observation.exchanges
        .map(({ url, remote }) => [new URL(url).hostname === LOGIN_HOST, remote?.address === '127.0.0.2'])
        .filter(([idp, straight]) => idp === straight),
    ).toEqual([]);
  });

  test('a full store stops logins, and no session that is there', async () => {
    await site.levers.sessionStoreFull(true);
    try {
      expect(said(await visitor.visit('session', 'grafana.haus.test'))).toBe('up ');
      expect(said(await visitor.visit('login', 'notes.haus.test'))).toMatch(/^down gate-no-session/);
      expect(visitor.wanted.at(-1)).toBe('login untouched');
    } finally {
      await site.levers.sessionStoreFull(false);
    }
  });

  test('a wrong password is one refusal, and leaves no session', async () => {
    const wrong = monitor(site, { ...password(), password: 'geheim-wrong' }, steps);
    const refused = await wrong.visit('login', 'git.haus.test');
    expect(said(refused)).toBe('down login-denied: the user name or the password is refused');
    expect([wrong.wanted, wrong.idle('session', 'git.haus.test')]).toEqual([
      ['login refused'],
      'no session yet',
    ]);
  });

  test('an identity provider that is down is its own fault', async () => {
    await site.levers.identityProviderDown(true);
    try {
      const down = await visitor.visit('login', 'recipes.haus.test');
      expect([down.judgement.signature, down.judgement.pointsAt[0]]).toEqual(['idp-down', 'idp']);
      expect(visitor.wanted.at(-1)).toBe('login untouched');
    } finally {
      await site.levers.identityProviderDown(false);
    }
  });

  test('an application password is let in, and one that is wrong is refused', async () => {
    const { username, appPassword } = site.user;
    const machine = monitor(site, { basic: { username, password: appPassword } }, steps);
    expect(said(await machine.visit('session', 'papers.haus.test'))).toBe('up ');
    const wrong = monitor(site, { basic: { username, password: 'geheim-wrong' } }, steps);
    expect(said(await wrong.visit('session', 'papers.haus.test', 'origin'))).toMatch(/^down login-denied/);
  });

  test('a client gets a token of the provider, and in with it', async () => {
    const { username, appPassword } = site.user;
    const host = 'recipes.haus.test';
    const id = (await visitor.visit('fresh', host)).judgement.handover?.client;
    const secret = Buffer.from(`${username}:${appPassword}`).toString('base64');
    const machine = monitor(site, { client: { id, secret } }, steps);
    const first = await machine.visit('session', host);
    expect([said(first), first.observation.exchanges.length]).toEqual(['up ', 2]);
    expect((await machine.visit('session', host, 'origin')).observation.exchanges).toHaveLength(1);
    const wrong = monitor(site, { client: { id, secret: 'geheim-wrong' } }, steps);
    expect(said(await wrong.visit('session', host))).toMatch(
      /^down login-denied: the client of the account is refused/,
    );
  });
});
