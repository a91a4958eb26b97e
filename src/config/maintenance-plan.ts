// The next times of each window of planned work, for people who check what they wrote.

import { aboutText, coversTarget, nextTimes } from '../correlate/maintenance.ts';
import type { MaintenanceTime } from '../model/maintenance.ts';
import type { EpochMs } from '../model/observation.ts';
import type { Config } from './config.ts';

/** Times that are listed: enough to see a day, a week, a change of the clocks. */
const SHOWN = 3;

export interface PlannedWindow {
  /** What it covers, as configured. */
  readonly about: string;
  /** How many targets it names. */
  readonly targets: number;
  /** The next ones, the running one included. */
  readonly times: readonly MaintenanceTime[];
}

/** Every configured window. */
export function maintenancePlan(config: Config, now: EpochMs): readonly PlannedWindow[] {
  return config.maintenance.map((window) => ({
    about: aboutText(window),
    targets: config.targets.filter((target) => coversTarget(window, target)).length,
    times: nextTimes(window, now, SHOWN),
  }));
}
