// The two questions that are asked of a cluster's API, both read-only: list a collection, page by page, and watch it
// from there on. Source: kubernetes.io "Kubernetes API Concepts" (chunks, watches, bookmarks, 410 Gone).

import { Agent, request } from 'undici';
import { z } from 'zod';
import { type Clock, sleep } from '../../base/clock.ts';
import { createJsonHttp, type JsonHttp, JsonHttpError } from '../../base/json-http.ts';
import { decoded, discoveryError } from '../decode.ts';
import { DiscoveryError } from '../discoverer.ts';
import type { Access } from './access.ts';
import { linesOf } from './lines.ts';

/** Objects a page: about 1 MB of Ingresses. */
const PAGE = 500;
const MOST_PAGES = 400;
/** A server in distress says so with 429 or 503; asked again after this, ms, this often. */
const BUSY_MS = 1_000;
const MOST_TRIES = 4;
/** How long the server is asked to keep a watch, seconds; it sends a bookmark about every minute. */
const WATCH_SECONDS = 300;
const SILENCE_MS = 330_000;
const HEADERS_MS = 60_000;
/** Longest line of a watch, in bytes (threats D9). */
const LONGEST_LINE = 2 * 1024 * 1024;

/** A collection at one time. */
export interface Listed {
  /** Documents, not decoded. */
  readonly items: readonly unknown[];
  readonly version: string;
}

/** A change in a collection; `bookmark` only moves the version. */
export interface Change {
  readonly type: 'put' | 'delete' | 'bookmark';
  readonly object: unknown;
  readonly version: string;
}

/** The version that was asked for is too old: list again. */
export class Gone extends Error {}

/** For a round of lists. */
export interface Connection extends AsyncDisposable {
  /** Everything in a collection; null when the cluster does not know it. Rejects with DiscoveryError. */
  list(path: string, signal: AbortSignal): Promise<Listed | null>;
}

export interface ClusterApi {
  /** Reads how we are let in, anew each time: tokens are rotated. Throws DiscoveryError. */
  connect(): Connection;
  /**
   * Changes since a version, until the server ends the stream; lets itself in anew each time. Throws Gone, or
   * DiscoveryError when it broke off.
   */
  watch(path: string, version: string, signal: AbortSignal): AsyncIterable<Change>;
}

const listSchema = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().nullish() }),
  items: z.array(z.unknown()).nullish(),
});

const eventSchema = z.object({ type: z.string(), object: z.unknown() });
const versionSchema = z.object({ metadata: z.object({ resourceVersion: z.string() }) });
const statusSchema = z.object({ code: z.number().nullish() });

interface ApiTools {
  readonly access: () => Access;
  readonly source: string;
  readonly userAgent: string;
  readonly clock: Clock;
}

/** The API of one cluster. */
export function createClusterApi(tools: ApiTools): ClusterApi {
  return {
    connect() {
      const { url, token, ca, client } = tools.access();
      const http = createJsonHttp({
        authorization: () => bearer(token),
        ca: ca === null ? [] : [ca],
        trustsOnlyCa: true,
        ...(client === null ? {} : { client: { cert: client.cert, key: client.key.reveal() } }),
        userAgent: tools.userAgent,
      });
      return {
        list: (path, signal) => listed(path, { ...tools, url, http }, signal),
        [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
      };
    },
    watch: (path, version, signal) => watched({ path, version }, tools, signal),
  };
}

type ListTools = ApiTools & { readonly url: string; readonly http: JsonHttp };

async function listed(path: string, tools: ListTools, signal: AbortSignal): Promise<Listed | null> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await pagesOf(path, tools, signal);
    } catch (error) {
      const status = error instanceof JsonHttpError ? error.status : null;
      if (status === 404) return null;
      // The place in the list has expired while pages were read: the whole list anew.
      if (status !== 410 || tries === MOST_TRIES) throw listError(tools.source, path, error);
    }
  }
}

async function pagesOf(path: string, tools: ListTools, signal: AbortSignal): Promise<Listed> {
  const items: unknown[] = [];
  let query = `?limit=${PAGE}`;
  for (let count = 0; count < MOST_PAGES; count += 1) {
    const value = await page(`${tools.url}${path}${query}`, tools, signal);
    const list = decoded(listSchema, value, tools.source, nameOf(path));
    items.push(...(list.items ?? []));
    const next = list.metadata.continue ?? '';
    if (next === '') return { items, version: list.metadata.resourceVersion };
    query = `?limit=${PAGE}&continue=${encodeURIComponent(next)}`;
  }
  throw new DiscoveryError(tools.source, `${nameOf(path)}: has more than ${MOST_PAGES * PAGE} objects`);
}

async function page(url: string, { http, clock }: ListTools, signal: AbortSignal): Promise<unknown> {
  for (let tries = 1; ; tries += 1) {
    try {
      return (await http.get(url, signal)).value;
    } catch (error) {
      const isBusy = error instanceof JsonHttpError && (error.status === 429 || error.status === 503);
      if (!isBusy || tries === MOST_TRIES || signal.aborted) throw error;
    }
    await sleep(clock, BUSY_MS * tries, signal);
  }
}

async function* watched(
  { path, version }: { readonly path: string; readonly version: string },
  tools: ApiTools,
  signal: AbortSignal,
): AsyncIterable<Change> {
  const access = tools.access();
  const { ca, client } = access;
  const trust = ca === null ? {} : { ca };
  const identity = client === null ? {} : { cert: client.cert, key: client.key.reveal() };
  const agent = new Agent({
    connect: { ...trust, ...identity },
    bodyTimeout: SILENCE_MS,
    headersTimeout: HEADERS_MS,
  });
  try {
    const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${WATCH_SECONDS}`;
    const url = `${access.url}${path}?${query}&resourceVersion=${encodeURIComponent(version)}`;
    const authorization = bearer(access.token);
    const { statusCode, body } = await request(url, {
      dispatcher: agent,
      signal,
      headers: {
        'user-agent': tools.userAgent,
        accept: 'application/json',
        ...(authorization === null ? {} : { authorization }),
      },
    });
    if (statusCode === 410) throw new Gone();
    if (statusCode !== 200)
      throw new DiscoveryError(tools.source, `watch ${nameOf(path)}: HTTP ${statusCode}`);
    for await (const line of linesOf(body, LONGEST_LINE)) yield changeFrom(line, path, tools.source);
  } catch (error) {
    if (error instanceof Gone || error instanceof DiscoveryError) throw error;
    throw new DiscoveryError(tools.source, `watch ${nameOf(path)}: broke off`, { cause: error });
  } finally {
    await agent.destroy();
  }
}

function changeFrom(line: string, path: string, source: string): Change {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new DiscoveryError(source, `watch ${nameOf(path)}: a line is not JSON`);
  }
  const { type, object } = decoded(eventSchema, value, source, `watch ${nameOf(path)}`);
  if (type === 'ERROR') {
    if (statusSchema.safeParse(object).data?.code === 410) throw new Gone();
    throw new DiscoveryError(source, `watch ${nameOf(path)}: ended by the server`);
  }
  const { resourceVersion } = decoded(versionSchema, object, source, `watch ${nameOf(path)}`).metadata;
  const types = { ADDED: 'put', MODIFIED: 'put', DELETED: 'delete', BOOKMARK: 'bookmark' } as const;
  const known = Object.entries(types).find(([name]) => name === type)?.[1];
  if (known === undefined) throw new DiscoveryError(source, `watch ${nameOf(path)}: an unknown event`);
  return { type: known, object, version: resourceVersion };
}

/** `ingresses.networking.k8s.io`, as people name collections in roles. */
function nameOf(path: string): string {
  const [, , group = '', , plural = ''] = path.split('/');
  return `${plural}.${group}`;
}

function listError(source: string, path: string, error: unknown): DiscoveryError {
  const isForbidden = error instanceof JsonHttpError && error.status === 403;
  const doing = `list ${nameOf(path)}`;
  if (!isForbidden) return discoveryError(source, doing, error);
  const why = 'not allowed; config/kubernetes/rbac.yaml has the role that is needed';
  return new DiscoveryError(source, `${doing}: ${why}`, { cause: error });
}

function bearer(token: Access['token']): string | null {
  return token === null ? null : `Bearer ${token.reveal()}`;
}
