// Which further canary would have told more about an incident: one about a component that could not be told apart from
// the blamed one, and that has none yet (DESIGN 3, canaries make components distinguishable).

import type { CanaryKind } from '../model/check.ts';
import type { Component } from '../model/component.ts';
import type { Case } from './case.ts';
import type { Topology } from './topology.ts';

/** The canary that ends at each type of component. */
const SEPARATES: Readonly<Record<string, CanaryKind>> = {
  vantage: 'control',
  dns: 'dns',
  certificate: 'tls',
  cdn: 'cdn-trace',
  origin: 'no-route',
  gate: 'gate-ping',
  idp: 'idp-health',
};

/** `canary gate-ping would have told gate embedded apart`; null when none is missing. */
export function helpfulCanary(topology: Topology, fault: Case): string | null {
  const untested = fault.acquitted.filter(({ tested }) => !tested).map(({ component }) => component);
  for (const component of [...fault.ambiguous, ...untested]) {
    const kind = SEPARATES[component.type];
    if (kind !== undefined && !hasCanary(topology, kind, component))
      return `canary ${kind} would have told ${component.type} ${component.name} apart`;
  }
  return null;
}

function hasCanary(topology: Topology, kind: CanaryKind, component: Component): boolean {
  const node = topology.components[topology.byComponent.get(component.id) ?? -1];
  return node?.hard.some((index) => topology.checks[index]?.visit === kind) ?? false;
}
