import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Found, Listing } from '../../../src/discover/discoverer.ts';
import { recogniserOf } from '../../../src/discover/gate-recognition.ts';
import type { ClusterApi } from '../../../src/discover/kubernetes/api.ts';
import { clusterOf, collectionsOf, fillAll } from '../../../src/discover/kubernetes/collections.ts';
import type { Cluster } from '../../../src/discover/kubernetes/objects.ts';
import { type ClusterHints, listingFromCluster } from '../../../src/discover/kubernetes/routes.ts';
import type { GateName } from '../../../src/model/gate.ts';

type Documents = Record<string, { items: unknown[] }>;

function documents(file: string): Documents {
  return JSON.parse(readFileSync(`test/fixtures/discover/${file}`, 'utf8'));
}

function clusterFrom(all: Documents, mapped: string[] = []): Promise<Cluster> {
  const api: ClusterApi = {
    connect: () => ({
      list: async (path) => ({ items: all[path]?.items ?? [], version: '1' }),
      async [Symbol.asyncDispose]() {},
    }),
    watch: () => {
      throw new Error('is not watched');
    },
  };
  const collections = collectionsOf(api, {
    source: 'kubernetes',
    mapped: new Set(mapped),
    clock: systemClock,
    timeoutMs: 10_000,
  });
  return fillAll(collections, new AbortController().signal).then(() => clusterOf(collections));
}

const AUTHENTIK = {
  name: 'authentik' as GateName,
  kind: 'authentik' as const,
  url: 'https://auth.example.com',
  outpost: 'embedded',
  sessions: { lifetimeMs: 86_400_000 },
};
function hints(addresses: string[], more: Partial<ClusterHints> = {}): ClusterHints {
  return {
    gates: [AUTHENTIK],
    recognise: recogniserOf([{ name: AUTHENTIK.name, forwardAuth: addresses }]),
    annotations: {},
    middlewares: {},
    entryPoints: null,
    ...more,
  };
}

/** One line a claim: place, expectation, and what is unusual of it. */
function lines({ found }: Listing): string[] {
  return found
    .map((one: Found) =>
      [
        `${one.host}${one.pathname}`,
        one.expect ?? '?',
        ...(one.gate === null ? [] : [one.gate]),
        ...(one.wake === 'never' ? ['sleeps'] : []),
        ...(Object.keys(one.wishes).length === 0 ? [] : [JSON.stringify(one.wishes)]),
      ].join(' '),
    )
    .sort();
}
const notesOf = ({ notes }: Listing): string[] => notes.map(({ object, why }) => `${object}: ${why}`).sort();

test('reads a cluster with Traefik 3, Gateway API and KEDA', async () => {
  const all = documents('kubernetes-traefik-3.json');
  const mapped = { watch: 'uptime.example.com/monitor' };
  const listing = listingFromCluster(
    await clusterFrom(all, Object.values(mapped)),
    hints(['http://auth-proxy.traefik.svc:9000'], { annotations: mapped }),
  );
  expect(lines(listing)).toEqual([
    'chat.example.com/ login authentik',
    'chat.example.com/healthz public',
    'docs.example.com/ login authentik',
    'filed.example.com/ ?',
    'grafana.example.com/ login authentik {"pathname":"/login","labels":{"team":"metrics"}}',
    'jellyfin.example.com/ login authentik',
    'jellyfin.example.com/hooks public',
    'photos.example.com/ app sleeps {"watch":false}',
    'sleepy.example.com/ login authentik sleeps',
    'store.example.com/ app',
    'vault.example.com/ login authentik',
    'vault.example.com/v1/webhook public',
    'wiki.example.com/ login authentik',
  ]);
  expect(notesOf(listing)).toEqual([
    'entry points: may have middlewares that a cluster does not show; if a gate is among them name it under entry-points:, else write {}',
    'httproute gw/nohost: names no host; those of its gateway are not read',
    'ingress evil/steal: serves a carve-out without a gate, but ingress media/jellyfin of another owner had it first',
    'ingress lab/every: has a wildcard host',
    'ingress lab/filed: uses a middleware that is not defined here; name it under middlewares: with its gate, or null',
    'ingressroute apps/broken: has a rule that cannot be read: "," is missing',
    'ingressroute apps/old-name: only redirects, and is not watched',
    'ingressroute apps/wiki: depends on Method, which is not evaluated',
  ]);
  expect(listing.found[0]).toMatchObject({
    object: 'ingress media/jellyfin',
    owner: 'media',
    labels: { namespace: 'media' },
    createdAt: Date.UTC(2025, 1, 1, 10),
    scheme: 'https',
  });
  expect(JSON.stringify(listing)).not.toContain('MARKER');
});

test('reads ingress-nginx, and the group Traefik had before', async () => {
  const listing = listingFromCluster(
    await clusterFrom(documents('kubernetes-nginx-traefik-2.json')),
    hints(['http://ak-outpost.authentik:9000'], { entryPoints: {} }),
  );
  expect(lines(listing)).toEqual([
    'files.example.com/ login authentik',
    'mail.example.com/ ?', // an oauth2-proxy that is no configured gate
    'nas.example.com/ login authentik',
    'paywall.example.com/ app',
    'post.example.com/ ?',
    'regex.example.com/ app',
    'snippet.example.com/ ?',
    'tickets.example.com/ login authentik',
    'webmail.example.com/ ?',
    'wiki.example.com/ login authentik',
    'wiki.example.com/feed.atom public',
  ]);
});

test('takes what the operator says of middlewares that the cluster does not show', async () => {
  const all = documents('kubernetes-traefik-3.json');
  const told = hints(['http://auth-proxy.traefik.svc:9000'], {
    middlewares: { 'authentik@file': 'authentik', 'traefik-crowdsec@kubernetescrd': null },
    entryPoints: { web: 'authentik' },
  });
  const listing = listingFromCluster(await clusterFrom(all), told);
  expect(lines(listing)).toContain('filed.example.com/ login authentik');
  // Without entry points of its own a route is on all of them.
  expect(lines(listing)).toContain('store.example.com/ login authentik');
  expect(notesOf(listing).filter((note) => note.startsWith('entry points'))).toEqual([]);
});

test('expects nothing where a gate is asked at an address that no gate has', async () => {
  const listing = listingFromCluster(await clusterFrom(documents('kubernetes-traefik-3.json')), hints([]));
  expect(lines(listing)).toContain('jellyfin.example.com/ ?');
  expect(lines(listing).filter((line) => line.includes('authentik'))).toEqual([]);
  expect(notesOf(listing)).toContain(
    'ingress media/jellyfin: asks a gate at an address that is in no forward-auth: of gates:',
  );
});

test('loses a carve-out that is taken away, and a gate that is', async () => {
  const all = documents('kubernetes-traefik-3.json');
  const ingresses = all['/apis/networking.k8s.io/v1/ingresses']!.items as {
    metadata: { name: string; annotations: Record<string, string> };
  }[];
  const without = ingresses.filter(({ metadata }) => metadata.name !== 'jellyfin-hooks');
  without.find(({ metadata }) => metadata.name === 'grafana')!.metadata.annotations = {};
  all['/apis/networking.k8s.io/v1/ingresses']!.items = without;
  const found = lines(
    listingFromCluster(await clusterFrom(all), hints(['http://auth-proxy.traefik.svc:9000'])),
  );
  expect(found).not.toContain('jellyfin.example.com/hooks public');
  expect(found).toContain('grafana.example.com/ app');
});
