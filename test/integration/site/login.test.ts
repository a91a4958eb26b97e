// Logging in through the real proxies: what the gate lets in reaches the application, over the edge and at the origin.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EDGE_ADDRESS, ORIGIN_ADDRESS, type OutageSite, startOutageSite } from '../../support/outage-site.ts';
import { codeOf, type Person, person } from '../../support/person.ts';
import { visit } from '../../support/stranger.ts';

let site: OutageSite;

function somebody(address: string = EDGE_ADDRESS): Person {
  const door = { address: `${address}:${site.port}`, ca: site.ca.pem };
  return person({
    login: new URL(site.loginUrl).hostname,
    user: site.user,
    knock: (hostAndPathname, more) => {
      const slash = hostAndPathname.indexOf('/');
      const host = `${hostAndPathname.slice(0, slash)}:${site.port}`;
      return visit(`https://${host}${hostAndPathname.slice(slash)}`, { ...door, ...more });
    },
  });
}

describe.each(['caddy', 'nginx'] as const)('behind %s', (origin) => {
  beforeAll(async () => {
    site = await startOutageSite({ origin });
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  it.each([EDGE_ADDRESS, ORIGIN_ADDRESS])('a user logs in at %s and reaches the application', async (at) => {
    site.levers.login({ totp: at === EDGE_ADDRESS });
    const who = somebody(at);
    const seen = await who.logIn('grafana.haus.test/d/abc', { code: codeOf(site.user) });
    expect(seen.status).toBe(200);
    expect(seen.body).toContain('Welcome to grafana');
    expect(seen.body).toContain('Signed in as gatewatch.');
  });

  it('a session is good until the gate forgets it; a broken application is seen by users alone', async () => {
    site.levers.login({ totp: false });
    const who = somebody();
    await who.logIn('wiki.haus.test/');
    site.levers.appBroken('wiki.haus.test', true);
    expect((await who.go('wiki.haus.test/')).status).toBe(502);
    expect((await somebody().go('wiki.haus.test/')).status).toBe(302);
    site.levers.appBroken('wiki.haus.test', false);
    expect((await who.go('wiki.haus.test/')).status).toBe(200);
    site.levers.sessionsLost();
    expect((await who.go('wiki.haus.test/')).status).toBe(302);
  });
});
