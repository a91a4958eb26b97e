// Middlewares of a cluster by the names that routes use for them: `namespace-name@kubernetescrd` in annotations,
// name and namespace in an IngressRoute. Source: doc.traefik.io "Kubernetes IngressRoute", "Provider Namespace".

import type { MiddlewareFacts, MiddlewareTable } from '../forward-auth.ts';
import type { RecogniseGate } from '../gate-recognition.ts';
import type { Middleware, MiddlewareReference } from './objects.ts';

/** The table of a cluster's middlewares. */
export function middlewareTable(
  middlewares: readonly Middleware[],
  options: { readonly told: Readonly<Record<string, string | null>>; readonly recognise: RecogniseGate },
): MiddlewareTable {
  const table = new Map<string, MiddlewareFacts>();
  for (const middleware of middlewares) {
    const { name, namespace, forwardAuth, plugins, redirectsScheme } = middleware;
    const chain = middleware.chain.map((reference) => fullNameOf(reference, namespace));
    table.set(`${namespace}-${name}@kubernetescrd`, { forwardAuth, chain, plugins, redirectsScheme });
  }
  return { get: (fullName) => table.get(fullName), ...options };
}

/** Full name of a reference; one that names its provider (`gate@file`) stays as it is. */
export function fullNameOf({ name, namespace }: MiddlewareReference, home: string): string {
  return name.includes('@') ? name : `${namespace ?? home}-${name}@kubernetescrd`;
}
