// Labels of an alert: the table of DESIGN 5, to the letter.

import { type Component, component } from '../model/component.ts';
import type { Incident } from '../model/incident.ts';
import type { AlertContext } from './alert-context.ts';

/** Longest label value, in characters (threats section 6). */
const VALUE_LIMIT = 200;

type Labels = Readonly<Record<string, string>>;

/** Labels of a new incident. The identity of its alert is among them, so they must not be built twice. */
export function labelsFromIncident(incident: Incident, context: AlertContext): Labels {
  const about = componentOf(incident);
  const labels: Record<string, string> = {
    ...(about === null ? {} : validNames(context.componentLabels(about))),
    ...context.alerts.labels,
    ...identity(incident, context),
  };
  for (const rule of context.alerts.rules) {
    if (rule.match.alertname !== undefined && rule.match.alertname !== labels['alertname']) continue;
    if (rule.match.component !== undefined && rule.match.component !== (about?.type ?? 'unmodelled'))
      continue;
    for (const [name, value] of Object.entries(rule.labels)) {
      if (value === null) delete labels[name];
      else labels[name] = value;
    }
  }
  return withoutEmpty(labels);
}

/** What the alert is about: the blamed component, or the failing target. */
export function componentOf(incident: Incident): Component | null {
  if (incident.kind === 'drift') return component('target', targetName(incident));
  if (incident.blame !== null) return incident.blame;
  const [target] = incident.targets;
  const single = incident.kind !== 'shared' && target !== undefined;
  return single ? component('target', target) : null;
}

/** `component` and `name` of a blame; null is "unmodelled", told apart by its incident. */
export function blameLabels(incident: Incident): { component: string; name: string } {
  const { blame, id } = incident;
  return blame === null ? { component: 'unmodelled', name: id } : { component: blame.type, name: blame.name };
}

function identity(incident: Incident, context: AlertContext): Record<string, string> {
  const target = targetName(incident);
  switch (incident.kind) {
    case 'shared':
      return { alertname: 'GatewatchSharedFault', severity: 'critical', ...blameLabels(incident) };
    case 'service':
      return {
        alertname: 'GatewatchServiceDown',
        severity: 'warning',
        target,
        fault: incident.signature ?? 'unknown',
      };
    case 'exposed':
      return { alertname: 'GatewatchExposed', severity: 'critical', ...placeLabels(incident, target) };
    case 'walled-off':
      return { alertname: 'GatewatchWalledOff', severity: 'warning', ...placeLabels(incident, target) };
    case 'certificate':
      return {
        alertname: 'GatewatchCertificateExpiring',
        severity: 'warning',
        certificate: incident.blame?.name ?? target,
      };
    case 'budget':
      return {
        alertname: 'GatewatchSessionBudget',
        severity: 'warning',
        gate: incident.blame?.name ?? target,
      };
    case 'drift':
      return { alertname: 'GatewatchDrift', severity: 'warning', target: incident.blame?.name ?? target };
    case 'prober':
      return {
        alertname: 'GatewatchProber',
        severity: 'warning',
        vantage: context.vantage,
        reason: incident.reason ?? 'internal',
        name: incident.blame?.name ?? '',
      };
  }
}

function placeLabels(incident: Incident, target: string): Record<string, string> {
  return isShared(incident.blame) ? blameLabels(incident) : { target };
}

function isShared(blame: Component | null): boolean {
  return blame !== null && blame.type !== 'target' && blame.type !== 'host';
}

/** The one target, or the host when several of its targets fail together. */
function targetName(incident: Incident): string {
  const own = incident.blame !== null && !isShared(incident.blame) ? incident.blame.name : undefined;
  return own ?? incident.targets[0] ?? incident.blame?.name ?? incident.id;
}

// Kubernetes label names hold dots and slashes, which Alertmanager refuses.
function validNames(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [
      name.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d)/, '_'),
      value,
    ]),
  );
}

/** Alertmanager drops labels with an empty value; ours then would not be the set it knows. */
function withoutEmpty(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels)
      .map(([name, value]) => [name, value.slice(0, VALUE_LIMIT)] as const)
      .filter(([name, value]) => name !== '' && value !== ''),
  );
}
