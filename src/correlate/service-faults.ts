// Service faults: targets that fail for themselves, by runs of failures that no shared fault explains
// (reference/correlation.md 5.6, "Service alerts").

import { type Component, component } from '../model/component.ts';
import type { Target } from '../model/target.ts';
import { type CheckRecord, MISS } from './evidence.ts';
import type { Scope } from './ratio.ts';
import type { ServiceNode, Topology } from './topology.ts';

/** Failures needed, their least span, and how many more when a shared fault may yet explain them. */
const LEAST_FAILS = 3;
const SPAN_MS = 30_000;
const PATIENT_FAILS = 5;
const FAIL_LIMIT = 6;
/** Failures after which no more extra probes are wanted, and the pause between two. */
const ENOUGH_FAILS = 6;
const PAUSE_MS = 8_000;

export interface ServiceFault {
  readonly target: Target;
  /** Host, when several of its targets fail. */
  readonly blame: Component | null;
  readonly checks: readonly CheckRecord[];
  /** First failure, both clocks. */
  readonly started: number;
  readonly startedAt: number;
}

export interface ServiceRules {
  readonly now: number;
  readonly seenUp: (target: string) => boolean;
  readonly graceMs: number;
  /** Whether a shared suspicion is pending that may explain the service. */
  readonly pending: (service: number) => boolean;
}

/** Targets whose failures are confirmed to be their own. */
export function findServiceFaults(scope: Scope, rules: ServiceRules): ServiceFault[] {
  const faults: ServiceFault[] = [];
  const { topology, records } = scope.evidence;
  const failing = new Set<number>();
  for (const { streak, check } of records) if (streak > 0) failing.add(check.service);
  for (const index of [...failing].sort((a, b) => a - b)) {
    const service = topology.services[index];
    if (service === undefined) continue;
    const fault = service.target === null ? null : judge(scope, service, service.target, rules);
    if (fault !== null) faults.push(fault);
  }
  return faults;
}

function failingChecks(scope: Scope, service: ServiceNode): CheckRecord[] {
  return service.checks.flatMap((index) => {
    const record = scope.evidence.records[index];
    return record !== undefined && record.streak > 0 && scope.usable(index) ? [record] : [];
  });
}

function judge(scope: Scope, service: ServiceNode, target: Target, rules: ServiceRules): ServiceFault | null {
  const checks = failingChecks(scope, service);
  if (checks.length === 0) return null;
  const { topology } = scope.evidence;
  let fails = 0;
  let nats = 0;
  let last = Number.NEGATIVE_INFINITY;
  let first = checks[0];
  for (const record of checks) {
    fails += record.streak;
    nats += Math.min(FAIL_LIMIT, record.streak) * Math.log((1 - MISS) / scope.evidence.noiseOf(record.check));
    last = Math.max(last, record.lastFailAt);
    if (first === undefined || record.streakAt < first.streakAt) first = record;
  }
  if (first === undefined) return null;
  const span = last - first.streakAt;
  if (fails < LEAST_FAILS || span < SPAN_MS || nats < Math.log(topology.probesPerMonth / 0.1)) return null;
  if (rules.pending(service.index) && (fails < PATIENT_FAILS || span < topology.intervalMs)) return null;
  if (!rules.seenUp(target.id) && rules.now - first.streakAt < rules.graceMs) return null;
  const host = topology.byComponent.get(component('host', target.host).id);
  const siblings = host === undefined ? 0 : failingOnHost(scope, host);
  return {
    target,
    blame: siblings > 1 ? component('host', target.host) : null,
    checks,
    started: first.streakAt,
    startedAt: first.streakWall,
  };
}

function failingOnHost(scope: Scope, host: number): number {
  const failing = new Set<number>();
  for (const index of scope.evidence.topology.components[host]?.hard ?? []) {
    const record = scope.evidence.records[index];
    if (record !== undefined && record.streak > 0) failing.add(record.check.service);
  }
  return failing.size;
}

/** Failing checks worth another probe, with the earliest time for it. */
export function confirmServices(scope: Scope, now: number): { record: CheckRecord; notBefore: number }[] {
  const failing = scope.evidence.records.filter(({ streak }) => streak > 0 && streak < ENOUGH_FAILS);
  return failing.flatMap((record) => {
    const open = scope.usable(record.check.index);
    if (!open || record.check.canary || record.wantedAt > record.lastAt) return [];
    // A run that went on for long says all it can; one that just began is worth following.
    if (now - record.streakAt > 4 * SPAN_MS) return [];
    return [{ record, notBefore: Math.max(now, record.lastAt + PAUSE_MS) }];
  });
}

/** What failing targets have in common and others do not: labels, host, zone, owner, gate (for `unmodelled`). */
export function inCommon(topology: Topology, failing: readonly number[]): string[] {
  const all = topology.services.flatMap((service) =>
    service.target === null ? [] : [traits(service.target)],
  );
  const theirs = failing.flatMap((index) => {
    const target = topology.services[index]?.target;
    return target === null || target === undefined ? [] : [traits(target)];
  });
  const first = theirs[0];
  if (first === undefined) return [];
  return [...first].filter(
    (trait) => theirs.every((each) => each.has(trait)) && !all.every((each) => each.has(trait)),
  );
}

function traits(target: Target): Set<string> {
  return new Set([
    `zone ${target.zone}`,
    `host ${target.host}`,
    `owner ${target.owner}`,
    `gate ${target.gate ?? 'none'}`,
    `paths ${target.paths.join(' ')}`,
    ...Object.entries(target.labels).map(([name, value]) => `${name}=${value}`),
  ]);
}
