// The `store:` part of the configuration.

import { z } from 'zod';
import { duration, size } from '../base/schema.ts';

/** Settings of the store, as the configuration names them. */
export interface StoreSettings {
  readonly file: string;
  readonly resultsMs: number;
  readonly rollupsMs: number;
  readonly maxBytes: number;
}

const DAY_MS = 86_400_000;
/** A smaller store could not hold a day of a small site. */
const SMALLEST_BYTES = 16 * 2 ** 20;

/** `store:`. */
export const storeSchema = z
  .strictObject({
    file: z
      .string()
      .min(1)
      .default('gatewatch.db')
      .describe('SQLite file of results; the state is kept beside it'),
    results: duration({ minMs: 3_600_000 })
      .default(14 * DAY_MS)
      .describe('how long single results are kept'),
    rollups: duration({ minMs: DAY_MS })
      .default(400 * DAY_MS)
      .describe('how long daily sums and incidents are kept'),
    max: size({ minBytes: SMALLEST_BYTES })
      .default(2 * 2 ** 30)
      .describe('size at which the oldest results go earlier'),
    key: z.undefined({ error: 'not built yet: it will encrypt kept sessions' }).optional(),
  })
  .transform(
    ({ file, results, rollups, max }): StoreSettings => ({
      file,
      resultsMs: results,
      rollupsMs: rollups,
      maxBytes: max,
    }),
  );
