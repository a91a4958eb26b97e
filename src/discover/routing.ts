// From the routes of a reverse proxy to what each host owes a stranger. Proxies are read by their own files; here is
// what they have in common: which route answers a pathname, whether a gate stands before it, and which carve-outs
// differ from what is around them. Nothing here is guessed: what cannot be evaluated becomes a note.

import { type Gate, type GateKind, isGatePathname } from '../model/gate.ts';
import type { Found, Listing, Note, Wishes } from './discoverer.ts';

/** What sources know of a configured gate. */
export type FrontGate = Pick<Gate, 'name' | 'kind' | 'url' | 'outpost'> & {
  readonly sessions: Pick<Gate['sessions'], 'lifetimeMs'>;
};

/** What stands before a route. */
export type Protection =
  | { readonly kind: 'gate'; readonly gate: string }
  | { readonly kind: 'open' }
  /** Leads to another page. */
  | { readonly kind: 'redirect' }
  /** Cannot be told; `why` is half a sentence. */
  | { readonly kind: 'unknown'; readonly why: string };

/** One way a proxy serves a host. */
export interface Route {
  readonly host: string;
  readonly pathname: string;
  readonly exact: boolean;
  /** Pathnames below which it does not answer. */
  readonly excluded: readonly string[];
  /** Other things a request must have; a stranger's may or may not. */
  readonly conditions: readonly string[];
  readonly protection: Protection;
  /** Whether it sends http on to https, or serves https itself: then it matters only where nothing else does. */
  readonly redirectsScheme: boolean;
  /** Of routes for the same pathname the highest answers. */
  readonly priority: number;
  /** Behind it something scales to zero. */
  readonly sleeps: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** Namespace, or whoever else can change it; null = whoever can change the source. */
  readonly owner: string | null;
  /** Where it was found, a checked name: `ingress media/jellyfin`. */
  readonly object: string;
  /** Epoch ms; Infinity where it is not known. */
  readonly createdAt: number;
  readonly wishes: Wishes;
}

/** What every host owes a stranger; hosts in order of their first route. The work is bounded by the routes. */
export function listingFrom(routes: readonly Route[], gateKinds: readonly GateKind[]): Listing {
  const found: Found[] = [];
  const notes: Note[] = [];
  for (const all of Map.groupBy(routes, (route) => route.host).values()) {
    const serving = all.filter((route) => !isEndpoint(route, gateKinds));
    const first = serving.toSorted(byAge)[0];
    if (first === undefined) continue;
    const isShared = serving.some((route) => route.owner !== first.owner);
    const claims = hostClaims(believedRoutes(serving, first, notes), notes);
    found.push(...(isShared ? claims.map((claim) => withoutWishes(claim, notes)) : claims));
  }
  return { found, notes };
}

/** Of a host that several owners serve nobody's annotations are believed (threats D2). */
function withoutWishes(claim: Found, notes: Note[]): Found {
  if (Object.keys(claim.wishes).length === 0) return claim;
  notes.push({
    object: claim.object,
    why: 'has annotations that are not believed: another owner serves the same host',
  });
  return { ...claim, wishes: {} };
}

/** The gate's own endpoints, and the solvers of certificates, are nobody's page. */
function isEndpoint({ pathname }: Route, gateKinds: readonly GateKind[]): boolean {
  const below = `${pathname.replace(/\/$/, '')}/`;
  return (
    below.startsWith('/.well-known/acme-challenge/') || gateKinds.some((kind) => isGatePathname(kind, below))
  );
}

function byAge(one: Route, other: Route): number {
  if (one.createdAt !== other.createdAt) return one.createdAt < other.createdAt ? -1 : 1;
  return one.object === other.object ? 0 : one.object < other.object ? -1 : 1;
}

/** A host belongs to whoever named it first; others can add a gate to it, but open nothing (threats D2). */
function believedRoutes(routes: readonly Route[], first: Route, notes: Note[]): Route[] {
  return routes.filter((route) => {
    if (route.owner === first.owner || route.protection.kind === 'gate') return true;
    const part = route.pathname === '/' ? 'the host' : 'a carve-out';
    notes.push({
      object: route.object,
      why: `serves ${part} without a gate, but ${first.object} of another owner had it first`,
    });
    return false;
  });
}

/** Claims of one host: its widest route, and every route that differs from the one around it. */
function hostClaims(routes: readonly Route[], notes: Note[]): Found[] {
  const answering = answeringRoutes(routes, notes);
  const claims: Found[] = [];
  for (const route of answering) {
    const around = answering.findLast(
      ({ exact, pathname }) =>
        !exact && pathname.length < route.pathname.length && route.pathname.startsWith(pathname),
    );
    if (around !== undefined && sameProtection(around.protection, route.protection)) continue;
    if (around !== undefined && answersBefore(around, route)) {
      notes.push({ object: route.object, why: `never answers: ${around.object} has a higher priority` });
      continue;
    }
    claims.push(claimOf(route, around ?? null));
    if (route.protection.kind === 'unknown') notes.push({ object: route.object, why: route.protection.why });
  }
  return claims;
}

function answersBefore(wide: Route, narrow: Route): boolean {
  const isExcluded = wide.excluded.some((prefix) => narrow.pathname.startsWith(prefix));
  return wide.priority > narrow.priority && !isExcluded;
}

function claimOf(route: Route, around: Route | null): Found {
  const { host, pathname, protection, owner, object, labels, createdAt } = route;
  return {
    object,
    scheme: 'https',
    host,
    pathname,
    expect: expectOf(protection, around),
    gate: protection.kind === 'gate' ? protection.gate : null,
    paths: null,
    wake: route.sleeps || around?.sleeps === true ? 'never' : 'always',
    labels,
    owner,
    createdAt: Number.isFinite(createdAt) ? createdAt : null,
    wishes: around?.object === object ? withoutPlace(route.wishes) : route.wishes,
  };
}

/** What an object asks for its page is not meant for the carve-outs that the same object makes. */
function withoutPlace({ pathname: _, expect: __, ...wishes }: Wishes): Wishes {
  return wishes;
}

function expectOf(protection: Protection, around: Route | null): 'login' | 'public' | 'app' | null {
  if (protection.kind === 'gate') return 'login';
  if (protection.kind === 'unknown') return null;
  return around?.protection.kind === 'gate' ? 'public' : 'app';
}

function sameProtection(one: Protection, other: Protection): boolean {
  if (one.kind !== other.kind) return false;
  return one.kind !== 'gate' || other.kind !== 'gate' || one.gate === other.gate;
}

/** The route that answers each pathname, shortest pathname first. */
function answeringRoutes(routes: readonly Route[], notes: Note[]): Route[] {
  const pages = pagesOf(routes);
  const [redirect] = routes;
  if (pages.length === 0 && redirect !== undefined) {
    notes.push({ object: redirect.object, why: 'only redirects, and is not watched' });
    return [];
  }
  const answering: Route[] = [];
  for (const same of Map.groupBy(pages, (route) => route.pathname).values()) {
    const chosen = answerer(same, notes);
    if (chosen !== null) answering.push(chosen);
  }
  return answering.sort((one, other) => one.pathname.length - other.pathname.length);
}

/** Routes that serve pages. One that sends http on to https is left aside where another serves the same page. */
function pagesOf(routes: readonly Route[]): Route[] {
  const pages = routes.filter((route) => route.protection.kind !== 'redirect');
  const served = new Set(pages.filter((route) => !route.redirectsScheme).map((route) => route.pathname));
  return pages.filter(
    (route) => !route.redirectsScheme || route.protection.kind === 'gate' || !served.has(route.pathname),
  );
}

/** Which of the routes for one pathname answers a stranger; null when none is sure to. */
function answerer(routes: readonly Route[], notes: Note[]): Route | null {
  const sorted = routes.toSorted((one, other) => other.priority - one.priority || byAge(one, other));
  for (const { object, conditions } of sorted.filter((route) => route.conditions.length > 0))
    notes.push({ object, why: `depends on ${[...new Set(conditions)].join(', ')}, which is not evaluated` });
  const plain = sorted.filter((route) => route.conditions.length === 0);
  const [best] = plain;
  if (best === undefined) return onConditionAlone(sorted);
  const rivals = plain.filter((route) => route.priority === best.priority);
  const gated = rivals.find((route) => route.protection.kind === 'gate');
  if (gated !== undefined && rivals.some((route) => route.protection.kind !== 'gate')) {
    const why = 'has a gate, and another route of the same priority serves the same page without';
    notes.push({ object: gated.object, why });
  }
  return gated ?? best;
}

/**
 * A page that every request reaches on some condition: with a gate on one of the routes it owes strangers the login.
 * A carve-out on conditions is none that a probe can count on.
 */
function onConditionAlone(sorted: readonly Route[]): Route | null {
  const gated = sorted.find((route) => route.protection.kind === 'gate');
  if (gated !== undefined) return gated;
  const [route = null] = sorted;
  return route?.pathname === '/' ? route : null;
}
