// Receivers that a reload has removed: they are told once that all they know is over, for nobody will tell them the
// real end (threats X31). The incidents go on.

import type { Incident } from '../model/incident.ts';
import type { EpochMs } from '../model/observation.ts';
import { type Alert, alertFromIncident } from './alert.ts';
import type { AlertContext } from './alert-context.ts';
import type { DispatcherStore } from './dispatcher-store.ts';
import type { Lane } from './lane.ts';
import type { Now } from './waiting.ts';

/** Why it is over: it stands in the text. */
const LEFT = 'receiver removed from the configuration';

/** Queues the end of everything that the receiver believes to fire; what it never heard of it will not. */
export function endAll(
  lane: Lane,
  { store, context }: { store: Pick<DispatcherStore, 'incidents'>; context: AlertContext },
  now: Now,
): void {
  for (const { delivery } of lane.waiting()) lane.withdraw(delivery.alert.incident);
  for (const id of lane.firing()) {
    const incident = store.incidents.get(id);
    const known = lane.acceptedOf(id)?.alert;
    if (known === undefined) continue;
    const alert: Alert =
      incident === null
        ? { ...known, endsAt: Math.max(now.at, known.startsAt) }
        : alertFromIncident(leftBehind(incident, now.at, known.labels), context);
    lane.take({ alert, type: 'resolved', at: now.at }, now);
  }
}

/** The incident as it is told there. */
function leftBehind(incident: Incident, at: EpochMs, labels: Alert['labels']): Incident {
  if (incident.state === 'resolved') return { ...incident, labels };
  const resolvedAt = Math.max(at, incident.startedAt);
  return { ...incident, labels, state: 'resolved', resolvedAt, supersededBy: LEFT };
}
