// All sources listed once, for commands: what each has said, or why it has not.

import { type Clock, deadline } from '../base/clock.ts';
import type { SourceListing } from './claim.ts';
import type { Discoverer } from './discoverer.ts';
import { type NamedSource, sourceListing } from './discovery.ts';

/** Lists all of them at the same time, each within its own time limit. Never rejects. */
export async function listOnce(
  sources: readonly NamedSource[],
  create: (source: NamedSource) => Discoverer,
  clock: Clock,
): Promise<{ readonly listings: readonly SourceListing[]; readonly failures: readonly string[] }> {
  const failures: string[] = [];
  const listings = await Promise.all(
    sources.map(async (source) => {
      await using discoverer = create(source);
      using limit = deadline(clock, source.option.timeout, new AbortController().signal);
      try {
        return [sourceListing(source, discoverer.view, await discoverer.list(limit.signal))];
      } catch (error) {
        failures.push(error instanceof Error ? error.message : `${source.name}: failed`);
        return [];
      }
    }),
  );
  return { listings: listings.flat(), failures: failures.sort() };
}
