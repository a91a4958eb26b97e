// Planned work: a time in which no incident opens about what is covered (DESIGN 6, `maintenance`).

import type { EpochMs } from './observation.ts';

/** One time of one configured window. */
export interface MaintenanceTime {
  readonly startsAt: EpochMs;
  readonly endsAt: EpochMs;
}

/** A configured window as people see it. */
export interface MaintenanceStatus {
  /** What it covers, as configured: `targets *`. */
  readonly about: string;
  /** The time that runs now; null = none. */
  readonly now: MaintenanceTime | null;
  /** The next one after that; null = never again. */
  readonly next: MaintenanceTime | null;
}
