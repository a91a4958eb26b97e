// Source `uptime-kuma`: the pages that an Uptime Kuma watches, from its `kuma.db`. A list that somebody keeps: it
// knows no gate.

import { resolve } from 'node:path';
import { z } from 'zod';
import { type Discoverer, DiscoveryError, type Found, type Listing, type Note } from './discoverer.ts';
import { type Kuma, KumaError, type KumaMonitor, openKuma } from './kuma-database.ts';
import { sourceKeys } from './source-options.ts';
import { placeOf } from './target-group.ts';

export const uptimeKumaSchema = z.strictObject({
  kind: z.literal('uptime-kuma'),
  ...sourceKeys,
  file: z.string().min(1).max(1024),
});

/** Types of monitors that fetch a page. */
export const PAGE_TYPES: readonly string[] = ['http', 'keyword', 'json-query', 'real-browser'];

/** Lists the active monitors of pages; `folder` is where a relative name begins. */
export function createUptimeKumaSource(
  { file }: z.output<typeof uptimeKumaSchema>,
  { source, folder }: { readonly source: string; readonly folder: string },
): Discoverer {
  return {
    view: 'list',
    async list() {
      try {
        using kuma = openKuma(resolve(folder, file));
        return listingFrom(kuma);
      } catch (error) {
        if (error instanceof KumaError)
          throw new DiscoveryError(source, `file ${error.message}`, { cause: error });
        throw new DiscoveryError(source, 'file cannot be read', { cause: error });
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}

function listingFrom(kuma: Kuma): Listing {
  const found: Found[] = [];
  const notes: Note[] = [];
  for (const monitor of kuma.monitors()) {
    if (!monitor.isActive || !PAGE_TYPES.includes(monitor.type)) continue;
    const object = `monitor ${monitor.id}`;
    const place = placeOfMonitor(monitor);
    if ('why' in place) notes.push({ object, why: place.why });
    else found.push({ ...CLAIM, ...place, object });
  }
  return { found, notes };
}

function placeOfMonitor({ url, upsideDown }: KumaMonitor): ReturnType<typeof placeOf> {
  if (upsideDown) return { why: 'is upside down: it is up when the page is not' };
  return placeOf(url.split(/[?#]/)[0] ?? '');
}

const CLAIM = {
  expect: null,
  gate: null,
  paths: null,
  wake: 'always',
  labels: {},
  owner: null,
  createdAt: null,
  wishes: {},
} as const;
