// Simulator: a site of any size on a virtual clock, probed by the real plan and judged by the real correlator.
// Faults, noise and budgets are its own; everything follows from the seed (reference/correlation.md 3 and 6).

import { type Correlator, createCorrelator } from '../../src/correlate/correlator.ts';
import { createMaintenance } from '../../src/correlate/maintenance.ts';
import type { MaintenanceOption } from '../../src/correlate/maintenance-options.ts';
import type { Outcome, Wanted } from '../../src/correlate/outcome.ts';
import type { Check, Subject } from '../../src/model/check.ts';
import type { Gate, GateName } from '../../src/model/gate.ts';
import type { Incident, IncidentEvent } from '../../src/model/incident.ts';
import type { NetworkPath, PathName } from '../../src/model/network-path.ts';
import type { Expectation, Target, TargetId } from '../../src/model/target.ts';
import type { Knowledge, SignatureId, Verdict } from '../../src/model/verdict.ts';
import { plan } from '../../src/schedule/plan.ts';

/** Start of the virtual wall clock. */
export const EPOCH = 1_800_000_000_000;

/** Numbers in [0, 1) from a seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface SiteOptions {
  /** Targets behind the gate, and public ones. */
  readonly login?: number;
  readonly open?: number;
  readonly controls?: number;
  readonly nodes?: number;
  /** Interval of return visits by path kind, ms. */
  readonly every?: { readonly cdn: number; readonly origin: number };
  /** Owner of each target; default its own id. */
  readonly owner?: (index: number) => string;
  readonly paths?: readonly ('cdn' | 'origin')[];
  readonly canaries?: 'auto' | 'none';
}

const RULE = { status: [], location: null, header: {}, contains: null, notContains: null };

function networkPath(name: 'cdn' | 'origin'): NetworkPath {
  return {
    name: name as PathName,
    kind: name,
    address: name === 'origin' ? { host: '203.0.113.10', port: 443 } : null,
    resolver: ['1.1.1.1:53'],
    proof: name === 'cdn' ? { header: 'cf-ray', absent: null } : { header: null, absent: 'cf-ray' },
    requestsPerDay: null,
    family: null,
    http: 1,
    private: false,
    tls: { ca: [], cert: null, key: null, verify: 'full' },
    labels: {},
    firstCheck: null,
  };
}

const GATE: Gate = {
  name: 'authentik' as GateName,
  kind: 'authentik',
  url: 'https://auth.example.com',
  outpost: 'embedded',
  clients: [],
  callback: null,
  sessions: { store: 'files', capacityBytes: 2 ** 26, lifetimeMs: 6e8, budget: 'auto', vantages: 1 },
  paths: ['cdn' as PathName],
  labels: {},
  firstCheck: null,
};

const KNOWLEDGE: Knowledge = {
  get(kind, key) {
    if (kind === 'certificate') return { value: '*.example.com', at: EPOCH };
    if (kind === 'authorize')
      return { value: `https://auth.example.com/application/o/authorize/?client_id=${key}`, at: EPOCH };
    return null;
  },
};

function makeTarget(index: number, is: Expectation['is'], options: SiteOptions): Target {
  const host = `${is === 'login' ? 'app' : 'open'}${index}.example.com`;
  const paths = (options.paths ?? ['cdn', 'origin']) as PathName[];
  const expect: Expectation = { is, ...RULE };
  return {
    id: host as TargetId,
    url: `https://${host}/`,
    scheme: 'https',
    host,
    port: 443,
    pathname: '/',
    zone: 'example.com',
    gate: is === 'login' ? GATE.name : null,
    paths,
    expect: Object.fromEntries(paths.map((path) => [path, expect])),
    timeoutMs: 10_000,
    slowMs: 5_000,
    headers: {},
    everyMs: null,
    labels: { node: `node${index % (options.nodes ?? 3)}` },
    wake: 'always',
    source: 'static',
    owner: options.owner?.(index) ?? host,
  };
}

/** Subjects of a site: by default 18 targets behind a gate and 12 public ones on three nodes. */
export function siteSubjects(options: SiteOptions = {}): readonly Subject[] {
  const login = Array.from({ length: options.login ?? 18 }, (_, at) => makeTarget(at, 'login', options));
  const open = Array.from({ length: options.open ?? 12 }, (_, at) => makeTarget(at, 'public', options));
  return plan({
    vantage: 'vps',
    targets: [...login, ...open],
    paths: (options.paths ?? ['cdn', 'origin']).map(networkPath),
    gates: [GATE],
    controls: Array.from({ length: options.controls ?? 3 }, (_, at) => `https://control${at}.test/`),
    shared: ['node'],
    canaries: options.canaries ?? 'auto',
    checks: {
      returnEvery: options.every ?? { cdn: 300_000, origin: 60_000 },
      freshEveryMs: null,
      sessionEvery: options.every ?? { cdn: 300_000, origin: 60_000 },
      sessionAccount: null,
      loginEveryMs: 900_000,
      loginTargets: null,
      loginAccount: null,
      browser: null,
    },
    accounts: [],
    knowledge: KNOWLEDGE,
  });
}

/** What one probe shows. */
export interface Showing {
  readonly verdict: Verdict;
  readonly signature: string | null;
  readonly pointsAt: readonly string[];
}

export const UP: Showing = { verdict: 'up', signature: null, pointsAt: [] };

export function down(signature: string, ...pointsAt: string[]): Showing {
  return { verdict: 'down', signature, pointsAt };
}

/** A fault of the site: what probes of a subject show while it lasts; null = not concerned. */
export interface Fault {
  readonly from: number;
  readonly until: number;
  readonly show: (subject: Subject, random: () => number) => Showing | null;
}

function linkOf(subject: Subject, id: string): boolean {
  return subject.links.some((link) => link.component === id && link.strength === 1);
}

/** Failure that a broken component of each type shows, as the catalogue names it. */
function showingOf(type: string, name: string, subject: Subject): Showing | null {
  const kind = subject.path?.kind;
  const canary = subject.kind === 'canary' ? subject.canary : null;
  switch (type) {
    case 'vantage':
      if (canary === 'control') return down('unreachable', 'vantage', 'origin', 'cdn');
      return kind === 'origin'
        ? down('connect-timeout', 'origin', 'cdn')
        : down('dns-failed', 'dns', 'resolver');
    case 'resolver':
      return down('dns-failed', 'resolver', 'dns');
    case 'dns':
      return down('dns-failed', 'dns', 'resolver');
    case 'certificate':
      if (canary === 'no-route') return null;
      return name.endsWith(`@${subject.path?.name}`)
        ? down('tls-expired', 'certificate')
        : down('cdn-origin-tls', 'certificate', 'origin', 'cdn');
    case 'cdn':
      // A dead tunnel: the edge itself still answers.
      if (canary === 'cdn-trace' || canary === 'tls') return null;
      return down('cdn-origin-unreachable', 'cdn', 'origin');
    case 'origin':
      return kind === 'cdn'
        ? down('cdn-origin-unreachable', 'cdn', 'origin')
        : down('connect-refused', 'origin', 'cdn');
    case 'gate':
      return canary === null
        ? down('gate-unreachable', 'gate', 'origin')
        : down('wrong-content', 'gate', 'origin');
    case 'gate-sessions':
      return down('gate-no-session', 'gate-sessions', 'gate');
    case 'idp':
      return down('idp-down', 'idp', 'origin');
    default:
      return down('proxy-no-backend', 'target', 'origin');
  }
}

/** A component is broken; `share` of its checks fail, the same ones for the whole fault. */
export function componentFault(id: string, span: { from: number; until: number; share?: number }): Fault {
  const colon = id.indexOf(':');
  const sticky = new Map<string, boolean>();
  return {
    from: span.from,
    until: span.until,
    show(subject, random) {
      if (!linkOf(subject, id)) return null;
      let hit = sticky.get(subject.id);
      if (hit === undefined) {
        hit = random() < (span.share ?? 1);
        sticky.set(subject.id, hit);
      }
      return hit ? showingOf(id.slice(0, colon), id.slice(colon + 1), subject) : null;
    },
  };
}

/** Some targets are broken for themselves. */
export function targetFault(
  targets: readonly string[],
  span: { from: number; until: number; show?: Showing },
): Fault {
  return {
    from: span.from,
    until: span.until,
    show: (subject) =>
      subject.kind === 'visit' && targets.includes(subject.target.id)
        ? (span.show ?? down('app-error', 'target', 'origin'))
        : null,
  };
}

const NOISES = [
  down('timeout', 'origin', 'gate', 'target'),
  down('connect-timeout', 'origin', 'cdn'),
  down('reset', 'origin', 'cdn', 'target'),
  down('app-error', 'target', 'origin'),
];

export interface SimulatorOptions {
  readonly seed: number;
  readonly subjects?: readonly Subject[];
  /** Share of probes that fail by chance. */
  readonly noise?: number;
  readonly faults?: readonly Fault[];
  readonly freshPerMinute?: number;
  readonly hasControls?: boolean;
  readonly startupGraceMs?: number;
  readonly seenUp?: (target: string) => boolean;
  readonly checkpoint?: string | null;
  /** Components that alerts of others hold, at an instant of the virtual wall clock. */
  readonly holding?: (now: number) => readonly string[];
  /** Planned work. */
  readonly maintenance?: readonly MaintenanceOption[];
  /** How long a probe takes that shows this, ms; default 200. */
  readonly latencyMs?: (showing: Showing) => number;
  /** Virtual ms at which the simulator starts. */
  readonly startAt?: number;
}

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Tokens that a burst may spend beside the rotation. */
const SESSION_BURST = 20;
const LATENCY_MS = 200;

/** Runs probes, correlator and faults on a virtual clock. */
export class Simulator {
  readonly events: IncidentEvent[] = [];
  readonly subjects: readonly Subject[];
  readonly random: () => number;
  correlator: Correlator;
  now: number;
  probes = 0;
  extraProbes = 0;
  sessions = 0;
  sessionsRefused = 0;
  readonly faults: Fault[];
  readonly #options: SimulatorOptions;
  #byId: ReadonlyMap<string, Subject>;
  readonly #heap: Due[] = [];
  readonly #inFlight = new Set<string>();
  #order = 0;
  #evaluateAt = Number.POSITIVE_INFINITY;
  #tokens = SESSION_BURST;
  #tokensAt: number;

  constructor(options: SimulatorOptions) {
    this.#options = options;
    this.random = seeded(options.seed);
    this.subjects = options.subjects ?? siteSubjects();
    this.#byId = new Map(this.subjects.map((subject) => [subject.id, subject]));
    this.faults = [...(options.faults ?? [])];
    this.now = options.startAt ?? 0;
    this.#tokensAt = this.now;
    this.correlator = this.#create(options.checkpoint ?? null);
    this.#schedule();
  }

  #create(checkpoint: string | null): Correlator {
    return createCorrelator({
      subjects: this.subjects,
      vantage: 'vps',
      startupGraceMs: this.#options.startupGraceMs ?? 300_000,
      seenUp: this.#options.seenUp ?? (() => true),
      hasControls:
        this.#options.hasControls ??
        this.subjects.some((each) => each.kind === 'canary' && each.canary === 'control'),
      holding: this.#options.holding ?? (() => []),
      maintenance: createMaintenance(this.#options.maintenance ?? []),
      checkpoint,
      random: this.random,
      startedAt: this.#instant(),
    });
  }

  #instant(): { at: number; monotonicMs: number } {
    return { at: EPOCH + this.now, monotonicMs: 1_000 + this.now };
  }

  /** The daemon is stopped and started again: only the checkpoint survives. */
  restart(): void {
    this.correlator = this.#create(this.correlator.checkpoint());
    this.#arm();
  }

  /** A reload: the correlator gets other subjects; the schedule stays as it is. */
  replace(subjects: readonly Subject[]): void {
    this.#byId = new Map([...this.subjects, ...subjects].map((subject) => [subject.id, subject]));
    this.events.push(...this.correlator.replace(subjects, this.#instant()));
    this.#arm();
  }

  #schedule(): void {
    const paced = this.subjects.filter((subject) => subject.everyMs !== null);
    const order = shuffled(paced, this.random);
    for (const [at, subject] of order.entries()) {
      const every = subject.everyMs ?? 60_000;
      const repeat = (): void => {
        this.#probe(subject, false);
        this.#after(every, repeat);
      };
      this.#after((every * at) / order.length, repeat);
    }
    const rotating = shuffled(
      this.subjects.filter((subject) => subject.everyMs === null),
      this.random,
    );
    const perMinute = this.#options.freshPerMinute ?? 6;
    if (rotating.length === 0 || perMinute === 0) return;
    let next = 0;
    const rotate = (): void => {
      const subject = rotating[next++ % rotating.length];
      if (subject !== undefined) this.#probe(subject, false);
      this.#after(60_000 / perMinute, rotate);
    };
    this.#after(0, rotate);
  }

  #after(ms: number, run: () => void): void {
    pushDue(this.#heap, { at: this.now + ms, order: this.#order++, run });
  }

  #takeToken(): boolean {
    const perMinute = this.#options.freshPerMinute ?? 6;
    this.#tokens = Math.min(SESSION_BURST, this.#tokens + ((this.now - this.#tokensAt) * perMinute) / 60_000);
    this.#tokensAt = this.now;
    if (this.#tokens < 1) {
      this.sessionsRefused++;
      return false;
    }
    this.#tokens--;
    this.sessions++;
    return true;
  }

  #probe(subject: Subject, extra: boolean): void {
    if (this.#inFlight.has(subject.id)) return;
    if (costsSession(subject) && !this.#takeToken()) return;
    this.probes++;
    if (extra) this.extraProbes++;
    this.#inFlight.add(subject.id);
    const at = EPOCH + this.now;
    const showing = this.#show(subject);
    const begunMs = this.#instant().monotonicMs;
    this.#after(this.#options.latencyMs?.(showing) ?? LATENCY_MS, () => {
      this.#inFlight.delete(subject.id);
      this.#accept(subject, showing, { at, begunMs, extra });
    });
  }

  #show(subject: Subject): Showing {
    for (const fault of this.faults) {
      if (this.now < fault.from || this.now >= fault.until) continue;
      const showing = fault.show(subject, this.random);
      if (showing !== null) return showing;
    }
    if (this.random() >= (this.#options.noise ?? 0)) return UP;
    return NOISES[Math.floor(this.random() * NOISES.length)] ?? UP;
  }

  #accept(subject: Subject, showing: Showing, when: { at: number; begunMs: number; extra: boolean }): void {
    const outcome: Outcome = {
      check: subject.id,
      ...when,
      monotonicMs: this.#instant().monotonicMs,
      verdict: showing.verdict,
      signature: showing.signature as SignatureId | null,
      pointsAt: showing.pointsAt,
    };
    this.correlator.accept(outcome);
    this.#arm();
  }

  #arm(): void {
    const { nextAt } = this.correlator;
    if (nextAt === null) return;
    const at = Math.max(this.now, nextAt - 1_000);
    if (at >= this.#evaluateAt) return;
    this.#evaluateAt = at;
    this.#after(at - this.now, () => {
      if (this.#evaluateAt > this.now) return;
      this.#evaluateAt = Number.POSITIVE_INFINITY;
      this.evaluate();
    });
  }

  evaluate(): void {
    const { events, wanted } = this.correlator.evaluate(this.#instant());
    this.events.push(...events);
    for (const each of wanted) this.#want(each);
    this.#arm();
  }

  #want(wanted: Wanted): void {
    const subject = this.#byId.get(wanted.check);
    if (subject === undefined) throw new Error(`wanted an unknown check ${wanted.check}`);
    this.#after(Math.max(0, wanted.notBefore - 1_000 - this.now), () => this.#probe(subject, true));
  }

  /** Runs the virtual clock to `until`, ms. */
  run(until: number): this {
    for (let due = this.#heap[0]; due !== undefined && due.at <= until; due = this.#heap[0]) {
      popDue(this.#heap);
      this.now = due.at;
      due.run();
    }
    this.now = until;
    return this;
  }

  /** Events of one type, in order. */
  of(type: IncidentEvent['type']): Incident[] {
    return this.events.filter((event) => event.type === type).map((event) => event.incident);
  }
}

function costsSession(subject: Subject): subject is Check {
  return subject.kind === 'visit' && subject.costsSession;
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const copy = [...list];
  for (let at = copy.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [copy[at], copy[other]] = [copy[other]!, copy[at]!];
  }
  return copy;
}

function before(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function pushDue(heap: Due[], due: Due): void {
  let at = heap.push(due) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(heap[at]!, heap[parent]!)) break;
    [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
    at = parent;
  }
}

function popDue(heap: Due[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  heap[0] = last;
  for (let at = 0; ; ) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      if (child < heap.length && before(heap[child]!, heap[least]!)) least = child;
    }
    if (least === at) return;
    [heap[at], heap[least]] = [heap[least]!, heap[at]!];
    at = least;
  }
}
