import { afterAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Discoverer } from '../../../src/discover/discoverer.ts';
import { createDiscoverer, discoverSchema } from '../../../src/discover/discoverers.ts';
import type { GateName } from '../../../src/model/gate.ts';
import { type JsonServer, jsonServer } from '../../support/json-server.ts';
import { authentikAnswers } from '../../support/recorded-sources.ts';

const made: Discoverer[] = [];
afterAll(async () => {
  for (const one of made) await one[Symbol.asyncDispose]();
});

/** Two gates of one authentik: the embedded outpost's is named after nothing, the other after its outpost. */
function source({ url }: JsonServer): Discoverer {
  const gate = (name: string, outpost: string) => ({
    name: name as GateName,
    kind: 'authentik' as const,
    url: `${url}/if/`,
    outpost,
    sessions: { lifetimeMs: 86_400_000 },
  });
  const option = discoverSchema.parse({
    kind: 'authentik',
    hosts: '*.example.com',
    url,
    auth: { bearer: 'hunter2' },
  });
  const one = createDiscoverer(option, 'authentik', {
    clock: systemClock,
    userAgent: 'test',
    ca: [],
    folder: '/',
    gates: [gate('front', 'embedded'), gate('side', 'edge')],
    recognise: () => null,
  });
  made.push(one);
  return one;
}
const soon = (): AbortSignal => AbortSignal.timeout(30_000);

test('reads providers in every mode, their skipped paths and the lifetime of their sessions', async () => {
  await using server = await jsonServer(authentikAnswers('authentik-2026.5.json'));
  const { found, notes, lifetimesMs } = await source(server).list(soon());
  expect(found.map((one) => [one.scheme, `${one.host}${one.pathname}`, one.expect, one.gate])).toEqual([
    ['https', 'grafana.example.com/', 'login', 'front'],
    ['https', 'grafana.example.com/api/hooks/', 'public', null],
    ['https', 'grafana.example.com/healthz', 'public', null],
    ['https', 'wiki.example.com/', 'login', 'side'],
    ['https', 'docs.example.com/public/', 'public', null],
    ['http', 'plain.example.com/app', 'login', 'side'],
    ['http', 'plain.example.com/static', 'public', null],
  ]);
  expect(notes).toEqual([
    { object: 'provider orphan', why: 'has no outpost: it protects nothing' },
    { object: 'provider draft', why: 'has no application: it protects nothing' },
    { object: 'provider grafana', why: 'lets a pattern through that is more than a literal path' },
    { object: 'provider domain', why: 'lets a pattern through that is more than a literal path' },
    { object: 'provider odd-port', why: 'has a target on port 8443; only 80 and 443 are probed' },
    { object: 'gate side', why: 'keeps sessions for 14d, and its sessions: lifetime says 1d' },
  ]);
  expect(lifetimesMs).toEqual({ front: 24 * 3_600_000, side: 14 * 86_400_000 });
  expect(new Set(server.asked.map(({ headers }) => headers.authorization))).toEqual(
    new Set(['Bearer hunter2']),
  );
  expect(server.asked.some(({ url }) => url.includes('/outposts/proxy'))).toBe(false);
});

test('reads an old version', async () => {
  await using server = await jsonServer(authentikAnswers('authentik-2023.1.json'));
  const { found, lifetimesMs } = await source(server).list(soon());
  expect(found.map((one) => `${one.host}${one.pathname}`)).toEqual([
    'grafana.example.com/',
    'grafana.example.com/api/hooks/',
    'grafana.example.com/healthz',
    'wiki.example.com/',
  ]);
  expect(lifetimesMs).toEqual({});
});

test.each(['outposts', 'applications'])('does not take missing rights for missing %s', async (what) => {
  const answers = authentikAnswers('authentik-2026.5.json');
  for (const url of Object.keys(answers).filter((one) => one.includes(what)))
    answers[url] = { pagination: { next: 0 }, results: [] };
  await using server = await jsonServer(answers);
  await expect(source(server).list(soon())).rejects.toThrow(`may the token view ${what}?`);
});

test('names the provider that is not what it should be', async () => {
  const answers = authentikAnswers('authentik-2026.5.json');
  const results = [{ pk: 1, name: 'odd', mode: 'hunter2', external_host: 'https://a.example.com' }];
  answers['/api/v3/providers/proxy/?page=1&page_size=100'] = { pagination: { next: 0 }, results };
  await using server = await jsonServer(answers);
  await expect(source(server).list(soon())).rejects.toThrow('authentik: odd.mode: is not what it should be');
});
