// Certificates over real handshakes: which fault they come to, and that nothing is sent to a server without a good one.

import { beforeAll, describe, expect, test } from 'vitest';
import { createAuthority } from '../../../src/demo/certificates.ts';
import type { NetworkPath } from '../../../src/model/network-path.ts';
import { type Identity, startOrigin, startRawOrigin } from '../../support/origin.ts';
import { check, createKit, fault, type Kit, only, path } from './probe-kit.ts';

const DAY_MS = 86_400_000;
let kit: Kit;
let stranger: Awaited<ReturnType<typeof createAuthority>>;

beforeAll(async () => {
  kit = await createKit();
  stranger = await createAuthority('somebody else');
});

const inDays = (days: number): Date => new Date(Date.now() + days * DAY_MS);

async function seenWith(
  identity: Identity,
  tls: Partial<NetworkPath['tls']> = {},
  url = 'https://app.site.test/',
) {
  await using origin = await startRawOrigin({
    identity,
    serve: (socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n'),
  });
  const base = path(origin.address);
  const observation = await kit.run(check(url, { path: { ...base, tls: { ...base.tls, ...tls } } }));
  return { observation, seen: origin.seen };
}

describe('a certificate', () => {
  const bad: [name: string, issue: () => Promise<Identity>, code: string][] = [
    [
      'expired',
      () => kit.authority.issue(['app.site.test'], { notBefore: inDays(-9), notAfter: inDays(-1) }),
      'tls-expired',
    ],
    [
      'not yet valid',
      () => kit.authority.issue(['app.site.test'], { notBefore: inDays(1), notAfter: inDays(9) }),
      'tls-expired',
    ],
    ['for another name', () => kit.authority.issue(['other.site.test']), 'tls-wrong-host'],
    ['for a wildcard one level up', () => kit.authority.issue(['*.test']), 'tls-wrong-host'],
    ['with a partial wildcard', () => kit.authority.issue(['ap*.site.test']), 'tls-wrong-host'],
    ['of an unknown authority', () => stranger.issue(['app.site.test']), 'tls-untrusted'],
  ];
  test.each(bad)('that is %s is refused before a byte is sent', async (_name, issue, code) => {
    const identity = await issue();
    const { observation, seen } = await seenWith(identity);
    expect(fault(observation)).toBe(`tls:${code}`);
    expect(only(observation).status).toBeNull();
    expect(seen).toMatchObject({ connections: 1, applicationBytes: 0 });
  });

  test('that is bad is still shown: name, issuer and end', async () => {
    const notAfter = inDays(-1);
    const { observation } = await seenWith(
      await kit.authority.issue(['*.site.test'], { notBefore: inDays(-9), notAfter }),
    );
    expect(only(observation).tls).toMatchObject({
      matchedName: '*.site.test',
      issuer: 'CN=gatewatch test CA',
    });
    expect(only(observation).tls?.notAfter).toBe(Math.floor(notAfter.getTime() / 1000) * 1000);
  });

  test('for the IP address of the URL is right, and a name that looks like one is not', async () => {
    const url = 'https://192.0.2.7/';
    expect(fault((await seenWith(await kit.authority.issue(['192.0.2.7']), {}, url)).observation)).toBeNull();
    expect(fault((await seenWith(await kit.authority.issue(['app.site.test']), {}, url)).observation)).toBe(
      'tls:tls-wrong-host',
    );
  });

  test('a trailing dot in the URL is no other name', async () => {
    const { observation } = await seenWith(
      await kit.authority.issue(['app.site.test']),
      {},
      'https://app.site.test./',
    );
    expect(fault(observation)).toBeNull();
  });
});

describe('the options of a path', () => {
  test('its own authority counts on this path, and the general one does not', async () => {
    const foreign = await stranger.issue(['app.site.test']);
    const own = { ca: [stranger.certificatePem] };
    expect(fault((await seenWith(foreign, own)).observation)).toBeNull();
    expect(fault((await seenWith(await kit.authority.issue(['app.site.test']), own)).observation)).toBe(
      'tls:tls-untrusted',
    );
    expect(fault((await seenWith(foreign)).observation)).toBe('tls:tls-untrusted');
  });

  test('verify none takes any certificate and still tells what it is', async () => {
    const { observation } = await seenWith(await stranger.issue(['other.test']), { verify: 'none' });
    expect(fault(observation)).toBeNull();
    expect(only(observation)).toMatchObject({
      status: 204,
      tls: { matchedName: null, issuer: 'CN=somebody else' },
    });
  });

  test('its client certificate is shown to a server that asks', async () => {
    const server = await kit.authority.issue(['app.site.test']);
    const { certPem: cert, keyPem: key } = await kit.authority.issue(['prober']);
    await using origin = await startOrigin({
      identity: { ...server, clients: 'ask' },
      respond: (_request, response) => response.end(),
    });
    const base = path(origin.address);
    await kit.run(check('https://app.site.test/', { path: { ...base, tls: { ...base.tls, cert, key } } }));
    await kit.run(check('https://app.site.test/', { path: base }));
    expect(origin.requests.map((request) => request.client)).toEqual(['CN=prober', null]);
  });

  test('a server that insists on a client certificate fails the handshake of a path without one', async () => {
    const identity = { ...(await kit.authority.issue(['app.site.test'])), clients: 'insist' } as const;
    await using origin = await startOrigin({ identity, respond: (_request, response) => response.end() });
    expect(fault(await kit.run(check('https://app.site.test/', { path: path(origin.address) })))).toBe(
      'tls:tls-failed',
    );
  });
});

test('a server that speaks no TLS at all fails the handshake', async () => {
  await using origin = await startOrigin({ respond: (_request, response) => response.end() });
  expect(fault(await kit.run(check('https://app.site.test/', { path: path(origin.address) })))).toBe(
    'tls:tls-failed',
  );
});

test('a plain http target has no certificate', async () => {
  await using origin = await startOrigin({ respond: (_request, response) => response.end('plain') });
  const observation = await kit.run(check('http://app.site.test/', { path: path(origin.address) }));
  expect(only(observation)).toMatchObject({
    status: 200,
    body: 'plain',
    tls: null,
    timings: { tlsMs: null },
  });
  expect(origin.requests[0]?.host).toBe('app.site.test');
});
