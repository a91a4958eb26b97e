// The plan: targets times rules give checks, and the site gives canaries (DESIGN 3). Pure; ids depend on what is
// probed alone, so that adding a target changes no other check.

import { type Check, checkId, type Subject, type Visit } from '../model/check.ts';
import type { Gate } from '../model/gate.ts';
import type { NetworkPath } from '../model/network-path.ts';
import type { Target } from '../model/target.ts';
import { plannedCanaries } from './canaries.ts';
import { type CheckRules, returnEveryMs } from './options.ts';
import { type Around, around, type Surroundings, visitWay } from './way.ts';

/** Everything that decides what is probed. */
export interface Site extends Surroundings {
  /** URLs outside the site. */
  readonly controls: readonly string[];
  readonly canaries: 'auto' | 'none';
  readonly checks: CheckRules;
}

/** All checks and canaries of a site: in order of the targets, then the canaries. */
export function plan(site: Site): readonly Subject[] {
  const ready = around(site);
  const checks = site.targets.flatMap((target) => targetChecks(target, ready));
  const canaries = site.canaries === 'none' ? [] : plannedCanaries(ready);
  return [...checks, ...canaries];
}

function targetChecks(target: Target, site: Site & Around): Check[] {
  const gate = site.gates.find((candidate) => candidate.name === target.gate) ?? null;
  return target.paths.flatMap((name) => {
    const path = site.paths.find((candidate) => candidate.name === name);
    if (path === undefined) return [];
    const behindGate = gate !== null && target.expect[name]?.is === 'login';
    const visits: readonly Visit[] = behindGate ? ['fresh', 'return'] : ['fresh'];
    return visits.map((visit) => check(visit, target, path, gate, site));
  });
}

function check(
  visit: Visit,
  target: Target,
  path: NetworkPath,
  gate: Gate | null,
  site: Site & Around,
): Check {
  const expect = target.expect[path.name];
  if (expect === undefined) throw new Error('a target has no expectation for one of its paths');
  const costsSession =
    visit === 'fresh' && expect.is === 'login' && gate !== null && gate.sessions.store !== 'none';
  return {
    kind: 'visit',
    id: checkId(visit, path.name, target.id),
    visit,
    target,
    path,
    gate,
    account: null,
    expect,
    costsSession,
    everyMs: costsSession ? null : (target.everyMs ?? returnEveryMs(site.checks, path)),
    timeoutMs: target.timeoutMs,
    links: visitWay(visit, target, path, site),
  };
}
