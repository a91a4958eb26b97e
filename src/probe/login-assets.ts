// Canary `login-assets`: the login page, and its scripts and styles as a browser would fetch them, without a browser.
// No session is made: the page's HTML makes none, its executor is never asked, no cookie is sent or kept
// (reference/authentik.md 2.4). Without those files the page is blank, whatever its own status says.

import type { Canary } from '../model/check.ts';
import type { Exchange } from '../model/observation.ts';
import { isUselessAsset, LOGIN_ASSETS_MOST } from '../model/page-asset.ts';
import type { Limit } from './exchange.ts';
import { baseHeaders, type Sighting, type VisitTools } from './http-visit.ts';
import { CANARY_BODY_LIMIT_BYTES } from './limits.ts';
import { assetsOf, importsOf, type PageAsset } from './page-assets.ts';

/** Requests at the same time; a browser makes six on HTTP/1.1. */
const AT_ONCE = 4;
/**
 * Share of the time after which no further file is begun: many slow ones together are no time-out of the provider. The
 * first few are always asked for, or a slow page would look like one that names none.
 */
const BEGIN_SHARE = 0.5;
/** Slug that authentik's own installation gives its login flow. */
const USUAL_FLOW = 'default-authentication-flow';

type Get = (url: URL) => Promise<Exchange>;

/** Asks for the brand, its login page, and what that page needs. What a browser could not use comes last. */
export async function fetchLoginAssets(canary: Canary, tools: VisitTools, limit: Limit): Promise<Sighting> {
  const headers = { ...baseHeaders(tools.userAgent), ...canary.headers };
  const get: Get = (url) =>
    tools.exchanger.get({ url, headers, bodyLimitBytes: CANARY_BODY_LIMIT_BYTES }, canary.path, limit);
  const beginUntil = tools.clock.monotonic() + BEGIN_SHARE * limit.timeoutMs;

  const brand = await get(new URL('/api/v3/core/brands/current/', canary.url));
  if (brand.error !== null) return seen([brand]);
  const page = await get(new URL(`/if/flow/${flowOf(brand)}/`, canary.url));
  if (page.error !== null || page.status !== 200) return seen([brand, page]);
  const assets = await fetchAll(
    assetsOf(page.body, new URL(page.url)),
    get,
    () => tools.clock.monotonic() < beginUntil,
  );
  return seen([brand, page, ...assets.toSorted((a, b) => rank(a) - rank(b))]);
}

/** Slug of the brand's login flow. The page is public, and makes no session. */
function flowOf(brand: Exchange): string {
  if (brand.status !== 200) return USUAL_FLOW;
  return /"flow_authentication"\s{0,5}:\s{0,5}"([\w-]{1,100})"/.exec(brand.body)?.[1] ?? USUAL_FLOW;
}

/** A few at a time; a module's imports join the end of the queue. */
async function fetchAll(first: readonly PageAsset[], get: Get, mayBegin: () => boolean): Promise<Exchange[]> {
  const queue = first.slice(0, LOGIN_ASSETS_MOST);
  const known = new Set(queue.map(({ url }) => url.href));
  const exchanges: Exchange[] = [];
  while (exchanges.length < queue.length && (exchanges.length === 0 || mayBegin())) {
    const batch = queue.slice(exchanges.length, exchanges.length + AT_ONCE);
    const answered = await Promise.all(batch.map(({ url }) => get(url)));
    exchanges.push(...answered);
    for (const url of batch.flatMap((asset, at) => importsIn(asset, answered[at]))) {
      if (queue.length < LOGIN_ASSETS_MOST && !known.has(url.href)) queue.push({ url, isModule: true });
      known.add(url.href);
    }
  }
  return exchanges;
}

function importsIn(asset: PageAsset, answered: Exchange | undefined): URL[] {
  const isUsable = asset.isModule && answered?.status === 200 && !isUselessAsset(answered);
  return isUsable ? importsOf(answered.body, asset.url) : [];
}

/** Usable answers first, then silence, then what no browser could use. */
function rank(exchange: Exchange): number {
  if (isUselessAsset(exchange)) return 2;
  return exchange.error === null ? 0 : 1;
}

function seen(exchanges: readonly Exchange[]): Sighting {
  const error = exchanges.at(-1)?.error ?? null;
  return { exchanges, stop: error === null ? 'answer' : 'error', error };
}
