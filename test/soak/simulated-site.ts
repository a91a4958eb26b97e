// The site of the compressed part: its configuration, what can break in it, and the labels that its alerts must carry.

import type { Knowledge } from '../../src/model/verdict.ts';
import { componentFault, down, type Fault, targetFault } from '../support/simulator.ts';
import type { Wanted } from './truth.ts';

/** What each id breaks: `type:name` is a component, the rest one service. */
export const SIMULATED_FAULTS = [
  'vantage:vps',
  'resolver:1.1.1.1:53',
  'dns:example.com',
  'certificate:*.example.com@cdn',
  'certificate:*.example.com@origin',
  'cdn:cdn',
  'origin:origin',
  'gate:authentik',
  'gate-sessions:authentik',
  'idp:auth.example.com',
  'node:n1',
  'service',
  'exposed',
  'walled-off',
] as const;
export type SimulatedFault = (typeof SIMULATED_FAULTS)[number];

/** The one service each of these is about; n1 is another node's. */
const VICTIMS = {
  service: { target: 'open1.example.com', show: down('app-error', 'target', 'origin') },
  exposed: { target: 'app2.example.com', show: down('exposed', 'target') },
  'walled-off': { target: 'open4.example.com', show: down('walled-off', 'target') },
} as const;
const SEEN_TOGETHER: readonly (readonly SimulatedFault[])[] = [
  ['service', 'exposed', 'idp:auth.example.com'],
  ['service', 'walled-off', 'gate-sessions:authentik'],
  ['service', 'gate:authentik'],
  ['walled-off', 'exposed', 'node:n1'],
];

/** What earlier probes would have learned, so that canaries and names are there from the start. */
export const KNOWLEDGE: Knowledge = {
  get(kind, key) {
    if (kind === 'certificate') return { value: '*.example.com', at: 0 };
    if (kind !== 'authorize') return null;
    return { value: `https://auth.example.com/application/o/authorize/?client_id=${key}`, at: 0 };
  },
};

/** 18 services behind the gate and 12 public ones on three nodes, as in the benchmark; intervals, budget and everything else as usual. */
export function configuration(deskUrl: string): string {
  const target = (name: string, at: number, more: string): string =>
    `  - { url: "https://${name}${at}.example.com", labels: { node: n${(at % 3) + 1} }${more} }`;
  return [
    'vantage: vps',
    'gates:',
    '  - { name: authentik, url: "https://auth.example.com", sessions: { store: files, capacity: 64MiB, lifetime: 24h } }',
    'paths:',
    '  - { name: cdn, kind: cdn, resolver: [1.1.1.1] }',
    '  - { name: origin, kind: origin, address: "203.0.113.10:443" }',
    'defaults: { gate: authentik, expect: login, paths: [cdn, origin] }',
    'shared: [node]',
    'control: ["https://control1.test/", "https://control2.test/"]',
    'targets:',
    ...Array.from({ length: 18 }, (_, at) => target('app', at, '')),
    ...Array.from({ length: 12 }, (_, at) => target('open', at, ', expect: public')),
    'receivers:',
    `  - { name: desk, kind: webhook, url: "${deskUrl}" }`,
  ].join('\n');
}

function isService(fault: SimulatedFault): fault is keyof typeof VICTIMS {
  return Object.hasOwn(VICTIMS, fault);
}

/** The fault itself, for as long as it is switched on. */
export function faultOf(fault: SimulatedFault): Fault {
  const always = { from: 0, until: Number.POSITIVE_INFINITY };
  if (!isService(fault)) return componentFault(fault, always);
  const { target, show } = VICTIMS[fault];
  return targetFault([target], { ...always, show });
}

/** The one right label set. */
export function wantedOf(fault: SimulatedFault): Wanted {
  const prober = { alertname: 'GatewatchProber', severity: 'warning', vantage: 'vps' };
  // Both are surroundings of the prober: no service is blamed (DESIGN 1 and 5).
  if (fault === 'vantage:vps') return { ...prober, reason: 'uplink', name: 'vps' };
  if (fault === 'resolver:1.1.1.1:53') return { ...prober, reason: 'resolver', name: '1.1.1.1:53' };
  if (!isService(fault)) {
    const colon = fault.indexOf(':');
    const [component, name] = [fault.slice(0, colon), fault.slice(colon + 1)];
    return { alertname: 'GatewatchSharedFault', severity: 'critical', component, name };
  }
  const { target } = VICTIMS[fault];
  const labels = { target, node: `n${(Number(/\d+/.exec(target)?.[0]) % 3) + 1}` };
  switch (fault) {
    case 'service':
      return { alertname: 'GatewatchServiceDown', severity: 'warning', fault: 'app-error', ...labels };
    case 'exposed':
      return { alertname: 'GatewatchExposed', severity: 'critical', ...labels };
    case 'walled-off':
      return { alertname: 'GatewatchWalledOff', severity: 'warning', ...labels };
  }
}

/** Whether both can be seen and named at the same time. */
export function areIndependent(one: SimulatedFault, other: SimulatedFault): boolean {
  return one !== other && SEEN_TOGETHER.some((group) => group.includes(one) && group.includes(other));
}
