// Exposed and walled-off targets: seen twice, at least 15 s apart, without waiting for shared evidence (DESIGN 4).

import { type Component, componentFromId } from '../model/component.ts';
import type { CheckNode, Topology } from './topology.ts';

export const SIGHT_KINDS = ['exposed', 'walled-off'] as const;
export type SightKind = (typeof SIGHT_KINDS)[number];

/** Two sightings must be this far apart. */
export const SIGHT_SPAN_MS = 15_000;
/** From so many targets on the common component is named instead. */
export const COMMON_FROM = 3;
/** Never what makes an app answer a stranger. */
const UNNAMED = new Set(['vantage', 'resolver', 'dns', 'certificate', 'gate-sessions', 'idp']);

/** What one check saw of it. */
export interface Sighting {
  readonly kind: SightKind;
  readonly check: string;
  readonly target: string;
  readonly first: number;
  readonly firstAt: number;
  readonly pointsAt: readonly string[];
  last: number;
  count: number;
}

/** A target whose exposure is confirmed. */
export interface Confirmed {
  readonly kind: SightKind;
  readonly target: string;
  readonly checks: readonly string[];
  readonly started: number;
  readonly startedAt: number;
  /** An answer out of the CDN's cache blames the CDN at once. */
  readonly pointsAt: readonly string[];
}

/** Pending sightings by check. */
export type Sightings = Map<string, Sighting>;

/** Notes a sighting; the kind of a check's sighting may change, then it starts anew. */
export function noteSighting(
  sightings: Sightings,
  seen: {
    kind: SightKind;
    check: string;
    target: string;
    pointsAt: readonly string[];
    monotonicMs: number;
    at: number;
  },
): void {
  const known = sightings.get(seen.check);
  if (known !== undefined && known.kind === seen.kind) {
    known.last = seen.monotonicMs;
    known.count++;
    return;
  }
  const { kind, check, target, pointsAt, monotonicMs, at } = seen;
  sightings.set(check, {
    kind,
    check,
    target,
    pointsAt,
    first: monotonicMs,
    firstAt: at,
    last: monotonicMs,
    count: 1,
  });
}

/** Targets seen twice, far enough apart. */
export function confirmedTargets(sightings: Sightings): Confirmed[] {
  const byTarget = new Map<string, Sighting[]>();
  for (const sighting of sightings.values()) {
    const key = `${sighting.kind} ${sighting.target}`;
    byTarget.set(key, [...(byTarget.get(key) ?? []), sighting]);
  }
  const confirmed: Confirmed[] = [];
  for (const list of byTarget.values()) {
    const first = list.reduce((a, b) => (b.first < a.first ? b : a));
    const last = Math.max(...list.map((each) => each.last));
    if (last - first.first < SIGHT_SPAN_MS) continue;
    confirmed.push({
      kind: first.kind,
      target: first.target,
      checks: list.map((each) => each.check),
      started: first.first,
      startedAt: first.firstAt,
      pointsAt: first.pointsAt,
    });
  }
  return confirmed;
}

/**
 * Component to name for exposed targets: the one that the signature points at and all run through, else the most
 * specific one they share. Null below three targets, unless the signature blames the CDN (a cached answer).
 */
export function commonComponent(topology: Topology, sightings: readonly Sighting[]): Component | null {
  const cached = sightings.every((each) => each.pointsAt[0] === 'cdn');
  const targets = new Set(sightings.map((each) => each.target));
  if (targets.size < COMMON_FROM && !(cached && targets.size > 0)) return null;
  const ways = sightings.flatMap((each) => {
    const check = topology.checks[topology.byCheck.get(each.check) ?? -1];
    return check === undefined ? [] : [namedWays(topology, check)];
  });
  const shared = [...(ways[0] ?? [])].filter((index) => ways.every((each) => each.has(index)));
  const nodes = shared.flatMap((index) => topology.components[index] ?? []);
  for (const type of sightings[0]?.pointsAt ?? []) {
    const pointed = nodes.find((node) => node.component.type === type);
    if (pointed !== undefined) return pointed.component;
  }
  const closest = nodes.sort((a, b) => a.hard.length - b.hard.length || b.index - a.index)[0];
  return closest === undefined ? null : componentFromId(closest.component.id);
}

function namedWays(topology: Topology, check: CheckNode): Set<number> {
  const named = check.ways.filter(
    (way) => !way.soft && !UNNAMED.has(topology.components[way.component]?.component.type ?? ''),
  );
  return new Set(named.map((way) => way.component));
}
