// The searches for what is no shared fault: targets that fail for themselves, exposed and walled-off targets; and the
// probes that show whether a fault is over.

import { type Component, component } from '../model/component.ts';
import type { SignatureId } from '../model/verdict.ts';
import { type Case, eventOf, noteFailure } from './case.ts';
import { watchedBy } from './coverage.ts';
import type { CheckRecord } from './evidence.ts';
import {
  COMMON_FROM,
  type Confirmed,
  commonComponent,
  confirmedTargets,
  SIGHT_SPAN_MS,
  type Sighting,
} from './exposure.ts';
import { isAmong } from './inbound.ts';
import { confirmServices, findServiceFaults, type ServiceFault } from './service-faults.ts';
import type { State } from './state.ts';
import { supportOf } from './support.ts';

/** A shared suspicion that may yet explain service failures (5.6). */
const PENDING_NATS = 2;

/** Opens incidents for targets that fail for themselves; asks for probes that confirm them. */
export function searchServices(state: State): void {
  const now = state.now.monotonicMs;
  const pending = pendingServices(state);
  const faults = findServiceFaults(state.scope, {
    now,
    seenUp: state.rules.seenUp,
    graceMs: state.rules.startupGraceMs,
    pending: (service) => pending.has(service),
  });
  const holding = faults.length === 0 ? [] : (state.rules.holding?.(state.now.at) ?? []);
  for (const fault of faults) {
    if (holding.length > 0 && isHeld(state, fault, holding)) continue;
    if (fault.checks.every((record) => state.scope.usable(record.check.index))) openService(state, fault);
  }
  for (const { record, notBefore } of confirmServices(state.scope, now)) {
    state.want(record.check.index, notBefore, 'suspicion');
  }
}

/** Whether the alert of a service waits: it is what is held, or runs through it. */
function isHeld(state: State, fault: ServiceFault, holding: readonly string[]): boolean {
  const { id, host } = fault.target;
  const ids = new Set<string>([component('target', id).id, component('host', host).id]);
  for (const index of state.topology.services[state.topology.byTarget.get(id) ?? -1]?.checks ?? []) {
    for (const way of state.topology.checks[index]?.ways ?? [])
      ids.add(state.topology.components[way.component]?.component.id ?? '');
  }
  return holding.some((pattern) => isAmong(pattern, ids));
}

function pendingServices(state: State): ReadonlySet<number> {
  const best = state.ranking?.hypotheses.find((each) => each.components.length > 0);
  if (best === undefined || best.score <= PENDING_NATS) return new Set();
  const services = best.components.flatMap((index) => supportOf(state.scope, index, best.since).services);
  return services.length >= 2 ? new Set(services) : new Set();
}

/** A target may begin to fail so many intervals before or after a shared fault and still be part of it. */
const ALIKE_INTERVALS = 1.5;

/**
 * The open shared incident that a target's failures look like: the same kind of failure since about the same time
 * (5.6, noise edge: an inventory is never quite right).
 */
function likeness(state: State, fault: ServiceFault): Case | undefined {
  const within = ALIKE_INTERVALS * Math.max(state.topology.intervalMs, everyMs(fault));
  const signatures: ReadonlySet<string | null> = new Set(
    fault.checks.map((record) => signatureOf(state, record)),
  );
  return state.live().find((each) => {
    if (each.kind !== 'shared' || each.standing || each.state !== 'open') return false;
    if (Math.abs(fault.started - each.started) > within) return false;
    return signatures.has(each.signature) || !signatures.isDisjointFrom(signaturesOf(state, each));
  });
}

/** Kinds of failure that an incident's checks show now. */
function signaturesOf(state: State, fault: Case): ReadonlySet<string | null> {
  const failing = [...fault.affected.keys()].flatMap((id) => {
    const record = state.evidence.records[state.topology.byCheck.get(id) ?? -1];
    return record !== undefined && record.streak > 0 ? [signatureOf(state, record)] : [];
  });
  return new Set(failing);
}

function everyMs(fault: ServiceFault): number {
  return Math.max(...fault.checks.map((record) => record.check.subject.everyMs ?? 0));
}

function signatureOf(state: State, record: CheckRecord): string | null {
  return state.evidence.patterns[record.pattern]?.signature ?? null;
}

function attach(state: State, shared: Case, fault: ServiceFault): void {
  const { id } = fault.target;
  // Without a component the incident is about its targets: one more.
  if (shared.about.size > 0) shared.about.add(id);
  else shared.strays.add(id);
  shared.targets.add(id);
  state.adopt(shared, Math.min(shared.started, fault.started));
}

function openService(state: State, fault: ServiceFault): void {
  const alike = likeness(state, fault);
  if (alike !== undefined) {
    attach(state, alike, fault);
    return;
  }
  const host = component('host', fault.target.host);
  const sibling = state
    .live()
    .find((each) => each.kind === 'service' && each.about.size > 0 && isOnHost(state, each, host));
  if (sibling !== undefined) {
    growToHost(state, sibling, host);
    return;
  }
  state.open({
    kind: 'service',
    blame: fault.blame,
    startedAt: fault.startedAt,
    started: fault.started,
    ...(fault.blame === null ? { about: [fault.target.id] } : {}),
  });
}

function isOnHost(state: State, fault: Case, host: Component): boolean {
  return [...fault.about].every(
    (target) =>
      state.topology.services[state.topology.byTarget.get(target) ?? -1]?.target?.host === host.name,
  );
}

/** A second target of the host fails: the one incident is about the host now. */
function growToHost(state: State, fault: Case, host: Component): void {
  for (const target of fault.about) fault.targets.add(target);
  fault.about.clear();
  fault.firstBlame ??= fault.blame;
  fault.blame = host;
  state.adopt(fault);
  state.events.push(eventOf('blame-changed', fault, state.now));
}

/** Opens and grows incidents of exposed and walled-off targets; asks for the second sighting. */
export function searchExposed(state: State): void {
  const sightings = state.countedSightings;
  for (const confirmed of confirmedTargets(sightings)) {
    const known = state
      .live()
      .find((fault) => fault.kind === confirmed.kind && fault.about.has(confirmed.target));
    if (known === undefined) openExposed(state, confirmed);
  }
  for (const sighting of sightings.values()) {
    const index = state.topology.byCheck.get(sighting.check);
    const open = state
      .live()
      .some((fault) => fault.kind === sighting.kind && fault.about.has(sighting.target));
    if (index === undefined || open || state.isWanted(index)) continue;
    state.want(index, Math.max(state.now.monotonicMs, sighting.first + SIGHT_SPAN_MS), 'exposure');
  }
}

function openExposed(state: State, confirmed: Confirmed): void {
  const alike = [...state.countedSightings.values()].filter((each) => each.kind === confirmed.kind);
  const shared = commonComponent(state.topology, alike) ?? commonOf(state, confirmed, alike);
  const open = state.live().filter((fault) => fault.kind === confirmed.kind);
  const joined =
    shared === null ? undefined : (open.find((fault) => fault.blame?.id === shared.id) ?? open[0]);
  if (joined === undefined) {
    state.open(
      {
        kind: confirmed.kind,
        blame: shared,
        signature: confirmed.kind as string as SignatureId,
        startedAt: confirmed.startedAt,
        started: confirmed.started,
        about: [confirmed.target],
      },
      (opened) => seeSightings(state, opened, alike),
    );
    return;
  }
  joined.about.add(confirmed.target);
  seeSightings(state, joined, alike);
  if (shared !== null && joined.blame?.id !== shared.id) nameCommon(state, joined, shared, open);
  state.adopt(joined);
}

/** A cached answer is the CDN's doing, whatever others saw. */
function commonOf(state: State, confirmed: Confirmed, alike: readonly Sighting[]): Component | null {
  const own = alike.filter((each) => each.target === confirmed.target);
  return confirmed.pointsAt[0] === 'cdn' ? commonComponent(state.topology, own) : null;
}

function seeSightings(state: State, fault: Case, alike: readonly Sighting[]): void {
  for (const sighting of alike) {
    const check = state.topology.checks[state.topology.byCheck.get(sighting.check) ?? -1];
    if (check !== undefined && fault.about.has(sighting.target)) {
      noteFailure(fault, check, sighting.target, {
        now: sighting.last,
        noise: state.evidence.noiseOf(check),
      });
    }
  }
}

/** Incidents of single targets become one about what they share. */
function nameCommon(state: State, kept: Case, shared: Component, open: readonly Case[]): void {
  kept.firstBlame ??= kept.blame;
  kept.blame = shared;
  for (const other of open) {
    if (other === kept || other.about.size >= COMMON_FROM) continue;
    for (const target of other.about) kept.about.add(target);
    state.close(other, kept.id);
  }
  state.events.push(eventOf('blame-changed', kept, state.now));
}

/** Probes of a turning fault at once, and the pause between two of one check. */
const TURNING = { atOnce: 4, pauseMs: 5_000 };
/** Intervals between two extra probes of a standing fault that only session-costing visits can see. */
const COSTLY_INTERVALS = 5;

/** Extra probes that show whether a fault is over: what failed and has not passed yet, lanes without a success. */
export function wantRecovery(state: State): void {
  for (const fault of state.live()) {
    if (fault.standing) continue;
    const turning = fault.state === 'open' && fault.healthy > 0;
    for (const index of recoveryProbes(state, fault, turning))
      state.want(index, state.now.monotonicMs, 'recovery');
  }
}

function recoveryProbes(state: State, fault: Case, turning: boolean): readonly number[] {
  const now = state.now.monotonicMs;
  const watched = watchedBy(state.topology, fault).filter((index) => !state.isWanted(index));
  // While the fault stands, sessions are kept for the moment when it turns.
  const free = watched.filter((index) => state.topology.checks[index]?.costsSession === false);
  const costly = free.length === 0;
  const standing = state.topology.intervalMs * (costly ? COSTLY_INTERVALS : 1);
  const pause = turning ? TURNING.pauseMs : standing;
  const asked = (turning || costly ? watched : free).map((index) => ({
    index,
    seen: lastSeen(state, index),
    need: needOf(state, fault, index),
  }));
  // A fault that still stands is asked about once in a while, by whatever comes first.
  if (!turning && asked.some((each) => now - each.seen < pause)) return [];
  return asked
    .filter((each) => each.need > 0 && now - each.seen >= pause)
    .sort((a, b) => b.need - a.need || a.seen - b.seen)
    .slice(0, turning ? TURNING.atOnce : 1)
    .map((each) => each.index);
}

function lastSeen(state: State, index: number): number {
  const record = state.evidence.records[index];
  return record === undefined ? 0 : Math.max(0, record.lastAt, record.unknownAt);
}

/** 3 = failed and not passed since, its lane neither; 2 = failed and not passed since; 1 = may add evidence. */
function needOf(state: State, fault: Case, index: number): number {
  const check = state.topology.checks[index];
  if (check === undefined) return 0;
  const affected = fault.affected.get(check.id);
  if (affected === undefined) return fault.affected.size < 5 ? 1 : 0;
  if (affected.healed > 0) return 1;
  return fault.healthyLanes.has(affected.lane) ? 2 : 3;
}
