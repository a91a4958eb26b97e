// Ingress objects as routes: pathnames by their type, and who is asked before a request is let through, in Traefik's
// and in ingress-nginx's words. Sources: doc.traefik.io "Kubernetes Ressource Ingress" annotations;
// kubernetes.github.io/ingress-nginx "Annotations".

import { isGatePathname } from '../../model/gate.ts';
import { type Effect, effectOf, GATE_ENDPOINT, NO_ADDRESS, NO_EFFECT } from '../forward-auth.ts';
import { literalPathname } from '../literal-pattern.ts';
import type { Protection, Route } from '../routing.ts';
import type { Ingress, IngressPath } from './objects.ts';
import type { RouteTools } from './routes.ts';

const TRAEFIK = 'traefik.ingress.kubernetes.io/';
const NGINX = 'nginx.ingress.kubernetes.io/';

/** Routes of an Ingress. */
export function routesOfIngress(ingress: Ingress, tools: RouteTools): Route[] {
  const { annotations, namespace, className, createdAt } = ingress;
  // Canaries share host, annotations and fate of the main Ingress; solvers of certificates are gone in a minute.
  if (annotations[`${NGINX}canary`] === 'true' || ingress.isSolver) return [];
  const object = `ingress ${namespace}/${ingress.name}`;
  const isNginx = !/traefik/i.test(className);
  const effect = /nginx/i.test(className) ? NO_EFFECT : traefikEffect(ingress, tools);
  const { wishes, notes } = tools.wishes(ingress, object);
  tools.notes.push(...notes);
  const common = { excluded: [], labels: { namespace }, owner: namespace, object, createdAt, wishes };
  return ingress.rules.flatMap(({ host: written, paths }) => {
    const hosts = literalHosts([written, ...(isNginx ? aliasesOf(ingress) : [])], object, tools);
    return hosts.flatMap((host) => {
      const nginx = isNginx ? nginxProtection(ingress, host, tools) : null;
      const protection = effect.protection.kind === 'open' && nginx !== null ? nginx : effect.protection;
      return (paths.length === 0 ? [WHOLE] : paths).map((path) => ({
        ...common,
        host,
        ...placeOf(path, ingress),
        protection,
        redirectsScheme: effect.redirectsScheme,
        priority: priorityOf(ingress, host, path),
        sleeps: effect.sleeps || tools.scalesToZero(host, [path.service]),
      }));
    });
  });
}

const WHOLE: IngressPath = { pathname: '/', type: 'Prefix', service: '' };

/** Hosts in lower case, without those that stand for many. */
function literalHosts(hosts: readonly string[], object: string, tools: RouteTools): string[] {
  if (hosts.includes('')) tools.notes.push({ object, why: 'has a rule for every host' });
  if (hosts.some((host) => host.includes('*'))) tools.notes.push({ object, why: 'has a wildcard host' });
  return hosts.filter((host) => host !== '' && !host.includes('*')).map((host) => host.toLowerCase());
}

function traefikEffect({ annotations }: Ingress, tools: RouteTools): Effect {
  const listed = (name: string): string[] =>
    (annotations[`${TRAEFIK}router.${name}`] ?? '')
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '');
  return tools.behindEntryPoints(effectOf(listed('middlewares'), tools.middlewares), listed('entrypoints'));
}

/** Who ingress-nginx asks for a host; null when nobody. */
function nginxProtection({ annotations }: Ingress, host: string, tools: RouteTools): Protection | null {
  const own = (name: string): string => annotations[`${NGINX}${name}`] ?? '';
  if (own('permanent-redirect') !== '' || own('temporal-redirect') !== '') return { kind: 'redirect' };
  const snippets = [own('auth-snippet'), own('configuration-snippet'), own('server-snippet')].join('\n');
  const asked = [own('auth-url'), own('auth-signin'), ...(snippets.match(/https?:\/\/[^\s;"']+/g) ?? [])];
  const isAsked = own('auth-url') !== '' || /\bauth_request\s+\//.test(snippets);
  if (!isAsked) return null;
  for (const address of asked) {
    const gate = gateOfAuthUrl(address, host, tools);
    if (gate !== null) return { kind: 'gate', gate };
  }
  if (own('auth-url') === '') return { kind: 'unknown', why: SNIPPET };
  return GATE_ENDPOINT.test(own('auth-url')) ? { kind: 'unknown', why: NO_ADDRESS } : null;
}

const SNIPPET = 'sets its authentication in a snippet, which is not evaluated';

/**
 * The gate that an address of ingress-nginx belongs to: by its address, or, where it is the host itself (`$host`) or
 * the identity provider, by the endpoint of the one gate of that kind.
 */
function gateOfAuthUrl(address: string, host: string, tools: RouteTools): string | null {
  if (address === '') return null;
  const filled = address.replace(/^\$scheme\b/, 'https').replace(/\$(http_)?host\b/, host);
  const known = tools.middlewares.recognise(filled);
  const asked = URL.parse(filled);
  if (known !== null || asked === null) return known;
  const candidates = tools.gates.filter(
    (gate) =>
      isGatePathname(gate.kind, asked.pathname) &&
      (asked.hostname === host || asked.hostname === URL.parse(gate.url)?.hostname),
  );
  return candidates.length === 1 ? (candidates[0]?.name ?? null) : null;
}

function aliasesOf({ annotations }: Ingress): string[] {
  const aliases = (annotations[`${NGINX}server-alias`] ?? '').split(',').map((alias) => alias.trim());
  return aliases.filter((alias) => /^[A-Za-z0-9.-]+$/.test(alias));
}

function placeOf(
  path: IngressPath,
  { annotations }: Ingress,
): Pick<Route, 'pathname' | 'exact' | 'conditions'> {
  const matcher = annotations[`${TRAEFIK}router.pathmatcher`] ?? '';
  const isPattern =
    matcher === 'PathRegexp' ||
    (path.type === 'ImplementationSpecific' && annotations[`${NGINX}use-regex`] === 'true');
  if (isPattern) {
    const literal = literalPathname(path.pathname);
    return literal === null
      ? { pathname: '/', exact: false, conditions: ['a path pattern'] }
      : { ...literal, conditions: [] };
  }
  return { pathname: path.pathname, exact: path.type === 'Exact' || matcher === 'Path', conditions: [] };
}

/** As Traefik counts: the length of the rule it makes, unless the annotation says otherwise. */
function priorityOf({ annotations }: Ingress, host: string, path: IngressPath): number {
  const written = Number(annotations[`${TRAEFIK}router.priority`] ?? Number.NaN);
  if (Number.isInteger(written) && written > 0) return written;
  const hostRule = `Host("${host}")`;
  return path.pathname === '/'
    ? `${hostRule} && PathPrefix("/")`.length
    : `${hostRule} && (Path("${path.pathname}") || PathPrefix("${path.pathname}/"))`.length;
}
