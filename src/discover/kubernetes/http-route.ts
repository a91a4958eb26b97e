// Gateway API HTTPRoute objects as routes. A gate is seen where Traefik's middlewares are filters; policies of other
// makers that attach themselves to routes are not.

import { type Effect, effectOf } from '../forward-auth.ts';
import { literalPathname } from '../literal-pattern.ts';
import type { Route } from '../routing.ts';
import { fullNameOf } from './middlewares.ts';
import type { HttpRoute } from './objects.ts';
import type { RouteTools } from './routes.ts';

type Rule = HttpRoute['rules'][number];

/** Routes of an HTTPRoute. */
export function routesOfHttpRoute(httpRoute: HttpRoute, tools: RouteTools): Route[] {
  const { namespace, name, createdAt } = httpRoute;
  const object = `httproute ${namespace}/${name}`;
  const { wishes, notes } = tools.wishes(httpRoute, object);
  tools.notes.push(...notes);
  if (httpRoute.hostnames.length === 0)
    tools.notes.push({ object, why: 'names no host; those of its gateway are not read' });
  const hosts = httpRoute.hostnames.filter((host) => !host.includes('*'));
  if (hosts.length < httpRoute.hostnames.length) tools.notes.push({ object, why: 'has a wildcard host' });
  return hosts.flatMap((host) =>
    httpRoute.rules.flatMap((rule) => {
      const { protection, sleeps } = effectOfRule(rule, namespace, tools);
      return matchesOf(rule).map((match) => ({
        host: host.toLowerCase(),
        ...placeOf(match),
        excluded: [],
        protection,
        redirectsScheme: false,
        priority: match.pathname.length,
        sleeps: sleeps || tools.scalesToZero(host, rule.services),
        labels: { namespace },
        owner: namespace,
        object,
        createdAt,
        wishes,
      }));
    }),
  );
}

/** A rule without matches matches everything. */
function matchesOf({ matches }: Rule): Rule['matches'] {
  return matches.length === 0 ? [{ type: 'PathPrefix', pathname: '/', conditions: [] }] : matches;
}

function effectOfRule(rule: Rule, namespace: string, tools: RouteTools): Effect {
  const fullNames = rule.middlewares.map((name) => fullNameOf({ name, namespace: null }, namespace));
  const effect = effectOf(fullNames, tools.middlewares);
  if (effect.protection.kind !== 'open') return effect;
  if (rule.redirects) return { ...effect, protection: { kind: 'redirect' } };
  if (rule.otherKinds.length === 0) return effect;
  return { ...effect, protection: { kind: 'unknown', why: 'has a filter of a kind that is not evaluated' } };
}

function placeOf({
  type,
  pathname,
  conditions,
}: Rule['matches'][number]): Pick<Route, 'pathname' | 'exact' | 'conditions'> {
  if (type !== 'RegularExpression') return { pathname, exact: type === 'Exact', conditions };
  const literal = literalPathname(pathname);
  return literal === null
    ? { pathname: '/', exact: false, conditions: [...conditions, 'a path pattern'] }
    : { ...literal, conditions };
}
