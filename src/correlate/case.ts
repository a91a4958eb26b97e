// Cases: the working form of incidents, and their way through open, recovering and resolved
// (reference/correlation.md 5.6, DESIGN 5). Times are monotonic ms unless they end in `At`.

import type { Component } from '../model/component.ts';
import type {
  Acquittal,
  Incident,
  IncidentEvent,
  IncidentKind,
  Lane,
  ProberReason,
} from '../model/incident.ts';
import type { EpochMs } from '../model/observation.ts';
import type { SignatureId } from '../model/verdict.ts';
import { NOISE } from './evidence.ts';
import type { Instant } from './outcome.ts';
import type { CheckNode } from './topology.ts';

/** How a check that failed in this case fares. */
export interface Affected {
  readonly lane: string;
  lastFail: number;
  /** Successes since. */
  healed: number;
}

export interface Case {
  readonly id: string;
  kind: IncidentKind;
  state: 'open' | 'recovering' | 'resolved';
  blame: Component | null;
  firstBlame: Component | null;
  readonly reason: ProberReason | null;
  /** Identity beside kind and reason for findings: a path, certificate, outpost; null for the rest. */
  readonly name: string | null;
  /** Raised from outside, or by a ratio rule: results do not end it. */
  readonly standing: boolean;
  signature: SignatureId | null;
  startedAt: EpochMs;
  started: number;
  openedAt: EpochMs;
  opened: number;
  resolvedAt: EpochMs | null;
  resolved: number;
  /** Targets it is about, for kinds that name targets; shared faults take theirs from `affected`. */
  readonly about: Set<string>;
  readonly targets: Set<string>;
  /** Targets that fail alike and at the same time but are not behind the blame: the inventory is wrong about them. */
  readonly strays: Set<string>;
  readonly affected: Map<string, Affected>;
  lastFail: number;
  healthy: number;
  readonly healthyTargets: Set<string>;
  readonly healthyLanes: Set<string>;
  recovering: number;
  /** When a check that had failed passed again, for the first time since all failed; null = it stands. */
  turned: number | null;
  /** Nats that it is back, while recovering. */
  relapse: number;
  flaps: number;
  probesSpent: number;
  sessionsSpent: number;
  unaffected: readonly string[];
  wouldHelp: string | null;
  probability: number;
  severity: number;
  runnerUp: Incident['runnerUp'];
  ambiguous: readonly Component[];
  acquitted: readonly Acquittal[];
  inCommon: readonly string[];
  lanes: readonly Lane[];
  tried: number;
  behind: number;
  supersededBy: string | null;
  detail: string | null;
  labels: Readonly<Record<string, string>> | null;
  /** What the last update said: instant, targets, lanes. */
  said: { at: number; targets: number; lanes: number };
  /** Last time the blame was questioned, and the numbers were counted. */
  questioned: number;
  described: number;
}

export interface CaseStart {
  readonly id: string;
  readonly kind: IncidentKind;
  readonly blame: Component | null;
  readonly reason?: ProberReason | null;
  readonly name?: string | null;
  readonly standing?: boolean;
  readonly signature?: SignatureId | null;
  readonly startedAt: EpochMs;
  readonly started: number;
  readonly about?: Iterable<string>;
  readonly detail?: string | null;
}

/** Healthy probes that end a fault (DESIGN 5). */
const HEALTHY_PROBES = 5;
/** Share of affected checks that must have passed: few, many. */
const HEALED = { few: 0.9, many: 0.7, fromMany: 30 };
/** Nats of one result while recovering, and from when on the fault is back (5.6). */
const RELAPSE = { fail: 0.3, ok: Math.log(0.7 / (1 - NOISE.first)), back: 9, doubt: 4 };
/** Least time between two updates of one incident. */
const UPDATE_MS = 300_000;

/** A new case, open. */
export function openCase(start: CaseStart, now: Instant): Case {
  return {
    id: start.id,
    kind: start.kind,
    state: 'open',
    blame: start.blame,
    firstBlame: null,
    reason: start.reason ?? null,
    name: start.name ?? null,
    standing: start.standing ?? false,
    signature: start.signature ?? null,
    startedAt: start.startedAt,
    started: start.started,
    openedAt: now.at,
    opened: now.monotonicMs,
    resolvedAt: null,
    resolved: 0,
    about: new Set(start.about ?? []),
    targets: new Set(),
    strays: new Set(),
    affected: new Map(),
    lastFail: start.started,
    healthy: 0,
    healthyTargets: new Set(),
    healthyLanes: new Set(),
    recovering: 0,
    turned: null,
    relapse: 0,
    flaps: 0,
    probesSpent: 0,
    sessionsSpent: 0,
    unaffected: [],
    wouldHelp: null,
    probability: 1,
    severity: 1,
    runnerUp: null,
    ambiguous: [],
    acquitted: [],
    inCommon: [],
    lanes: [],
    tried: 0,
    behind: 0,
    supersededBy: null,
    detail: start.detail ?? null,
    labels: null,
    said: { at: now.monotonicMs, targets: 0, lanes: 0 },
    questioned: now.monotonicMs,
    described: now.monotonicMs,
  };
}

/** The case as others see it; a copy. */
export function incidentFromCase(fault: Case): Incident {
  const { about, targets, kind } = fault;
  const shown = kind === 'prober' ? [] : [...new Set([...about, ...targets])].sort();
  return {
    id: fault.id,
    kind,
    state: fault.state,
    blame: fault.blame,
    firstBlame: fault.firstBlame,
    reason: fault.reason,
    signature: fault.signature,
    startedAt: fault.startedAt,
    openedAt: fault.openedAt,
    resolvedAt: fault.resolvedAt,
    targets: shown,
    tried: fault.tried,
    behind: fault.behind,
    lanes: fault.lanes,
    inCommon: fault.inCommon,
    acquitted: fault.acquitted,
    probability: fault.probability,
    severity: fault.severity,
    runnerUp: fault.runnerUp,
    ambiguous: fault.ambiguous,
    flaps: fault.flaps,
    probesSpent: fault.probesSpent,
    sessionsSpent: fault.sessionsSpent,
    unaffected: fault.unaffected,
    wouldHelp: fault.wouldHelp,
    strays: [...fault.strays].sort(),
    supersededBy: fault.supersededBy,
    detail: fault.detail,
    labels: fault.labels,
  };
}

export function eventOf(type: IncidentEvent['type'], fault: Case, now: Instant): IncidentEvent {
  return { type, at: now.at, incident: incidentFromCase(fault) };
}

/** One failure: when, how likely by chance, and whether it may be another case's just as well. */
export interface Failure {
  readonly now: number;
  readonly noise: number;
  readonly shared?: boolean;
}

/** Takes a failure that the case explains. */
export function noteFailure(
  fault: Case,
  check: CheckNode,
  target: string | null,
  { now, noise, shared = false }: Failure,
): void {
  const known = fault.affected.get(check.id);
  if (known === undefined) {
    fault.affected.set(check.id, { lane: `${check.visit} ${check.path}`, lastFail: now, healed: 0 });
  } else {
    known.lastFail = now;
    // What had passed fails again: it did not turn yet.
    if (known.healed > 0 && !shared) fault.turned = null;
    known.healed = 0;
  }
  if (target !== null) fault.targets.add(target);
  if (shared) return;
  fault.lastFail = now;
  if (fault.state === 'recovering') {
    fault.relapse += Math.log(RELAPSE.fail / noise);
    return;
  }
  doubt(fault, `${check.visit} ${check.path}`, noise);
}

/**
 * A failure while the case stands: healthy probes are counted anew (DESIGN 5), but one failure among many successes is
 * what noise brings a large component all the time (4.4, defect 4) and does not unsay the lanes that have passed.
 */
function doubt(fault: Case, lane: string, noise: number): void {
  fault.healthy = 0;
  fault.relapse += Math.log(RELAPSE.fail / noise);
  fault.healthyLanes.delete(lane);
  if (fault.relapse < RELAPSE.back) return;
  fault.relapse = 0;
  fault.healthyTargets.clear();
  fault.healthyLanes.clear();
}

/** Takes a success of a check that runs through the case. */
export function noteSuccess(fault: Case, check: CheckNode, target: string | null, now: number): void {
  const known = fault.affected.get(check.id);
  if (known !== undefined) {
    known.healed++;
    fault.turned ??= now;
  }
  fault.healthy++;
  if (target !== null) fault.healthyTargets.add(target);
  fault.healthyLanes.add(`${check.visit} ${check.path}`);
  fault.relapse = Math.max(0, fault.relapse + RELAPSE.ok);
}

/** What recovery is judged by, beside the case itself. */
export interface Surroundings {
  readonly now: Instant;
  readonly intervalMs: number;
  /** Targets behind it. */
  readonly behind: number;
  /** Whether a lane still brings results; one that fell silent cannot hold up the end. */
  readonly alive: (lane: string) => boolean;
  /** Whether another case explains a check, too, so that it says nothing about the end of this one. */
  readonly shared: (check: string) => boolean;
}

/** Whether enough healthy probes were seen since the last failure (DESIGN 5, recovery). */
function hasRecovered(fault: Case, around: Surroundings): boolean {
  const targets = Math.min(2, around.behind, Math.max(1, fault.targets.size));
  if (fault.healthy < HEALTHY_PROBES || (around.behind > 0 && fault.healthyTargets.size < targets))
    return false;
  let healed = 0;
  let asked = 0;
  for (const [check, { lane, healed: successes }] of fault.affected) {
    if (around.shared(check)) continue;
    asked++;
    if (!fault.healthyLanes.has(lane) && around.alive(lane)) return false;
    if (successes > 0) healed++;
  }
  const share = asked < HEALED.fromMany ? HEALED.few : HEALED.many;
  const quiet = around.now.monotonicMs - fault.lastFail >= 1.2 * around.intervalMs;
  return healed >= share * asked || quiet;
}

/** Moves an open or recovering case on; the event, or null when nothing changed. */
export function advance(fault: Case, around: Surroundings): IncidentEvent | null {
  if (fault.standing) return null;
  if (fault.state === 'open') {
    if (!hasRecovered(fault, around)) return null;
    fault.state = 'recovering';
    fault.recovering = around.now.monotonicMs;
    fault.relapse = 0;
    return eventOf('recovering', fault, around.now);
  }
  if (fault.relapse >= RELAPSE.back) return reopen(fault, around.now);
  const hold = around.intervalMs * (1 + Math.min(3, fault.flaps));
  if (around.now.monotonicMs - fault.recovering < hold || fault.relapse >= RELAPSE.doubt) return null;
  return resolve(fault, around.now, null);
}

/** Opens a recovering or resolved case again: the same incident goes on. */
export function reopen(fault: Case, now: Instant): IncidentEvent {
  fault.state = 'open';
  fault.flaps++;
  fault.turned = null;
  fault.resolvedAt = null;
  fault.relapse = 0;
  fault.healthy = 0;
  fault.healthyTargets.clear();
  fault.healthyLanes.clear();
  return eventOf('reopened', fault, now);
}

/** Ends a case; `supersededBy` says why when it is not by recovery. */
export function resolve(fault: Case, now: Instant, supersededBy: string | null): IncidentEvent {
  fault.state = 'resolved';
  fault.resolvedAt = now.at;
  fault.resolved = now.monotonicMs;
  fault.supersededBy = supersededBy;
  return eventOf('resolved', fault, now);
}

/** An update worth telling: twice the targets or a new lane, at most one in five minutes. */
export function growth(fault: Case, now: Instant): IncidentEvent | null {
  const targets = Math.max(fault.targets.size, fault.about.size);
  const lanes = fault.lanes.filter((lane) => lane.failing > 0).length;
  if (now.monotonicMs - fault.said.at < UPDATE_MS) return null;
  if (targets < 2 * fault.said.targets && lanes <= fault.said.lanes) return null;
  fault.said = { at: now.monotonicMs, targets, lanes };
  return eventOf('updated', fault, now);
}
