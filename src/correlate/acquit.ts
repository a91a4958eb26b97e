// Acquittals: for each component on the way of the failing checks, why it is not to blame, in counts, or that
// nothing tested it (reference/correlation.md 5.7). Absence of evidence is never an acquittal.

import type { Acquittal } from '../model/incident.ts';
import type { Case } from './case.ts';
import { pathsOf } from './coverage.ts';
import type { Evidence } from './evidence.ts';
import type { CheckNode, ComponentNode, Topology } from './topology.ts';

/** Healthy probes through a component that acquit it, and failing checks that avoid it. */
const ENOUGH = { healthy: 4, avoiding: 2 };
/** Failures among so many successes are noise. */
const NOISE_SHARE = 0.1;
/** Components spoken of at most. */
const LIMIT = 16;

interface Tally {
  tried: number;
  good: number;
}

/** What acquittals depend on beside the case. */
export interface Around {
  /** Position of the case's component, or null. */
  readonly blamed: number | null;
  readonly hasControls: boolean;
  /** Components of other open incidents: they are no innocents. */
  readonly alsoBlamed: ReadonlySet<string>;
}

/** Acquittals of one case. */
export function acquit(
  evidence: Evidence,
  fault: Case,
  { blamed, hasControls, alsoBlamed }: Around,
): readonly Acquittal[] {
  const { topology } = evidence;
  const others = new Set<number>();
  for (const check of [...failingChecks(evidence, fault), ...dependentChecks(topology, blamed)]) {
    for (const way of check.ways) if (way.component !== blamed) others.add(way.component);
  }
  const unclear = new Set([...fault.ambiguous.map((each) => each.id), ...alsoBlamed]);
  const list: Acquittal[] = [];
  for (const index of [...others].sort((a, b) => a - b).slice(0, LIMIT)) {
    const node = topology.components[index];
    if (node === undefined || unclear.has(node.component.id)) continue;
    // A prober's fault is the vantage's own.
    if (fault.kind === 'prober' && node.component.type === 'vantage') continue;
    list.push(verdictOn(evidence, fault, { node, blamed, hasControls }));
  }
  return list;
}

/** Checks the case is about; for a finding about a path those that the finding counts. */
function failingChecks(evidence: Evidence, fault: Case): readonly CheckNode[] {
  const { topology, records } = evidence;
  if (fault.standing) {
    return records.filter((record) => isFoundOn(fault, record.check)).map((record) => record.check);
  }
  return [...fault.affected.keys()].flatMap((id) => topology.checks[topology.byCheck.get(id) ?? -1] ?? []);
}

/** Checks that would be the first suspects but for the blame: behind an identity provider those of its gates. */
function dependentChecks(topology: Topology, blamed: number | null): readonly CheckNode[] {
  const soft = blamed === null ? undefined : topology.components[blamed]?.soft;
  return (soft ?? []).flatMap((index) => topology.checks[index] ?? []);
}

/** Whether a finding about a path covers the check. */
function isFoundOn(fault: Case, check: CheckNode): boolean {
  return fault.standing && !check.canary && pathsOf(fault).includes(check.path);
}

function verdictOn(
  evidence: Evidence,
  fault: Case,
  about: { readonly node: ComponentNode; readonly blamed: number | null; readonly hasControls: boolean },
): Acquittal {
  const { node } = about;
  const component = node.component;
  if (component.type === 'vantage' && !about.hasControls) {
    return { component, tested: false, evidence: 'no control is configured' };
  }
  if (failsBeside(evidence, node, about.blamed)) {
    return { component, tested: false, evidence: 'probes through it fail, too' };
  }
  const healthy = healthyThrough(evidence, fault, node, about.blamed);
  const tested = healthy === null ? avoiding(evidence.topology, fault, node) : healthy;
  const blame = fault.blame === null ? 'the fault' : `${fault.blame.type} ${fault.blame.name}`;
  return {
    component,
    tested: tested !== null,
    evidence: tested ?? `no probe separates it from ${blame}`,
  };
}

/** Whether several checks through a component fail now that do not run through what is blamed. */
function failsBeside(evidence: Evidence, node: ComponentNode, blamed: number | null): boolean {
  let failing = 0;
  if (blamed === null) return false;
  for (const index of node.hard) {
    const record = evidence.records[index];
    if (record !== undefined && record.streak > 0 && !runsThrough(record.check, blamed)) failing++;
  }
  return failing >= ENOUGH.avoiding;
}

/** `12 of 12 return visits at the origin succeed`, or null when too few or not all do. */
function healthyThrough(
  evidence: Evidence,
  fault: Case,
  node: ComponentNode,
  blamed: number | null,
): string | null {
  const lanes = new Map<string, Tally>();
  const byLane = new Map<number, Tally>();
  let good = 0;
  let bad = 0;
  for (const index of node.hard) {
    const record = evidence.records[index];
    if (record === undefined || record.lastAt < fault.started) continue;
    const { check } = record;
    if (blamed === null ? isAbout(evidence.topology, fault, check) : runsThrough(check, blamed)) continue;
    const { oks, fails } = record.countsSince(fault.started);
    good += oks;
    bad += fails;
    // Words are made once a lane: this runs over thousands of checks, every 15 seconds for each open incident.
    const tally = byLane.get(check.lane) ?? tallyOf(lanes, laneWords(check));
    byLane.set(check.lane, tally);
    tally.tried++;
    if (record.streak === 0 && oks > 0) tally.good++;
  }
  if (good < ENOUGH.healthy || bad > NOISE_SHARE * good) return null;
  const most = [...lanes].sort(([, a], [, b]) => b.good - a.good).slice(0, 2);
  return `${most.map(([lane, tally]) => `${tally.good} of ${counted(tally.tried, lane)}`).join(' and ')} succeed`;
}

/** The tally of these words; a new one joins. */
function tallyOf(lanes: Map<string, Tally>, words: string): Tally {
  const tally = lanes.get(words) ?? { tried: 0, good: 0 };
  lanes.set(words, tally);
  return tally;
}

/** `the same failure without it: 12 of 12 return visits at the origin`, or null. */
function avoiding(topology: Topology, fault: Case, node: ComponentNode): string | null {
  const lanes = new Map<string, number>();
  let count = 0;
  for (const id of fault.affected.keys()) {
    const check = topology.checks[topology.byCheck.get(id) ?? -1];
    if (check === undefined || check.ways.some((way) => way.component === node.index)) continue;
    count++;
    lanes.set(laneWords(check), (lanes.get(laneWords(check)) ?? 0) + 1);
  }
  const most = [...lanes].sort(([, a], [, b]) => b - a)[0];
  if (count < ENOUGH.avoiding || most === undefined) return null;
  return `the same failure where it is not on the way (${counted(most[1], most[0])})`;
}

function runsThrough(check: CheckNode, component: number): boolean {
  return check.ways.some((way) => way.component === component && !way.soft);
}

function isAbout(topology: Topology, fault: Case, check: CheckNode): boolean {
  if (isFoundOn(fault, check)) return true;
  const target = topology.services[check.service]?.target;
  return (
    target !== null && target !== undefined && (fault.targets.has(target.id) || fault.about.has(target.id))
  );
}

/** `1 return visit at the origin`, `12 return visits at the origin`. */
function counted(count: number, lane: string): string {
  return `${count} ${count === 1 ? lane.replace('visits', 'visit').replace('canaries', 'canary').replace('sites', 'site') : lane}`;
}

/** `return visits at the origin`, `canary gate-ping probes`. */
function laneWords(check: CheckNode): string {
  if (check.canary) return check.visit === 'control' ? 'control sites' : `${check.visit} canaries`;
  const kind = check.subject.path?.kind;
  const way =
    kind === 'cdn' ? 'through the CDN' : kind === 'origin' ? 'at the origin' : `over path ${check.path}`;
  return `${check.visit} visits ${way}`;
}
