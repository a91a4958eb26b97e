// The correlator: takes outcomes of probes, keeps the evidence and the open cases, and says which incidents open,
// change and end. State and wiring only; the thinking is in localize, opening, case, service-faults, exposure and
// findings. Deterministic: it reads no clock, and ids rise from the checkpoint.

import type { Subject } from '../model/check.ts';
import { component } from '../model/component.ts';
import type { Incident, IncidentEvent, ProberReason } from '../model/incident.ts';
import type { ComponentStatus } from '../model/snapshot.ts';
import { advance, type Case, growth, incidentFromCase, noteFailure, noteSuccess, resolve } from './case.ts';
import { type Durable, decode, encode } from './checkpoint.ts';
import { isShared, isStray, softWay } from './coverage.ts';
import { type CheckRecord, Evidence } from './evidence.ts';
import { noteSighting, SIGHT_KINDS, type SightKind } from './exposure.ts';
import { searchFindings } from './finding-search.ts';
import { servicesBehind } from './lanes.ts';
import { laneNoise, likelyNames, recentResults, rememberLikely, rememberResults } from './memory.ts';
import type { Finding, Instant, Outcome, Wanted } from './outcome.ts';
import { searchExposed, searchServices, wantRecovery } from './own-search.ts';
import { GONE, isGone } from './reload.ts';
import { questionBlame, searchShared, splitFaults } from './shared-search.ts';
import { type Rules, SAME_FAULT_INTERVALS, State } from './state.ts';
import { componentStatus } from './status.ts';
import { buildTopology, type CheckNode } from './topology.ts';

export interface Correlator {
  /** Takes one outcome: O(components on the way). */
  accept(outcome: Outcome): void;
  /** What follows from the outcomes so far. */
  evaluate(now: Instant): { readonly events: readonly IncidentEvent[]; readonly wanted: readonly Wanted[] };
  /** Monotonic ms at which `evaluate` should be called next, or null while quiet. */
  readonly nextAt: number | null;
  /** Open and recovering incidents, oldest first. */
  incidents(): readonly Incident[];
  components(): readonly ComponentStatus[];
  /** Replaces the checks; incidents about things that are gone end with that reason. */
  replace(subjects: readonly Subject[], now: Instant): readonly IncidentEvent[];
  /** Opens an incident found outside of the probes; the same one until `clear`. */
  raise(finding: Finding, now: Instant): readonly IncidentEvent[];
  clear(
    kind: Finding['kind'],
    reason: ProberReason | null,
    name: string,
    now: Instant,
  ): readonly IncidentEvent[];
  /** Notes the labels under which an incident was first delivered; they stay through all updates. */
  setLabels(id: string, labels: Readonly<Record<string, string>>): void;
  /** JSON from which `createCorrelator` goes on. */
  checkpoint(): string;
}

export interface CorrelatorOptions extends Rules {
  readonly subjects: readonly Subject[];
  readonly checkpoint: string | null;
  /** In [0, 1). Not needed by this form of the algorithm; part of the contract for ties in later ones. */
  readonly random: () => number;
  readonly startedAt: Instant;
}

/** Evaluations follow a failure after this, and each other at these paces while something is suspect or open. */
const PACE = { failure: 1_000, suspect: 3_000, open: 5_000 };
/** The numbers of an open incident are counted again after this. */
const DESCRIBE_MS = 15_000;
/** Lanes that brought nothing for so many intervals hold up no recovery. */
const SILENT_INTERVALS = 15;
/** Uncounted results that a ratio rule looks at. */
const COUNTED_UNKNOWN: ReadonlySet<string> = new Set(['path-not-taken', 'blocked', 'gate-sessions-lost']);

/** A correlator over the given checks, continuing from a checkpoint. */
export function createCorrelator(options: CorrelatorOptions): Correlator {
  return new LiveCorrelator(options);
}

class LiveCorrelator implements Correlator {
  readonly #state: State;
  #nextAt: number | null = null;
  #evaluatedAt = Number.NEGATIVE_INFINITY;

  constructor(options: CorrelatorOptions) {
    this.#state = new State(buildTopology(options.subjects), options, options.startedAt);
    const durable = decode(options.checkpoint, options.startedAt);
    if (durable !== null) this.#restore(durable);
  }

  get nextAt(): number | null {
    return this.#nextAt;
  }

  accept(outcome: Outcome): void {
    const index = this.#state.topology.byCheck.get(outcome.check);
    const record = index === undefined ? undefined : this.#state.evidence.records[index];
    if (record === undefined) return;
    const sight = sightOf(outcome);
    if (outcome.verdict === 'unknown') {
      if (!COUNTED_UNKNOWN.has(outcome.signature ?? '')) return;
      record.pass(outcome, outcome.signature);
    } else if (sight !== null) {
      this.#see(record, sight, outcome);
    } else {
      const failed = outcome.verdict === 'down';
      if (!failed && this.#state.sightings.size > 0) this.#state.sightings.delete(outcome.check);
      this.#take(record, failed, outcome);
      if (!failed) return;
    }
    const due = Math.max(outcome.monotonicMs, this.#evaluatedAt + PACE.failure);
    this.#nextAt = Math.min(this.#nextAt ?? Number.POSITIVE_INFINITY, due);
  }

  /** An exposed or walled-off target: a matter of its own, neither a success nor a failure of what it runs through. */
  #see(record: CheckRecord, kind: SightKind, outcome: Outcome): void {
    const target = this.#state.targetOf(record.check);
    if (target === null) return;
    const { check, pointsAt, monotonicMs, at } = outcome;
    record.unknown = null;
    noteSighting(this.#state.sightings, { kind, check, target, pointsAt, monotonicMs, at });
    for (const fault of this.#state.coverage.watchers[record.check.index] ?? []) {
      if (fault.kind !== kind || !fault.about.has(target)) continue;
      noteFailure(fault, record.check, target, {
        now: monotonicMs,
        noise: this.#state.evidence.noiseOf(record.check),
      });
    }
  }

  #take(record: CheckRecord, failed: boolean, outcome: Outcome): void {
    const { evidence, coverage } = this.#state;
    const { check } = record;
    const pattern = failed ? evidence.pattern(outcome.signature, outcome.pointsAt) : -1;
    let explained = (coverage.explained[check.index] ?? 0) > 0;
    for (const fault of coverage.watchers[check.index] ?? []) {
      if (this.#tell(fault, record, pattern, outcome)) explained = true;
    }
    const softly = explained && coverage.explained[check.index] === 0;
    // A failure that a soft dependence explains is no evidence against anything else.
    if (softly && failed) return;
    const previousFailAt = record.lastFailAt;
    record.push(outcome, pattern);
    if (!explained) evidence.weighIn(check, pattern, outcome.monotonicMs, previousFailAt);
  }

  /** Tells a case of a result of one of its checks; whether the case explains it. */
  #tell(fault: Case, record: CheckRecord, pattern: number, outcome: Outcome): boolean {
    if (fault.standing) return false;
    const { evidence, topology } = this.#state;
    const { check } = record;
    const target = this.#state.targetOf(check);
    const sighted = fault.kind === 'exposed' || fault.kind === 'walled-off';
    const soft = softWay(topology, fault, check);
    const stray = isStray(topology, fault, check);
    if (pattern < 0) {
      if (stray) return false;
      if (soft < 0 || fault.affected.has(check.id)) noteSuccess(fault, check, target, outcome.monotonicMs);
      return false;
    }
    if (sighted) return false;
    if (soft >= 0 && Number.isNaN(evidence.weights(check.index, pattern).ways[soft])) return false;
    if (soft >= 0 && isBrokenItself(evidence, check, pattern)) return false;
    const shared = stray || isShared(this.#state.coverage, fault, check.index);
    const noise = evidence.noiseOf(check);
    noteFailure(fault, check, target, { now: outcome.monotonicMs, noise, shared });
    return true;
  }

  evaluate(now: Instant): { events: readonly IncidentEvent[]; wanted: readonly Wanted[] } {
    const state = this.#state;
    this.#begin(now);
    state.lookUpPlans();
    this.#evaluatedAt = now.monotonicMs;
    for (const fault of state.live()) this.#follow(fault);
    questionBlame(state);
    splitFaults(state);
    searchFindings(state);
    searchExposed(state);
    searchShared(state);
    searchServices(state);
    wantRecovery(state);
    this.#prune();
    const { plannedUntil } = state;
    const paced = this.#pace();
    this.#nextAt = plannedUntil === null ? paced : Math.min(plannedUntil, paced ?? plannedUntil);
    state.evaluatedAt = now.monotonicMs;
    return this.#said();
  }

  #begin(now: Instant): void {
    this.#state.begin(now);
  }

  #said(): { events: readonly IncidentEvent[]; wanted: readonly Wanted[] } {
    return { events: this.#state.events, wanted: this.#state.wanted };
  }

  /** Numbers, recovery and growth of one case. */
  #follow(fault: Case): void {
    const state = this.#state;
    if (fault.standing) return;
    const stale = state.now.monotonicMs - fault.described >= DESCRIBE_MS;
    if (fault.state === 'open' && stale) state.describe(fault);
    const node = state.topology.components[state.indexOf(fault.blame) ?? -1];
    const hard =
      node === undefined || fault.about.size > 0
        ? servicesBehind(state.topology, fault)
        : hardServices(state, node.hard);
    const event = advance(fault, {
      now: state.now,
      intervalMs: state.topology.intervalMs,
      behind: hard.length,
      alive: (lane) => this.#isAlive(lane),
      shared: (check) => isForeign(state, fault, check),
    });
    if (event !== null) {
      state.events.push(event);
      if (event.type === 'resolved') state.settle(fault);
      return;
    }
    const update = fault.state === 'open' ? growth(fault, state.now) : null;
    if (update !== null) state.events.push(update);
  }

  #isAlive(lane: string): boolean {
    const { evidence, topology, now } = this.#state;
    const at = topology.lanes.indexOf(lane);
    const oldest = now.monotonicMs - SILENT_INTERVALS * topology.intervalMs;
    return evidence.records.some((record) => record.check.lane === at && record.lastAt >= oldest);
  }

  #prune(): void {
    const { cases, now, topology } = this.#state;
    const oldest = now.monotonicMs - SAME_FAULT_INTERVALS * topology.intervalMs;
    for (let at = cases.length - 1; at >= 0; at--) {
      const fault = cases[at];
      if (fault?.state === 'resolved' && fault.resolved < oldest) cases.splice(at, 1);
    }
  }

  #pace(): number | null {
    const state = this.#state;
    const now = state.now.monotonicMs;
    if (state.ranking !== null || state.sightings.size > 0) return now + PACE.suspect;
    const busy =
      state.live().some((fault) => !fault.standing || fault.kind === 'prober') ||
      state.evidence.records.some(
        (record) => record.unknown !== null || (record.streak > 0 && state.scope.usable(record.check.index)),
      );
    return busy ? now + PACE.open : null;
  }

  incidents(): readonly Incident[] {
    return this.#state.live().map(incidentFromCase);
  }

  components(): readonly ComponentStatus[] {
    return componentStatus(this.#state);
  }

  replace(subjects: readonly Subject[], now: Instant): readonly IncidentEvent[] {
    const state = this.#state;
    this.#begin(now);
    const recent = recentResults(state, now);
    const noise = laneNoise(state);
    const likely = likelyNames(state);
    state.evidence = new Evidence(buildTopology(subjects));
    for (const fault of state.live())
      if (isGone(state.topology, fault)) state.events.push(resolve(fault, now, GONE));
    for (const fault of state.live()) {
      for (const id of fault.affected.keys()) if (!state.topology.byCheck.has(id)) fault.affected.delete(id);
    }
    state.refresh();
    rememberResults(state, recent, noise, now);
    rememberLikely(state, likely);
    this.#nextAt = now.monotonicMs;
    return state.events;
  }

  raise(finding: Finding, now: Instant): readonly IncidentEvent[] {
    this.#begin(now);
    const known = this.#standing(finding.kind, finding.reason, finding.name);
    if (known !== undefined) {
      known.lastFail = now.monotonicMs;
      known.detail = finding.detail;
      return [];
    }
    this.#state.open({
      kind: finding.kind,
      blame: component(ABOUT[finding.kind], finding.name),
      reason: finding.reason,
      name: finding.name,
      standing: true,
      signature: finding.signature,
      startedAt: now.at,
      started: now.monotonicMs,
      detail: finding.detail,
    });
    return this.#state.events;
  }

  clear(
    kind: Finding['kind'],
    reason: ProberReason | null,
    name: string,
    now: Instant,
  ): readonly IncidentEvent[] {
    this.#begin(now);
    const known = this.#standing(kind, reason, name);
    if (known !== undefined) this.#state.close(known, null);
    return this.#state.events;
  }

  #standing(kind: Finding['kind'], reason: ProberReason | null, name: string): Case | undefined {
    return this.#state
      .live()
      .find(
        (fault) => fault.standing && fault.kind === kind && fault.reason === reason && fault.name === name,
      );
  }

  setLabels(id: string, labels: Readonly<Record<string, string>>): void {
    const fault = this.#state.cases.find((each) => each.id === id);
    if (fault !== undefined) fault.labels = labels;
  }

  checkpoint(): string {
    const state = this.#state;
    const { nextId, cases, now } = state;
    const recent = recentResults(state, now);
    const sightings = [...state.sightings.values()];
    const [noise, likely] = [laneNoise(state), likelyNames(state)];
    return encode({ nextId, cases, noise, likely, recent, sightings }, now);
  }

  #restore(durable: Durable): void {
    const state = this.#state;
    state.nextId = durable.nextId;
    state.cases.push(...durable.cases);
    for (const sighting of durable.sightings) {
      const seenAt = state.now.at - (state.now.monotonicMs - sighting.last);
      const planned = state.wasPlanned(state.topology.byCheck.get(sighting.check) ?? -1, seenAt);
      if (!planned) state.sightings.set(sighting.check, { ...sighting });
    }
    for (const fault of state.live()) if (isGone(state.topology, fault)) resolve(fault, state.now, GONE);
    state.refresh();
    rememberResults(state, durable.recent, durable.noise, state.now);
    // After a longer stop nobody knows whether it went on: what is likely must be seen to last again.
    const lastAt = durable.recent.at(-1)?.at ?? Number.NEGATIVE_INFINITY;
    if (state.now.at - lastAt <= state.topology.intervalMs) rememberLikely(state, durable.likely);
    if (durable.recent.length + durable.cases.length + durable.sightings.length > 0) {
      this.#nextAt = state.now.monotonicMs;
    }
  }
}

/**
 * Whether what a failure points at is seen to be broken without the dependence behind it: a gate whose ping fails, too,
 * does not fail for its identity provider.
 */
function isBrokenItself(evidence: Evidence, check: CheckNode, pattern: number): boolean {
  const pointsAt = evidence.patterns[pattern]?.pointsAt ?? [];
  return check.ways.some(({ component: index, soft }) => {
    const node = evidence.topology.components[index];
    if (soft || node === undefined || node.component.type !== pointsAt[0]) return false;
    return node.hard.some((other) => {
      const record = evidence.records[other];
      return record?.check.canary === true && record.streak > 1;
    });
  });
}

/** Whether a failing check says nothing about the end of a case: others explain it, too, or it is a stray's. */
function isForeign(state: State, fault: Case, id: string): boolean {
  const check = state.topology.checks[state.topology.byCheck.get(id) ?? -1];
  if (check === undefined) return false;
  return isShared(state.coverage, fault, check.index) || isStray(state.topology, fault, check);
}

/** Component types of findings. A baseline's is no `target`: what it contradicts is still probed, and may fail. */
const ABOUT: Readonly<Record<Finding['kind'], string>> = {
  certificate: 'certificate',
  budget: 'gate',
  drift: 'baseline',
  prober: 'prober',
};

function sightOf(outcome: Outcome): SightKind | null {
  if (outcome.verdict !== 'down') return null;
  return SIGHT_KINDS.find((kind) => kind === outcome.signature) ?? null;
}

function hardServices(state: State, checks: readonly number[]): readonly number[] {
  const services = new Set<number>();
  for (const index of checks) {
    const check = state.topology.checks[index];
    if (check !== undefined && !check.canary) services.add(check.service);
  }
  return [...services];
}
