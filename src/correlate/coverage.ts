// Coverage: which open case explains which checks, so that nothing is blamed twice and each case learns how its
// checks fare. Rebuilt when a case opens, changes its blame or ends.

import type { Case } from './case.ts';
import type { CheckNode, Topology } from './topology.ts';

export interface Coverage {
  /** For each check the cases that watch its results; usually empty. */
  readonly watchers: readonly (readonly Case[])[];
  /** Checks whose results are explained and count for nothing else. */
  readonly explained: Uint8Array;
}

const NOBODY: readonly Case[] = [];

/** Coverage of the open and recovering cases. */
export function coverageOf(topology: Topology, cases: Iterable<Case>): Coverage {
  const watchers: Case[][] = [];
  const explained = new Uint8Array(topology.checks.length);
  for (const fault of cases) {
    for (const index of watchedBy(topology, fault)) {
      let list = watchers[index];
      if (list === undefined) {
        list = [];
        watchers[index] = list;
      }
      list.push(fault);
      if (explains(topology, fault, index)) explained[index] = 1;
    }
  }
  return { watchers: Array.from(topology.checks, (check) => watchers[check.index] ?? NOBODY), explained };
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
  return node === undefined ? [] : [...node.hard, ...node.soft];
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

function explains(topology: Topology, fault: Case, index: number): boolean {
  if (fault.kind === 'exposed' || fault.kind === 'walled-off') return false;
  if (fault.standing || fault.about.size > 0 || fault.blame === null) return true;
  const blamed = topology.byComponent.get(fault.blame.id);
  return topology.checks[index]?.ways.some((way) => way.component === blamed && !way.soft) ?? false;
}

/** Whether a check runs through a case only by a soft dependence, and by which way. */
export function softWay(topology: Topology, fault: Case, check: CheckNode): number {
  if (fault.blame === null || fault.about.size > 0) return -1;
  const blamed = topology.byComponent.get(fault.blame.id);
  return check.ways.findIndex((way) => way.component === blamed && way.soft);
}
