// The name check of ours replaces Node's own, which is left out for its cost: over real handshakes both must come to
// the same, but for what is refused on purpose (threats M26, C4).

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect as connectTcp, isIP } from 'node:net';
import { join } from 'node:path';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Identity, startOrigin } from '../../support/origin.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { check, createKit, fault, type Kit, only, path } from './probe-kit.ts';

/** As it is before the first probe. */
const FRAMES = Error.stackTraceLimit;
let kit: Kit;

beforeAll(async () => {
  kit = await createKit();
});

/** Names in the certificate, and hosts asked of it. */
const SAME: readonly (readonly [what: string, names: readonly string[], hosts: readonly string[]])[] = [
  [
    'one name',
    ['app.site.test'],
    ['app.site.test', 'APP.site.test', 'a.app.site.test', 'site.test', 'app.site'],
  ],
  ['a wildcard', ['*.site.test'], ['app.site.test', 'a.b.site.test', 'site.test']],
  ['a wildcard over a whole top level', ['*.test'], ['site.test', 'app.site.test']],
  ['a wildcard further in', ['app.*.test'], ['app.site.test']],
  ['nothing but a wildcard', ['*'], ['localhost', 'site.test']],
  [
    'several names',
    ['a.test.test', '*.b.test', 'c.test'],
    ['a.test.test', 'x.b.test', 'c.test', 'd.test', 'b.test'],
  ],
  [
    'an IDN',
    ['xn--bcher-kva.site.test'],
    ['xn--bcher-kva.site.test', 'bücher.site.test', 'bucher.site.test'],
  ],
  ['a wildcard beside an IDN', ['*.site.test'], ['xn--bcher-kva.site.test']],
  ['an IDN wildcard', ['*.xn--bcher-kva.test'], ['a.xn--bcher-kva.test', 'xn--bcher-kva.test']],
  ['an IPv4 address', ['192.0.2.7'], ['192.0.2.7', '192.0.2.8', 'app.site.test']],
  ['an IPv6 address', ['2001:db8::7'], ['[2001:db8::7]', '[2001:db8:0:0::7]', '[2001:db8::8]']],
  ['names and addresses', ['app.site.test', '192.0.2.7'], ['app.site.test', '192.0.2.7', '192.0.2.8']],
  ['a wildcard, asked by address', ['*.0.2.7'], ['192.0.2.7']],
  ['an underscore', ['a_b.site.test'], ['a_b.site.test', 'a-b.site.test']],
];

/** What Node takes and we do not, on purpose. */
const STRICTER: readonly (readonly [what: string, names: readonly string[], host: string])[] = [
  ['a partial wildcard', ['ap*.site.test'], 'app.site.test'],
  ['a wildcard with an end', ['*p.site.test'], 'app.site.test'],
];

describe('the name check comes to the same as that of Node', () => {
  test.each(SAME)('for %s', async (_what, names, hosts) => {
    const seen = await compare(await kit.authority.issue(names), hosts);
    expect(seen.map(({ ours }) => ours)).toEqual(seen.map(({ node }) => node));
  });

  test('both say yes and no in these cases', async () => {
    const seen = await compare(await kit.authority.issue(['app.site.test']), [
      'app.site.test',
      'b.site.test',
    ]);
    expect(seen.map(({ ours }) => ours)).toEqual([true, false]);
  });
});

describe('the name check refuses what Node takes', () => {
  test.each(STRICTER)('%s', async (_what, names, host) => {
    expect(await compare(await kit.authority.issue(names), [host])).toEqual([
      { host, ours: false, node: true },
    ]);
  });

  test('a common name without any alternative name', async () => {
    const identity = await commonNameOnly('app.site.test');
    const seen = await compare(identity, ['app.site.test', 'b.site.test'], identity.certPem);
    expect(seen.map(({ ours, node }) => [ours, node])).toEqual([
      [false, true],
      [false, false],
    ]);
  });
});

test('Node asks the connection itself for what is left out: else nothing is saved', async () => {
  await using origin = await startOrigin({
    identity: await kit.authority.issue(['app.site.test']),
    respond: (_request, response) => response.end(),
  });
  const ca = kit.authority.certificatePem;
  const socket = connect({
    ...origin.address,
    servername: 'app.site.test',
    ca,
    checkServerIdentity: () => undefined,
  });
  let asked = 0;
  socket.getPeerCertificate = () => {
    asked += 1;
    return {} as DetailedPeerCertificate;
  };
  await once(socket, 'secureConnect');
  socket.destroy();
  expect(asked).toBe(1);
});

test('errors of this process keep their stack after many probes at once', async () => {
  await using origin = await startOrigin({
    identity: await kit.authority.issue(['app.site.test']),
    respond: (_request, response) => response.end('fine'),
  });
  const one = () => kit.run(check('https://app.site.test/', { path: path(origin.address) }));
  const seen = await Promise.all(Array.from({ length: 40 }, one));
  expect(seen.map((observation) => only(observation).status)).toEqual(Array(40).fill(200));
  expect(Error.stackTraceLimit).toBe(FRAMES);
  expect(FRAMES).toBeGreaterThan(0);
});

/** What our probe and a plain connection of Node say to the same certificate under each host. */
async function compare(
  identity: Identity,
  hosts: readonly string[],
  ca: string = kit.authority.certificatePem,
): Promise<{ host: string; ours: boolean; node: boolean }[]> {
  await using origin = await startOrigin({ identity, respond: (_request, response) => response.end() });
  const base = path(origin.address);
  const seen: { host: string; ours: boolean; node: boolean }[] = [];
  for (const host of hosts) {
    const way = { ...base, tls: { ...base.tls, ca: [ca] } };
    const why = fault(await kit.run(check(`https://${host}/`, { path: way })));
    expect(['tls:tls-wrong-host', null]).toContain(why);
    seen.push({ host, ours: why === null, node: await nodeTakes(origin.address, host, ca) });
  }
  return seen;
}

/** Whether Node's own check, untouched, takes the server's certificate for the host. */
function nodeTakes(address: { host: string; port: number }, host: string, ca: string): Promise<boolean> {
  const name = new URL(`https://${host}/`).hostname.replace(/^\[|\]$/g, '');
  const servername = isIP(name) === 0 ? name : '';
  const socket = connect({ socket: connectTcp(address), host: name, servername, ca });
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', (error: Error & { code?: string }) =>
      error.code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? resolve(false) : reject(error),
    );
  });
}

/** A certificate as they were made before 2000: the name in the subject alone. It is its own authority. */
async function commonNameOnly(name: string): Promise<Identity> {
  await using folder = await tempFolder('common-name');
  const [key, certificate] = ['key.pem', 'certificate.pem'].map((file) => join(folder.path, file));
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key!];
  await promisify(execFile)('openssl', [
    'req',
    '-x509',
    ...newKey,
    '-subj',
    `/CN=${name}`,
    '-out',
    certificate!,
  ]);
  return { certPem: await readFile(certificate!, 'utf8'), keyPem: await readFile(key!, 'utf8') };
}
