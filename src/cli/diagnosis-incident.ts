// A diagnosis in the form of an incident, so that `check` speaks the words of the alert that would be sent.

import type { Component } from '../model/component.ts';
import type { Incident, IncidentKind, Lane } from '../model/incident.ts';
import type { ProbeResult } from '../model/result.ts';
import type { SignatureId } from '../model/verdict.ts';
import type { Diagnosis } from './diagnosis.ts';

/** Incident of a diagnosis that blames; only for its words, it is never stored. */
export function incidentFromDiagnosis(diagnosis: Diagnosis, vantage: Component, now: number): Incident {
  const { blamed, failing } = diagnosis;
  const visits = [...failing, ...diagnosis.healthy].filter((result) => result.subject.kind === 'visit');
  const signature = commonest(failing);
  const targets = targetsOf(failing);
  const behind = targetsOf(visits).length;
  const isOurs = blamed?.type === 'vantage' || blamed?.type === 'resolver';
  return {
    id: 'i0',
    kind: isOurs ? 'prober' : kindOf(blamed, signature),
    state: 'open',
    blame: blamed,
    firstBlame: null,
    reason: isOurs ? (blamed.id === vantage.id ? 'uplink' : 'resolver') : null,
    signature,
    startedAt: Math.min(now, ...failing.map((result) => result.at)),
    openedAt: now,
    resolvedAt: null,
    targets,
    tried: behind,
    behind,
    lanes: lanesOf(visits),
    inCommon: [],
    acquitted: diagnosis.acquitted,
    probability: 1,
    severity: 1,
    runnerUp: null,
    ambiguous: [],
    flaps: 0,
    probesSpent: 0,
    sessionsSpent: 0,
    unaffected: [],
    wouldHelp: null,
    strays: [],
    supersededBy: null,
    detail: null,
    labels: null,
  };
}

function kindOf(blamed: Component | null, signature: SignatureId | null): IncidentKind {
  if (signature === 'exposed') return 'exposed';
  if (signature === 'walled-off') return 'walled-off';
  return blamed?.type === 'target' ? 'service' : 'shared';
}

function targetsOf(results: readonly ProbeResult[]): string[] {
  const ids = results.flatMap(({ subject }) => (subject.kind === 'visit' ? [subject.target.id] : []));
  return [...new Set<string>(ids)].sort();
}

function commonest(results: readonly ProbeResult[]): SignatureId | null {
  const groups = Map.groupBy(results, (result) => result.judgement.signature);
  return [...groups].sort(([, a], [, b]) => b.length - a.length)[0]?.[0] ?? null;
}

function lanesOf(visits: readonly ProbeResult[]): Lane[] {
  const lanes = Map.groupBy(visits, ({ subject }) =>
    subject.kind === 'visit' ? `${subject.visit} ${subject.path.name}` : '',
  );
  return [...lanes].map(([key, results]) => {
    const [visit = '', path = ''] = key.split(' ');
    return {
      visit,
      path,
      tried: results.length,
      failing: results.filter((one) => one.judgement.verdict === 'down').length,
    };
  });
}
