// What the texts of alerts need to know of the configuration; given by whoever builds the dispatcher.

import type { Component } from '../model/component.ts';
import type { PathKind } from '../model/network-path.ts';
import type { SignatureId, SignatureText } from '../model/verdict.ts';
import type { AlertOptions } from './alert-options.ts';

export interface AlertContext {
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
