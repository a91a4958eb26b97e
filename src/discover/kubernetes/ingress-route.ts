// Traefik's IngressRoute objects as routes.

import { effectOf } from '../forward-auth.ts';
import type { Route } from '../routing.ts';
import { readRule } from '../traefik-rule.ts';
import { fullNameOf } from './middlewares.ts';
import type { IngressRoute } from './objects.ts';
import type { RouteTools } from './routes.ts';

/** Routes of an IngressRoute. */
export function routesOfIngressRoute(ingressRoute: IngressRoute, tools: RouteTools): Route[] {
  const { namespace, name, createdAt } = ingressRoute;
  const object = `ingressroute ${namespace}/${name}`;
  const { wishes, notes } = tools.wishes(ingressRoute, object);
  tools.notes.push(...notes);
  return ingressRoute.routes.flatMap(({ match, priority, middlewares, services }) => {
    const rule = readRule(match);
    if (rule.ways === null) {
      tools.notes.push({ object, why: `has a rule that cannot be read: ${rule.problem}` });
      return [];
    }
    const fullNames = middlewares.map((reference) => fullNameOf(reference, namespace));
    const effect = tools.behindEntryPoints(effectOf(fullNames, tools.middlewares), ingressRoute.entryPoints);
    const isRedirect = services.includes('noop@internal');
    return rule.ways.flatMap(({ host, ...way }) => {
      if (host === null) {
        tools.notes.push({ object, why: 'has a rule without a literal host' });
        return [];
      }
      return [
        {
          host,
          ...way,
          protection: isRedirect ? { kind: 'redirect' as const } : effect.protection,
          redirectsScheme: effect.redirectsScheme,
          priority: priority ?? match.length,
          sleeps: effect.sleeps || tools.scalesToZero(host, services),
          labels: { namespace },
          owner: namespace,
          object,
          createdAt,
          wishes,
        },
      ];
    });
  });
}
