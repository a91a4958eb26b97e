// The site with a certified OpenID provider: hands strangers over, logs people in by its forms, and lets nobody else in.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type OidcSite, startOidcSite } from '../../support/oidc-site.ts';
import { type Page, type Person, person } from '../../support/person.ts';
import { visit } from '../../support/stranger.ts';

let site: OidcSite;
beforeAll(async () => {
  site = await startOidcSite();
});
afterAll(() => site?.[Symbol.asyncDispose]());
beforeEach(() => site.askConsent(false));

function somebody(): Person {
  return person({
    login: new URL(site.loginUrl).hostname,
    user: { ...site.user, totp: null },
    knock: (hostAndPathname, more) => {
      const [host = '', ...rest] = hostAndPathname.split('/');
      const options = { address: site.address, ca: site.ca.pem, ...more };
      return visit(`https://${host}:${site.port}/${rest.join('/')}`, options);
    },
  });
}

/** Follows redirects to the first page. */
async function browse(who: Person, address: string): Promise<{ page: Page; url: string }> {
  let url = address;
  let page = await who.go(url);
  for (let hops = 0; hops < 10 && page.status! >= 300 && page.status! < 400; hops++) {
    url = new URL(String(page.headers['location']), url).href;
    page = await who.go(url);
  }
  return { page, url };
}

async function submit(
  who: Person,
  url: string,
  form: Record<string, string>,
): Promise<{ page: Page; url: string }> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const page = await who.go(url, { method: 'POST', headers, body: new URLSearchParams(form).toString() });
  const location = page.headers['location'];
  return location === undefined ? { page, url } : browse(who, new URL(String(location), url).href);
}

describe('the site with an independent provider', () => {
  it('hands a stranger over to the provider, who knows the client', async () => {
    const page = await somebody().go(`${site.appUrl}/notes`);
    const location = new URL(String(page.headers['location']));
    expect([page.status, location.origin, location.searchParams.get('client_id')]).toEqual([
      302,
      site.loginUrl,
      'gate',
    ]);
    expect(location.searchParams.get('redirect_uri')).toBe(`${site.appUrl}/oauth/callback`);
  });

  it('logs in by name and password, and comes back to the page that was asked for', async () => {
    const who = somebody();
    const form = await browse(who, `${site.appUrl}/notes?x=1`);
    expect(form.page.body).toContain('name="password"');
    const wrong = await submit(who, form.url, { ...site.user, password: 'wrong' });
    expect([wrong.page.status, wrong.page.body.includes('role="alert"')]).toEqual([200, true]);
    const end = await submit(who, form.url, site.user);
    expect(end.page.body).toContain(site.greeting);
    expect(end.url).toBe(`${site.appUrl}/notes?x=1`);
    expect((await who.go(site.appUrl)).body).toContain(site.greeting);
    expect((await somebody().go(site.appUrl)).status).toBe(302);
  });

  it('asks for consent where it is told to', async () => {
    site.askConsent(true);
    const who = somebody();
    const form = await browse(who, `${site.appUrl}/`);
    const consent = await submit(who, form.url, site.user);
    expect(consent.page.body).toContain('May the application know who you are?');
    expect((await submit(who, consent.url, {})).page.body).toContain(site.greeting);
  });

  it('turns a way back of somebody else away', async () => {
    const page = await somebody().go(`${site.appUrl}/oauth/callback?code=x&state=y`);
    expect(page.status).toBe(400);
  });
});
