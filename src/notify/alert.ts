// Alerts: what the outside is told about an incident, in Alertmanager's form. Pure. Labels are the identity and
// never change once they were sent; everything that changes is an annotation (DESIGN 5).

import type { Incident } from '../model/incident.ts';
import type { EpochMs } from '../model/observation.ts';
import { type AlertContext, incidentUrl } from './alert-context.ts';
import { annotationsFromIncident } from './annotations.ts';
import { fingerprint } from './fingerprint.ts';
import { labelsFromIncident } from './labels.ts';

export interface Alert {
  /** Id of the incident, or the name of an alert without one (`watchdog`, `test`). */
  readonly incident: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** First failure. */
  readonly startsAt: EpochMs;
  /** Null while it fires. */
  readonly endsAt: EpochMs | null;
  readonly generatorUrl: string | null;
  readonly fingerprint: string;
}

/** The alert of an incident as it is now. Labels already frozen in the incident are taken as they are. */
export function alertFromIncident(incident: Incident, context: AlertContext): Alert {
  const labels = incident.labels ?? labelsFromIncident(incident, context);
  return {
    incident: incident.id,
    labels,
    annotations: annotationsFromIncident(incident, labels, context),
    startsAt: incident.startedAt,
    // A clock that was set back meanwhile must not move the start, which receivers know already.
    endsAt:
      incident.state === 'resolved'
        ? Math.max(incident.startedAt, incident.resolvedAt ?? incident.startedAt)
        : null,
    generatorUrl: incidentUrl(incident.id, context),
    fingerprint: fingerprint(labels),
  };
}

/** Stands in for an incident id. */
export const WATCHDOG = 'watchdog';

/** The alert that always fires while the daemon lives (`watchdog: true`). It inherits no configured label. */
export function watchdogAlert(context: AlertContext, startsAt: EpochMs): Alert {
  const labels = { alertname: 'GatewatchWatchdog', severity: 'none', vantage: context.vantage };
  return {
    incident: WATCHDOG,
    labels,
    annotations: {
      summary: `gatewatch at ${context.vantage} is alive`,
      description: 'Always firing. When it ends, nobody is watching.',
    },
    startsAt,
    endsAt: null,
    generatorUrl: context.webUrl,
    fingerprint: fingerprint(labels),
  };
}

/** A short alert that shows whether a receiver works. It takes the configured labels, so it is routed like others. */
export function testAlert(context: AlertContext, startsAt: EpochMs): Alert {
  const labels = { ...context.alerts.labels, alertname: 'GatewatchTest', severity: 'none' };
  return {
    incident: 'test',
    labels,
    annotations: {
      summary: `Test of gatewatch at ${context.vantage}: nothing is wrong`,
      description: 'Sent by hand with `gatewatch test-alert`; it resolves itself.',
    },
    startsAt,
    endsAt: null,
    generatorUrl: context.webUrl,
    fingerprint: fingerprint(labels),
  };
}
