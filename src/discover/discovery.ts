// All sources of one configuration together: keeps them listed, remembers their last good sets across restarts, and
// says what is to be watched. The set is the same function of what the sources said, whenever they said it.

import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { Drift, SourceStatus } from '../model/drift.ts';
import type { Target, TargetId } from '../model/target.ts';
import { type Baseline, heldTo } from './baseline.ts';
import type { SourceListing } from './claim.ts';
import type { Discoverer, Listing } from './discoverer.ts';
import type { DiscoverOption } from './discoverers.ts';
import { type MergeSetting, mergeTargets } from './merge.ts';
import { createRefresh, type Kept, type Refresh } from './refresh.ts';
import { keptFromText, savedText } from './saved-listing.ts';

/** A set that has not changed is written again this often, for its age. */
const SAVE_EVERY_MS = 600_000;

/** One entry of `discover:` with its name. */
export interface NamedSource {
  readonly name: string;
  readonly option: DiscoverOption;
}

/** What is to be watched, and what does not fit. */
export interface Discovered {
  readonly targets: readonly Target[];
  /** Names of the sources of every target; `static` for the configured list, `baseline` for what nobody lists. */
  readonly sources: ReadonlyMap<TargetId, readonly string[]>;
  readonly drift: readonly Drift[];
  /** Targets that the baseline does not know; empty without a baseline. */
  readonly unaccepted: ReadonlySet<TargetId>;
  /** Longest lifetime of sessions by gate, ms, where a source knows it. */
  readonly lifetimesMs: Readonly<Record<string, number>>;
  /** Every source has listed; before that nothing is told to be gone. */
  readonly isWhole: boolean;
}

/** What the configuration says beside the sources. */
export interface Ground {
  readonly statics: readonly Target[];
  readonly setting: MergeSetting;
  /** Null: none is configured. */
  readonly baseline: Baseline | null;
}

export interface Discovery {
  start(): void;
  stop(): Promise<void>;
  /** What is to be watched now; the static list before a source has listed. */
  discovered(): Discovered;
  sources(): readonly SourceStatus[];
}

export interface DiscoveryOptions {
  readonly sources: readonly NamedSource[];
  readonly create: (source: NamedSource) => Discoverer;
  readonly ground: Ground;
  readonly clock: Clock;
  readonly random: () => number;
  /** Text by source, of an earlier process and for the next. */
  readonly saved: { get(source: string): string | null; put(source: string, text: string): void };
  /** Told whenever `discovered` or the problems of `sources` may be others. */
  readonly changed: () => void;
}

/** What all of these listings make, held to the baseline. `isWhole`: there is one of every source. */
export function discoveredFrom(
  listings: readonly SourceListing[],
  { statics, setting, baseline }: Ground,
  isWhole: boolean,
): Discovered {
  const merged = mergeTargets(statics, listings, setting);
  const lifetimesMs = longestLifetimes(listings);
  if (baseline === null) return { ...merged, lifetimesMs, unaccepted: new Set(), isWhole };
  const held = heldTo(baseline, merged, { setting, isWhole });
  const kept = held.targets.filter(({ source }) => source === 'baseline');
  return {
    targets: held.targets,
    sources: new Map([...merged.sources, ...kept.map(({ id }) => [id, ['baseline']] as const)]),
    drift: [...held.drift, ...merged.drift],
    unaccepted: held.unaccepted,
    lifetimesMs,
    isWhole,
  };
}

function longestLifetimes(listings: readonly SourceListing[]): Record<string, number> {
  const longest = new Map<string, number>();
  for (const { listing } of listings)
    for (const [gate, ms] of Object.entries(listing.lifetimesMs ?? {}))
      longest.set(gate, Math.max(longest.get(gate) ?? 0, ms));
  return Object.fromEntries(longest);
}

/** Joins a source with what it listed. */
export function sourceListing(
  source: NamedSource,
  view: Discoverer['view'],
  listing: Listing,
): SourceListing {
  return { source: source.name, view, trust: source.option, listing };
}

/** Keeps all sources listed from `start` to `stop`. */
export function createDiscovery(options: DiscoveryOptions): Discovery {
  const { ground, clock, changed } = options;
  const running = options.sources.map((source) => begin(source, options));
  return {
    start() {
      for (const { refresh } of running) refresh.start();
      changed();
    },
    async stop() {
      await Promise.all(running.map(({ refresh }) => refresh.stop()));
    },
    discovered() {
      const listings = running.flatMap(({ source, view, refresh }) => {
        const { kept } = refresh.state();
        return kept === null ? [] : [sourceListing(source, view, kept.listing)];
      });
      return discoveredFrom(listings, ground, listings.length === running.length);
    },
    sources: () =>
      running.map(({ source, refresh }) => {
        const { kept, problem, problemSince, isLive } = refresh.state();
        return {
          source: source.name,
          kind: source.option.kind,
          lastSuccessAt: isLive ? clock.now() : (kept?.at ?? null),
          found: kept?.listing.found.length ?? 0,
          problem,
          problemSince,
        };
      }),
  };
}

function begin(
  source: NamedSource,
  { create, clock, random, saved, changed }: DiscoveryOptions,
): { source: NamedSource; view: Discoverer['view']; refresh: Refresh } {
  const { name, option } = source;
  const discoverer = create(source);
  const about = aboutOf(option);
  let savedKept: Kept | null = keptFromText(saved.get(name), about);
  const refresh = createRefresh({
    discoverer,
    clock,
    random,
    everyMs: option.every,
    timeoutMs: option.timeout,
    kept: savedKept,
    changed,
    confirmed(kept) {
      const isOld = savedKept === null || kept.at - savedKept.at > SAVE_EVERY_MS;
      if (!isOld && JSON.stringify(savedKept?.listing) === JSON.stringify(kept.listing)) return;
      savedKept = kept;
      saved.put(name, savedText(kept, about));
    },
  });
  return { source, view: discoverer.view, refresh };
}

/** What a set was listed from: another server under the same name has nothing to do with it. A hash, for secrets. */
function aboutOf({ hosts, overrides, labels, limit, every, timeout, name, ...own }: DiscoverOption): string {
  return createHash('sha256').update(JSON.stringify(own)).digest('hex');
}
