// What the old way of watching cost: every fetch without a cookie leaves a session at the gate in front of the page
// (reference: an authentik outpost keeps a page of 4 KiB for each, as long as its tokens live).

import { zoneOf } from '../discover/zone.ts';
import type { ImportedPage } from './imported.ts';

const DAY_SECONDS = 86_400;
/** Docker's default /dev/shm, where authentik's outposts keep sessions, in their number; and a week, in days. */
const ROOM_SESSIONS = (64 * 2 ** 20) / 4096;
const LIFETIME_DAYS = 7;

/** Of the pages of one zone, which usually share a gate. */
export interface ZoneCost {
  readonly zone: string;
  readonly pages: number;
  readonly requestsADay: number;
  /** How long until 64 MiB of sessions are full, hours; null when they never are within a week. */
  readonly fullAfterHours: number | null;
}

/** Costs by zone, the dearest first. */
export function costsOf(pages: readonly ImportedPage[]): ZoneCost[] {
  const byZone = Map.groupBy(pages, ({ url }) => zoneOf(URL.parse(url)?.hostname ?? '', []));
  return [...byZone]
    .filter(([zone]) => zone !== '')
    .map(([zone, all]) => {
      const perDay = all.reduce((sum, page) => sum + DAY_SECONDS / page.intervalSeconds, 0);
      const isFull = perDay * LIFETIME_DAYS > ROOM_SESSIONS;
      return {
        zone,
        pages: all.length,
        requestsADay: Math.round(perDay),
        fullAfterHours: isFull ? Math.round((ROOM_SESSIONS / perDay) * 24) : null,
      };
    })
    .sort((one, other) => other.requestsADay - one.requestsADay || (one.zone < other.zone ? -1 : 1));
}
