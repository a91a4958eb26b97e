// Options of `checks:`, in the words of the configuration file (DESIGN 3 and 6).

import { z } from 'zod';
import { duration } from '../base/schema.ts';
import type { NetworkPath } from '../model/network-path.ts';

/** How often what is visited. */
export interface CheckRules {
  /** Interval of `return` visits (and of everything that costs no session) in ms, by path name or kind. */
  readonly returnEvery: Readonly<Record<string, number>>;
  /** Wanted interval of each fresh visit of a gate's targets, ms; null = as often as the budget allows. */
  readonly freshEveryMs: number | null;
}

/** Through the CDN requests may be billed or capped; straight to the origin they are ours alone (DESIGN 3). */
const DEFAULT_RETURN_EVERY = { cdn: 300_000, origin: 60_000, direct: 60_000 };

const everySchema = z
  .union([
    duration().transform((everyMs) => ({ cdn: everyMs, origin: everyMs, direct: everyMs })),
    z.record(z.string(), duration()),
  ])
  .transform((written): Record<string, number> => ({ ...DEFAULT_RETURN_EVERY, ...written }));

/** `checks:` as far as it is built. */
export const checksSchema = z
  .strictObject({
    return: z.strictObject({ every: everySchema.default(DEFAULT_RETURN_EVERY) }).optional(),
    fresh: z.strictObject({ every: z.union([z.literal('auto'), duration()]).default('auto') }).optional(),
  })
  .transform(
    (written): CheckRules => ({
      returnEvery: written.return?.every ?? DEFAULT_RETURN_EVERY,
      freshEveryMs:
        written.fresh === undefined || written.fresh.every === 'auto' ? null : written.fresh.every,
    }),
  );

/** Interval of what costs no session on a path, ms: by its name, else by its kind. */
export function returnEveryMs(rules: CheckRules, path: NetworkPath): number {
  return rules.returnEvery[path.name] ?? rules.returnEvery[path.kind] ?? DEFAULT_RETURN_EVERY[path.kind];
}
