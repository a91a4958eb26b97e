// Description of a case in numbers: which visits on which paths fail, how many targets were tried and stand behind,
// and the dominant fault pattern (DESIGN 5: "8 of 8 tried, 34 behind it").

import type { Lane } from '../model/incident.ts';
import type { SignatureId } from '../model/verdict.ts';
import type { Case } from './case.ts';
import type { CheckRecord, Evidence } from './evidence.ts';
import type { Topology } from './topology.ts';

/** Targets that pass are listed so far. */
const UNAFFECTED = 50;

/** Services that stand behind a case: about whose visits it speaks. */
export function servicesBehind(topology: Topology, fault: Case): readonly number[] {
  if (fault.about.size > 0) return [...fault.about].flatMap((target) => topology.byTarget.get(target) ?? []);
  const node =
    fault.blame === null ? undefined : topology.components[topology.byComponent.get(fault.blame.id) ?? -1];
  return node === undefined ? [] : [...node.services];
}

/** Writes lanes, tried, behind and the signature of a case. */
export function describe(evidence: Evidence, fault: Case): void {
  const { topology } = evidence;
  const behind = servicesBehind(topology, fault);
  const blamed = fault.about.size > 0 ? undefined : topology.byComponent.get(fault.blame?.id ?? '');
  const lanes = new Map<string, Lane>();
  const tried = new Set<number>();
  for (const record of behind.flatMap((index) => triedChecks(evidence, fault, index))) {
    const { check } = record;
    const key = `${check.visit} ${check.path}`;
    const lane = lanes.get(key) ?? { visit: check.visit, path: check.path, failing: 0, tried: 0 };
    const failing = lane.failing + (fault.affected.has(check.id) ? 1 : 0);
    lanes.set(key, { ...lane, failing, tried: lane.tried + 1 });
    if (blamed === undefined || check.ways.some((way) => way.component === blamed)) tried.add(check.service);
  }
  fault.lanes = [...lanes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, lane]) => lane);
  fault.tried = tried.size;
  fault.behind = behind.length;
  fault.unaffected = behind
    .flatMap((index) => unaffectedTarget(evidence, fault, index) ?? [])
    .sort()
    .slice(0, UNAFFECTED);
  fault.signature = dominantSignature(evidence, fault) ?? fault.signature;
}

/** A target that was probed since the start of the case and passes; null when it fails, or nobody asked it. */
function unaffectedTarget(evidence: Evidence, fault: Case, service: number): string | null {
  const target = evidence.topology.services[service]?.target?.id ?? null;
  const tried = triedChecks(evidence, fault, service);
  const passes = tried.length > 0 && tried.every(({ check }) => !fault.affected.has(check.id));
  return passes && target !== null && !fault.targets.has(target) ? target : null;
}

/** Checks of a service that brought a result since the start of the case. */
function triedChecks(evidence: Evidence, fault: Case, service: number): CheckRecord[] {
  return (evidence.topology.services[service]?.checks ?? []).flatMap((index) => {
    const record = evidence.records[index];
    if (record === undefined) return [];
    return fault.affected.has(record.check.id) || record.lastAt >= fault.started ? [record] : [];
  });
}

function dominantSignature(evidence: Evidence, fault: Case): SignatureId | null {
  if (fault.kind === 'exposed' || fault.kind === 'walled-off') return fault.kind as string as SignatureId;
  const counts = new Map<string, number>();
  for (const id of fault.affected.keys()) {
    const record = evidence.records[evidence.topology.byCheck.get(id) ?? -1];
    if (record === undefined || record.pattern < 0 || record.lastFailAt < fault.started) continue;
    // What visitors meet says more than what a canary does.
    const signature = evidence.patterns[record.pattern]?.signature ?? null;
    if (signature !== null)
      counts.set(signature, (counts.get(signature) ?? 0) + (record.check.canary ? 0.5 : 1));
  }
  const most = [...counts].sort(([, a], [, b]) => b - a)[0];
  return most === undefined ? null : (most[0] as SignatureId);
}
