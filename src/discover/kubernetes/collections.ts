// The collections of a cluster as last seen: filled by a list, kept by a watch. A list or a change that cannot be read
// changes nothing and is an error.

import { z } from 'zod';
import { type Clock, deadline, sleep } from '../../base/clock.ts';
import { DiscoveryError } from '../discoverer.ts';
import { type ClusterApi, type Connection, Gone } from './api.ts';
import { type AnyObject, type Cluster, KINDS, type Kind } from './objects.ts';

/** Changes come in bursts (a rollout, a new list): told together after this quiet time, at the latest after that, ms. */
const QUIET_MS = 500;
const LONGEST_BURST_MS = 5_000;
/** A collection that does not exist may appear with its CRD; looked for at this interval, ms. */
const ABSENT_MS = 300_000;
/** Pause before a watch that the server ended is opened again, ms. */
const REOPEN_MS = 1_000;

/** One collection. */
export interface Collection {
  readonly kind: Kind;
  readonly path: string;
  /** By namespace and name. */
  objects: Map<string, AnyObject>;
  /** Where a watch begins; null when the cluster does not know the collection. */
  version: string | null;
  readonly tools: CollectionTools;
}

interface CollectionTools {
  readonly api: ClusterApi;
  readonly source: string;
  /** Names of annotations that the site uses itself. */
  readonly mapped: ReadonlySet<string>;
  readonly clock: Clock;
  /** For one round of lists; a watch has all the time there is. */
  readonly timeoutMs: number;
}

/** All collections, empty. */
export function collectionsOf(api: ClusterApi, options: Omit<CollectionTools, 'api'>): Collection[] {
  const tools = { api, ...options };
  return KINDS.flatMap((kind) =>
    kind.collections.map((path) => ({ kind, path, objects: new Map(), version: null, tools })),
  );
}

/** Lists all, one after the other: a cluster's API has other work to do. */
export async function fillAll(collections: readonly Collection[], signal: AbortSignal): Promise<void> {
  const [first] = collections;
  if (first === undefined) return;
  const { api, clock, timeoutMs } = first.tools;
  using limit = deadline(clock, timeoutMs, signal);
  await using connection = api.connect();
  for (const collection of collections) await fill(collection, connection, limit.signal);
}

async function fill(collection: Collection, connection: Connection, signal: AbortSignal): Promise<void> {
  const { kind, path, tools } = collection;
  const listed = await connection.list(path, signal);
  if (listed === null && !kind.optional)
    throw new DiscoveryError(tools.source, `list: the server knows no objects of kind ${kind.noun}`);
  const objects = (listed?.items ?? []).map((item) => objectFrom(item, collection));
  collection.objects = new Map(objects.map((object) => [idOf(object), object]));
  collection.version = listed?.version ?? null;
}

/** Everything there is. Of objects with the same name in several groups the newer group's counts. */
export function clusterOf(collections: readonly Collection[]): Cluster {
  const seen = new Map<string, AnyObject>();
  for (const { kind, objects } of collections)
    for (const [id, object] of objects) {
      const key = `${kind.noun} ${id}`;
      if (!seen.has(key)) seen.set(key, object);
    }
  const all = [...seen.values()];
  return {
    ingresses: all.filter((object) => object.what === 'ingress'),
    ingressRoutes: all.filter((object) => object.what === 'ingressroute'),
    middlewares: all.filter((object) => object.what === 'middleware'),
    httpRoutes: all.filter((object) => object.what === 'httproute'),
    sleepers: all.filter((object) => object.what === 'sleeper'),
  };
}

/**
 * Keeps all collections up to date and calls `tell` after changes, until the signal aborts. Rejects with
 * DiscoveryError when one of them cannot be followed.
 */
export async function followAll(
  collections: readonly Collection[],
  tell: () => void,
  signal: AbortSignal,
): Promise<void> {
  const clock = collections[0]?.tools.clock;
  if (clock === undefined) return;
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const burst = createBurst(clock, tell);
  try {
    await Promise.all(collections.map((collection) => followOne(collection, burst.changed, both)));
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    burst.cancel();
    stop.abort();
  }
}

function createBurst(clock: Clock, tell: () => void): { readonly changed: () => void; cancel: () => void } {
  let since: number | null = null;
  const burst = {
    changed(): void {
      since ??= clock.monotonic();
      burst.cancel();
      const left = since + LONGEST_BURST_MS - clock.monotonic();
      burst.cancel = clock.after(Math.min(QUIET_MS, Math.max(0, left)), () => {
        since = null;
        tell();
      });
    },
    cancel: (): void => {},
  };
  return burst;
}

async function followOne(collection: Collection, changed: () => void, signal: AbortSignal): Promise<void> {
  const { clock } = collection.tools;
  while (!signal.aborted) {
    const { version } = collection;
    const isGone = version !== null && (await followUntilEnd(collection, version, { changed, signal }));
    await sleep(clock, version === null ? ABSENT_MS : REOPEN_MS, signal);
    if (signal.aborted) return;
    if (version !== null && !isGone) continue;
    await fillAll([collection], signal);
    if (isGone || collection.version !== null) changed();
  }
}

/** Follows a watch until the server ends it; true when it must be listed anew. */
async function followUntilEnd(
  collection: Collection,
  version: string,
  { changed, signal }: { readonly changed: () => void; readonly signal: AbortSignal },
): Promise<boolean> {
  try {
    for await (const change of collection.tools.api.watch(collection.path, version, signal)) {
      if (change.type !== 'bookmark') {
        const object = objectFrom(change.object, collection);
        if (change.type === 'put') collection.objects.set(idOf(object), object);
        else collection.objects.delete(idOf(object));
        changed();
      }
      collection.version = change.version;
    }
    return false;
  } catch (error) {
    if (error instanceof Gone) return true;
    throw error;
  }
}

function idOf({ namespace, name }: AnyObject): string {
  return `${namespace}/${name}`;
}

const namedSchema = z.object({ metadata: z.object({ name: z.string(), namespace: z.string().optional() }) });

/** A document as ours; throws DiscoveryError that names the object and the place. */
function objectFrom(value: unknown, { kind, tools }: Collection): AnyObject {
  try {
    return kind.decode(value, tools.mapped);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    const { name = '?', namespace = '?' } = namedSchema.safeParse(value).data?.metadata ?? {};
    const full = `${namespace}/${name}`;
    const object = /^[a-z0-9?.:/-]{1,300}$/.test(full) ? full : '(unusual name)';
    const place = error.issues[0]?.path.filter((part) => /^[\w.-]{1,80}$/.test(String(part))).join('.');
    throw new DiscoveryError(tools.source, `${kind.noun} ${object}: ${place} is not what it should be`);
  }
}
