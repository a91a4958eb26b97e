// Ids of results and deliveries: they rise whatever the wall clock does, and tell about when a row was written.

/** Ids a millisecond. 2^53 / 1024 ms is the year 2248; a factor of 8192 would have passed 2^53 (threats M14). */
const IDS_A_MS = 1024;
/** A clock beyond this is wrong; ids then only count up. */
const LAST_ID_BY_CLOCK = 2 ** 52;

/** Next id: above `last`, and at least the one that belongs to the instant `at`. A safe integer. */
export function nextId(last: number, at: number): number {
  const byClock = Math.floor(at) * IDS_A_MS;
  return Math.max(last + 1, byClock <= LAST_ID_BY_CLOCK ? byClock : 0);
}

/** Lowest id a row of the instant `at` or later can have. */
export function firstIdAt(at: number): number {
  return Math.floor(at) * IDS_A_MS;
}

/** The instant an id tells, ms since the epoch; late by the id's lead. */
export function atOfId(id: number): number {
  return Math.floor(id / IDS_A_MS);
}

/** How far the id runs ahead of the instant, ms: 0 unless the clock went back or one ms had over 1024 rows. */
export function idLeadMs(id: number, at: number): number {
  return Math.max(0, Math.floor(id / IDS_A_MS) - Math.floor(at));
}
