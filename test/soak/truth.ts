// What is true about each fault of the demo: the labels its one alert must carry, and what it hides from every prober
// (DESIGN 1 and 5). Written from the design, not from what the daemon says.

import { FAULTS, type FaultId, VICTIMS } from '../../src/demo/faults.ts';
import { LOGIN_HOST } from '../../src/demo/services.ts';

/** All labels of an alert; a list = any of these. */
export type Wanted = Readonly<Record<string, string | readonly string[]>>;

/** Who may be asked about a fault, by its alert: the one right label set. */
export function wantedOf(fault: FaultId, port: string): Wanted {
  const shared = (component: string, name: string): Wanted => ({
    alertname: 'GatewatchSharedFault',
    severity: 'critical',
    component,
    name,
  });
  const service = (host: string, signature: string): Wanted => ({
    alertname: 'GatewatchServiceDown',
    severity: 'warning',
    target: `${host}:${port}`,
    fault: signature,
  });
  const prober = (reason: string, name: readonly string[]): Wanted => ({
    alertname: 'GatewatchProber',
    severity: 'warning',
    vantage: 'demo',
    reason,
    name,
  });
  switch (fault) {
    case 'session-store-full':
      return shared('gate-sessions', 'authentik');
    case 'gate-down':
      return shared('gate', 'authentik');
    case 'idp-down':
    case 'login-page-blank':
      return shared('idp', `${LOGIN_HOST}:${port}`);
    case 'cdn-tunnel-dead':
    case 'challenge-page':
      return shared('cdn', 'cdn');
    case 'origin-unreachable':
      return shared('origin', 'origin');
    case 'service-down':
      return service(VICTIMS.down, 'proxy-no-backend');
    case 'app-broken':
      return service(VICTIMS.broken, 'proxy-no-backend');
    case 'gate-restarted':
      return shared('gate', 'authentik');
    case 'no-route':
      return service(VICTIMS.noRoute, 'proxy-no-route');
    case 'service-exposed':
      return {
        alertname: 'GatewatchExposed',
        severity: 'critical',
        target: `${VICTIMS.exposed}:${port}`,
      };
    case 'public-walled-off':
      return {
        alertname: 'GatewatchWalledOff',
        severity: 'warning',
        target: `${VICTIMS.walledOff}:${port}/deploy`,
      };
    case 'certificate-expired':
      return shared('certificate', '*.lab.test@origin');
    case 'prober-banned':
      return prober('blocked', ['demo']);
    case 'uplink-gone':
      return prober('uplink', ['demo']);
  }
}

/** Faults that take from the prober every sight of the others. */
const HIDES_ALL: readonly FaultId[] = ['uplink-gone', 'prober-banned', 'origin-unreachable'];
/** Further pairs of which one cannot be seen, or not told apart, while the other lasts. */
const HIDES: Partial<Record<FaultId, readonly FaultId[]>> = {
  'cdn-tunnel-dead': ['idp-down', 'login-page-blank', 'challenge-page'],
  'challenge-page': ['idp-down', 'login-page-blank'],
  'idp-down': ['login-page-blank'],
  'gate-down': ['session-store-full', 'public-walled-off', 'gate-restarted'],
  'session-store-full': ['public-walled-off'],
  'certificate-expired': ['no-route', 'public-walled-off'],
};

/** Whether both can be seen and named at the same time. */
export function areIndependent(one: FaultId, other: FaultId): boolean {
  if (one === other || HIDES_ALL.includes(one) || HIDES_ALL.includes(other)) return false;
  return !(HIDES[one]?.includes(other) ?? false) && !(HIDES[other]?.includes(one) ?? false);
}

/** Whether these are exactly the labels wanted. */
export function hasLabels(labels: Readonly<Record<string, string>>, wanted: Wanted): boolean {
  const names = Object.keys(labels);
  if (names.length !== Object.keys(wanted).length) return false;
  return names.every((name) => [wanted[name] ?? []].flat().includes(labels[name] ?? ''));
}

export const FAULT_IDS: readonly FaultId[] = FAULTS.map((fault) => fault.id);
