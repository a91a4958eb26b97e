// Builds the Snapshot that page, API and metrics read, out of what the rooms know. Pure.

import type { Subject } from '../model/check.ts';
import type { Incident } from '../model/incident.ts';
import type { EpochMs } from '../model/observation.ts';
import type { StoredResult } from '../model/result.ts';
import type {
  CheckStatus,
  ComponentStatus,
  GateStatus,
  ReceiverStatus,
  Snapshot,
  TargetStatus,
} from '../model/snapshot.ts';
import type { Target } from '../model/target.ts';

/** What the rooms hand over. */
export interface SnapshotParts {
  readonly at: EpochMs;
  readonly startedAt: EpochMs;
  readonly version: string;
  readonly vantage: string;
  readonly demo: boolean;
  readonly config: Snapshot['config'];
  readonly targets: readonly Target[];
  readonly discovery: Snapshot['discovery'] & {
    readonly targetSources: ReadonlyMap<string, readonly string[]>;
    readonly unaccepted: ReadonlySet<string>;
  };
  readonly subjects: readonly Subject[];
  /** Newest result of each check. */
  readonly latest: readonly (StoredResult & { readonly since: EpochMs })[];
  readonly schedule: (subject: Subject) => {
    lastAt: EpochMs | null;
    nextAt: EpochMs | null;
    idle: string | null;
  };
  readonly components: readonly ComponentStatus[];
  readonly gates: readonly GateStatus[];
  readonly incidents: readonly Incident[];
  readonly receivers: readonly ReceiverStatus[];
  readonly maintenance: Snapshot['maintenance'];
  readonly inbound: Snapshot['inbound'];
}

/** The live state as plain data. */
export function buildSnapshot(parts: SnapshotParts): Snapshot {
  const latest = new Map(parts.latest.map((result) => [result.check, result]));
  const checks = parts.subjects.map((subject) => checkStatus(subject, parts, latest.get(subject.id) ?? null));
  const byTarget = new Map<string, string[]>();
  for (const check of checks) {
    if (check.kind !== 'visit') continue;
    const ids = byTarget.get(check.target) ?? [];
    ids.push(check.id);
    byTarget.set(check.target, ids);
  }
  const { at, startedAt, version, vantage, demo, config, components, gates, incidents, receivers } = parts;
  const { maintenance, inbound } = parts;
  const { sources, drift } = parts.discovery;
  const about = Map.groupBy(drift, (one) => one.target ?? '');
  const targets = parts.targets.map((target) => ({
    ...targetStatus(target, byTarget.get(target.id) ?? []),
    sources: parts.discovery.targetSources.get(target.id) ?? [target.source],
    drift: (about.get(target.id) ?? []).map(({ text }) => text),
    isNew: parts.discovery.unaccepted.has(target.id),
  }));
  return {
    at,
    startedAt,
    version,
    vantage,
    demo,
    config,
    discovery: { sources, drift },
    targets,
    checks,
    components,
    gates,
    incidents,
    receivers,
    maintenance,
    inbound,
  };
}

function checkStatus(
  subject: Subject,
  parts: SnapshotParts,
  last: (StoredResult & { readonly since: EpochMs }) | null,
): CheckStatus {
  const { nextAt, idle } = parts.schedule(subject);
  return {
    id: subject.id,
    kind: subject.kind,
    target: subject.kind === 'visit' ? subject.target.id : subject.name,
    visit: subject.kind === 'visit' ? subject.visit : subject.canary,
    path: subject.path?.name ?? null,
    everyMs: subject.everyMs,
    lastAt: last?.at ?? null,
    nextAt,
    verdict: last?.verdict ?? null,
    signature: last?.signature ?? null,
    reason: last?.reason ?? '',
    status: last?.status ?? null,
    durationMs: last?.durationMs ?? null,
    since: last?.since ?? null,
    idle,
  };
}

function targetStatus(
  target: Target,
  checks: readonly string[],
): Omit<TargetStatus, 'sources' | 'drift' | 'isNew'> {
  const { id, url, zone, gate, paths, expect, labels, source } = target;
  return { id, url, zone, gate, paths, expect, labels, source, checks };
}
