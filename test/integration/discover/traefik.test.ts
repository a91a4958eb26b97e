import { afterAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { type Discoverer, DiscoveryError } from '../../../src/discover/discoverer.ts';
import { createDiscoverer, discoverSchema } from '../../../src/discover/discoverers.ts';
import { recogniserOf } from '../../../src/discover/gate-recognition.ts';
import type { GateName } from '../../../src/model/gate.ts';
import { type JsonServer, jsonServer, WithHeaders } from '../../support/json-server.ts';
import { traefikAnswers } from '../../support/recorded-sources.ts';

const gate = {
  name: 'authentik' as GateName,
  kind: 'authentik' as const,
  url: 'https://auth.example.com',
  outpost: 'embedded',
  sessions: { lifetimeMs: 86_400_000 },
};
const made: Discoverer[] = [];
afterAll(async () => {
  for (const one of made) await one[Symbol.asyncDispose]();
});

function source({ url }: JsonServer): Discoverer {
  const option = discoverSchema.parse({ kind: 'traefik', hosts: '*.example.com', url: `${url}/api/` });
  const one = createDiscoverer(option, 'traefik', {
    clock: systemClock,
    userAgent: 'test',
    ca: [],
    folder: '/',
    gates: [gate],
    recognise: recogniserOf([{ name: gate.name, forwardAuth: ['http://outpost:9000'] }]),
  });
  made.push(one);
  return one;
}
const soon = (): AbortSignal => AbortSignal.timeout(30_000);

test('reads the routers of Traefik 3', async () => {
  await using server = await jsonServer(traefikAnswers('traefik-3.json', 4));
  const { found, notes } = await source(server).list(soon());
  expect(
    found.map((one) => [`${one.host}${one.pathname}`, one.expect, one.gate, one.wake, one.owner]),
  ).toEqual([
    ['grafana.example.com/', 'login', 'authentik', 'always', null],
    ['grafana.example.com/api/hooks', 'public', null, 'always', null],
    ['wiki.example.com/', 'login', 'authentik', 'always', null],
    ['wiki.example.com/feed', 'public', null, 'always', null],
    ['docs.example.com/', 'login', 'authentik', 'always', null],
    ['docs.example.com/feed', 'public', null, 'always', null],
    ['store.example.com/', 'app', null, 'always', null],
    ['code.example.com/', 'login', 'authentik', 'never', null],
  ]);
  expect(notes).toEqual([
    { object: 'router broken@docker', why: 'is disabled: Traefik found a mistake in it' },
    { object: 'router catch-all@file', why: 'has a rule without a literal host' },
    {
      object: 'router dead-carve-out@docker',
      why: 'never answers: router code@docker has a higher priority',
    },
  ]);
});

test('reads the routers of Traefik 2', async () => {
  await using server = await jsonServer(traefikAnswers('traefik-2.json', 100));
  const { found, notes } = await source(server).list(soon());
  expect(found.map((one) => [`${one.host}${one.pathname}`, one.expect, one.owner])).toEqual([
    ['nas.example.com/', 'login', 'kubernetescrd:home'],
    ['files.example.com/', 'login', 'kubernetescrd:home'],
    ['whoami.example.com/', 'login', null],
    ['whoami.example.com/ip', 'login', null],
  ]);
  expect(notes.map(({ object }) => object)).toEqual(['router sub@file']);
});

test('names the router that is not what it should be', async () => {
  const answers = traefikAnswers('traefik-2.json', 100);
  const at = '/api/http/routers?page=1&per_page=250';
  answers[at] = new WithHeaders([{ name: 'odd@file', rule: ['hunter2'] }], { 'x-next-page': '1' });
  await using server = await jsonServer(answers);
  await expect(source(server).list(soon())).rejects.toThrow(
    new DiscoveryError('traefik', 'odd@file.rule: must be string'),
  );
});

test('does not turn in circles over pages', async () => {
  const page = new WithHeaders([], { 'x-next-page': '7' });
  await using server = await jsonServer({ '/api/http/middlewares': page, '/api/http/routers': page });
  await expect(source(server).list(soon())).rejects.toThrow('the pages do not follow one another');
});
