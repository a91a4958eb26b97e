// Doubtful windows of planned work: that hide everything for long, that never come, or that cover nothing.

import { humanDuration } from '../base/duration.ts';
import { coversTarget, nextTimes } from '../correlate/maintenance.ts';
import type { EpochMs } from '../model/observation.ts';
import type { Config } from './config.ts';
import type { Finding } from './problem.ts';

/** A night's work is shorter; what hides everything for longer hides an outage. */
const LONG_MS = 86_400_000;

/** Warnings about `maintenance`, as of now. */
export function maintenanceWarnings(config: Config, now: EpochMs): Finding[] {
  return config.maintenance.flatMap((window, index) => {
    const path = ['maintenance', index];
    const [next] = nextTimes(window, now, 1);
    if (next === undefined) return [{ path, message: 'never comes, or not again' }];
    const covered = config.targets.filter((target) => coversTarget(window, target));
    const lastsMs = next.endsAt - Math.max(now, next.startsAt);
    if (covered.length === config.targets.length && lastsMs > LONG_MS) {
      const message = `covers every target for ${humanDuration(lastsMs)}: nobody is told of an outage meanwhile`;
      return [{ path, message }];
    }
    if (covered.length > 0 || window.component !== undefined) return [];
    return [{ path, message: 'covers no target' }];
  });
}
