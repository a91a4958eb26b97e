// Source `authentik`: proxy providers with their applications and outposts, by the REST API, with a token that may
// view those three. What authentik believes it protects, and for how long its sessions live. Never asked is
// `/outposts/proxy/`: it answers secrets. Source: reference of the API at docs.goauthentik.io, 2023.10 to 2026.5.

import { z } from 'zod';
import { formatDuration } from '../base/duration.ts';
import type { JsonHttp } from '../base/json-http.ts';
import { name } from '../base/schema.ts';
import { decoded, discoveryError } from './decode.ts';
import { type Discoverer, DiscoveryError, type Found, type Listing, type Note } from './discoverer.ts';
import { literalPathname, literalUrlPrefix } from './literal-pattern.ts';
import type { FrontGate } from './routing.ts';
import { AUTH_IN_CLEAR, keepsAuthSecret, serverKeys, sourceKeys } from './source-options.ts';
import { placeOf } from './target-group.ts';

const PAGE = 100;
const MOST_PAGES = 100;
/** Skip patterns that are looked at, of all providers together (threats D6). */
const MOST_PATTERNS = 1_000;

export const authentikSchema = z
  .strictObject({
    kind: z.literal('authentik'),
    ...sourceKeys,
    ...serverKeys,
    gate: name().optional(),
  })
  .refine(keepsAuthSecret, AUTH_IN_CLEAR);

export interface AuthentikTools {
  readonly source: string;
  readonly http: JsonHttp;
  readonly gates: readonly FrontGate[];
}

/** Lists the proxy providers of the authentik at the URL. */
export function createAuthentikSource(
  option: z.output<typeof authentikSchema>,
  tools: AuthentikTools,
): Discoverer {
  const { source, http } = tools;
  const base = `${option.url.replace(/\/+$/, '').replace(/\/api\/v3$/, '')}/api/v3`;
  return {
    view: 'gate',
    async list(signal) {
      try {
        const read = <Out>(path: string, schema: z.ZodType<Out>): Promise<Out[]> =>
          all(`${base}${path}`, schema, tools, signal);
        const providers = await read('/providers/proxy/', providerSchema);
        const applications = await read('/core/applications/?superuser_full_list=true', applicationSchema);
        const outposts = await read('/outposts/instances/', outpostSchema);
        return listingFromProviders({ providers, applications, outposts }, option, tools);
      } catch (error) {
        throw discoveryError(source, 'list providers', error);
      }
    },
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

const textSchema = z.string().max(8_192);

const providerSchema = z.object({
  pk: z.number(),
  name: textSchema,
  mode: z.enum(['proxy', 'forward_single', 'forward_domain']),
  external_host: textSchema,
  skip_path_regex: z.string().nullish(),
  access_token_validity: textSchema.nullish(),
});
type Provider = z.output<typeof providerSchema>;

const applicationSchema = z.object({ slug: textSchema, provider: z.number().nullish() });
type Application = z.output<typeof applicationSchema>;

const outpostSchema = z.object({
  name: textSchema,
  type: z.string().nullish(),
  providers: z.array(z.number()),
});
type Outpost = z.output<typeof outpostSchema>;

const pageSchema = z.object({
  pagination: z.object({ next: z.number() }),
  results: z.array(z.unknown()),
});
const namedSchema = z.object({ name: z.string().optional(), slug: z.string().optional() });

async function all<Out>(
  url: string,
  schema: z.ZodType<Out>,
  { source, http }: AuthentikTools,
  signal: AbortSignal,
): Promise<Out[]> {
  const entries: Out[] = [];
  let page = 1;
  for (let count = 0; count < MOST_PAGES; count += 1) {
    const query = `${url.includes('?') ? '&' : '?'}page=${page}&page_size=${PAGE}`;
    const { value } = await http.get(`${url}${query}`, signal);
    const { pagination, results } = decoded(pageSchema, value, source, 'answer');
    for (const entry of results) {
      const own = namedSchema.safeParse(entry).data;
      entries.push(decoded(schema, entry, source, shownName(own?.name ?? own?.slug ?? '')));
    }
    if (pagination.next === 0) return entries;
    if (pagination.next !== page + 1) throw new DiscoveryError(source, 'the pages do not follow one another');
    page = pagination.next;
  }
  throw new DiscoveryError(source, `has more than ${MOST_PAGES * PAGE} entries`);
}

interface Everything {
  readonly providers: readonly Provider[];
  readonly applications: readonly Application[];
  readonly outposts: readonly Outpost[];
}

function listingFromProviders(
  { providers, applications, outposts }: Everything,
  option: z.output<typeof authentikSchema>,
  { source, gates }: AuthentikTools,
): Listing {
  // Whoever may not view objects gets an empty list, not an error.
  if (providers.length > 0 && outposts.length === 0)
    throw new DiscoveryError(source, 'lists providers but no outposts; may the token view outposts?');
  if (providers.length > 0 && applications.length === 0)
    throw new DiscoveryError(source, 'lists providers but no applications; may the token view applications?');
  const served: Served[] = [];
  const notes: Note[] = [];
  for (const provider of providers) {
    const object = `provider ${shownName(provider.name)}`;
    const outpost = outposts.find((one) => one.providers.includes(provider.pk));
    if (!applications.some((one) => one.provider === provider.pk))
      notes.push({ object, why: 'has no application: it protects nothing' });
    else if (outpost === undefined) notes.push({ object, why: 'has no outpost: it protects nothing' });
    else served.push({ provider, object, gate: gateFor(outpost, option, gates) });
  }
  const patterns = providers.flatMap((provider) => (provider.skip_path_regex ?? '').split('\n'));
  if (patterns.length > MOST_PATTERNS)
    throw new DiscoveryError(source, `has more than ${MOST_PATTERNS} paths without authentication`);
  const claims = served.map(claimsOf);
  const lifetimesMs = longestLifetimes(served);
  const longer = gates.filter((one) => (lifetimesMs[one.name] ?? 0) > one.sessions.lifetimeMs);
  return {
    found: claims.flatMap((claim) => claim.found),
    notes: [
      ...notes,
      ...claims.flatMap((claim) => claim.notes),
      ...longer.map((one) => longerNote(one, lifetimesMs)),
    ],
    lifetimesMs,
  };
}

function longerNote(
  { name: gate, sessions }: FrontGate,
  lifetimesMs: Readonly<Record<string, number>>,
): Note {
  const [found, configured] = [lifetimesMs[gate] ?? 0, sessions.lifetimeMs].map(formatDuration);
  return {
    object: `gate ${gate}`,
    why: `keeps sessions for ${found}, and its sessions: lifetime says ${configured}`,
  };
}

/** A provider that an outpost answers for. */
interface Served {
  readonly provider: Provider;
  readonly object: string;
  readonly gate: string | null;
}

function longestLifetimes(served: readonly Served[]): Record<string, number> {
  const longest = new Map<string, number>();
  for (const { provider, gate } of served) {
    const lifetimeMs = lifetimeOf(provider.access_token_validity ?? '');
    if (gate !== null && lifetimeMs !== null) longest.set(gate, Math.max(longest.get(gate) ?? 0, lifetimeMs));
  }
  return Object.fromEntries(longest);
}

/** The configured gate that an outpost answers for; null = the default gate. */
function gateFor(
  outpost: Outpost,
  { gate, url }: z.output<typeof authentikSchema>,
  gates: readonly FrontGate[],
): string | null {
  if (gate !== undefined) return gate;
  const candidates = gates.filter(
    (one) => one.kind === 'authentik' && new URL(one.url).origin === new URL(url).origin,
  );
  return (candidates.find((one) => one.outpost === outpost.name) ?? candidates[0])?.name ?? null;
}

function claimsOf({ provider, object, gate }: Served): {
  readonly found: readonly Found[];
  readonly notes: readonly Note[];
} {
  const place = placeOf(provider.external_host);
  if ('why' in place) return { found: [], notes: [{ object, why: place.why }] };
  // A provider for a whole domain does not know its hosts: proxies do.
  const isDomain = provider.mode === 'forward_domain';
  const found: Found[] = isDomain ? [] : [{ ...CLAIM, ...place, object, expect: 'login', gate }];
  const notes: Note[] = [];
  const lines = (provider.skip_path_regex ?? '').split('\n').map((line) => line.trim());
  for (const line of lines.filter((one) => one !== '')) {
    const skipped = isDomain ? literalUrlPrefix(line) : literalPathname(line);
    if (skipped === null) {
      notes.push({ object, why: 'lets a pattern through that is more than a literal path' });
      continue;
    }
    const { pathname } = skipped;
    const host = 'host' in skipped ? String(skipped.host) : place.host;
    found.push({ ...CLAIM, scheme: place.scheme, host, pathname, object, expect: 'public', gate: null });
  }
  return { found, notes };
}

const CLAIM = { paths: null, wake: 'always', labels: {}, owner: null, createdAt: null, wishes: {} } as const;

const UNITS: Readonly<Record<string, number>> = {
  milliseconds: 1,
  seconds: 1_000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
  weeks: 604_800_000,
};

/** `hours=24;minutes=5` in ms; null when it cannot be read. */
function lifetimeOf(text: string): number | null {
  let ms = 0;
  for (const part of text.split(';')) {
    const [, unit = '', amount = ''] = /^\s*([a-z]+)\s*=\s*(\d{1,9}(?:\.\d{1,3})?)\s*$/.exec(part) ?? [];
    const unitMs = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
    if (unitMs === undefined) return null;
    ms += unitMs * Number(amount);
  }
  return ms > 0 ? ms : null;
}

function shownName(text: string): string {
  return /^[\w ./@:()-]{1,120}$/.test(text) ? text : '(unusual name)';
}
