// Memory over restart and reload: the recent results of checks that failed lately are taken out and put in again.

import type { Durable } from './checkpoint.ts';
import type { Instant } from './outcome.ts';
import { type State, UNMODELLED } from './state.ts';

/** Results of this age are no evidence any more. */
const RECENT_MS = 900_000;

/** Noise by lane. */
export function laneNoise(state: State): Record<string, number> {
  const { topology, evidence } = state;
  return Object.fromEntries(topology.lanes.map((lane, at) => [lane, evidence.noise[at] ?? 0]));
}

/** Since when explanations have been likely, monotonic ms, by component id; `''` = unmodelled. */
export function likelyNames(state: State): Readonly<Record<string, number>> {
  const { components } = state.topology;
  return Object.fromEntries(
    [...state.likelySince].map(([index, since]) => [components[index]?.component.id ?? '', since]),
  );
}

/** Takes remembered explanations again; what the topology no longer has is dropped. */
export function rememberLikely(state: State, likely: Readonly<Record<string, number>>): void {
  state.likelySince = new Map();
  for (const [id, since] of Object.entries(likely)) {
    const index = id === '' ? UNMODELLED : state.topology.byComponent.get(id);
    if (index !== undefined) state.likelySince.set(index, since);
  }
}

/** Recent results of checks that failed lately, oldest first. */
export function recentResults(state: State, now: Instant): Durable['recent'] {
  const { evidence } = state;
  const list: (Durable['recent'][number] & { readonly mono: number })[] = [];
  for (const record of evidence.records) {
    if (now.monotonicMs - record.lastFailAt > RECENT_MS) continue;
    for (const { at, wall, kind } of record.entries()) {
      const known = evidence.patterns[kind];
      const pattern =
        known === undefined ? null : { signature: known.signature, pointsAt: [...known.pointsAt] };
      list.push({ check: record.check.id, at: wall, pattern, mono: at });
    }
  }
  return list.sort((a, b) => a.mono - b.mono).map(({ check, at, pattern }) => ({ check, at, pattern }));
}

/** Takes remembered results again, without telling the cases, which know them. */
export function rememberResults(
  state: State,
  recent: Durable['recent'],
  noise: Durable['noise'],
  now: Instant,
): void {
  const { evidence, topology } = state;
  for (const [at, lane] of topology.lanes.entries())
    evidence.noise[at] = noise[lane] ?? evidence.noise[at] ?? 0;
  for (const { check, at, pattern } of recent) {
    const record = evidence.records[topology.byCheck.get(check) ?? -1];
    if (record === undefined || now.at - at > RECENT_MS) continue;
    // What failed while it was planned counts no more when that is over.
    if (state.wasPlanned(record.check.index, at)) continue;
    // A wall clock that was set back must not put the past into the future.
    const monotonicMs = Math.min(now.monotonicMs, now.monotonicMs - (now.at - at));
    const kind = pattern === null ? -1 : evidence.pattern(pattern.signature, pattern.pointsAt);
    record.push({ at, monotonicMs }, kind);
  }
  // Checks that only passed are not remembered: failures by chance would weigh too much without them.
  state.refresh();
}
