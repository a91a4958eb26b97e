// Session visits on real sockets: what is sent, where to, and what never is (DESIGN 10 Credentials; threats C1, C5).

import { beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import type { Account } from '../../../src/model/account.ts';
import type { Exchange } from '../../../src/model/observation.ts';
import { account } from '../../support/accounts.ts';
import { type Origin, startOrigin } from '../../support/origin.ts';
import { check, createKit, fault, gate, type Kit, path } from './probe-kit.ts';

const BEARER = account({ credential: { kind: 'bearer', token: new Secret('geheim-bearer') } });
const COOKIE = 'authentik_proxy_abc';

let kit: Kit;
let identity: { certPem: string; keyPem: string };

beforeAll(async () => {
  kit = await createKit();
  identity = await kit.authority.issue(['*.site.test']);
});

/** What a completed login set on a host. */
function login(setCookie: string, url = 'https://app.site.test/'): Exchange {
  const name = setCookie.slice(0, setCookie.indexOf('='));
  return {
    url,
    headers: {},
    setCookies: [{ name, raw: setCookie, deletes: false, maxAgeMs: null }],
  } as never;
}

/** Answers 302 to `to` on `/` and 200 elsewhere. */
const redirecting = (to: string, setCookie: string[] = []): Promise<Origin> =>
  startOrigin({
    identity,
    respond: (request, response) =>
      response
        .writeHead(request.url === '/' ? 302 : 200, { location: to, 'set-cookie': setCookie })
        .end('app'),
  });

function visit(origin: Origin, who: Account, over: { url?: string; tls?: 'none' } = {}) {
  const way = path(origin.address);
  const tls = over.tls === undefined ? way.tls : { ...way.tls, verify: over.tls };
  return kit.run(
    check(over.url ?? 'https://app.site.test/', {
      path: { ...way, tls },
      visit: 'session',
      gate: gate(),
      account: who,
    }),
  );
}

describe('a session visit', () => {
  test('carries the kept session of its own account to the hosts of the account alone', async () => {
    await using origin = await startOrigin({
      identity,
      respond: (_request, response) => response.end('app'),
    });
    const who = account({ name: 'kept' as never });
    const set = [
      login(`${COOKIE}=geheim-one; Path=/; Secure; Max-Age=3600`),
      login('theme=dark; Path=/'),
      login(`${COOKIE}=geheim-evil; Path=/; Secure`, 'https://other.site.test/'),
      login('authentik_session=geheim-idp; Path=/; Secure; SameSite=None', 'https://auth.site.test/x'),
    ];
    kit.signedIn.keep({ account: who, gate: gate(), replace: true }, set);
    const observation = await visit(origin, who);
    expect(origin.requests.map(({ headers }) => headers.cookie)).toEqual([`${COOKIE}=geheim-one`]);
    expect(observation).toMatchObject({ stop: 'answer', error: null });
    expect(observation.secrets.toSorted()).toEqual(['geheim-idp', 'geheim-one']);
    const stranger = await visit(origin, account({ name: 'other' as never }));
    expect(fault(stranger)).toBe('prober:internal');
    expect(origin.requests).toHaveLength(1);
  });

  test('a later login takes the place of everything kept before', () => {
    const who = account({ name: 'twice' as never });
    kit.signedIn.keep({ account: who, gate: gate(), replace: true }, [
      login(`${COOKIE}=old; Path=/; Secure`),
    ]);
    kit.signedIn.keep({ account: who, gate: gate(), replace: true }, [
      login(`authentik_proxy_xyz=new; Path=/; Secure`),
    ]);
    expect(kit.signedIn.copy(who, gate()).header('https://app.site.test/').value).toBe(
      'authentik_proxy_xyz=new',
    );
  });

  test.each([
    ['another host of the account', 'https://second.site.test/x', ['Bearer geheim-bearer']],
    [
      'the same host in upper case',
      'https://APP.site.test/x',
      ['Bearer geheim-bearer', 'Bearer geheim-bearer'],
    ],
    [
      'a host below the domain that is not listed',
      'https://steal.site.test/outpost.goauthentik.io/x',
      ['Bearer geheim-bearer'],
    ],
    ['plain http', 'http://app.site.test/x', ['Bearer geheim-bearer']],
    ['a URL with a user', 'https://user@app.site.test/x', ['Bearer geheim-bearer']],
  ])('sends its credential, redirected to %s, only where it may', async (_name, to, sent) => {
    await using origin = await redirecting(to);
    await visit(origin, { ...BEARER, hosts: ['app.site.test', 'second.site.test'] });
    expect(origin.requests.map(({ headers }) => headers.authorization)).toEqual(sent);
  });

  test.each([
    ['to a host that is not listed', { url: 'https://steal.site.test/' }],
    ['over plain http', { url: 'http://app.site.test/' }],
    ['where nobody verifies who answers', { tls: 'none' }],
  ] as const)('sends nothing at all %s', async (_name, over) => {
    await using origin = await redirecting('/x');
    expect(fault(await visit(origin, BEARER, over))).toBe('prober:internal');
    expect(origin.seen.connections).toBe(0);
  });

  test('ends where the answer deletes its session: the next request would cost one', async () => {
    await using origin = await redirecting('/outpost.goauthentik.io/start', [
      `${COOKIE}=; Path=/; Max-Age=0`,
    ]);
    const who = account({ name: 'lost' as never });
    kit.signedIn.keep({ account: who, gate: gate(), replace: true }, [login(`${COOKIE}=v; Path=/; Secure`)]);
    expect((await visit(origin, who)).exchanges).toHaveLength(1);
  });
});
