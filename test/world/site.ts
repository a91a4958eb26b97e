// The site that is true: layers, services and the checks through them (reference/correlation.md 3). Its words are the
// benchmark's; what a prober is told of it may be wrong (`told`). Nothing here knows how faults are found.

import { type Chance, chance } from './random.ts';

export type LayerKind =
  | 'vantage'
  | 'resolver'
  | 'dns'
  | 'edge-cert'
  | 'cdn-zone'
  | 'worker'
  | 'origin-cert'
  | 'ingress'
  | 'outpost'
  | 'sessions'
  | 'idp'
  | 'node';

export interface Layer {
  readonly index: number;
  readonly kind: LayerKind;
  readonly name: string;
}

/** How a service can be asked: as a stranger, as a returning stranger, signed in. */
export const FLOWS = ['fresh', 'return', 'session'] as const;
export type Flow = (typeof FLOWS)[number];
export type CanaryWhat =
  | 'control'
  | 'dns'
  | 'tls'
  | 'cdn-trace'
  | 'no-route'
  | 'gate-ping'
  | 'idp-health'
  | 'authorize';

/** A way to the site: through a CDN zone, or straight to an ingress. */
export interface Way {
  readonly index: number;
  readonly kind: 'cdn' | 'origin';
  readonly name: string;
}

export interface Service {
  readonly index: number;
  readonly name: string;
  readonly zone: number;
  readonly ingress: number;
  readonly outpost: number;
  readonly node: number;
  /** Behind the gate, or public. */
  readonly gated: boolean;
  readonly checks: number[];
}

export interface Check {
  readonly index: number;
  /** -1 for a canary. */
  readonly service: number;
  readonly flow: Flow | CanaryWhat;
  readonly canary: boolean;
  /** Distinguishes canaries of one kind on one way. */
  readonly name: string;
  readonly way: Way | null;
  /** Layers it really passes, and those that the prober is told of. */
  readonly layers: readonly number[];
  readonly told: readonly number[];
  /** Whether it reaches the application of its service. */
  readonly reachesApp: boolean;
  /** Milliseconds; null = in rotation, under the budget of its outpost. */
  readonly everyMs: number | null;
  /** Outpost at which a probe leaves a session; -1 = none. */
  readonly sessionAt: number;
}

export interface Site {
  readonly size: Size;
  readonly intervalMs: number;
  readonly layers: readonly Layer[];
  readonly services: readonly Service[];
  readonly checks: readonly Check[];
  readonly outposts: number;
  /** Layer of a kind and number. */
  readonly layer: (kind: LayerKind, name: string) => Layer;
  readonly layersOf: (kind: LayerKind) => readonly Layer[];
}

export const SIZES = [30, 300, 3000] as const;
export type Size = (typeof SIZES)[number];

/** DNS and CDN zones, ingresses, outposts, nodes, and the interval of every check. */
const SHAPES = {
  30: { zones: 1, ingresses: 1, outposts: 1, nodes: 3, intervalMs: 60_000 },
  300: { zones: 3, ingresses: 2, outposts: 3, nodes: 10, intervalMs: 60_000 },
  3000: { zones: 10, ingresses: 6, outposts: 10, nodes: 60, intervalMs: 300_000 },
} as const;
const CONTROLS = 3;
const GATED_SHARE = 0.6;
const CANARY_MS = 60_000;

export interface SiteOptions {
  /** Share of services whose outpost and node the inventory has wrong. */
  readonly wrongShare?: number;
  readonly seed?: number;
}

/** The site of that size. */
export function buildSite(size: Size, options: SiteOptions = {}): Site {
  const draft = new Draft(size, options);
  for (const service of draft.services) draft.addService(service);
  draft.addCanaries();
  const { layers, services, checks } = draft;
  const byKey = new Map(layers.map((layer) => [`${layer.kind} ${layer.name}`, layer]));
  return {
    size,
    intervalMs: SHAPES[size].intervalMs,
    layers,
    services,
    checks,
    outposts: SHAPES[size].outposts,
    layer(kind, name) {
      const layer = byKey.get(`${kind} ${name}`);
      if (layer === undefined) throw new Error(`no layer ${kind} ${name}`);
      return layer;
    },
    layersOf: (kind) => layers.filter((layer) => layer.kind === kind),
  };
}

class Draft {
  readonly layers: Layer[] = [];
  readonly services: Service[];
  readonly checks: Check[] = [];
  readonly #shape: (typeof SHAPES)[Size];
  readonly #known = new Map<string, number>();
  readonly #cdn: Way[];
  readonly #origin: Way[];
  readonly #wrong: ReadonlyMap<number, { outpost: number; node: number }>;

  constructor(size: Size, options: SiteOptions) {
    const shape = SHAPES[size];
    this.#shape = shape;
    this.#cdn = Array.from({ length: shape.zones }, (_, at) => ({
      index: at,
      kind: 'cdn',
      name: `cdn${at}`,
    }));
    this.#origin = Array.from({ length: shape.ingresses }, (_, at) => ({
      index: shape.zones + at,
      kind: 'origin',
      name: `origin${at}`,
    }));
    this.services = placeServices(size, chance(1, 'services'));
    this.#wrong = misplaced(
      this.services,
      shape,
      options.wrongShare ?? 0,
      chance(options.seed ?? 0, 'wrong'),
    );
  }

  #layer(kind: LayerKind, name: string | number): number {
    const key = `${kind} ${name}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const index = this.layers.length;
    this.layers.push({ index, kind, name: String(name) });
    this.#known.set(key, index);
    return index;
  }

  /** Up to what routes by name, in the order of the way. */
  #network(way: Way, zone: number, ingress: number): number[] {
    const vantage = this.#layer('vantage', 'v');
    const far = [this.#layer('origin-cert', `${zone}@${ingress}`), this.#layer('ingress', ingress)];
    if (way.kind === 'origin') return [vantage, ...far];
    return [...this.#edge(zone), this.#layer('worker', zone), ...far];
  }

  /** Up to the CDN's edge. */
  #edge(zone: number): number[] {
    return [
      this.#layer('vantage', 'v'),
      this.#layer('resolver', 'r'),
      this.#layer('dns', zone),
      this.#layer('edge-cert', zone),
      this.#layer('cdn-zone', zone),
    ];
  }

  addService(service: Service): void {
    const flows: readonly Flow[] = service.gated ? FLOWS : ['fresh'];
    for (const way of [this.#cdn[service.zone]!, this.#origin[service.ingress]!]) {
      for (const flow of flows) this.#addVisit(service, flow, way);
    }
  }

  #addVisit(service: Service, flow: Flow, way: Way): void {
    const costly = service.gated && flow === 'fresh';
    const reachesApp = !service.gated || flow === 'session';
    const network = this.#network(way, service.zone, service.ingress);
    const rest = (place: { outpost: number; node: number }): number[] => [
      ...(service.gated ? [this.#layer('outpost', place.outpost)] : []),
      ...(costly ? [this.#layer('sessions', place.outpost)] : []),
      ...(reachesApp ? [this.#layer('node', place.node)] : []),
    ];
    const wrong = this.#wrong.get(service.index);
    const layers = [...network, ...rest(service)];
    const index = this.checks.length;
    this.checks.push({
      index,
      service: service.index,
      flow,
      canary: false,
      name: service.name,
      way,
      layers,
      told: wrong === undefined ? layers : [...network, ...rest(wrong)],
      reachesApp,
      everyMs: costly ? null : this.#shape.intervalMs,
      sessionAt: costly ? service.outpost : -1,
    });
    service.checks.push(index);
  }

  #addCanary(flow: CanaryWhat, name: string, way: Way | null, layers: readonly number[]): void {
    const index = this.checks.length;
    const everyMs = Math.min(CANARY_MS, this.#shape.intervalMs);
    const canary = { canary: true, service: -1, reachesApp: false, sessionAt: -1, told: layers } as const;
    this.checks.push({ index, flow, name, way, layers, everyMs, ...canary });
  }

  addCanaries(): void {
    const vantage = this.#layer('vantage', 'v');
    for (let at = 0; at < CONTROLS; at++) this.#addCanary('control', `control${at}`, null, [vantage]);
    for (const cdn of this.#cdn) this.#addZone(cdn);
    for (const origin of this.#origin) {
      const zone = this.services.find((each) => this.#origin[each.ingress] === origin)?.zone ?? 0;
      const way = this.#network(origin, zone, origin.index - this.#cdn.length);
      this.#addCanary('tls', `zone${zone}`, origin, way);
      this.#addCanary('no-route', `zone${zone}`, origin, this.#without(way, 'origin-cert'));
    }
    for (let at = 0; at < this.#shape.outposts; at++) this.#addOutpost(at);
    const [first] = this.#cdn;
    const login = [...this.#network(first!, 0, 0), this.#layer('idp', 'auth')];
    this.#addCanary('idp-health', 'auth', first!, login);
    for (let at = 0; at < this.#shape.outposts; at++)
      this.#addCanary('authorize', `gate${at}`, first!, login);
  }

  #addZone(cdn: Way): void {
    const edge = this.#edge(cdn.index);
    this.#addCanary('dns', `zone${cdn.index}`, cdn, edge.slice(0, 3));
    this.#addCanary('tls', `zone${cdn.index}`, cdn, edge);
    this.#addCanary('cdn-trace', `zone${cdn.index}`, cdn, edge);
    const ingress = this.services.find((each) => each.zone === cdn.index)?.ingress ?? 0;
    const way = this.#network(cdn, cdn.index, ingress);
    this.#addCanary('no-route', `zone${cdn.index}`, cdn, this.#without(way, 'edge-cert', 'origin-cert'));
  }

  #addOutpost(at: number): void {
    const behind = this.services.find((each) => each.gated && each.outpost === at);
    if (behind === undefined) return;
    for (const way of [this.#cdn[behind.zone]!, this.#origin[behind.ingress]!]) {
      const network = this.#network(way, behind.zone, behind.ingress);
      this.#addCanary('gate-ping', `outpost${at}`, way, [...network, this.#layer('outpost', at)]);
    }
  }

  #without(layers: readonly number[], ...kinds: LayerKind[]): number[] {
    return layers.filter((index) => !kinds.includes(this.layers[index]!.kind));
  }
}

/** Services spread over zones, ingresses, outposts and nodes without a pattern, but evenly. */
function placeServices(size: Size, random: Chance): Service[] {
  const shape = SHAPES[size];
  const dealt = (kinds: number): number[] =>
    random.shuffled(Array.from({ length: size }, (_, at) => at % kinds));
  const [zones, ingresses, outposts, nodes] = [shape.zones, shape.ingresses, shape.outposts, shape.nodes].map(
    dealt,
  );
  const gated = random.shuffled(Array.from({ length: size }, (_, at) => at < GATED_SHARE * size));
  return Array.from({ length: size }, (_, index) => ({
    index,
    name: `s${index}`,
    zone: zones![index]!,
    ingress: ingresses![index]!,
    outpost: outposts![index]!,
    node: nodes![index]!,
    gated: gated[index]!,
    checks: [],
  }));
}

/** What the inventory says instead of some services. */
function misplaced(
  services: readonly Service[],
  shape: (typeof SHAPES)[Size],
  share: number,
  random: Chance,
): ReadonlyMap<number, { outpost: number; node: number }> {
  const other = (count: number, own: number): number =>
    count < 2 ? own : (own + 1 + random.below(count - 1)) % count;
  return new Map(
    random
      .shuffled(services)
      .slice(0, Math.round(share * services.length))
      .map(({ index, outpost, node }) => [
        index,
        { outpost: other(shape.outposts, outpost), node: other(shape.nodes, node) },
      ]),
  );
}
