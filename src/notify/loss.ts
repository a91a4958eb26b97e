// What a queue that is too long loses first (threats X26).

import type { Waiting } from './waiting.ts';

/** A delivery that must go, and whether the receiver misses it. */
export interface Loss {
  readonly one: Waiting;
  readonly missed: boolean;
}

/** Losing these costs nobody anything: an end, or a newer text, still comes. */
const FREE = 1;

/**
 * The deliveries beyond `most` that are worth least; `queues` has one list for each incident, in order. `knows`: the
 * receiver believes that the incident fires.
 */
export function leastWorth(
  queues: readonly (readonly Waiting[])[],
  most: number,
  knows: (incident: string) => boolean,
): Loss[] {
  const over = queues.reduce((sum, all) => sum + all.length, 0) - most;
  if (over <= 0) return [];
  return queues
    .flatMap((all) => all.map((one) => ({ one, weight: weightOf(one, all, knows) })))
    .filter(({ one }) => !one.inFlight)
    .sort((a, b) => a.weight - b.weight || a.one.delivery.id - b.one.delivery.id)
    .slice(0, over)
    .map(({ one, weight }) => ({ one, missed: weight > FREE }));
}

/** News about the known, openings of what is over, ends of what was never heard of, all the rest. */
function weightOf(
  { delivery }: Waiting,
  all: readonly Waiting[],
  knows: (incident: string) => boolean,
): number {
  const { type, alert } = delivery;
  if (type === 'changed' || type === 'repeat') return 0;
  if (type === 'opened') return all.at(-1)?.delivery.alert.endsAt === null ? 3 : 1;
  return knows(alert.incident) ? 3 : 2;
}
