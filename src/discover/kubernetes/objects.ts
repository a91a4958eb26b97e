// The kinds of objects that are read from a cluster, each with the door its documents pass: a schema that keeps what
// discovery needs and drops the rest, so that thousands of objects stay small. Nothing here decides anything.
// Sources: kubernetes.io Ingress v1; doc.traefik.io CRD reference v2 and v3; gateway-api.sigs.k8s.io HTTPRoute v1;
// keda.sh HTTP add-on 0.8 to 1.0.

import { z } from 'zod';

/** Names as the API server lets them in; anything else is no cluster, and never reaches a message. */
const nameSchema = z.string().regex(/^[a-z0-9]([a-z0-9.:-]{0,251}[a-z0-9])?$/);
const textSchema = z.string().max(8_192);

/** Annotations worth keeping: others hold whole manifests. */
const KEPT_ANNOTATION =
  /^(gatewatch\.dev|traefik\.ingress\.kubernetes\.io|nginx\.ingress\.kubernetes\.io)\/|^kubernetes\.io\/ingress\.class$/;

/** What every object has. */
export interface Meta {
  readonly name: string;
  readonly namespace: string;
  readonly createdAt: number;
  readonly annotations: Readonly<Record<string, string>>;
  /** Whether cert-manager made it to answer a challenge. */
  readonly isSolver: boolean;
}

const metadataSchema = z.object({
  name: nameSchema,
  namespace: nameSchema,
  creationTimestamp: z.string().nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
  labels: z.record(z.string(), z.string()).nullish(),
});

function metaFrom(raw: z.output<typeof metadataSchema>, mapped: ReadonlySet<string>): Meta {
  const created = Date.parse(raw.creationTimestamp ?? '');
  const kept = Object.entries(raw.annotations ?? {}).filter(
    ([key]) => mapped.has(key) || KEPT_ANNOTATION.test(key),
  );
  return {
    name: raw.name,
    namespace: raw.namespace,
    createdAt: Number.isNaN(created) ? Number.POSITIVE_INFINITY : created,
    annotations: Object.fromEntries(kept),
    isSolver: raw.labels?.['acme.cert-manager.io/http01-solver'] === 'true',
  };
}

const serviceSchema = z.object({ name: z.string() }).nullish();

const ingressSchema = z.object({
  metadata: metadataSchema,
  spec: z
    .object({
      ingressClassName: z.string().nullish(),
      rules: z
        .array(
          z.object({
            host: textSchema.nullish(),
            http: z
              .object({
                paths: z.array(
                  z.object({
                    path: textSchema.nullish(),
                    pathType: z.string().nullish(),
                    backend: z.object({ service: serviceSchema }).nullish(),
                  }),
                ),
              })
              .nullish(),
          }),
        )
        .nullish(),
    })
    .nullish(),
});

export interface IngressPath {
  readonly pathname: string;
  readonly type: string;
  /** Name of the service behind it; empty without one. */
  readonly service: string;
}

export interface Ingress extends Meta {
  readonly what: 'ingress';
  readonly className: string;
  readonly rules: readonly { readonly host: string; readonly paths: readonly IngressPath[] }[];
}

function ingressFrom(raw: z.output<typeof ingressSchema>, mapped: ReadonlySet<string>): Ingress {
  const meta = metaFrom(raw.metadata, mapped);
  return {
    ...meta,
    what: 'ingress',
    className: raw.spec?.ingressClassName ?? meta.annotations['kubernetes.io/ingress.class'] ?? '',
    rules: (raw.spec?.rules ?? []).map(({ host, http }) => ({
      host: host ?? '',
      paths: (http?.paths ?? []).map(({ path, pathType, backend }) => ({
        pathname: path === '' ? '/' : (path ?? '/'),
        type: pathType ?? 'ImplementationSpecific',
        service: backend?.service?.name ?? '',
      })),
    })),
  };
}

const middlewareReferenceSchema = z.object({ name: textSchema, namespace: textSchema.nullish() });

/** A middleware as a route or chain names it; a namespace of null is the namespace of whoever names it. */
export interface MiddlewareReference {
  readonly name: string;
  readonly namespace: string | null;
}

function referenceFrom(raw: z.output<typeof middlewareReferenceSchema>): MiddlewareReference {
  return { name: raw.name, namespace: raw.namespace ?? null };
}

const ingressRouteSchema = z.object({
  metadata: metadataSchema,
  spec: z
    .object({
      entryPoints: z.array(z.string()).nullish(),
      routes: z
        .array(
          z.object({
            match: z.string().nullish(),
            priority: z.number().nullish(),
            middlewares: z.array(middlewareReferenceSchema).nullish(),
            services: z.array(z.object({ name: z.string().nullish() })).nullish(),
          }),
        )
        .nullish(),
    })
    .nullish(),
});

export interface IngressRoute extends Meta {
  readonly what: 'ingressroute';
  readonly entryPoints: readonly string[];
  readonly routes: readonly {
    readonly match: string;
    readonly priority: number | null;
    readonly middlewares: readonly MiddlewareReference[];
    readonly services: readonly string[];
  }[];
}

function ingressRouteFrom(
  raw: z.output<typeof ingressRouteSchema>,
  mapped: ReadonlySet<string>,
): IngressRoute {
  return {
    ...metaFrom(raw.metadata, mapped),
    what: 'ingressroute',
    entryPoints: raw.spec?.entryPoints ?? [],
    routes: (raw.spec?.routes ?? []).map(({ match, priority, middlewares, services }) => ({
      match: match ?? '',
      priority: priority ?? null,
      middlewares: (middlewares ?? []).map(referenceFrom),
      services: (services ?? []).map(({ name }) => name ?? ''),
    })),
  };
}

const middlewareSchema = z.object({
  metadata: metadataSchema,
  spec: z
    .object({
      forwardAuth: z.object({ address: textSchema.nullish() }).nullish(),
      chain: z.object({ middlewares: z.array(middlewareReferenceSchema).nullish() }).nullish(),
      plugin: z.record(z.string(), z.unknown()).nullish(),
      redirectScheme: z.object({}).nullish(),
    })
    .nullish(),
});

export interface Middleware extends Meta {
  readonly what: 'middleware';
  /** Address that is asked before a request is let through; null for middlewares that ask none. */
  readonly forwardAuth: string | null;
  readonly chain: readonly MiddlewareReference[];
  readonly plugins: readonly string[];
  readonly redirectsScheme: boolean;
}

function middlewareFrom(raw: z.output<typeof middlewareSchema>, mapped: ReadonlySet<string>): Middleware {
  return {
    ...metaFrom(raw.metadata, mapped),
    what: 'middleware',
    forwardAuth: raw.spec?.forwardAuth?.address ?? null,
    chain: (raw.spec?.chain?.middlewares ?? []).map(referenceFrom),
    plugins: Object.keys(raw.spec?.plugin ?? {}),
    redirectsScheme: raw.spec?.redirectScheme !== undefined && raw.spec.redirectScheme !== null,
  };
}

const filterSchema = z.object({
  type: z.string().nullish(),
  extensionRef: z.object({ kind: z.string().nullish(), name: textSchema }).nullish(),
});

const httpRouteSchema = z.object({
  metadata: metadataSchema,
  spec: z
    .object({
      hostnames: z.array(textSchema).nullish(),
      rules: z
        .array(
          z.object({
            matches: z
              .array(
                z.object({
                  path: z.object({ type: z.string().nullish(), value: textSchema.nullish() }).nullish(),
                  headers: z.array(z.unknown()).nullish(),
                  queryParams: z.array(z.unknown()).nullish(),
                  method: z.string().nullish(),
                }),
              )
              .nullish(),
            filters: z.array(filterSchema).nullish(),
            backendRefs: z.array(z.object({ name: z.string() })).nullish(),
          }),
        )
        .nullish(),
    })
    .nullish(),
});

export interface HttpRoute extends Meta {
  readonly what: 'httproute';
  readonly hostnames: readonly string[];
  readonly rules: readonly {
    readonly matches: readonly {
      readonly type: string;
      readonly pathname: string;
      readonly conditions: readonly string[];
    }[];
    /** Names of middlewares of the same namespace. */
    readonly middlewares: readonly string[];
    readonly redirects: boolean;
    /** Filters of other makers' kinds, by kind. */
    readonly otherKinds: readonly string[];
    readonly services: readonly string[];
  }[];
}

function httpRouteFrom(raw: z.output<typeof httpRouteSchema>, mapped: ReadonlySet<string>): HttpRoute {
  return {
    ...metaFrom(raw.metadata, mapped),
    what: 'httproute',
    hostnames: raw.spec?.hostnames ?? [],
    rules: (raw.spec?.rules ?? []).map(({ matches, filters, backendRefs }) => {
      const references = (filters ?? []).flatMap(({ extensionRef }) => extensionRef ?? []);
      return {
        matches: (matches ?? []).map(({ path, headers, queryParams, method }) => ({
          type: path?.type ?? 'PathPrefix',
          pathname: path?.value ?? '/',
          conditions: [
            ...((headers ?? []).length > 0 ? ['headers'] : []),
            ...((queryParams ?? []).length > 0 ? ['queryParams'] : []),
            ...(method === undefined || method === null || method === 'GET' ? [] : ['method']),
          ],
        })),
        middlewares: references.filter(({ kind }) => kind === 'Middleware').map(({ name }) => name),
        redirects: (filters ?? []).some(({ type }) => type === 'RequestRedirect'),
        otherKinds: references.filter(({ kind }) => kind !== 'Middleware').map(({ kind }) => kind ?? ''),
        services: (backendRefs ?? []).map(({ name }) => name),
      };
    }),
  };
}

const hostsSchema = z.array(textSchema).nullish();
const sleeperSchema = z.object({
  metadata: metadataSchema,
  spec: z
    .object({
      hosts: hostsSchema,
      replicas: z.object({ min: z.number().nullish() }).nullish(),
      rules: z.array(z.object({ hosts: hostsSchema })).nullish(),
    })
    .nullish(),
});

/** Hosts that KEDA's HTTP add-on scales to zero. */
export interface Sleeper extends Meta {
  readonly what: 'sleeper';
  readonly hosts: readonly string[];
}

function sleeperFrom(raw: z.output<typeof sleeperSchema>, mapped: ReadonlySet<string>): Sleeper {
  const { spec } = raw;
  const hosts = [...(spec?.hosts ?? []), ...(spec?.rules ?? []).flatMap((rule) => rule.hosts ?? [])];
  const awake = (spec?.replicas?.min ?? 0) > 0;
  return {
    ...metaFrom(raw.metadata, mapped),
    what: 'sleeper',
    hosts: awake ? [] : hosts.map((host) => host.toLowerCase()),
  };
}

/** Everything of a cluster that discovery looks at. */
export interface Cluster {
  readonly ingresses: readonly Ingress[];
  readonly ingressRoutes: readonly IngressRoute[];
  readonly middlewares: readonly Middleware[];
  readonly httpRoutes: readonly HttpRoute[];
  readonly sleepers: readonly Sleeper[];
}

export type AnyObject = Cluster[keyof Cluster][number];

/** A kind of objects: what it is called, where it is listed, and how a document of it becomes ours. */
export interface Kind {
  /** For people and errors. */
  readonly noun: string;
  /** All that exist are read; of objects in several the first counts. */
  readonly collections: readonly string[];
  /** Whether a cluster may do without (a CRD that is not installed). */
  readonly optional: boolean;
  /** Throws ZodError. `mapped`: names of annotations that the site uses itself. */
  readonly decode: (value: unknown, mapped: ReadonlySet<string>) => AnyObject;
}

/** All kinds. */
export const KINDS: readonly Kind[] = [
  {
    noun: 'ingress',
    collections: ['/apis/networking.k8s.io/v1/ingresses'],
    optional: false,
    decode: (value, mapped) => ingressFrom(ingressSchema.parse(value), mapped),
  },
  {
    noun: 'ingressroute',
    collections: [
      '/apis/traefik.io/v1alpha1/ingressroutes',
      '/apis/traefik.containo.us/v1alpha1/ingressroutes',
    ],
    optional: true,
    decode: (value, mapped) => ingressRouteFrom(ingressRouteSchema.parse(value), mapped),
  },
  {
    noun: 'middleware',
    collections: ['/apis/traefik.io/v1alpha1/middlewares', '/apis/traefik.containo.us/v1alpha1/middlewares'],
    optional: true,
    decode: (value, mapped) => middlewareFrom(middlewareSchema.parse(value), mapped),
  },
  {
    noun: 'httproute',
    collections: ['/apis/gateway.networking.k8s.io/v1/httproutes'],
    optional: true,
    decode: (value, mapped) => httpRouteFrom(httpRouteSchema.parse(value), mapped),
  },
  {
    noun: 'scaled route',
    collections: [
      '/apis/http.keda.sh/v1alpha1/httpscaledobjects',
      '/apis/http.keda.sh/v1beta1/interceptorroutes',
    ],
    optional: true,
    decode: (value, mapped) => sleeperFrom(sleeperSchema.parse(value), mapped),
  },
];
