// The benchmark's words in those of DESIGN 5: layers of the world as components, its checks as subjects of the
// correlator, with the way that the inventory claims.
//
//   vantage = vantage, DNS = dns:<zone>, edge cert = certificate:…@<cdn path>, CDN zone and worker = cdn:<path>,
//   origin cert = certificate:…@<origin path>, ingress = origin:<path>, outpost = gate:<outpost>,
//   what makes sessions for strangers = gate-sessions:<outpost>, IdP = idp:<host>, node = the label under `shared:`,
//   service route and app = the target itself

import type { CanaryKind, Link, Subject, Visit } from '../../../src/model/check.ts';
import { canaryId, checkId } from '../../../src/model/check.ts';
import { type Component, component } from '../../../src/model/component.ts';
import type { Gate, GateName } from '../../../src/model/gate.ts';
import type { NetworkPath, PathName } from '../../../src/model/network-path.ts';
import type { Expectation, Target, TargetId } from '../../../src/model/target.ts';
import type { CanaryWhat, Check, Flow, Layer, Service, Site, Way } from '../../world/site.ts';

/** As the plan says of a gate's answers (src/schedule/way.ts): they may fail with the identity provider. */
const IDP_STRENGTH = 0.3;
const IDP = component('idp', 'auth.example');
const VISITS: Readonly<Record<Flow, string>> = { fresh: 'fresh', return: 'return', session: 'session' };

/** Component that a layer is, in DESIGN's words. */
export function componentOf(layer: Layer): Component {
  const [zone, ingress] = layer.name.split('@');
  switch (layer.kind) {
    case 'vantage':
      return component('vantage', 'vps');
    case 'resolver':
      return component('resolver', '192.0.2.53:53');
    case 'dns':
      return component('dns', `zone${layer.name}.example`);
    case 'edge-cert':
      return component('certificate', `*.zone${layer.name}.example@cdn${layer.name}`);
    case 'cdn-zone':
    case 'worker':
      return component('cdn', `cdn${layer.name}`);
    case 'origin-cert':
      return component('certificate', `*.zone${zone}.example@origin${ingress}`);
    case 'ingress':
      return component('origin', `origin${layer.name}`);
    case 'outpost':
      return component('gate', `outpost${layer.name}`);
    case 'sessions':
      return component('gate-sessions', `outpost${layer.name}`);
    case 'idp':
      return IDP;
    case 'node':
      return component('node', `n${layer.name}`);
  }
}

/** Target id of a service. */
export function targetIdOf(service: Service): string {
  return `${service.name}.zone${service.zone}.example`;
}

/** Subjects in the order of the site's checks. */
export function subjectsOf(site: Site): readonly Subject[] {
  const paths = new Map<string, NetworkPath>();
  for (const { way } of site.checks)
    if (way !== null && !paths.has(way.name)) paths.set(way.name, pathOf(way));
  const gates = Array.from({ length: site.outposts }, (_, at) => gateOf(at));
  const links = new Map<number, Link>();
  const linkOf = (layer: number): Link => {
    const known = links.get(layer);
    if (known !== undefined) return known;
    const made = { component: componentOf(site.layers[layer]!).id, strength: 1 };
    links.set(layer, made);
    return made;
  };
  const targets = site.services.map((service) => targetOf(site, service, gates));
  const idpLink: Link = { component: IDP.id, strength: IDP_STRENGTH };
  return site.checks.map((check): Subject => {
    const path = check.way === null ? null : (paths.get(check.way.name) ?? null);
    const way = check.told.map(linkOf).filter((link, at, all) => all.indexOf(link) === at);
    const distinct = way.filter(
      (link, at) => way.findIndex((each) => each.component === link.component) === at,
    );
    if (check.canary) return canaryOf(check, path, gates, distinct);
    const service = site.services[check.service]!;
    const target = targets[check.service]!;
    const own: Link = { component: component('target', target.id).id, strength: 1 };
    const soft = service.gated && check.flow !== 'session' ? [idpLink] : [];
    const visit = VISITS[check.flow as Flow] as Visit;
    return {
      kind: 'visit',
      id: checkId(visit, path!.name, target.id),
      visit,
      target,
      path: path!,
      gate: service.gated ? gates[service.outpost]! : null,
      expect: target.expect[path!.name]!,
      account: null,
      costsSession: check.sessionAt >= 0,
      links: [...distinct, ...soft, own],
      everyMs: check.everyMs,
      timeoutMs: 10_000,
    };
  });
}

function canaryOf(
  check: Check,
  path: NetworkPath | null,
  gates: readonly Gate[],
  links: readonly Link[],
): Subject {
  const kind = check.flow as CanaryWhat as CanaryKind;
  const gate = /^(?:gate|outpost)(\d+)$/.exec(check.name)?.[1];
  return {
    kind: 'canary',
    id: canaryId(kind, path?.name ?? null, check.name),
    canary: kind,
    name: check.name,
    about: links.at(-1)!.component,
    path,
    gate: gate === undefined ? null : gates[Number(gate)]!,
    url: 'https://canary.example/',
    links,
    everyMs: check.everyMs,
    timeoutMs: 10_000,
  };
}

function targetOf(site: Site, service: Service, gates: readonly Gate[]): Target {
  const id = targetIdOf(service);
  const is: Expectation['is'] = service.gated ? 'login' : 'public';
  const expect: Expectation = {
    is,
    status: [],
    location: null,
    header: {},
    contains: null,
    notContains: null,
  };
  const paths = [`cdn${service.zone}`, `origin${service.ingress}`] as PathName[];
  const visit = site.checks[service.checks.find((index) => site.checks[index]!.reachesApp)!]!;
  const node = visit.told.map((index) => site.layers[index]!).find((layer) => layer.kind === 'node')!;
  return {
    id: id as TargetId,
    url: `https://${id}/`,
    scheme: 'https',
    host: id,
    port: 443,
    pathname: '/',
    zone: `zone${service.zone}.example`,
    gate: service.gated ? gates[service.outpost]!.name : null,
    paths,
    expect: Object.fromEntries(paths.map((path) => [path, expect])),
    timeoutMs: 10_000,
    slowMs: 5_000,
    headers: {},
    everyMs: null,
    labels: { node: `n${node.name}` },
    wake: 'always',
    source: 'static',
    owner: id,
  };
}

function pathOf(way: Way): NetworkPath {
  return {
    name: way.name as PathName,
    kind: way.kind,
    address: way.kind === 'origin' ? { host: `203.0.113.${way.index}`, port: 443 } : null,
    resolver: ['192.0.2.53:53'],
    proof: way.kind === 'cdn' ? { header: 'cf-ray', absent: null } : { header: null, absent: 'cf-ray' },
    requestsPerDay: null,
    family: null,
    http: 1,
    private: false,
    tls: { ca: [], cert: null, key: null, verify: 'full' },
    labels: {},
    firstCheck: null,
  };
}

function gateOf(at: number): Gate {
  return {
    name: `gate${at}` as GateName,
    kind: 'authentik',
    url: 'https://auth.example',
    outpost: `outpost${at}`,
    clients: [],
    callback: null,
    sessions: { store: 'files', capacityBytes: 2 ** 26, lifetimeMs: 6e8, budget: 'auto', vantages: 1 },
    paths: ['cdn0' as PathName],
    labels: {},
    firstCheck: null,
  };
}
