// State of the correlator during one configuration: evidence, cases, coverage, and what this evaluation says.
// The searches open and change cases through it, so that coverage and events never fall apart.

import type { Component } from '../model/component.ts';
import type { IncidentEvent } from '../model/incident.ts';
import type { EpochMs } from '../model/observation.ts';
import { acquit } from './acquit.ts';
import { type Episode, newEpisode } from './burst.ts';
import { type Case, type CaseStart, eventOf, noteFailure, openCase, reopen, resolve } from './case.ts';
import { type Coverage, coverageOf, explains, pathsOf, softWay, watchedBy } from './coverage.ts';
import { Evidence } from './evidence.ts';
import type { Sightings } from './exposure.ts';
import { helpfulCanary } from './helpful-canary.ts';
import { describe } from './lanes.ts';
import type { Ranking } from './localize.ts';
import { coveredChecks, lookAgain, type Maintenance, type OpenWindows } from './maintenance.ts';
import type { Instant, Wanted } from './outcome.ts';
import type { Scope } from './ratio.ts';
import type { CheckNode, Topology } from './topology.ts';

/** A fault that is back within this many intervals is the same incident (reference/correlation.md 5.6). */
export const SAME_FAULT_INTERVALS = 15;
/** Stands for "unmodelled" among the positions of components. */
export const UNMODELLED = -1;

export interface Rules {
  readonly vantage: string;
  readonly startupGraceMs: number;
  readonly seenUp: (target: string) => boolean;
  readonly hasControls: boolean;
  /** Planned work; default none. */
  readonly maintenance?: Maintenance;
  /** Components, as configured, whose services' own alerts wait for an alert of others; default none. */
  readonly holding?: (now: EpochMs) => readonly string[];
}

export class State {
  readonly rules: Rules;
  evidence: Evidence;
  coverage: Coverage;
  /** Open, recovering, and those that ended lately. */
  readonly cases: Case[] = [];
  readonly sightings: Sightings = new Map();
  nextId = 1;
  now: Instant;
  events: IncidentEvent[] = [];
  wanted: Wanted[] = [];
  /** Result of the last search, null while nothing is suspect. */
  ranking: Ranking | null = null;
  episode: Episode = newEpisode(0);
  /** Checks that planned work covers: nothing opens because of them. Null = none. */
  #planned: Uint8Array | null = null;
  #plannedBy: { readonly windows: OpenWindows; readonly topology: Topology } | null = null;
  /**
   * Since when an explanation has been likelier than nothing without a break, by component (or `UNMODELLED`): the end
   * of the last evaluation that said otherwise.
   */
  likelySince = new Map<number, number>();
  evaluatedAt: number;

  constructor(topology: Topology, rules: Rules, now: Instant) {
    this.rules = rules;
    this.evidence = new Evidence(topology);
    this.coverage = coverageOf(topology, []);
    this.now = now;
    this.evaluatedAt = now.monotonicMs;
  }

  get topology(): Topology {
    return this.evidence.topology;
  }

  /** Evidence that no open case and no planned work explains. */
  get scope(): Scope {
    const { explained } = this.coverage;
    const planned = this.#planned;
    return {
      evidence: this.evidence,
      usable: (check) => explained[check] === 0 && planned?.[check] !== 1,
    };
  }

  /** Begins what brings events, at an instant. */
  begin(now: Instant): void {
    this.now = now;
    this.events = [];
    this.wanted = [];
  }

  /** Learns what planned work covers now; when some ends, asks again for what failed meanwhile. */
  lookUpPlans(): void {
    const windows = this.rules.maintenance?.at(this.now.at);
    const { topology } = this;
    const known = this.#plannedBy;
    if (windows === undefined || (known?.windows === windows && known.topology === topology)) return;
    const before = known?.topology === topology ? this.#planned : null;
    this.#plannedBy = { windows, topology };
    this.#planned = coveredChecks(topology, windows.open);
    if (before !== null) lookAgain(this, before);
  }

  /** Whether planned work covered a check at an instant of the past. */
  wasPlanned(check: number, at: EpochMs): boolean {
    const windows = this.rules.maintenance?.at(at);
    if (windows === undefined || windows.open.length === 0) return false;
    const known = this.#plannedBy;
    if (known?.windows !== windows || known.topology !== this.topology) {
      this.#plannedBy = { windows, topology: this.topology };
      this.#planned = coveredChecks(this.topology, windows.open);
    }
    return this.isPlanned(check);
  }

  /** Monotonic ms at which planned work begins or ends next, while there is some; null = none now. */
  get plannedUntil(): number | null {
    const until = this.#plannedBy?.windows.until ?? Number.POSITIVE_INFINITY;
    if (this.#planned === null || until === Number.POSITIVE_INFINITY) return null;
    return this.now.monotonicMs + Math.max(0, until - this.now.at);
  }

  /** Whether planned work covers a check now. */
  isPlanned(check: number | undefined): boolean {
    return check !== undefined && this.#planned?.[check] === 1;
  }

  /** Sightings that no planned work covers. */
  get countedSightings(): Sightings {
    if (this.#planned === null) return this.sightings;
    return new Map(
      [...this.sightings].filter(([check]) => !this.isPlanned(this.topology.byCheck.get(check))),
    );
  }

  /** Evidence that no open case but this one explains. */
  beside(fault: Case): Scope {
    const { watchers } = this.coverage;
    const usable = (check: number): boolean =>
      !this.isPlanned(check) &&
      (watchers[check] ?? []).every((other) => other === fault || !explains(this.topology, other, check));
    return { evidence: this.evidence, usable };
  }

  live(): Case[] {
    return this.cases.filter((fault) => fault.state !== 'resolved');
  }

  /** Components that an open case holds to be broken. */
  blamed(): ReadonlySet<string> {
    return new Set(
      this.live().flatMap((fault) => (fault.standing || fault.blame === null ? [] : [fault.blame.id])),
    );
  }

  /** Coverage after cases or checks have changed. */
  refresh(): void {
    this.coverage = coverageOf(this.topology, this.live());
    this.evidence.suspectAnew(this.scope.usable, this.now.monotonicMs - 2 * this.topology.intervalMs);
  }

  /** Position of a component of the topology, or null. */
  indexOf(blame: Component | null): number | null {
    return blame === null ? null : (this.topology.byComponent.get(blame.id) ?? null);
  }

  targetOf(check: CheckNode): string | null {
    return this.topology.services[check.service]?.target?.id ?? null;
  }

  /** Opens a case, or opens again the same one that ended lately. `adjust` sets more fields before it is told. */
  open(start: Omit<CaseStart, 'id'>, adjust: (fault: Case) => void = () => {}): Case {
    const ended = this.#endedLately(start);
    const fault = ended ?? openCase({ ...start, id: `i${this.nextId++}` }, this.now);
    if (ended === undefined) this.cases.push(fault);
    adjust(fault);
    // From here on it explains its checks; what they showed since its start is its own.
    fault.state = 'open';
    this.adopt(fault, start.started);
    const event = ended === undefined ? eventOf('opened', fault, this.now) : reopen(fault, this.now);
    fault.said = { at: this.now.monotonicMs, targets: fault.targets.size, lanes: failingLanes(fault) };
    this.events.push(event);
    return fault;
  }

  #endedLately(start: Omit<CaseStart, 'id'>): Case | undefined {
    const window = SAME_FAULT_INTERVALS * this.topology.intervalMs;
    const about = new Set(start.about ?? []);
    return this.cases.find(
      (fault) =>
        fault.state === 'resolved' &&
        fault.supersededBy === null &&
        this.now.monotonicMs - fault.resolved <= window &&
        fault.kind === start.kind &&
        fault.reason === (start.reason ?? null) &&
        fault.name === (start.name ?? null) &&
        (fault.blame?.id ?? null) === (start.blame?.id ?? null) &&
        (about.size === 0 || [...about].some((target) => fault.about.has(target))),
    );
  }

  /** Takes the failures since `started` into a case that opens or got another blame. */
  adopt(fault: Case, started: number = fault.started): void {
    const failures: { at: number; check: CheckNode }[] = [];
    const watched = watchedBy(this.topology, fault);
    // A check that it watches no more could never tell it of its recovery.
    const ids = new Set<string>(watched.map((index) => this.topology.checks[index]?.id ?? ''));
    for (const id of fault.affected.keys()) if (!ids.has(id)) fault.affected.delete(id);
    for (const index of watched) {
      const record = this.evidence.records[index];
      if (record === undefined || record.lastFailAt < started) continue;
      const soft = softWay(this.topology, fault, record.check);
      if (soft >= 0 && Number.isNaN(this.evidence.weights(index, record.pattern).ways[soft])) continue;
      failures.push({ at: record.lastFailAt, check: record.check });
      if (soft >= 0) record.forget();
    }
    failures.sort((a, b) => a.at - b.at);
    for (const { at, check } of failures) {
      noteFailure(fault, check, this.targetOf(check), { now: at, noise: this.evidence.noiseOf(check) });
    }
    this.refresh();
    this.describe(fault);
  }

  /** Numbers, signature and acquittals of an open case. */
  describe(fault: Case): void {
    fault.described = this.now.monotonicMs;
    const onPath = pathsOf(fault).length > 0;
    if (!onPath && (fault.kind === 'prober' || fault.standing)) return;
    if (!onPath) describe(this.evidence, fault);
    // A ban is blamed on the vantage, through which everything runs: what clears the others is on other paths.
    const blamed = onPath ? null : this.indexOf(fault.blame);
    const { hasControls } = this.rules;
    fault.acquitted = acquit(this.evidence, fault, { blamed, hasControls, alsoBlamed: this.blamed() });
    fault.wouldHelp = helpfulCanary(this.topology, fault);
  }

  /** Ends a case; its checks start with clean sheets, so that no failure of it is blamed on them later. */
  close(fault: Case, supersededBy: string | null): void {
    this.events.push(resolve(fault, this.now, supersededBy));
    this.settle(fault);
  }

  /** Forgets what the checks of an ended case showed, unless another explains them. */
  settle(fault: Case): void {
    for (const [check, sighting] of this.sightings) {
      if (sighting.kind === fault.kind && fault.about.has(sighting.target)) this.sightings.delete(check);
    }
    const before = this.coverage.explained;
    this.refresh();
    for (const index of watchedBy(this.topology, fault)) {
      if ((before[index] ?? 0) > 0 && this.coverage.explained[index] === 0)
        this.evidence.records[index]?.forget();
    }
  }

  /** Asks for an extra probe, unless one was asked for and has not come yet. */
  want(index: number, notBefore: number, why: Wanted['why']): void {
    const record = this.evidence.records[index];
    if (record === undefined) return;
    record.wantedAt = this.now.monotonicMs;
    this.wanted.push({ check: record.check.id, notBefore, why });
  }

  isWanted(index: number): boolean {
    const record = this.evidence.records[index];
    if (record === undefined) return true;
    const seen = Math.max(record.lastAt, record.unknownAt);
    return record.wantedAt > seen && this.now.monotonicMs - record.wantedAt < 30_000;
  }
}

function failingLanes(fault: Case): number {
  return fault.lanes.filter((lane) => lane.failing > 0).length;
}
