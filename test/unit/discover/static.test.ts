// Configured entries as targets: ids, zones, expectations.

import { describe, expect, test } from 'vitest';
import { staticTarget, type TargetDefaults } from '../../../src/discover/static.ts';
import { plainExpectation, targetSchema } from '../../../src/discover/target-options.ts';
import { zoneOf } from '../../../src/discover/zone.ts';

const DEFAULTS: TargetDefaults = {
  gate: 'authentik',
  expect: { shape: 'one', expectation: plainExpectation('login') },
  paths: ['cdn', 'origin'],
  timeoutMs: 10_000,
  slowMs: 5_000,
  headers: { 'X-A': '1' },
};
const target = (entry: unknown) => staticTarget(targetSchema.parse(entry), DEFAULTS, ['lab.example.com']);

test.each([
  ['https://Grafana.Example.com/', 'grafana.example.com', 443],
  ['https://a.example.com:8443/x?y=1', 'a.example.com:8443/x?y=1', 8443],
  ['http://a.example.com', 'a.example.com', 80],
  ['https://bücher.example.com', 'xn--bcher-kva.example.com', 443],
])('%s is %s', (url, id, port) =>
  expect(target(url)).toMatchObject({ id, port, owner: id, source: 'static' }),
);

test.each([
  ['a.b.example.com', 'example.com'],
  ['a.example.co.uk', 'example.co.uk'],
  ['me.github.io', 'me.github.io'],
  ['x.lab.example.com', 'lab.example.com'],
  ['lab.example.com', 'lab.example.com'],
  ['192.0.2.1', '192.0.2.1'],
  ['printer', 'printer'],
])('the zone of %s is %s', (host, zone) => expect(zoneOf(host, ['lab.example.com'])).toBe(zone));

describe('expectations', () => {
  test('one for all paths, or one for each with the default for the rest', () => {
    expect(target({ url: 'https://a.example.com', expect: 'app' }).expect).toMatchObject({
      cdn: { is: 'app' },
      origin: { is: 'app' },
    });
    const mixed = target({ url: 'https://a.example.com', expect: { cdn: 'challenge' } }).expect;
    expect(mixed).toMatchObject({ cdn: { is: 'challenge' }, origin: { is: 'login' } });
  });

  test('conditions stand beside a kind', () => {
    const conditions = {
      is: 'app',
      status: 200,
      header: { 'X-Foo': 'bar' },
      contains: 'Immich',
      'not-contains': 'Error',
    };
    expect(target({ url: 'https://a.example.com', paths: ['cdn'], expect: conditions }).expect).toEqual({
      cdn: {
        is: 'app',
        status: [200],
        location: null,
        header: { 'x-foo': 'bar' },
        contains: 'Immich',
        notContains: 'Error',
      },
    });
  });
});

test('own values win over the defaults; headers are joined', () => {
  const entry = {
    url: 'https://a.example.com',
    gate: null,
    paths: ['cdn'],
    timeout: '3s',
    headers: { 'X-B': '2' },
    wake: 'never',
    every: '2m',
  };
  expect(target(entry)).toMatchObject({
    gate: null,
    paths: ['cdn'],
    timeoutMs: 3_000,
    headers: { 'x-a': '1', 'x-b': '2' },
    wake: 'never',
    everyMs: 120_000,
  });
});
