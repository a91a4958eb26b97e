// Source `traefik`: routers and middlewares as Traefik itself has them, by its API. Entry points' middlewares are in
// the routers already. Source: doc.traefik.io "API"; pages by `X-Next-Page`, which is 1 on the last one.

import { z } from 'zod';
import type { JsonHttp } from '../base/json-http.ts';
import { decoded, discoveryError } from './decode.ts';
import { type Discoverer, DiscoveryError, type Listing, type Note } from './discoverer.ts';
import { effectOf, type MiddlewareFacts, type MiddlewareTable } from './forward-auth.ts';
import type { RecogniseGate } from './gate-recognition.ts';
import { type FrontGate, listingFrom, type Route } from './routing.ts';
import { AUTH_IN_CLEAR, keepsAuthSecret, serverKeys, sourceKeys } from './source-options.ts';
import { readRule } from './traefik-rule.ts';

/** Entries a page, and most pages. */
const PAGE = 250;
const MOST_PAGES = 100;

export const traefikSchema = z
  .strictObject({ kind: z.literal('traefik'), ...sourceKeys, ...serverKeys })
  .refine(keepsAuthSecret, AUTH_IN_CLEAR);

export interface TraefikTools {
  readonly source: string;
  readonly http: JsonHttp;
  readonly recognise: RecogniseGate;
  readonly gates: readonly FrontGate[];
}

/** Lists the routers of the Traefik whose API is at the URL. */
export function createTraefikSource(
  { url }: z.output<typeof traefikSchema>,
  tools: TraefikTools,
): Discoverer {
  const { source, http } = tools;
  const base = url.replace(/\/+$/, '').replace(/\/api$/, '');
  return {
    view: 'proxy',
    async list(signal) {
      try {
        // Middlewares first: a router that is added between the two is seen with the next list.
        const middlewares = await all(`${base}/api/http/middlewares`, middlewareSchema, tools, signal);
        const routers = await all(`${base}/api/http/routers`, routerSchema, tools, signal);
        return listingFromRouters(routers, middlewares, tools);
      } catch (error) {
        throw discoveryError(source, 'list routers', error);
      }
    },
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

const textSchema = z.string().max(8_192);

const routerSchema = z.object({
  name: textSchema,
  provider: textSchema.nullish(),
  rule: z.string().nullish(),
  priority: z.number().nullish(),
  middlewares: z.array(textSchema).nullish(),
  service: textSchema.nullish(),
  status: z.string().nullish(),
  tls: z.object({}).nullish(),
});
type Router = z.output<typeof routerSchema>;

const middlewareSchema = z.object({
  name: textSchema,
  provider: textSchema.nullish(),
  forwardAuth: z.object({ address: textSchema.nullish() }).nullish(),
  chain: z.object({ middlewares: z.array(textSchema).nullish() }).nullish(),
  plugin: z.record(z.string(), z.unknown()).nullish(),
  redirectScheme: z.object({}).nullish(),
});
type Middleware = z.output<typeof middlewareSchema>;

const namedSchema = z.object({ name: z.string() });

async function all<Out>(
  url: string,
  schema: z.ZodType<Out>,
  { source, http }: TraefikTools,
  signal: AbortSignal,
): Promise<Out[]> {
  const entries: Out[] = [];
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const { value, headers } = await http.get(`${url}?page=${page}&per_page=${PAGE}`, signal);
    for (const entry of decoded(z.array(z.unknown()), value, source, 'answer'))
      entries.push(decoded(schema, entry, source, shownName(namedSchema.safeParse(entry).data?.name ?? '')));
    const next = Number(headers['x-next-page'] ?? 1);
    if (next === 1) return entries;
    if (next !== page + 1) throw new DiscoveryError(source, 'the pages do not follow one another');
  }
  throw new DiscoveryError(source, `has more than ${MOST_PAGES * PAGE} entries`);
}

/** Claims of Traefik's routers. */
function listingFromRouters(
  routers: readonly Router[],
  middlewares: readonly Middleware[],
  { recognise, gates }: TraefikTools,
): Listing {
  const notes: Note[] = [];
  const table = tableOf(middlewares, recognise);
  const own = routers.filter(({ name, provider }) => provider !== 'internal' && !name.endsWith('@internal'));
  const routes = own.flatMap((router) => routesOf(router, table, notes));
  const encrypted = new Set(routes.filter(({ tls }) => tls).map(({ route }) => route.host));
  // Where a host is served with TLS, its routers without are the way there.
  const pages = routes.filter(({ tls, route }) => tls || !encrypted.has(route.host));
  const listing = listingFrom(
    pages.map(({ route }) => route),
    gates.map(({ kind }) => kind),
  );
  return { found: listing.found, notes: [...notes, ...listing.notes] };
}

function tableOf(middlewares: readonly Middleware[], recognise: RecogniseGate): MiddlewareTable {
  const table = new Map<string, MiddlewareFacts>();
  for (const { name, provider, forwardAuth, chain, plugin, redirectScheme } of middlewares)
    table.set(qualified(name, provider), {
      forwardAuth: forwardAuth?.address ?? null,
      chain: (chain?.middlewares ?? []).map((one) => qualified(one, provider)),
      plugins: Object.keys(plugin ?? {}),
      redirectsScheme: redirectScheme !== undefined && redirectScheme !== null,
    });
  return { get: (fullName) => table.get(fullName), told: {}, recognise };
}

/** A name without `@provider` is of the provider of whoever uses it. */
function qualified(name: string, provider: string | null | undefined): string {
  return name.includes('@') ? name : `${name}@${provider ?? ''}`;
}

function routesOf(
  router: Router,
  table: MiddlewareTable,
  notes: Note[],
): { readonly route: Route; readonly tls: boolean }[] {
  const { provider, priority, service } = router;
  const object = `router ${shownName(router.name)}`;
  const match = router.rule ?? '';
  const rule = readRule(match);
  if (router.status === 'disabled') notes.push({ object, why: 'is disabled: Traefik found a mistake in it' });
  else if (rule.ways === null) notes.push({ object, why: `has a rule that cannot be read: ${rule.problem}` });
  if (router.status === 'disabled' || rule.ways === null) return [];
  const effect = effectOf(
    (router.middlewares ?? []).map((name) => qualified(name, provider)),
    table,
  );
  const isRedirect = service?.startsWith('noop@internal') ?? false;
  return rule.ways.flatMap(({ host, ...way }) => {
    if (host === null) {
      notes.push({ object, why: 'has a rule without a literal host' });
      return [];
    }
    const route: Route = {
      ...way,
      host,
      protection: isRedirect ? { kind: 'redirect' } : effect.protection,
      redirectsScheme: effect.redirectsScheme,
      priority: priority ?? match.length,
      sleeps: effect.sleeps,
      labels: {},
      owner: ownerOf(router),
      object,
      createdAt: Number.POSITIVE_INFINITY,
      wishes: {},
    };
    return [{ route, tls: router.tls !== undefined && router.tls !== null }];
  });
}

/**
 * Who can change a router. Names of a cluster's routers begin with their namespace, which may have dashes itself: its
 * first part may join namespaces, but never splits one. Other providers are the operator's own: null.
 */
function ownerOf({ name, provider }: Router): string | null {
  const from = provider ?? name.split('@').at(-1) ?? '';
  return from.startsWith('kubernetes') ? `${from}:${name.split('-')[0] ?? ''}` : null;
}

function shownName(name: string): string {
  return /^[\w./@:-]{1,253}$/.test(name) ? name : '(unusual name)';
}
