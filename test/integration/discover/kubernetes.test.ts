// A cluster over its API: let in by rotating tokens or a kubeconfig, listed in pages, followed by watches.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import { type Authority, createAuthority } from '../../../src/demo/certificates.ts';
import type { Discoverer, Listing } from '../../../src/discover/discoverer.ts';
import { createDiscoverer, discoverSchema } from '../../../src/discover/discoverers.ts';
import { recogniserOf } from '../../../src/discover/gate-recognition.ts';
import type { GateName } from '../../../src/model/gate.ts';
import { Cluster, type Document, recordedCluster } from '../../support/cluster.ts';
import { type TempFolder, tempFolder } from '../../support/temp-folder.ts';
import { waitFor } from '../../support/wait.ts';

const INGRESSES = '/apis/networking.k8s.io/v1/ingresses';
const GATE = {
  name: 'authentik' as GateName,
  kind: 'authentik' as const,
  outpost: 'embedded',
  sessions: { lifetimeMs: 86_400_000 },
};
const ADDRESSES = ['http://auth-proxy.traefik.svc:9000', 'http://ak-outpost.authentik.svc:9000'];

let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});

interface Scene extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly url: string;
  readonly folder: TempFolder;
  source(option?: object): Discoverer;
}

/** Pauses of the program are short here, they are not what is tested; its deadlines stay. */
const hasty: Clock = {
  ...systemClock,
  after: (ms, callback) => systemClock.after(ms > 5_000 ? ms : Math.min(ms, 20), callback),
};

async function scene(file = 'kubernetes-traefik-3.json'): Promise<Scene> {
  const cluster = new Cluster(recordedCluster(file), await authority.issue(['localhost']));
  const url = await cluster.listen();
  const folder = await tempFolder('kubernetes');
  await writeFile(join(folder.path, 'token'), 'first\n');
  await writeFile(join(folder.path, 'ca.crt'), authority.certificatePem);
  const made: Discoverer[] = [];
  return {
    cluster,
    url,
    folder,
    source(option = { url, 'service-account': folder.path }) {
      const parsed = discoverSchema.parse({ kind: 'kubernetes', hosts: ['*.example.com'], ...option });
      const one = createDiscoverer(parsed, 'kubernetes', {
        clock: hasty,
        userAgent: 'test',
        ca: [],
        folder: folder.path,
        gates: [{ ...GATE, url: 'https://auth.example.com' }],
        recognise: recogniserOf([{ name: GATE.name, forwardAuth: ADDRESSES }]),
      });
      made.push(one);
      return one;
    },
    async [Symbol.asyncDispose]() {
      for (const one of made) await one[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const until = (look: () => boolean): Promise<boolean> =>
  waitFor('it', look, { limitMs: 30_000, everyMs: 20 });
const soon = (): AbortSignal => AbortSignal.timeout(30_000);
const places = ({ found }: Listing): string[] => found.map(({ host, pathname }) => `${host}${pathname}`);

function ingress(name: string, host: string): Document {
  return {
    metadata: { name, namespace: 'new', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend: {} }] } }] },
  };
}

describe('a list', () => {
  test.each(['kubernetes-traefik-3.json', 'kubernetes-nginx-traefik-2.json'])(
    'has every page of %s, and does without the kinds that are not installed',
    async (file) => {
      await using here = await scene(file);
      here.cluster.pageSize = 500;
      const whole = await here.source().list(soon());
      here.cluster.pageSize = 2;
      expect(await here.source().list(soon())).toEqual(whole);
      expect(whole.found.length).toBeGreaterThan(9);
      expect(here.cluster.asked.filter(({ url }) => url.includes('continue=')).length).toBeGreaterThan(3);
    },
  );

  test('begins anew when a page has expired, and waits while the server is busy', async () => {
    await using here = await scene();
    const whole = await here.source().list(soon());
    here.cluster.expiresPage = true;
    here.cluster.answersFirst.push(429, 503);
    expect(await here.source().list(soon())).toEqual(whole);
  });

  test('gives up on a server that stays busy', async () => {
    await using here = await scene();
    here.cluster.answersFirst.push(...Array(20).fill(429));
    await expect(here.source().list(soon())).rejects.toThrow(
      /^kubernetes: list ingresses\.networking\.k8s\.io: HTTP 429 from https:\/\/localhost/,
    );
  });

  test('uses a rotated token, and says when it is not let in', async () => {
    await using here = await scene();
    const source = here.source();
    await source.list(soon());
    here.cluster.tokens = new Set(['second']);
    await expect(source.list(soon())).rejects.toThrow('HTTP 401');
    await writeFile(join(here.folder.path, 'token'), 'second');
    await source.list(soon());
    here.cluster.answersFirst.push(403);
    await expect(source.list(soon())).rejects.toThrow('not allowed; config/kubernetes/rbac.yaml');
  });

  test('trusts no other authority', async () => {
    await using here = await scene();
    await writeFile(join(here.folder.path, 'ca.crt'), (await createAuthority()).certificatePem);
    await expect(here.source().list(soon())).rejects.toThrow('no answer from https://localhost');
  });

  test('names the object and the place of a wrong type, and nothing of its content', async () => {
    await using here = await scene();
    const wrong = ingress('odd', 'odd.example.com');
    here.cluster.put(INGRESSES, { ...wrong, spec: { rules: 'hunter2' } });
    const error = await here
      .source()
      .list(soon())
      .then(() => '', String);
    expect(error).toContain('kubernetes: ingress new/odd: spec.rules is not what it should be');
    expect(error).not.toContain('hunter2');
  });
});

describe('a watch', () => {
  async function watching(here: Scene): Promise<{ pushed: Listing[]; stop: () => Promise<unknown> }> {
    const pushed: Listing[] = [];
    const end = new AbortController();
    const done = here.source().watch!((listing) => pushed.push(listing), end.signal).catch(
      (error: unknown) => error,
    );
    await until(() => here.cluster.watches === 5);
    return {
      pushed,
      stop: () => {
        end.abort();
        return done;
      },
    };
  }

  test('tells what comes, changes and goes', async () => {
    await using here = await scene();
    const { pushed, stop } = await watching(here);
    expect(pushed.length).toBe(1);
    expect(places(pushed[0]!)).not.toContain('new.example.com/');
    here.cluster.put(INGRESSES, ingress('new', 'new.example.com'));
    await until(() => places(pushed.at(-1)!).includes('new.example.com/'));
    here.cluster.put(INGRESSES, ingress('new', 'newer.example.com'));
    await until(() => places(pushed.at(-1)!).includes('newer.example.com/'));
    expect(places(pushed.at(-1)!)).not.toContain('new.example.com/');
    here.cluster.remove(INGRESSES, 'new');
    await until(() => !places(pushed.at(-1)!).includes('newer.example.com/'));
    expect(pushed.at(-1)).toEqual(pushed[0]);
    expect(await stop()).toBeUndefined();
    await until(() => here.cluster.watches === 0);
  });

  test('goes on from the last bookmark when the server ends it', async () => {
    await using here = await scene();
    const { pushed, stop } = await watching(here);
    here.cluster.bookmark(INGRESSES);
    here.cluster.endWatches(INGRESSES);
    await until(
      () => here.cluster.asked.filter(({ url }) => url.includes('resourceVersion=1001')).length === 1,
    );
    await until(() => here.cluster.watches === 5);
    here.cluster.put(INGRESSES, ingress('new', 'new.example.com'));
    await until(() => places(pushed.at(-1)!).includes('new.example.com/'));
    expect(await stop()).toBeUndefined();
  });

  test('lists anew what is gone: 410 in the stream', async () => {
    await using here = await scene();
    const { pushed, stop } = await watching(here);
    here.cluster.collections[INGRESSES]!.items.push(ingress('missed', 'missed.example.com'));
    here.cluster.expire(INGRESSES);
    await until(() => places(pushed.at(-1)!).includes('missed.example.com/'));
    await until(() => here.cluster.watches === 5);
    expect(await stop()).toBeUndefined();
  });

  test('ends with an error when its first list takes too long', async () => {
    await using here = await scene();
    here.cluster.silent = true;
    const source = here.source({ url: here.url, 'service-account': here.folder.path, timeout: '200ms' });
    await expect(source.watch!(() => {}, soon())).rejects.toThrow('not within the time');
  });

  test.each([
    ['garbage', 'hunter2\n'],
    ['another shape', '{"type":"ADDED","object":{"hunter2":1}}\n'],
    ['an unknown event', '{"type":"HUNTER","object":{"metadata":{"resourceVersion":"7"}}}\n'],
    ['a line without an end', `"${'x'.repeat(3 * 2 ** 20)}`],
  ])('ends with an error on %s', async (_, text) => {
    await using here = await scene();
    const { pushed, stop } = await watching(here);
    here.cluster.say(INGRESSES, text);
    await until(() => here.cluster.watches === 0);
    expect(String(await stop())).toMatch(/kubernetes: watch ingresses\.networking\.k8s\.io(?!.*hunter2)/);
    expect(pushed.length).toBe(1);
  });
});

describe('a kubeconfig', () => {
  const b64 = (text: string): string => Buffer.from(text).toString('base64');
  const config = (here: Scene, user: object, cluster: object = {}): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'home',
      contexts: [{ name: 'home', context: { cluster: 'home', user: 'gatewatch' } }],
      clusters: [
        {
          name: 'home',
          cluster: {
            server: here.url,
            'certificate-authority-data': b64(authority.certificatePem),
            ...cluster,
          },
        },
      ],
      users: [{ name: 'gatewatch', user }],
    });

  test.each([
    ['a token', { token: 'first' }, {}],
    ['a file beside it', { tokenFile: 'token' }, { 'certificate-authority': 'ca.crt' }],
  ])('lets in by %s', async (_, user, cluster) => {
    await using here = await scene();
    await writeFile(join(here.folder.path, 'config'), config(here, user, cluster));
    const { found } = await here.source({ kubeconfig: 'config' }).list(soon());
    expect(found.length).toBeGreaterThan(9);
  });

  test.each([
    ['runs a program', { exec: { command: 'hunter2' } }, {}, /exec runs a program/],
    ['runs a plugin', { 'auth-provider': { name: 'hunter2' } }, {}, /auth-provider runs a program/],
    ['turns TLS off', { token: 'hunter2' }, { 'insecure-skip-tls-verify': true }, /is refused/],
    ['sends its token in clear', { token: 'hunter2' }, { server: 'http://10.0.0.1' }, /unencrypted/],
    ['has a number for a token', { token: 7 }, {}, /token: must be string/],
  ])('is refused when it %s', async (_, user, cluster, why) => {
    await using here = await scene();
    await writeFile(join(here.folder.path, 'config'), config(here, user, cluster));
    const error = await here
      .source({ kubeconfig: 'config' })
      .list(soon())
      .then(() => '', String);
    expect(error).toMatch(why);
    expect(error).not.toContain('hunter2');
    expect(here.cluster.asked).toEqual([]);
  });

  test('is refused when it is not there, not YAML, or lacks the context', async () => {
    await using here = await scene();
    const listed = (option: object): Promise<unknown> => here.source(option).list(soon());
    await expect(listed({ kubeconfig: 'none' })).rejects.toThrow('cannot be read (ENOENT)');
    await writeFile(join(here.folder.path, 'config'), 'a: [');
    await expect(listed({ kubeconfig: 'config' })).rejects.toThrow('kubeconfig is not YAML');
    await writeFile(join(here.folder.path, 'config'), config(here, { token: 'first' }));
    await expect(listed({ kubeconfig: 'config', context: 'work' })).rejects.toThrow('has no such context');
  });
});

test('lists 5,000 Ingresses in little memory and time', async () => {
  await using here = await scene();
  here.cluster.pageSize = 500;
  const [jellyfin] = here.cluster.collections[INGRESSES]!.items;
  here.cluster.collections[INGRESSES]!.items = Array.from({ length: 5_000 }, (_, index) => ({
    ...jellyfin!,
    metadata: { ...jellyfin!.metadata, name: `app-${index}`, namespace: `team-${index % 50}` },
    spec: {
      ingressClassName: 'traefik',
      rules: [
        {
          host: `app-${index}.example.com`,
          http: {
            paths: [
              { path: '/', pathType: 'Prefix', backend: { service: { name: 'app', port: { number: 80 } } } },
              {
                path: '/api',
                pathType: 'Prefix',
                backend: { service: { name: 'app', port: { number: 80 } } },
              },
            ],
          },
        },
      ],
    },
  }));
  const from = process.cpuUsage();
  const { found } = await here.source().list(soon());
  const { user, system } = process.cpuUsage(from);
  expect(found.filter(({ expect: kind }) => kind === 'login').length).toBeGreaterThan(5_000);
  // The stand-in's share included; twice the promised bound.
  expect((user + system) / 1e6).toBeLessThan(4);
});
