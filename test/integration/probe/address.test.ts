// The address guard in the connector: what a name or a literal leads to is never dialled unless the path may.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type NameAnswer, type NameServer, startNameServer } from '../../../src/demo/name-server.ts';
import { freePort } from '../../support/free-port.ts';
import { type Origin, startOrigin } from '../../support/origin.ts';
import { cdnPath, check, createKit, fault, only, path } from './probe-kit.ts';

let origin: Origin;
let names: NameServer;
let answers: NameAnswer[];

beforeEach(async () => {
  origin = await startOrigin({ respond: (_request, response) => response.end('inside') });
  answers = [['127.0.0.1']];
  names = await startNameServer({
    port: 0,
    ttl: 0,
    answer: () => (answers.length > 1 ? answers.shift()! : answers[0]!),
  });
});

afterEach(async () => {
  await origin[Symbol.asyncDispose]();
  await names[Symbol.asyncDispose]();
});

describe('on a cdn path', () => {
  const run = async (url: string, over: Parameters<typeof cdnPath>[1] = {}) => {
    const kit = await createKit();
    return kit.run(check(url, { path: cdnPath(names.port, { private: false, ...over }), timeoutMs: 2_000 }));
  };

  test('a name that resolves to this machine is not dialled', async () => {
    const observation = await run(`http://app.site.test:${origin.port}/`);
    expect(fault(observation)).toBe('connect:address-forbidden');
    expect(only(observation)).toMatchObject({ remote: null, resolver: `127.0.0.1:${names.port}` });
    expect(observation.error?.message).toBe('127.0.0.1 is a loopback address: not dialled on path cdn');
    expect(origin.seen.connections).toBe(0);
  });

  test('unless the path is private', async () => {
    const observation = await run(`http://app.site.test:${origin.port}/`, { private: true });
    expect(only(observation)).toMatchObject({
      status: 200,
      body: 'inside',
      remote: { address: '127.0.0.1' },
    });
    expect(only(observation).timings.dnsMs).not.toBeNull();
  });

  test.each([
    '127.0.0.1',
    '[::ffff:127.0.0.1]',
    '0x7f.1',
    '2130706433',
    '0177.0.0.1',
    '[::1]',
    '169.254.169.254',
    '[64:ff9b::7f00:1]',
  ])('the literal %s is not dialled either', async (host) => {
    expect(fault(await run(`http://${host}:${origin.port}/`))).toBe('connect:address-forbidden');
    expect(origin.seen.connections).toBe(0);
  });

  test.each(['169.254.169.254', 'fd00:ec2::254', '100.100.100.200', '0.0.0.0', '224.0.0.1', 'fe80::1'])(
    'a private path dials no %s',
    async (address) => {
      answers = [[address]];
      const observation = await run('http://app.site.test/', {
        private: true,
        family: address.includes(':') ? 6 : 4,
      });
      expect(fault(observation)).toBe('connect:address-forbidden');
    },
  );

  test('a redirect is checked like the first address', async () => {
    await origin[Symbol.asyncDispose]();
    origin = await startOrigin({
      respond: (_request, response) => response.writeHead(302, { location: '/next' }).end(),
    });
    answers = [['127.0.0.1'], ['169.254.169.254']];
    const observation = await run(`http://app.site.test:${origin.port}/`, { private: true });
    expect(observation.exchanges.map((one) => one.status)).toEqual([302, null]);
    expect(fault(observation)).toBe('connect:address-forbidden');
    expect(origin.requests).toHaveLength(1);
  });

  test('a forbidden address beside an allowed one is passed over', async () => {
    answers = [['169.254.169.254', '127.0.0.1']];
    expect(fault(await run(`http://app.site.test:${origin.port}/`, { private: true }))).toBeNull();
  });

  test('an address that refuses is passed over for the next one', async () => {
    answers = [['127.0.0.2', '127.0.0.1']];
    const observation = await run(`http://app.site.test:${origin.port}/`, { private: true });
    expect(only(observation)).toMatchObject({ status: 200, remote: { address: '127.0.0.1' } });
  });

  test('failures of names carry phase and resolver', async () => {
    answers = [null];
    expect(fault(await run('http://app.site.test/'))).toBe('dns:dns-not-found');
    answers = ['servfail'];
    expect(fault(await run('http://app.site.test/'))).toBe('dns:dns-failed');
    expect(fault(await run('http://app.site.test/', { resolver: [`127.0.0.1:${await freePort()}`] }))).toBe(
      'dns:resolver-unreachable',
    );
    answers = ['silent'];
    const kit = await createKit();
    const late = await kit.run(check('http://app.site.test/', { path: cdnPath(names.port), timeoutMs: 300 }));
    expect(fault(late)).toBe('dns:resolver-unreachable');
  });
});

describe('on an origin path', () => {
  test('the configured literal is dialled, whatever it is', async () => {
    const kit = await createKit();
    expect(fault(await kit.run(check('http://app.site.test/', { path: path(origin.address) })))).toBeNull();
    expect(names.asked.size).toBe(0);
  });

  test('a configured name is resolved, and may be private but no metadata service', async () => {
    const kit = await createKit();
    const named = path(
      { host: 'proxy.internal.test', port: origin.port },
      { resolver: [`127.0.0.1:${names.port}`] },
    );
    const observation = await kit.run(check('http://app.site.test/', { path: named }));
    expect(only(observation)).toMatchObject({ status: 200, resolver: `127.0.0.1:${names.port}` });
    expect(origin.requests[0]?.host).toBe('app.site.test');
    answers = [['169.254.169.254']];
    expect(fault(await kit.run(check('http://app.site.test/', { path: named })))).toBe(
      'connect:address-forbidden',
    );
  });
});
