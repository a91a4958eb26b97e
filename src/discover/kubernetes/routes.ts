// From the objects of a cluster to claims: pure, and the same whether they came from a list or from a watch.

import type { Listing, Note, Wishes } from '../discoverer.ts';
import type { Effect, MiddlewareTable } from '../forward-auth.ts';
import type { RecogniseGate } from '../gate-recognition.ts';
import { type FrontGate, listingFrom, type Route } from '../routing.ts';
import { type AnnotationMap, wishesOf } from './annotations.ts';
import { routesOfHttpRoute } from './http-route.ts';
import { routesOfIngress } from './ingress.ts';
import { routesOfIngressRoute } from './ingress-route.ts';
import { middlewareTable } from './middlewares.ts';
import type { Cluster, Meta } from './objects.ts';

/** What reading routes needs beside the object. */
export interface RouteTools {
  readonly middlewares: MiddlewareTable;
  readonly gates: readonly FrontGate[];
  readonly wishes: (
    meta: Meta,
    object: string,
  ) => { readonly wishes: Wishes; readonly notes: readonly Note[] };
  /** The effect together with what entry points put before everything on them. */
  readonly behindEntryPoints: (effect: Effect, entryPoints: readonly string[]) => Effect;
  readonly scalesToZero: (host: string, services: readonly string[]) => boolean;
  /** Collects what people should know. */
  readonly notes: Note[];
}

/** What the operator knows of a cluster that its API does not tell. */
export interface ClusterHints {
  readonly gates: readonly FrontGate[];
  readonly recognise: RecogniseGate;
  readonly annotations: AnnotationMap;
  /** Full name of a middleware that the cluster does not define -> gate, or null. */
  readonly middlewares: Readonly<Record<string, string | null>>;
  /** Entry point -> gate that its own middlewares ask; null as a whole: nothing is known of them. */
  readonly entryPoints: Readonly<Record<string, string>> | null;
}

/** Claims of a cluster. */
export function listingFromCluster(cluster: Cluster, hints: ClusterHints): Listing {
  const notes: Note[] = [];
  const { recognise, entryPoints } = hints;
  const asleep = new Set(cluster.sleepers.flatMap(({ hosts }) => hosts));
  const tools: RouteTools = {
    middlewares: middlewareTable(cluster.middlewares, { told: hints.middlewares, recognise }),
    gates: hints.gates,
    wishes: (meta, object) => wishesOf(meta, object, hints.annotations),
    behindEntryPoints: (effect, names) => behindEntryPoints(effect, names, entryPoints ?? {}),
    scalesToZero: (host, services) => asleep.has(host) || services.some(isInterceptor),
    notes,
  };
  const routes: Route[] = [
    ...cluster.ingresses.flatMap((ingress) => routesOfIngress(ingress, tools)),
    ...cluster.ingressRoutes.flatMap((ingressRoute) => routesOfIngressRoute(ingressRoute, tools)),
    ...cluster.httpRoutes.flatMap((httpRoute) => routesOfHttpRoute(httpRoute, tools)),
  ];
  const listing = listingFrom(
    routes,
    hints.gates.map(({ kind }) => kind),
  );
  if (entryPoints === null && usesTraefik(cluster) && listing.found.some(({ expect }) => expect === 'app'))
    notes.push({ object: 'entry points', why: ENTRY_POINTS });
  return { found: listing.found, notes: [...notes, ...listing.notes] };
}

const ENTRY_POINTS =
  'may have middlewares that a cluster does not show; if a gate is among them name it under entry-points:, else write {}';

/** KEDA's HTTP add-on routes through its interceptor. */
function isInterceptor(service: string): boolean {
  return /^keda-.*interceptor-proxy$/.test(service);
}

function usesTraefik({ ingresses, ingressRoutes }: Cluster): boolean {
  return ingressRoutes.length > 0 || ingresses.some(({ className }) => /traefik/i.test(className));
}

/** A route without entry points is on all of them. */
function behindEntryPoints(
  effect: Effect,
  names: readonly string[],
  gates: Readonly<Record<string, string>>,
): Effect {
  if (effect.protection.kind === 'gate') return effect;
  const gate = Object.entries(gates).find(([name]) => names.length === 0 || names.includes(name))?.[1];
  return gate === undefined ? effect : { ...effect, protection: { kind: 'gate', gate } };
}
