// Coverage: which open case explains which checks, so that nothing is blamed twice and each case learns how its
// checks fare. Rebuilt when a case opens, changes its blame or ends.

import type { Case } from './case.ts';
import type { CheckNode, Topology } from './topology.ts';

/** Checks of its own from which a case can be judged without those that others explain, too. */
const OWN_CHECKS = 5;

export interface Coverage {
  /** For each check the cases that watch its results; usually empty. */
  readonly watchers: readonly (readonly Case[])[];
  /** By how many cases the results of each check are explained; then they count for nothing else. */
  readonly explained: Uint8Array;
  /** Cases that have checks enough which no other case explains. */
  readonly independent: ReadonlySet<Case>;
}

const NOBODY: readonly Case[] = [];

/** Coverage of the open and recovering cases. */
export function coverageOf(topology: Topology, cases: Iterable<Case>): Coverage {
  const watchers: Case[][] = [];
  /** How many cases explain each check. */
  const explained = new Uint8Array(topology.checks.length);
  const explaining = new Map<Case, number[]>();
  for (const fault of cases) {
    const own: number[] = [];
    for (const index of watchedBy(topology, fault)) {
      let list = watchers[index];
      if (list === undefined) {
        list = [];
        watchers[index] = list;
      }
      list.push(fault);
      if (!explains(topology, fault, index)) continue;
      explained[index] = Math.min(255, (explained[index] ?? 0) + 1);
      own.push(index);
    }
    explaining.set(fault, own);
  }
  const independent = [...explaining].filter(
    ([, own]) => own.filter((index) => explained[index] === 1).length >= OWN_CHECKS,
  );
  return {
    watchers: Array.from(topology.checks, (check) => watchers[check.index] ?? NOBODY),
    explained,
    independent: new Set(independent.map(([fault]) => fault)),
  };
}

/** Whether others explain a check of a case, too, and it can be judged without: it says nothing about its end. */
export function isShared(coverage: Coverage, fault: Case, check: number): boolean {
  return (coverage.explained[check] ?? 0) > 1 && coverage.independent.has(fault);
}

/** Checks that tell how a case fares. */
export function watchedBy(topology: Topology, fault: Case): readonly number[] {
  if (fault.standing) return onPath(topology, fault);
  if (fault.about.size > 0) {
    return [...fault.about].flatMap(
      (target) => topology.services[topology.byTarget.get(target) ?? -1]?.checks ?? [],
    );
  }
  const node =
    fault.blame === null ? undefined : topology.components[topology.byComponent.get(fault.blame.id) ?? -1];
  return node === undefined ? [] : [...node.hard, ...node.soft, ...strayChecks(topology, fault)];
}

/** Checks of targets that fail like a case without being behind it. */
function strayChecks(topology: Topology, fault: Case): readonly number[] {
  return [...fault.strays].flatMap(
    (target) => topology.services[topology.byTarget.get(target) ?? -1]?.checks ?? [],
  );
}

/** Whether a case explains a check only as that of a stray: it says nothing of how the case fares. */
export function isStray(topology: Topology, fault: Case, check: CheckNode): boolean {
  if (fault.strays.size === 0) return false;
  const blamed = topology.byComponent.get(fault.blame?.id ?? '');
  return !check.ways.some((way) => way.component === blamed);
}

/** A path that does not prove itself, or bans us, says nothing about anybody. */
function onPath(topology: Topology, fault: Case): readonly number[] {
  const paths = new Set(pathsOf(fault));
  return paths.size === 0
    ? []
    : topology.checks.filter((check) => paths.has(check.path)).map((check) => check.index);
}

/** Paths that a finding is about: one that does not prove itself has its name, bans have the lanes that they hit. */
export function pathsOf(fault: Case): readonly string[] {
  if (fault.reason === 'blocked') return [...new Set(fault.lanes.map((lane) => lane.path))];
  return fault.reason === 'path-not-taken' && fault.name !== null ? [fault.name] : [];
}

/** Whether an open case explains what a check shows. */
export function explains(topology: Topology, fault: Case, index: number): boolean {
  if (fault.kind === 'exposed' || fault.kind === 'walled-off') return false;
  if (fault.standing || fault.about.size > 0 || fault.blame === null) return true;
  const blamed = topology.byComponent.get(fault.blame.id);
  const check = topology.checks[index];
  if (check === undefined) return false;
  return check.ways.some((way) => way.component === blamed && !way.soft) || isStray(topology, fault, check);
}

/** Whether a check runs through a case only by a soft dependence, and by which way. */
export function softWay(topology: Topology, fault: Case, check: CheckNode): number {
  if (fault.blame === null || fault.about.size > 0) return -1;
  const blamed = topology.byComponent.get(fault.blame.id);
  return check.ways.findIndex((way) => way.component === blamed && way.soft);
}
