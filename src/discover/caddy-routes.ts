// What a stranger's GET meets in Caddy's routes: played through them as Caddy does (caddyserver.com/docs/json/apps/http):
// routes in order, the first of a group, handlers one after another until one answers. Of matchers only those are
// known that such a visit has (host, pathname, method, protocol); others are taken not to match, and told of.

import { z } from 'zod';
import type { RecogniseGate } from './gate-recognition.ts';

/** Routes inside of routes, and visits of one host; more is no site. */
const DEEPEST = 32;
const MOST_PATHNAMES = 50;

const texts = z.array(z.string());

/** A handler; which fields it has depends on its kind. */
interface Handler {
  readonly handler?: string | undefined;
  readonly name?: string | undefined;
  readonly routes?: readonly Route[] | undefined;
  readonly upstreams?: readonly { readonly dial?: string | undefined }[] | undefined;
  readonly handle_response?: readonly unknown[] | undefined;
  readonly rewrite?: { readonly uri?: string | undefined } | undefined;
  readonly transport?: { readonly tls?: unknown } | undefined;
  readonly strip_path_prefix?: string | undefined;
  readonly abort?: boolean | undefined;
  readonly pass_thru?: boolean | undefined;
}

/** Conditions that must all hold, by matcher. */
type MatcherSet = Readonly<Record<string, unknown>>;

interface Route {
  readonly group?: string | undefined;
  readonly match?: readonly MatcherSet[] | undefined;
  readonly handle?: readonly Handler[] | undefined;
  readonly terminal?: boolean | undefined;
}

const routeSchema: z.ZodType<Route> = z.lazy(() =>
  z.object({
    group: z.string().optional(),
    match: z.array(z.record(z.string(), z.unknown())).optional(),
    handle: z.array(handlerSchema).optional(),
    terminal: z.boolean().optional(),
  }),
);

const handlerSchema: z.ZodType<Handler> = z.lazy(() =>
  z.object({
    handler: z.string().optional(),
    name: z.string().optional(),
    routes: z.array(routeSchema).optional(),
    upstreams: z.array(z.object({ dial: z.string().optional() })).optional(),
    handle_response: z.array(z.unknown()).optional(),
    rewrite: z.object({ uri: z.string().optional() }).optional(),
    transport: z.object({ tls: z.unknown() }).optional(),
    strip_path_prefix: z.string().optional(),
    abort: z.boolean().optional(),
    pass_thru: z.boolean().optional(),
  }),
);

const serverSchema = z.object({
  listen: texts.optional(),
  routes: z.array(routeSchema).optional(),
  named_routes: z.record(z.string(), routeSchema).optional(),
  tls_connection_policies: z.array(z.unknown()).optional(),
  automatic_https: z.object({ disable: z.boolean().optional(), skip: texts.optional() }).optional(),
});
export type CaddyServer = z.output<typeof serverSchema>;

/** Caddy's configuration as far as it is read; null before one was loaded. */
export const caddySchema = z
  .object({
    apps: z
      .object({ http: z.object({ servers: z.record(z.string(), serverSchema).optional() }).optional() })
      .optional(),
  })
  .nullable();

/** What answers a visit. */
export interface Outcome {
  /** Gate that is asked before. */
  readonly gate: string | null;
  /** `answer` by an app or a file, `gate` by the gate's own endpoints, `nothing` of it. */
  readonly end: 'answer' | 'gate' | 'nothing';
  /** Names of matchers on the way that are not known. */
  readonly unread: ReadonlySet<string>;
}

interface Visit {
  readonly host: string;
  readonly pathname: string;
}

/** Hosts that a server's routes name, each with the pathnames at which its routes may differ. */
export function placesIn(server: CaddyServer): Map<string, Set<string>> {
  const seen = { hosts: new Set<string>(), pathnames: new Map<string, Set<string>>() };
  walk([...(server.routes ?? []), ...Object.values(server.named_routes ?? {})], [ANY_HOST], {
    seen,
    depth: 0,
  });
  const own = (host: string): string[] =>
    [...seen.pathnames].flatMap(([pattern, some]) => (isHost(pattern, host) ? [...some] : []));
  return new Map([...seen.hosts].map((host) => [host, new Set(own(host))]));
}

interface Walk {
  /** Pathnames are by host pattern. */
  readonly seen: { readonly hosts: Set<string>; readonly pathnames: Map<string, Set<string>> };
  readonly depth: number;
}

function walk(routes: readonly Route[], around: readonly string[], { seen, depth }: Walk): void {
  if (depth > DEEPEST) return;
  for (const route of routes) {
    const named = hostsIn(route);
    for (const host of named) seen.hosts.add(host);
    const within = named.length > 0 ? named : around;
    for (const pattern of within) note(seen.pathnames, pattern, route);
    const inner = (route.handle ?? []).flatMap((handler) => handler.routes ?? []);
    walk(inner, within, { seen, depth: depth + 1 });
  }
}

function note(pathnames: Map<string, Set<string>>, pattern: string, { match = [] }: Route): void {
  const known = pathnames.get(pattern) ?? new Set();
  for (const pathname of pathnamesIn(match)) if (known.size < MOST_PATHNAMES) known.add(pathname);
  pathnames.set(pattern, known);
}

const ANY_HOST = '*any*';

function isHost(pattern: string, host: string): boolean {
  return pattern === ANY_HOST || matchesHost(pattern, host);
}

/** How a visit ends, and behind which gate. */
export function outcomeOf(server: CaddyServer, visit: Visit, recognise: RecogniseGate): Outcome {
  const player = new Player(server, visit, recognise);
  const end = player.play(server.routes ?? [], 0);
  return { gate: player.gate, end: end ?? 'nothing', unread: player.unread };
}

/** Plays one visit; what happens on the way changes what follows. */
class Player {
  readonly #server: CaddyServer;
  readonly #recognise: RecogniseGate;
  readonly #host: string;
  #pathname: string;
  gate: string | null = null;
  readonly unread = new Set<string>();

  constructor(server: CaddyServer, { host, pathname }: Visit, recognise: RecogniseGate) {
    this.#server = server;
    this.#recognise = recognise;
    this.#host = host;
    this.#pathname = pathname;
  }

  /** The end, or null where no handler answers. */
  play(routes: readonly Route[], depth: number): Outcome['end'] | null {
    if (depth > DEEPEST) return null;
    const groups = new Set<string>();
    for (const { group = '', match = [], handle = [], terminal = false } of routes) {
      if (group !== '' && groups.has(group)) continue;
      if (match.length > 0 && !match.some((set) => this.#matches(set))) continue;
      groups.add(group);
      for (const handler of handle) {
        const end = this.#handle(handler, depth);
        if (end !== null) return end;
      }
      if (terminal) return 'nothing';
    }
    return null;
  }

  #handle(handler: Handler, depth: number): Outcome['end'] | null {
    switch (handler.handler) {
      case 'subroute':
        return this.play(handler.routes ?? [], depth + 1);
      case 'invoke': {
        const route = this.#server.named_routes?.[handler.name ?? ''];
        return route === undefined ? null : this.play([route], depth + 1);
      }
      case 'rewrite':
        this.#strip(handler.strip_path_prefix ?? '');
        return null;
      case 'reverse_proxy':
        return this.#proxy(handler);
      case 'static_response':
        return handler.abort === true ? 'nothing' : 'answer';
      case 'file_server':
        return handler.pass_thru === true ? null : 'answer';
      default:
        return null;
    }
  }

  /** `forward_auth` is a proxy that goes on when its answer is a success. */
  #proxy({
    upstreams = [],
    handle_response: after = [],
    rewrite,
    transport,
  }: Handler): Outcome['end'] | null {
    const scheme = transport?.tls === undefined ? 'http' : 'https';
    const asked = upstreams
      .map(({ dial = '' }) =>
        this.#recognise(`${scheme}://${dial}${rewrite?.uri?.split('?')[0] ?? this.#pathname}`),
      )
      .find((gate) => gate !== null);
    if (after.some(goesOn)) {
      this.gate ??= asked ?? null;
      return null;
    }
    return asked === undefined ? 'answer' : 'gate';
  }

  #strip(prefix: string): void {
    if (prefix === '' || !this.#pathname.startsWith(prefix)) return;
    const rest = this.#pathname.slice(prefix.length);
    this.#pathname = rest.startsWith('/') ? rest : `/${rest}`;
  }

  #matches(set: MatcherSet): boolean {
    return Object.entries(set).every(([name, value]) => this.#matchesOne(name, value));
  }

  #matchesOne(name: string, value: unknown): boolean {
    const list = texts.safeParse(value).data ?? [];
    switch (name) {
      case 'host':
        return list.some((pattern) => matchesHost(pattern, this.#host));
      case 'path':
        return list.some((pattern) => matchesPathname(pattern, this.#pathname));
      case 'method':
        return list.includes('GET');
      case 'protocol':
        return value !== 'grpc';
      case 'not': {
        const sets = z.array(z.record(z.string(), z.unknown())).safeParse(value).data ?? [];
        return !sets.some((set) => this.#matches(set));
      }
      default:
        this.unread.add(/^[a-z_]{1,40}$/.test(name) ? name : '(unusual name)');
        return false;
    }
  }
}

const goesOnSchema = z.object({
  match: z.object({ status_code: z.array(z.int()) }),
  routes: z.array(routeSchema).optional(),
});

/** Whether the answers that it takes include successes, without answering itself. */
function goesOn(response: unknown): boolean {
  const { data } = goesOnSchema.safeParse(response);
  if (data === undefined || !data.match.status_code.some((code) => code === 2 || (code >= 200 && code < 300)))
    return false;
  const handlers = (data.routes ?? []).flatMap(({ handle = [] }) => handle);
  return handlers.every(({ handler }) => handler !== 'copy_response' && handler !== 'static_response');
}

function hostsIn({ match = [] }: Route): readonly string[] {
  return match.flatMap((set) => (texts.safeParse(set['host']).data ?? []).map((host) => host.toLowerCase()));
}

/** One pathname for each pattern: at which it begins to match. */
function pathnamesIn(match: readonly MatcherSet[], depth = 0): readonly string[] {
  return match.flatMap((set) => {
    const own = (texts.safeParse(set['path']).data ?? []).flatMap(sampleOf);
    const inner = z.array(z.record(z.string(), z.unknown())).safeParse(set['not']).data ?? [];
    return depth > DEEPEST ? own : [...own, ...pathnamesIn(inner, depth + 1)];
  });
}

/** `/hook` for `/hook`, `/api/` for `/api/*` and `/api*`; none for patterns that begin with `*`. */
function sampleOf(pattern: string): readonly string[] {
  const [head = '', ...rest] = pattern.split('*');
  return !head.startsWith('/') || head.includes('{') || rest.length > 1 || (rest[0] ?? '') !== ''
    ? []
    : [head];
}

/** `*` stands for one label (caddyserver.com/docs/json/apps/http/servers/routes/match/host). */
function matchesHost(pattern: string, host: string): boolean {
  const [want, have] = [pattern.toLowerCase().split('.'), host.toLowerCase().split('.')];
  return want.length === have.length && want.every((label, at) => label === '*' || label === have[at]);
}

/** Exact, or with `*` at the beginning, the end, or both; case does not matter. */
function matchesPathname(pattern: string, pathname: string): boolean {
  const [want, have] = [pattern.toLowerCase(), pathname.toLowerCase()];
  if (want === '*') return true;
  const [begins, ends] = [want.startsWith('*'), want.endsWith('*')];
  if (begins && ends) return have.includes(want.slice(1, -1));
  if (begins) return have.endsWith(want.slice(1));
  return ends ? have.startsWith(want.slice(0, -1)) : have === want;
}
