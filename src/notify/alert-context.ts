// What the texts of alerts need to know of the configuration; given by whoever builds the dispatcher.

import { matchesGlob } from '../base/glob.ts';
import { type Component, component } from '../model/component.ts';
import type { InboundAlert } from '../model/inbound.ts';
import type { Incident } from '../model/incident.ts';
import type { PathKind } from '../model/network-path.ts';
import type { SignatureId, SignatureText } from '../model/verdict.ts';
import type { AlertOptions } from './alert-options.ts';

export interface AlertContext {
  /** Firing alerts of others that the configuration takes for evidence; default none. */
  readonly inbound?: () => readonly InboundAlert[];
  readonly vantage: string;
  readonly alerts: AlertOptions;
  /** Address of the page, without a slash at its end; null when not configured. */
  readonly webUrl: string | null;
  readonly texts: (id: SignatureId) => SignatureText | null;
  /** Labels of the gate, path or target that the component is. */
  readonly componentLabels: (component: Component) => Readonly<Record<string, string>>;
  /** Configured first check of the gate or path that the component is. */
  readonly firstCheck: (component: Component) => string | null;
  /** Names of the gates behind an outpost. */
  readonly gatesOf: (outpost: string) => readonly string[];
  readonly pathKind: (path: string) => PathKind | null;
  readonly target: (id: string) => TargetPlace | null;
}

/** Where a target stands. */
export interface TargetPlace {
  readonly host: string;
  readonly zone: string;
  readonly gate: string | null;
  readonly outpost: string | null;
}

/** Page of an incident, or null without a configured address. */
export function incidentUrl(id: string, context: Pick<AlertContext, 'webUrl'>): string | null {
  return context.webUrl === null ? null : `${context.webUrl}/incidents/${encodeURIComponent(id)}`;
}

/** Alerts of others about what an incident blames or what fails in it. */
export function inboundOf(incident: Incident, context: AlertContext): readonly InboundAlert[] {
  const firing = context.inbound?.() ?? [];
  if (firing.length === 0) return [];
  const { blame, targets, ambiguous } = incident;
  const about = [
    ...(blame === null ? [] : [blame.id]),
    ...ambiguous.map(({ id }) => id),
    ...targets.map((target) => component('target', target).id),
  ];
  return firing.filter((alert) => about.some((id) => matchesGlob(alert.component, id)));
}
