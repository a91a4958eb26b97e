// Topology: subjects turned into arrays of checks, services and shared components, with who runs through what.
// Positions in these arrays are the handles of the whole room; they change only when the subjects are replaced.

import type { CheckId, Subject } from '../model/check.ts';
import { type Component, type ComponentId, component, componentFromId } from '../model/component.ts';
import type { Target } from '../model/target.ts';

/** One shared component on the way of a check. */
export interface Way {
  readonly component: number;
  /**
   * A dependence behind the way: explains only failures that point at it, and a success says nothing about it.
   */
  readonly soft: boolean;
}

export interface CheckNode {
  readonly index: number;
  readonly id: CheckId;
  readonly subject: Subject;
  readonly service: number;
  readonly ways: readonly Way[];
  /** Lane: kind of visit (or `canary kind`) and path. */
  readonly visit: string;
  readonly path: string;
  readonly lane: number;
  readonly canary: boolean;
  readonly costsSession: boolean;
}

/** Something that can fail for itself: a target, or a canary. */
export interface ServiceNode {
  readonly index: number;
  readonly key: string;
  readonly target: Target | null;
  readonly checks: number[];
  /** Prior of failing for itself (reference/correlation.md 5.3, lambda). */
  readonly prior: number;
}

export interface ComponentNode {
  readonly index: number;
  readonly component: Component;
  /** Checks through it; `soft` ones apart. */
  readonly hard: number[];
  readonly soft: number[];
  /** Targets behind it, by service; each once. */
  readonly services: number[];
  /** Components with exactly the same checks have the same class: no probe separates them. */
  peers: number;
}

export interface Topology {
  readonly checks: readonly CheckNode[];
  readonly services: readonly ServiceNode[];
  readonly components: readonly ComponentNode[];
  readonly lanes: readonly string[];
  readonly byCheck: ReadonlyMap<string, number>;
  readonly byComponent: ReadonlyMap<string, number>;
  readonly byTarget: ReadonlyMap<string, number>;
  /** Typical interval, ms: the unit of waiting ("T"). */
  readonly intervalMs: number;
  /** Probes in 30 days, about: what false alarms are counted against. */
  readonly probesPerMonth: number;
}

const MONTH_MS = 30 * 86_400_000;
/** Assumed for budgeted fresh visits, which have no interval of their own. */
const BUDGETED_MS = 600_000;
/** Bounds of the typical interval: holds of less flap, of more make incidents linger. */
const INTERVAL_MS = { least: 30_000, most: 120_000 };

/** Arrays of the given subjects, in their order. Links to `target:` are the service itself and are left out. */
export function buildTopology(subjects: readonly Subject[]): Topology {
  const draft = new Draft(subjects);
  for (const subject of subjects) draft.add(subject);
  const { checks, services, components, lanes, byCheck, byComponent, byTarget } = draft;
  markServices(draft);
  markPeers(components);
  return {
    checks,
    services,
    components,
    lanes,
    byCheck,
    byComponent,
    byTarget,
    intervalMs: typicalInterval(subjects),
    probesPerMonth: subjects.reduce((sum, subject) => sum + MONTH_MS / (subject.everyMs ?? BUDGETED_MS), 0),
  };
}

class Draft {
  readonly checks: CheckNode[] = [];
  readonly services: ServiceNode[] = [];
  readonly components: ComponentNode[] = [];
  readonly lanes: string[] = [];
  readonly byCheck = new Map<string, number>();
  readonly byComponent = new Map<string, number>();
  readonly byTarget = new Map<string, number>();
  readonly #byService = new Map<string, number>();
  readonly #hardWays: Way[] = [];
  readonly #softWays: Way[] = [];
  readonly #sharedHosts: ReadonlySet<string>;

  constructor(subjects: readonly Subject[]) {
    this.#sharedHosts = sharedHosts(subjects);
  }

  add(subject: Subject): void {
    const index = this.checks.length;
    const service = this.#service(subject);
    const path = subject.path?.name ?? '';
    const visit = subject.kind === 'visit' ? subject.visit : subject.canary;
    const node: CheckNode = {
      index,
      id: subject.id,
      subject,
      service: service.index,
      ways: this.#ways(subject),
      visit,
      path,
      lane: position(this.lanes, `${visit} ${path}`),
      canary: subject.kind === 'canary',
      costsSession: subject.kind === 'visit' && subject.costsSession,
    };
    this.checks.push(node);
    this.byCheck.set(subject.id, index);
    service.checks.push(index);
    for (const way of node.ways) {
      const through = this.components[way.component];
      if (through === undefined) continue;
      (way.soft ? through.soft : through.hard).push(index);
    }
  }

  #service(subject: Subject): ServiceNode {
    const key = subject.kind === 'visit' ? subject.target.id : subject.id;
    const known = this.services[this.#byService.get(key) ?? -1];
    if (known !== undefined) return known;
    const target = subject.kind === 'visit' ? subject.target : null;
    const made: ServiceNode = {
      index: this.services.length,
      key,
      target,
      checks: [],
      prior: ownPrior(subject),
    };
    this.services.push(made);
    this.#byService.set(key, made.index);
    if (target !== null) this.byTarget.set(target.id, made.index);
    return made;
  }

  #ways(subject: Subject): Way[] {
    const ways: Way[] = [];
    for (const link of subject.links) {
      const index = this.#linked(link.component);
      const shared = this.components[index]?.component;
      if (shared === undefined) continue;
      ways.push(this.#way(index, link.strength < 1 || isFarCertificate(subject, shared)));
    }
    // Several targets on one host fail together when the host does, whether or not a visit reaches the app.
    if (subject.kind === 'visit' && this.#sharedHosts.has(subject.target.host))
      ways.push(this.#way(this.#component(component('host', subject.target.host)), false));
    return ways;
  }

  /** Position of a component of a link; -1 for targets and hosts, which are no shared ones. */
  #linked(id: ComponentId): number {
    const known = this.byComponent.get(id);
    if (known !== undefined) return this.components[known]?.component.type === 'host' ? -1 : known;
    const shared = componentFromId(id);
    return shared.type === 'target' || shared.type === 'host' ? -1 : this.#component(shared);
  }

  /** One object for all checks that run through a component in the same manner. */
  #way(index: number, soft: boolean): Way {
    const ways = soft ? this.#softWays : this.#hardWays;
    const known = ways[index];
    if (known !== undefined) return known;
    const made = { component: index, soft };
    ways[index] = made;
    return made;
  }

  #component(shared: Component): number {
    const known = this.byComponent.get(shared.id);
    if (known !== undefined) return known;
    const index = this.components.length;
    this.components.push({ index, component: shared, hard: [], soft: [], services: [], peers: index });
    this.byComponent.set(shared.id, index);
    return index;
  }
}

/** Certificate of the origin seen from a CDN path: whether the CDN verifies it is not known. */
function isFarCertificate(subject: Subject, shared: Component): boolean {
  return (
    shared.type === 'certificate' && subject.path !== null && !shared.name.endsWith(`@${subject.path.name}`)
  );
}

/** How likely a subject fails for itself within a window: foreign sites often, canaries of our own seldom. */
function ownPrior(subject: Subject): number {
  if (subject.kind === 'visit') return 1e-3;
  if (subject.canary === 'control') return 1e-2;
  // The provider's health pages stay green while its login page is blank: this one says what they cannot.
  if (subject.canary === 'login-assets') return 1e-8;
  return subject.about.startsWith('idp:') ? 1e-6 : 1e-4;
}

function sharedHosts(subjects: readonly Subject[]): ReadonlySet<string> {
  const first = new Map<string, string>();
  const shared = new Set<string>();
  for (const subject of subjects) {
    if (subject.kind !== 'visit') continue;
    const { host, id } = subject.target;
    const seen = first.get(host);
    if (seen === undefined) first.set(host, id);
    else if (seen !== id) shared.add(host);
  }
  return shared;
}

function position(list: string[], text: string): number {
  const known = list.indexOf(text);
  return known >= 0 ? known : list.push(text) - 1;
}

function typicalInterval(subjects: readonly Subject[]): number {
  const known = subjects
    .flatMap((subject) => (subject.everyMs === null ? [] : [subject.everyMs]))
    .sort((a, b) => a - b);
  const median = known[known.length >> 1] ?? 60_000;
  return Math.min(INTERVAL_MS.most, Math.max(INTERVAL_MS.least, median));
}

/** Notes the targets behind each component, each once. */
function markServices({ checks, services, components }: Draft): void {
  const last = new Int32Array(components.length).fill(-1);
  for (const { index, target, checks: own } of services) {
    if (target === null) continue;
    for (const check of own) {
      for (const { component: through } of checks[check]?.ways ?? []) {
        if (last[through] === index) continue;
        last[through] = index;
        components[through]?.services.push(index);
      }
    }
  }
}

function markPeers(components: readonly ComponentNode[]): void {
  const classes = new Map<string, number>();
  for (const node of components) {
    const key = `${node.hard.join(' ')}|${node.soft.join(' ')}`;
    const known = classes.get(key);
    if (known === undefined) classes.set(key, node.index);
    else node.peers = known;
  }
}
