// A store in a folder, for tests that are hard on it: what it says is kept, and it can be let go of as a crash does.

import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { openStore, type Store, type StoreOptions } from '../../src/store/store.ts';

const DAY_MS = 86_400_000;

export interface StoreUnderTest {
  readonly store: Store;
  /** What it told of its troubles, in order. */
  readonly problems: (string | null)[];
}

/** Opens it; times are generous unless told otherwise. */
export function openIn(
  folder: string,
  part: Partial<StoreOptions> = {},
  clock: Clock = systemClock,
): StoreUnderTest {
  const problems: (string | null)[] = [];
  const store = openStore({
    file: join(folder, 'gatewatch.db'),
    clock,
    log: silentLog(),
    resultsMs: 14 * DAY_MS,
    rollupsMs: 400 * DAY_MS,
    maxBytes: 2 ** 31,
    problem: (detail) => problems.push(detail),
    ...part,
  });
  return { store, problems };
}
