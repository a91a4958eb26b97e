// Support: who fails, in a way that a component may explain. Counts for the rules of opening (DESIGN 10, Blame).

import type { CheckRecord } from './evidence.ts';
import { ratioFor, type Scope, windowOf } from './ratio.ts';

/** Failures that speak for a component. */
export interface Support {
  readonly services: readonly number[];
  readonly owners: number;
  readonly canaries: number;
  /** Longest run of failures of one canary. */
  readonly canaryStreak: number;
  /** Failures of canaries. */
  readonly canaryFails: number;
  /** Failing checks that really run through it. */
  readonly hard: number;
  /** Failing checks that still failed when last seen. */
  readonly standing: number;
  /** Failing checks that passed since, and those that failed again. */
  readonly healed: number;
  readonly repeated: number;
  /** First and last failure, monotonic ms. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** Begin of the first and of the last probe that failed, monotonic ms. */
  readonly firstBegun: number;
  readonly lastBegun: number;
  readonly firstWall: number;
}

/** Failures since an instant that a component may explain; by a soft dependence only those that point at it. */
export function supportOf(scope: Scope, component: number | null, since: number): Support {
  const services = new Set<number>();
  const owners = new Set<string>();
  let canaries = 0;
  let canaryStreak = 0;
  let canaryFails = 0;
  let hard = 0;
  let standing = 0;
  let repeated = 0;
  let all = 0;
  const failures: { at: number; wall: number; begun: number }[] = [];
  for (const record of failingRecords(scope, component, since)) {
    const target = scope.evidence.topology.services[record.check.service]?.target ?? null;
    if (isHard(scope, component, record)) hard++;
    all++;
    if (record.streak > 0) standing++;
    if (record.streak > 1) repeated++;
    const failed = record.failures(since);
    failures.push(...failed);
    if (target === null) {
      canaries++;
      canaryFails += failed.length;
      canaryStreak = Math.max(canaryStreak, record.streak);
    } else {
      services.add(record.check.service);
      owners.add(target.owner);
    }
  }
  return {
    services: [...services],
    owners: owners.size,
    canaries,
    canaryStreak,
    canaryFails,
    hard,
    standing,
    healed: all - standing,
    repeated,
    ...span(failures),
  };
}

function span(
  failures: readonly { at: number; wall: number; begun: number }[],
): Pick<Support, 'firstAt' | 'lastAt' | 'firstBegun' | 'lastBegun' | 'firstWall'> {
  const seen = failures.map(({ at }) => at);
  const begun = failures.map((each) => each.begun);
  return {
    firstAt: Math.min(...seen),
    lastAt: Math.max(...seen),
    firstBegun: Math.min(...begun),
    lastBegun: Math.max(...begun),
    firstWall: Math.min(...failures.map(({ wall }) => wall)),
  };
}

/**
 * Whether a failing check really runs through a component; where others depend on it softly, its failure must also
 * point at it, for nothing that passes would speak against it.
 */
function isHard(scope: Scope, component: number | null, record: CheckRecord): boolean {
  const node = scope.evidence.topology.components[component ?? -1];
  if (node === undefined || !record.check.ways.some((way) => way.component === node.index && !way.soft))
    return false;
  const pattern = scope.evidence.patterns[record.pattern];
  return node.soft.length === 0 || (pattern?.pointsAt.includes(node.component.type) ?? false);
}

function failingRecords(scope: Scope, component: number | null, since: number): CheckRecord[] {
  const { topology, records } = scope.evidence;
  const node = topology.components[component ?? -1];
  const found: CheckRecord[] = [];
  const take = (record: CheckRecord | undefined): void => {
    if (record === undefined || record.lastFailAt < since || !scope.usable(record.check.index)) return;
    const window = windowOf(scope, record.check.index, since);
    if (window.fails === 0) return;
    if (component === null || ratioFor(scope, record.check, window, component) !== null) found.push(record);
  };
  if (node === undefined) for (const record of records) take(record);
  else for (const list of [node.hard, node.soft]) for (const index of list) take(records[index]);
  return found;
}
