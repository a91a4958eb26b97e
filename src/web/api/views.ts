// Model to public JSON. The model may change its fields; what is written here is what clients get.

import type { z } from '@hono/zod-openapi';
import type { Component } from '../../model/component.ts';
import type { SourceStatus } from '../../model/drift.ts';
import type { Incident } from '../../model/incident.ts';
import type { MaintenanceStatus, MaintenanceTime } from '../../model/maintenance.ts';
import type { EpochMs } from '../../model/observation.ts';
import type { StoredResult } from '../../model/result.ts';
import type {
  CheckStatus,
  ComponentStatus,
  GateStatus,
  Snapshot,
  TargetStatus,
} from '../../model/snapshot.ts';
import type { IncidentText } from '../reads.ts';
import { worstVerdict } from '../standing.ts';
import type * as schemas from './schemas.ts';

/** ISO 8601 in UTC; null stays null. */
function iso(at: EpochMs): string;
function iso(at: EpochMs | null): string | null;
function iso(at: EpochMs | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

const ref = ({ type, name }: Component): z.infer<typeof schemas.ComponentRef> => ({ type, name });
const refOrNull = (component: Component | null) => (component === null ? null : ref(component));

export function targetView(target: TargetStatus, snapshot: Snapshot): z.infer<typeof schemas.Target> {
  const own = new Set(target.checks);
  return {
    id: target.id,
    url: target.url,
    zone: target.zone,
    gate: target.gate,
    paths: [...target.paths],
    expect: Object.fromEntries(Object.entries(target.expect).map(([path, { is }]) => [path, is])),
    labels: { ...target.labels },
    source: target.source,
    sources: [...target.sources],
    drift: [...target.drift],
    isNew: target.isNew,
    checks: [...target.checks],
    verdict: worstVerdict(snapshot.checks.filter((check) => own.has(check.id))),
  };
}

export function sourceView(status: SourceStatus): z.infer<typeof schemas.Source> {
  return {
    ...status,
    lastSuccessAt: iso(status.lastSuccessAt),
    problemSince: iso(status.problemSince),
  };
}

export function checkView(check: CheckStatus): z.infer<typeof schemas.Check> {
  const { lastAt, nextAt, since, ...rest } = check;
  return { ...rest, lastAt: iso(lastAt), nextAt: iso(nextAt), since: iso(since) };
}

export function resultView(result: StoredResult): z.infer<typeof schemas.Result> {
  return {
    id: result.id,
    at: iso(result.at),
    check: result.check,
    verdict: result.verdict,
    signature: result.signature,
    reason: result.reason,
    status: result.status,
    durationMs: result.durationMs,
    evidence: result.evidence.map((evidence) => ({
      ...evidence,
      timings: { ...evidence.timings },
      headers: { ...evidence.headers },
      setCookies: [...evidence.setCookies],
      certificate:
        evidence.certificate === null
          ? null
          : { ...evidence.certificate, notAfter: iso(evidence.certificate.notAfter) },
      error: evidence.error,
    })),
  };
}

export function incidentView(incident: Incident, text: IncidentText): z.infer<typeof schemas.Incident> {
  return {
    id: incident.id,
    kind: incident.kind,
    state: incident.state,
    summary: text.summary,
    description: text.description,
    firstCheck: text.firstCheck,
    evidence: text.evidence.map(({ alertname, component, startsAt }) => ({
      alertname,
      component,
      startsAt: iso(startsAt),
    })),
    blame: refOrNull(incident.blame),
    firstBlame: refOrNull(incident.firstBlame),
    reason: incident.reason,
    signature: incident.signature,
    startedAt: iso(incident.startedAt),
    openedAt: iso(incident.openedAt),
    resolvedAt: iso(incident.resolvedAt),
    targets: [...incident.targets],
    tried: incident.tried,
    behind: incident.behind,
    lanes: incident.lanes.map((lane) => ({ ...lane })),
    inCommon: [...incident.inCommon],
    acquitted: incident.acquitted.map(({ component, tested, evidence }) => ({
      component: ref(component),
      tested,
      evidence,
    })),
    probability: incident.probability,
    severity: incident.severity,
    runnerUp:
      incident.runnerUp === null
        ? null
        : { component: refOrNull(incident.runnerUp.component), odds: incident.runnerUp.odds },
    unaffected: [...incident.unaffected],
    probesSpent: incident.probesSpent,
    sessionsSpent: incident.sessionsSpent,
    wouldHelp: incident.wouldHelp,
    strays: [...incident.strays],
    ambiguous: incident.ambiguous.map(ref),
    flaps: incident.flaps,
    supersededBy: incident.supersededBy,
  };
}

export function componentView(status: ComponentStatus): z.infer<typeof schemas.ComponentState> {
  const { component, ...rest } = status;
  return { ...ref(component), ...rest };
}

export function maintenanceView({
  about,
  now,
  next,
}: MaintenanceStatus): z.infer<typeof schemas.Maintenance> {
  const time = (one: MaintenanceTime | null) =>
    one === null ? null : { startsAt: iso(one.startsAt), endsAt: iso(one.endsAt) };
  return { about, now: time(now), next: time(next) };
}

export function gateView(gate: GateStatus): z.infer<typeof schemas.Gate> {
  return { ...gate, gates: [...gate.gates] };
}
