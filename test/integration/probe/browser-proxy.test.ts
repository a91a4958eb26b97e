// The browser's only way out: it lets through the hosts of the visit by their own paths, asks the address guard, and
// keeps a record of what it dialled.

import { request } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { NetworkPath } from '../../../src/model/network-path.ts';
import { startProxy, type VisitProxy } from '../../../src/probe/browser/proxy.ts';
import { createDial } from '../../../src/probe/dial.ts';
import { createResolve } from '../../../src/probe/dns.ts';
import { createLocate } from '../../../src/probe/locate.ts';
import { type Origin, startOrigin } from '../../support/origin.ts';
import { cdnPath, path } from './probe-kit.ts';

let origin: Origin;
let proxy: VisitProxy;
const CREDENTIALS = 'gatewatch:secret-of-this-visit';
const AUTHORIZATION = `Basic ${Buffer.from(CREDENTIALS).toString('base64')}`;

beforeAll(async () => {
  origin = await startOrigin({ respond: (_, response) => response.end('here') });
  const own = path(origin.address);
  const cdn = cdnPath(9, { private: false });
  const paths: Record<string, NetworkPath> = { 'app.test': own, '127.0.0.1': cdn };
  proxy = await startProxy({
    clock: systemClock,
    locate: createLocate({
      clock: systemClock,
      resolve: createResolve(systemClock),
      allowedAddresses: new Set(),
    }),
    dial: createDial({ clock: systemClock, ca: [] }),
    pathOf: (host) => paths[host] ?? null,
    listen: { host: '127.0.0.1', port: 0 },
    credentials: CREDENTIALS,
    signal: new AbortController().signal,
  });
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
});

/** Status of a CONNECT, with the tunnel when there is one. */
function tunnel(
  to: string,
  authorization: string = AUTHORIZATION,
): Promise<{ status: number; socket: Duplex }> {
  return new Promise((resolve, reject) => {
    const asked = request({
      port: proxy.port,
      method: 'CONNECT',
      path: to,
      headers: authorization === '' ? {} : { 'proxy-authorization': authorization },
    });
    asked.on('connect', (response, socket) => resolve({ status: response.statusCode ?? 0, socket }));
    asked.on('error', reject);
    asked.end();
  });
}

test('a host of the visit is reached by its own path, whatever its port says', async () => {
  const { status, socket } = await tunnel('app.test:443');
  expect(status).toBe(200);
  socket.write('GET / HTTP/1.1\r\nhost: app.test\r\nconnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += chunk;
  expect(text).toContain('here');
  expect(origin.requests.at(-1)?.host).toBe('app.test');
  expect(proxy.contacts.at(-1)).toMatchObject({
    host: 'app.test',
    port: 443,
    path: 'origin',
    remote: { address: '127.0.0.1', port: origin.port },
    error: null,
  });
  expect(proxy.bytes()).toBeGreaterThan(0);
});

test.for([
  ['a host that is not one of the visit', 'other.test:443', 'not one of the hosts'],
  ['a loopback address on a path of the public', `127.0.0.1:443`, 'not dialled on path'],
  ['no address at all', 'app.test:port', null],
] as const)('%s is refused', async ([, to, why]) => {
  const before = origin.seen.connections;
  const { status } = await tunnel(to);
  expect(status).toBe(502);
  expect(origin.seen.connections).toBe(before);
  if (why !== null) expect(proxy.contacts.at(-1)?.error?.message).toContain(why);
});

test('nobody without the credentials of this visit gets through, not even for plain http', async () => {
  const before = proxy.contacts.length;
  for (const wrong of ['', 'Basic AAAA', AUTHORIZATION.slice(0, -1)])
    expect((await tunnel('app.test:443', wrong)).status).toBe(407);
  const answer = await plain('GET http://app.test/ HTTP/1.1\r\nhost: app.test\r\nconnection: close\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1.1 407 /);
  expect(proxy.contacts).toHaveLength(before);
});

test('plain http goes on by the path, without what was for the proxy alone', async () => {
  const answer = await plain(
    `GET http://app.test/some?q=1 HTTP/1.1\r\nhost: app.test\r\nproxy-authorization: ${AUTHORIZATION}\r\nconnection: close\r\n\r\n`,
  );
  expect(answer).toContain('here');
  expect(origin.requests.at(-1)).toMatchObject({ url: '/some?q=1', host: 'app.test' });
  expect(origin.requests.at(-1)?.headers['proxy-authorization']).toBeUndefined();
});

async function plain(text: string): Promise<string> {
  const socket = connect(proxy.port, '127.0.0.1');
  socket.write(text);
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}
