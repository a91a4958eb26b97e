// The `store:` part of the configuration.

import { z } from 'zod';
import { duration, oneOrMany, size } from '../base/schema.ts';
import { Secret } from '../base/secret.ts';

/** Settings of the store, as the configuration names them. */
export interface StoreSettings {
  readonly file: string;
  readonly resultsMs: number;
  readonly rollupsMs: number;
  readonly maxBytes: number;
  /** Kept sessions are sealed with the first and opened with any; none = they are in memory only. */
  readonly keys: readonly Secret[];
}

const DAY_MS = 86_400_000;
/** A smaller store could not hold a day of a small site. */
const SMALLEST_BYTES = 16 * 2 ** 20;

/** A key that somebody thought up has to be long; one made by `openssl rand -base64 32` has 44. */
const SHORTEST_KEY = 24;

const key = z
  .string()
  .min(SHORTEST_KEY, {
    error: `must have at least ${SHORTEST_KEY} characters; make one with openssl rand -base64 32`,
  })
  .transform((text) => new Secret(text));

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
    key: oneOrMany(key)
      .optional()
      .describe('encrypts kept sessions; of a list the first one, the others open old ones'),
  })
  .transform(
    ({ file, results, rollups, max, key: keys }): StoreSettings => ({
      file,
      resultsMs: results,
      rollupsMs: rollups,
      maxBytes: max,
      keys: keys ?? [],
    }),
  );
