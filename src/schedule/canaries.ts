// Canaries: cheap checks of a prefix of a way, which make components distinguishable and cost no session (DESIGN 3).
// Each one's links are the prefix of the way that it really goes, ending at the component it is about.

import { type Canary, type CanaryKind, canaryId, type Link } from '../model/check.ts';
import { component } from '../model/component.ts';
import type { Gate } from '../model/gate.ts';
import type { NetworkPath } from '../model/network-path.ts';
import type { Target } from '../model/target.ts';
import { returnEveryMs } from './options.ts';
import type { Site } from './plan.ts';
import {
  type Around,
  idpName,
  idpPaths,
  idpPlace,
  idpZone,
  networkWay,
  type Place,
  placeOf,
  resolverName,
} from './way.ts';

/**
 * Longest interval of canaries that go over no path, that ask no CDN for anything, or that alone see a component: the
 * identity provider is on no stranger's way, so that its canaries set how fast its fault is found (DESIGN 1).
 */
const OFTEN_MS = 60_000;
const OFTEN: readonly CanaryKind[] = ['control', 'dns', 'tls', 'idp-health', 'authorize'];
/** Longest time of one canary, ms. */
const TIMEOUT_MS = 10_000;

/** A site, ready for a plan. */
type Ready = Site & Around;

/** All canaries of a site, without those that were retired (they brought a gate cookie). */
export function plannedCanaries(site: Ready): Canary[] {
  const canaries = [
    ...site.controls.map((url) => controlCanary(url, site)),
    ...dnsCanaries(site),
    ...site.paths.flatMap((path) => pathCanaries(path, site)),
    ...gateCanaries(site),
  ];
  const seen = new Set<string>();
  return canaries.filter((canary) => {
    const wanted = !seen.has(canary.id) && site.knowledge.get('canary-retired', canary.id) === null;
    seen.add(canary.id);
    return wanted;
  });
}

interface Draft {
  readonly kind: CanaryKind;
  /** Shown; must tell canaries of one kind on one path apart. */
  readonly name: string;
  readonly url: string;
  readonly path?: NetworkPath;
  readonly gate?: Gate;
  readonly links: readonly Link[];
  /** Type and name of what it separates; the last link unless given. */
  readonly about?: Canary['about'];
  /** The target at whose own host it asks, and that lends its headers: without them a firewall would answer. */
  readonly askedAt?: Target | null;
}

function canary(draft: Draft, site: Ready): Canary {
  const path = draft.path ?? null;
  const last = draft.links.at(-1)?.component ?? component('vantage', site.vantage).id;
  return {
    kind: 'canary',
    id: canaryId(draft.kind, path?.name ?? null, draft.name),
    canary: draft.kind,
    name: draft.name,
    about: draft.about ?? last,
    path,
    gate: draft.gate ?? null,
    url: draft.url,
    links: draft.links,
    everyMs: everyMs(draft.kind, path, site),
    timeoutMs: TIMEOUT_MS,
    headers: draft.askedAt?.headers ?? {},
  };
}

function everyMs(kind: CanaryKind, path: NetworkPath | null, site: Ready): number {
  if (path === null) return OFTEN_MS;
  const asReturn = returnEveryMs(site.checks, path);
  return OFTEN.includes(kind) ? Math.min(OFTEN_MS, asReturn) : asReturn;
}

function controlCanary(url: string, site: Ready): Canary {
  return canary({ kind: 'control', name: url, url, links: [site.link('vantage', site.vantage)] }, site);
}

/** One for every zone and set of resolvers in use. */
function dnsCanaries(site: Ready): Canary[] {
  const asked = new Set<string>();
  return site.paths
    .filter((path) => path.kind !== 'origin')
    .flatMap((path) => [...byZone(path, site).keys()].map((zone) => ({ path, zone })))
    .filter(({ path, zone }) => {
      const query = `${zone} ${resolverName(path)}`;
      return !asked.has(query) && asked.add(query);
    })
    .map(({ path, zone }) => {
      const links = [
        site.link('vantage', site.vantage),
        site.link('resolver', resolverName(path)),
        site.link('dns', zone),
      ];
      return canary({ kind: 'dns', name: zone, url: `dns://${zone}`, path, links }, site);
    });
}

/** Targets of a path by zone. */
function byZone(path: NetworkPath, site: Ready): ReadonlyMap<string, Target[]> {
  return Map.groupBy(targetsOn(path, site), (target) => target.zone);
}

function targetsOn(path: NetworkPath, site: Ready): Target[] {
  return site.targets.filter((target) => target.paths.includes(path.name));
}

function pathCanaries(path: NetworkPath, site: Ready): Canary[] {
  const zones = [...byZone(path, site)];
  const idps = new Map(
    site.gates
      .filter((gate) => gate.paths.includes(path.name))
      .toReversed()
      .map((gate) => [idpZone(gate, site), gate]),
  );
  return [
    ...zones.flatMap(([, targets]) => tlsCanary(targets, path, site)),
    ...(path.kind === 'cdn'
      ? zones.flatMap(([zone, targets]) => traceCanary(zone, targets, { path, site, idp: idps.get(zone) }))
      : []),
    ...zones.map(([zone, targets]) => noRouteCanary(zone, targets, path, site)),
  ];
}

/** A handshake alone, by the first https host of the zone (in alphabetical order, so that it is stable). */
function tlsCanary(targets: readonly Target[], path: NetworkPath, site: Ready): Canary[] {
  const target = firstByHost(targets.filter((one) => one.scheme === 'https'));
  if (target === null) return [];
  const place = placeOf(target, site.paths);
  const links = frontWay(place, path, site);
  return [
    canary({ kind: 'tls', name: target.host, url: `https://${hostAndPort(target)}/`, path, links }, site),
  ];
}

/** The way to what terminates TLS on a path: the CDN's edge, or the proxy. */
function frontWay(place: Place, path: NetworkPath, site: Ready): Link[] {
  const network = networkWay(place, path, site);
  const edge = network.findIndex((passed) => passed.component === component('cdn', path.name).id);
  return edge === -1 ? network : network.slice(0, edge + 1);
}

/** The CDN's own page, asked of a host where no gate is in front: a public one, or the identity provider's. */
function traceCanary(
  zone: string,
  targets: readonly Target[],
  { path, site, idp }: { path: NetworkPath; site: Ready; idp: Gate | undefined },
): Canary[] {
  const publicOnes = targets.filter((target) => {
    const expected = target.expect[path.name]?.is;
    return target.scheme === 'https' && (expected === 'public' || expected === 'app');
  });
  const target = firstByHost(publicOnes);
  const host = target === null ? (idp === undefined ? null : idpName(idp)) : hostAndPort(target);
  if (host === null) return [];
  const place: Place = { host: new URL(`https://${host}/`).hostname, scheme: 'https', zone, origin: null };
  return [
    canary(
      {
        kind: 'cdn-trace',
        name: host,
        url: `https://${host}/cdn-cgi/trace`,
        path,
        links: frontWay(place, path, site),
        askedAt: target,
      },
      site,
    ),
  ];
}

/** A host that nobody configured: the proxy's own answer. The prober puts a random label in front. */
function noRouteCanary(zone: string, targets: readonly Target[], path: NetworkPath, site: Ready): Canary {
  const first = firstByHost(targets);
  const place =
    first === null
      ? { host: zone, scheme: 'https' as const, zone, origin: null }
      : placeOf(first, site.paths);
  // A random label matches the wildcard certificate, or none: the certificate is not what it is about.
  const links = networkWay(place, path, site).filter(
    (passed) => !passed.component.startsWith('certificate:'),
  );
  const origin = links.at(-1)?.component ?? component('vantage', site.vantage).id;
  const port = first === null ? '' : new URL(first.url).port;
  const url = `${place.scheme}://${zone}${port === '' ? '' : `:${port}`}/`;
  return canary({ kind: 'no-route', name: zone, url, path, links, about: origin }, site);
}

function gateCanaries(site: Ready): Canary[] {
  return site.gates.flatMap((gate) => [
    ...pingCanaries(gate, site),
    ...idpCanaries(gate, site),
    ...authorizeCanary(gate, site),
  ]);
}

/** The outpost's ping on one of the hosts it is in front of, on every path. */
function pingCanaries(gate: Gate, site: Ready): Canary[] {
  if (gate.kind !== 'authentik') return [];
  return site.paths.flatMap((path) => {
    const behind = targetsOn(path, site).filter(
      (one) => one.gate === gate.name && one.expect[path.name]?.is === 'login',
    );
    const target = firstByHost(behind);
    if (target === null) return [];
    const links = [...networkWay(placeOf(target, site.paths), path, site), site.link('gate', gate.outpost)];
    const url = `${target.scheme}://${hostAndPort(target)}/outpost.goauthentik.io/ping`;
    return [canary({ kind: 'gate-ping', name: gate.outpost, url, path, gate, links, askedAt: target }, site)];
  });
}

/** The identity provider's own health page, and a handshake with its host, over the gate's paths. */
function idpCanaries(gate: Gate, site: Ready): Canary[] {
  return idpPaths(gate, site).flatMap((path) => [
    healthCanary(gate, path, site),
    ...assetsCanary(gate, path, site),
    ...idpTlsCanary(gate, path, site),
  ]);
}

function idpTlsCanary(gate: Gate, path: NetworkPath, site: Ready): Canary[] {
  const place = idpPlace(gate, site);
  if (place.scheme === 'http') return [];
  const links = frontWay(place, path, site);
  return [canary({ kind: 'tls', name: place.host, url: `${new URL(gate.url).origin}/`, path, links }, site)];
}

function healthCanary(gate: Gate, path: NetworkPath, site: Ready): Canary {
  const url = gate.kind === 'authentik' ? `${gate.url}/-/health/ready/` : gate.url;
  return canary(
    { kind: 'idp-health', name: idpName(gate), url, path, gate, links: idpWay(gate, path, site) },
    site,
  );
}

/** The login page with its scripts and styles, where it is known how to ask for it without a session. */
function assetsCanary(gate: Gate, path: NetworkPath, site: Ready): Canary[] {
  if (gate.kind !== 'authentik') return [];
  const links = idpWay(gate, path, site);
  return [canary({ kind: 'login-assets', name: idpName(gate), url: gate.url, path, gate, links }, site)];
}

/** The authorize request of a hand-over that was seen; not before. */
function authorizeCanary(gate: Gate, site: Ready): Canary[] {
  const url = site.knowledge.get('authorize', gate.name)?.value ?? '';
  const path = idpPaths(gate, site)[0];
  if (url === '' || path === undefined) return [];
  return [
    canary({ kind: 'authorize', name: gate.name, url, path, gate, links: idpWay(gate, path, site) }, site),
  ];
}

function idpWay(gate: Gate, path: NetworkPath, site: Ready): Link[] {
  return [...networkWay(idpPlace(gate, site), path, site), site.link('idp', idpName(gate))];
}

function firstByHost(targets: readonly Target[]): Target | null {
  let first: Target | null = null;
  for (const target of targets) {
    if (first === null || target.host < first.host || (target.host === first.host && target.id < first.id))
      first = target;
  }
  return first;
}

function hostAndPort(target: Target): string {
  return new URL(target.url).host;
}
