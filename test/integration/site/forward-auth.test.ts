// The gate's answers through the real proxies are those of reference/authentik.md 1.1 and 1.5, so that what the
// system tests show about them holds for a real authentik too.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ORIGIN_ADDRESS, type OutageSite, startOutageSite } from '../../support/outage-site.ts';
import { type Answer, visit } from '../../support/stranger.ts';

let site: OutageSite;

function ask(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return visit(url, { address: `${ORIGIN_ADDRESS}:${site.port}`, ca: site.ca.pem, headers });
}

function grafana(): string {
  return site.protectedUrls[0]!;
}

/** A first visit, and the cookie it brought. */
async function cookie(): Promise<string> {
  const start = await ask(`${grafana()}/outpost.goauthentik.io/start`);
  return start.setCookie[0]!.split(';', 1)[0]!;
}

function expectHandOver(answer: Answer, returnTo: string): void {
  expect(answer.status).toBe(302);
  const location = new URL(answer.headers['location']!);
  expect(`${location.origin}${location.pathname}`).toBe(`${site.loginUrl}/application/o/authorize/`);
  expect([...location.searchParams.keys()]).toEqual([
    'client_id',
    'redirect_uri',
    'response_type',
    'scope',
    'state',
  ]);
  const host = new URL(returnTo).origin;
  expect(location.searchParams.get('redirect_uri')).toBe(
    `${host}/outpost.goauthentik.io/callback?X-authentik-auth-callback=true`,
  );
  const payload = location.searchParams.get('state')!.split('.')[1]!;
  expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({ redirect: returnTo });
  expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(answer.body).toBe(`<a href="${location.href.replaceAll('&', '&amp;')}">Found</a>.\n\n`);
}

const GATE_COOKIE =
  /^authentik_proxy_[0-9a-f]{8}=[^;]+; Path=\/; Expires=[^;]+; Max-Age=3601; HttpOnly; Secure; SameSite=Lax$/;

describe('behind Caddy with forward_auth', () => {
  beforeAll(async () => {
    site = await startOutageSite({ origin: 'caddy' });
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  it('hands a stranger over to the login, with a cookie', async () => {
    const answer = await ask(`${grafana()}/`);
    expectHandOver(answer, `${grafana()}/`);
    expect(answer.setCookie).toEqual([expect.stringMatching(GATE_COOKIE)]);
    expect(Object.keys(answer.headers).sort()).toEqual([
      'content-length',
      'content-type',
      'location',
      'server',
    ]);
  });

  it('copies the empty 400 of a full store to a stranger, and hands a kept session over', async () => {
    const kept = await cookie();
    await site.levers.sessionStoreFull(true);
    try {
      const stranger = await ask(`${grafana()}/`);
      expect(stranger).toEqual({
        status: 400,
        headers: { 'content-length': '0', server: 'Caddy' },
        setCookie: [],
        body: '',
      });
      const returning = await ask(`${grafana()}/`, { cookie: kept });
      expectHandOver(returning, `${grafana()}/`);
      expect(returning.setCookie).toEqual([]);
      expect((await ask(`${grafana()}/outpost.goauthentik.io/ping`)).status).toBe(204);
    } finally {
      await site.levers.sessionStoreFull(false);
    }
  });

  it('answers an empty 502 in its own name when the gate is away', async () => {
    await site.levers.gateDown(true);
    try {
      const answer = await ask(`${grafana()}/`);
      expect(answer).toMatchObject({ status: 502, headers: { server: 'Caddy' }, body: '' });
    } finally {
      await site.levers.gateDown(false);
    }
  });
});

describe('behind nginx with auth_request, as ingress-nginx writes it', () => {
  beforeAll(async () => {
    site = await startOutageSite({ origin: 'nginx' });
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  it('sends a stranger to the start endpoint of the gate with a cookie, and from there to the login', async () => {
    const first = await ask(`${grafana()}/`);
    const start = `${grafana()}/outpost.goauthentik.io/start?rd=${grafana()}/`;
    expect(first).toMatchObject({ status: 302, headers: { location: start, server: 'nginx' } });
    expect(first.setCookie).toEqual([expect.stringMatching(GATE_COOKIE)]);
    const second = await ask(start, { cookie: first.setCookie[0]!.split(';', 1)[0]! });
    expectHandOver(second, `${grafana()}/`);
    expect(second.setCookie).toEqual([]);
  });

  it('shows a full store one hop later, at the start endpoint', async () => {
    const kept = await cookie();
    await site.levers.sessionStoreFull(true);
    try {
      const first = await ask(`${grafana()}/`);
      expect(first).toMatchObject({ status: 302, setCookie: [] });
      expect(await ask(first.headers['location']!)).toEqual({
        status: 400,
        headers: { 'content-length': '0', server: 'nginx' },
        setCookie: [],
        body: '',
      });
      const returning = await ask(first.headers['location']!, { cookie: kept });
      expectHandOver(returning, `${grafana()}/`);
    } finally {
      await site.levers.sessionStoreFull(false);
    }
  });

  it('makes a 500 page of its own when the gate is away', async () => {
    await site.levers.gateDown(true);
    try {
      const answer = await ask(`${grafana()}/`);
      expect(answer).toMatchObject({ status: 500, headers: { server: 'nginx' } });
      expect(answer.body).toContain('<center><h1>500 Internal Server Error</h1></center>');
    } finally {
      await site.levers.gateDown(false);
    }
  });
});
