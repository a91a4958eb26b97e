// Instants on the command line: how long ago, or a date of UTC.

import { systemClock } from '../base/clock.ts';
import { parseDuration } from '../base/duration.ts';
import type { EpochMs } from '../model/observation.ts';
import { UsageError } from './contract.ts';

/** `2026-04-18`, `2026-04-18T16:05Z`, `2026-04-18T16:05:07+02:00`: a time needs its zone. */
const DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

/** The instant that an option says. Throws UsageError. */
export function instantFrom(option: string, text: string): EpochMs {
  const agoMs = parseDuration(text);
  if (agoMs !== null) return systemClock.now() - agoMs;
  const at = DATE.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at))
    throw new UsageError(`--${option} must be a duration, like 24h, or a date, like 2026-04-18T16:05Z`);
  return at;
}

/** `2026-04-18 16:05:07`, in UTC. */
export function utc(at: EpochMs): string {
  return new Date(at).toISOString().replace('T', ' ').slice(0, 19);
}
