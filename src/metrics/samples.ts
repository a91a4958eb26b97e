// What each metric shows at a scrape, as pure functions of the live state. No series is invented: what is unknown
// is absent, and what left the configuration is gone.

import type { ComponentId } from '../model/component.ts';
import { componentFromId } from '../model/component.ts';
import type { Incident } from '../model/incident.ts';
import type { EpochMs } from '../model/observation.ts';
import type { CheckStatus, Snapshot } from '../model/snapshot.ts';

/** One series with its value. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What was learned from results and is not in the snapshot; both by id of check or canary. */
export interface Seen {
  /** Component that a canary separates. */
  readonly canaries: ReadonlyMap<string, ComponentId>;
  /** Certificate as `name@path`, and its end. */
  readonly certificates: ReadonlyMap<string, { readonly certificate: string; readonly notAfter: EpochMs }>;
}

/** Everything a reader may look at. */
export interface LiveState {
  readonly snapshot: Snapshot;
  /** Bytes of the store; null when nobody told. */
  readonly storeBytes: number | null;
  readonly seen: Seen;
}

const scalar = (value: number): Sample[] => [{ labels: {}, value }];
const isVisit = (check: CheckStatus): boolean => check.kind === 'visit';

/** 1 up or degraded, 0 down, null while unknown or never run. */
function upValue(check: CheckStatus): number | null {
  switch (check.verdict) {
    case 'up':
    case 'degraded':
      return 1;
    case 'down':
      return 0;
    case 'unknown':
    case null:
      return null;
  }
}

const checkLabels = (check: CheckStatus): Record<string, string> => ({
  target: check.target,
  path: check.path ?? '',
  visit: check.visit,
});

export function buildInfo({ snapshot }: LiveState): Sample[] {
  return [{ labels: { version: snapshot.version, node_version: process.versions.node }, value: 1 }];
}

export function demo({ snapshot }: LiveState): Sample[] {
  return scalar(snapshot.demo ? 1 : 0);
}

export function checkUp({ snapshot }: LiveState): Sample[] {
  return snapshot.checks.filter(isVisit).flatMap((check) => {
    const value = upValue(check);
    return value === null ? [] : [{ labels: checkLabels(check), value }];
  });
}

/** Canaries that differ only in their path share a series; the worse one shows. */
export function canaryUp({ snapshot, seen }: LiveState): Sample[] {
  const series = new Map<string, Sample>();
  for (const check of snapshot.checks) {
    const about = seen.canaries.get(check.id);
    const value = upValue(check);
    if (about === undefined || value === null) continue;
    const labels = { canary: check.visit, component: componentFromId(about).type, name: check.target };
    const key = JSON.stringify(labels);
    series.set(key, { labels, value: Math.min(value, series.get(key)?.value ?? 1) });
  }
  return [...series.values()];
}

export function checkLastRun({ snapshot }: LiveState): Sample[] {
  return snapshot.checks
    .filter(isVisit)
    .flatMap((check) =>
      check.lastAt === null ? [] : [{ labels: checkLabels(check), value: check.lastAt / 1000 }],
    );
}

export function suspicion({ snapshot }: LiveState): Sample[] {
  return snapshot.components.map(({ component, suspicion: value }) => ({
    labels: { component: component.type, name: component.name },
    value,
  }));
}

/** What an incident is about, in the labels of its alert; faults without a component go by their kind. */
function incidentLabels(incident: Incident): { component: string; name: string } {
  if (incident.blame !== null) return { component: incident.blame.type, name: incident.blame.name };
  if (incident.kind === 'shared') return { component: 'unmodelled', name: '' };
  return { component: incident.kind, name: incident.reason ?? incident.targets[0] ?? '' };
}

/** Shared components are there with 0 while all is well, so that a rule on them never lacks its series. */
export function incidentActive({ snapshot }: LiveState): Sample[] {
  const series = new Map<string, Sample>();
  const add = (labels: { component: string; name: string }, count: number): void => {
    const key = JSON.stringify(labels);
    series.set(key, { labels, value: (series.get(key)?.value ?? 0) + count });
  };
  for (const { component } of snapshot.components) {
    if (component.type !== 'target') add({ component: component.type, name: component.name }, 0);
  }
  for (const incident of snapshot.incidents) {
    if (incident.state !== 'resolved') add(incidentLabels(incident), 1);
  }
  return [...series.values()];
}

export function sessionsCreated({ snapshot }: LiveState): Sample[] {
  return snapshot.gates.map((gate) => ({ labels: { gate: gate.outpost }, value: gate.created }));
}

export function sessionsSeen({ snapshot }: LiveState): Sample[] {
  return snapshot.gates.map((gate) => ({ labels: { gate: gate.outpost }, value: gate.seen }));
}

export function sessionBudget({ snapshot }: LiveState): Sample[] {
  return snapshot.gates.flatMap((gate) =>
    gate.budgetPerMinute === null
      ? []
      : [{ labels: { gate: gate.outpost }, value: gate.budgetPerMinute / 60 }],
  );
}

export function sessionsHeld({ snapshot }: LiveState): Sample[] {
  return snapshot.gates.map((gate) => ({ labels: { gate: gate.outpost }, value: gate.held }));
}

/** The earliest end among the checks that see a certificate, of checks that still exist. */
export function certificates({ snapshot, seen }: LiveState): Sample[] {
  const ends = new Map<string, number>();
  for (const { id } of snapshot.checks) {
    const found = seen.certificates.get(id);
    if (found === undefined) continue;
    ends.set(found.certificate, Math.min(found.notAfter, ends.get(found.certificate) ?? found.notAfter));
  }
  return [...ends].map(([certificate, end]) => ({ labels: { certificate }, value: end / 1000 }));
}

export function queueLength({ snapshot }: LiveState): Sample[] {
  return snapshot.receivers.map(({ name, queued }) => ({ labels: { receiver: name }, value: queued }));
}

export function discoverySuccess({ snapshot }: LiveState): Sample[] {
  return snapshot.discovery.sources.flatMap(({ source, lastSuccessAt }) =>
    lastSuccessAt === null ? [] : [{ labels: { source }, value: lastSuccessAt / 1000 }],
  );
}

export function reloadSuccessful({ snapshot }: LiveState): Sample[] {
  return scalar(snapshot.config.error === null ? 1 : 0);
}

export function reloadedAt({ snapshot }: LiveState): Sample[] {
  return scalar(snapshot.config.loadedAt / 1000);
}

export function storeSize({ storeBytes }: LiveState): Sample[] {
  return storeBytes === null ? [] : scalar(storeBytes);
}
