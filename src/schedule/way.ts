// The way of a check: the components it runs through, in the order of DESIGN 5. What differs between the ways of two
// checks is what tells faults apart.

import { type Link, logsIn, type Visit } from '../model/check.ts';
import { component } from '../model/component.ts';
import type { Gate } from '../model/gate.ts';
import type { NetworkPath } from '../model/network-path.ts';
import type { Target } from '../model/target.ts';
import type { Knowledge } from '../model/verdict.ts';

/**
 * How likely a gate's answers fail while its identity provider is down: usually it still redirects, but it cannot
 * after a restart or when its keys expire (reference/authentik.md).
 */
const IDP_STRENGTH = 0.3;

/** Origin behind a CDN path of a target that has no origin path. */
const UNNAMED_ORIGIN = 'unnamed';

/** What ways are computed from. */
export interface Surroundings {
  readonly vantage: string;
  readonly paths: readonly NetworkPath[];
  readonly gates: readonly Gate[];
  readonly targets: readonly Target[];
  /** Target labels that are components. */
  readonly shared: readonly string[];
  readonly knowledge: Knowledge;
}

/** A host as the way to it needs it. */
export interface Place {
  readonly host: string;
  readonly scheme: 'http' | 'https';
  readonly zone: string;
  /** The origin path behind a CDN path; null = not known. */
  readonly origin: NetworkPath | null;
}

/** Surroundings with what is worked out once for a whole plan. */
export interface Around extends Surroundings {
  /** Link to a component, of full strength unless given: one object for all checks that share it. */
  readonly link: (type: string, name: string, strength?: number) => Link;
  /** Hosts with several targets. */
  readonly crowded: ReadonlySet<string>;
}

/** Readies surroundings for a plan. */
export function around<Given extends Surroundings>(given: Given): Given & Around {
  return { ...given, link: createLinker(), crowded: crowdedHosts(given.targets) };
}

/** Ten links a check, of which nearly all are the same: a plan of thousands of targets holds each once. */
function createLinker(): Around['link'] {
  const types = new Map<string, Map<string, Link>>();
  return (type, name, strength = 1) => {
    const names = types.get(type) ?? new Map<string, Link>();
    const known = names.get(name);
    if (known?.strength === strength) return known;
    const made = { component: component(type, name).id, strength };
    names.set(name, made);
    types.set(type, names);
    return made;
  };
}

function crowdedHosts(targets: readonly Target[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const crowded = new Set<string>();
  for (const { host } of targets) (seen.has(host) ? crowded : seen).add(host);
  return crowded;
}

/** Name of the component `resolver` of a path. */
export function resolverName(path: NetworkPath): string {
  return path.resolver.join(',');
}

/** Name of a certificate on a path: the SAN entry learned for the host, else the host. */
function certificateName(host: string, path: NetworkPath, knowledge: Knowledge): string {
  return `${knowledge.get('certificate', `${host}@${path.name}`)?.value ?? host}@${path.name}`;
}

/** The network part of the way to a host over a path: up to the proxy that routes by name. */
export function networkWay(place: Place, path: NetworkPath, around: Around): Link[] {
  const vantage = around.link('vantage', around.vantage);
  const certificate = certificateLinks(place, path, around);
  if (path.kind === 'origin') return [vantage, ...certificate, around.link('origin', path.name)];
  const named = [
    vantage,
    around.link('resolver', resolverName(path)),
    around.link('dns', place.zone),
    ...certificate,
  ];
  if (path.kind === 'direct') return [...named, around.link('origin', path.name)];
  return [...named, around.link('cdn', path.name), ...originWay(place, around)];
}

/** Certificate link; none for plain http and where nothing is verified. */
function certificateLinks(place: Place, path: NetworkPath, around: Around): Link[] {
  if (place.scheme === 'http' || path.tls.verify === 'none') return [];
  return [around.link('certificate', certificateName(place.host, path, around.knowledge))];
}

function originWay(place: Place, around: Around): Link[] {
  if (place.origin === null) return [around.link('origin', UNNAMED_ORIGIN)];
  return [...certificateLinks(place, place.origin, around), around.link('origin', place.origin.name)];
}

/** The place of a target: its first origin path is the origin behind its CDN paths. */
export function placeOf(target: Target, paths: readonly NetworkPath[]): Place {
  const origin = target.paths
    .map((name) => paths.find((path) => path.name === name))
    .find((path) => path?.kind === 'origin');
  return { host: target.host, scheme: target.scheme, zone: target.zone, origin: origin ?? null };
}

/** Host of the identity provider: the name of component `idp`. */
export function idpName(gate: Gate): string {
  return new URL(gate.url).host;
}

/** The identity provider's own way: the paths of its gate. */
export function idpPaths(gate: Gate, site: Surroundings): NetworkPath[] {
  return site.paths.filter((path) => gate.paths.includes(path.name));
}

/** The identity provider as the way to it needs it. */
export function idpPlace(gate: Gate, site: Surroundings): Place {
  const url = new URL(gate.url);
  const scheme = url.protocol === 'http:' ? 'http' : 'https';
  return { host: url.hostname, scheme, zone: idpZone(gate, site), origin: idpOrigin(gate, site) };
}

/** Zone of the identity provider: that of a target which covers its host, else the host itself. */
export function idpZone(gate: Gate, site: Surroundings): string {
  const host = new URL(gate.url).hostname;
  const covering = site.targets
    .map((target) => target.zone)
    .filter((zone) => host === zone || host.endsWith(`.${zone}`));
  return covering.toSorted((a, b) => b.length - a.length)[0] ?? host;
}

/** The origin behind the identity provider: an origin path of its own, else that of the gate's targets. */
function idpOrigin(gate: Gate, site: Surroundings): NetworkPath | null {
  const own = idpPaths(gate, site).find((path) => path.kind === 'origin');
  if (own !== undefined) return own;
  const target = site.targets.find((candidate) => candidate.gate === gate.name);
  return target === undefined ? null : placeOf(target, site.paths).origin;
}

/** Way of a visit. */
export function visitWay(visit: Visit, target: Target, path: NetworkPath, around: Around): Link[] {
  const network = networkWay(placeOf(target, around.paths), path, around);
  const expected = target.expect[path.name]?.is;
  const gate = around.gates.find((candidate) => candidate.name === target.gate);
  // A CDN answers a challenge itself: nothing behind it is asked.
  if (expected === 'challenge' && path.kind === 'cdn') {
    const end = network.findIndex((passed) => passed.component === component('cdn', path.name).id) + 1;
    return [...network.slice(0, end), around.link('target', target.id)];
  }
  if (expected === 'login' && gate !== undefined) {
    // A stranger gets no further than the gate; who is signed in reaches the app.
    const isSignedIn = visit === 'session' || logsIn(visit);
    const behind = isSignedIn ? appWay(target, around) : [around.link('target', target.id)];
    const login = logsIn(visit) ? loginWay(gate, path, around) : [];
    const passed = new Set(network.map(({ component }) => component));
    const further = login.filter(({ component }) => !passed.has(component));
    return [...network, ...further, ...gateWay(visit, gate, around), ...behind];
  }
  return [...network, ...appWay(target, around)];
}

/** The network part of the way of a login to the identity provider: by the same path where the gate has it. */
function loginWay(gate: Gate, path: NetworkPath, around: Around): Link[] {
  const paths = idpPaths(gate, around);
  const own = paths.find(({ name }) => name === path.name) ?? paths[0];
  return own === undefined ? [] : networkWay(idpPlace(gate, around), own, around);
}

function gateWay(visit: Visit, gate: Gate, { link }: Around): Link[] {
  const isLogin = logsIn(visit);
  const makesSession = isLogin || (visit === 'fresh' && gate.sessions.store !== 'none');
  return [
    link('gate', gate.outpost),
    ...(makesSession ? [link('gate-sessions', gate.outpost)] : []),
    // A login passes the identity provider, by its own way; everybody else is only sent there.
    isLogin ? link('idp', idpName(gate)) : link('idp', idpName(gate), IDP_STRENGTH),
  ];
}

/** Where the app is reached: its host, when it has several targets, what it shares by label, and itself. */
function appWay(target: Target, around: Around): Link[] {
  const labels = around.shared.flatMap((label) => {
    const value = target.labels[label];
    return value === undefined ? [] : [around.link(label, value)];
  });
  return [
    ...labels,
    ...(around.crowded.has(target.host) ? [around.link('host', target.host)] : []),
    around.link('target', target.id),
  ];
}
