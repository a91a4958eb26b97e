// The checkpoint: everything that must outlive the process, as JSON. Times are stored by the wall clock and turned
// back into this process' monotonic clock. Evidence is kept as the recent results of checks that failed.

import { z } from 'zod';
import type { Component } from '../model/component.ts';
import { componentFromId } from '../model/component.ts';
import { type Acquittal, INCIDENT_KINDS, PROBER_REASONS } from '../model/incident.ts';
import type { SignatureId } from '../model/verdict.ts';
import type { Case } from './case.ts';
import { SIGHT_KINDS, type Sighting } from './exposure.ts';
import type { Instant } from './outcome.ts';

const time = z.number();
const names = z.array(z.string());

const caseSchema = z.object({
  id: z.string(),
  kind: z.enum(INCIDENT_KINDS),
  state: z.enum(['open', 'recovering', 'resolved']),
  blame: z.string().nullable(),
  firstBlame: z.string().nullable(),
  reason: z.enum(PROBER_REASONS).nullable(),
  name: z.string().nullable(),
  standing: z.boolean(),
  signature: z.string().nullable(),
  startedAt: time,
  started: time,
  openedAt: time,
  opened: time,
  resolvedAt: time.nullable(),
  resolved: time,
  about: names,
  targets: names,
  affected: z.array(z.object({ check: z.string(), lane: z.string(), lastFail: time, healed: z.number() })),
  lastFail: time,
  healthy: z.number(),
  healthyTargets: names,
  healthyLanes: names,
  recovering: time,
  turned: time.nullable().default(null),
  relapse: z.number(),
  flaps: z.number(),
  probesSpent: z.number(),
  sessionsSpent: z.number().default(0),
  unaffected: names.default([]),
  wouldHelp: z.string().nullable().default(null),
  strays: names.default([]),
  probability: z.number(),
  severity: z.number(),
  runnerUp: z.object({ component: z.string().nullable(), odds: z.number() }).nullable(),
  ambiguous: names,
  acquitted: z.array(z.object({ component: z.string(), tested: z.boolean(), evidence: z.string() })),
  inCommon: names,
  lanes: z.array(z.object({ visit: z.string(), path: z.string(), failing: z.number(), tried: z.number() })),
  tried: z.number(),
  behind: z.number(),
  supersededBy: z.string().nullable(),
  detail: z.string().nullable(),
  labels: z.record(z.string(), z.string()).nullable(),
  said: z.object({ at: time, targets: z.number(), lanes: z.number() }),
  questioned: time,
  described: time,
});

const schema = z.object({
  version: z.literal(1),
  nextId: z.number().int().positive(),
  cases: z.array(caseSchema),
  noise: z.record(z.string(), z.number()),
  /** Since when explanations have been likely, by component; `""` = unmodelled. */
  likely: z.record(z.string(), time).default({}),
  /** Recent results: check, wall time, and for failures signature and pointsAt. */
  recent: z.array(
    z.object({
      check: z.string(),
      at: time,
      pattern: z.object({ signature: z.string().nullable(), pointsAt: names }).nullable(),
    }),
  ),
  sightings: z.array(
    z.object({
      kind: z.enum(SIGHT_KINDS),
      check: z.string(),
      target: z.string(),
      pointsAt: names,
      first: time,
      firstAt: time,
      last: time,
      count: z.number(),
    }),
  ),
});

/** The durable state, with times of one clock: monotonic in memory, wall in the text. */
export interface Durable {
  readonly nextId: number;
  readonly cases: readonly Case[];
  readonly noise: Readonly<Record<string, number>>;
  readonly likely: Readonly<Record<string, number>>;
  readonly recent: z.infer<typeof schema>['recent'];
  readonly sightings: readonly Sighting[];
}

type StoredCase = z.infer<typeof caseSchema>;

/** Fields of a case that hold monotonic times. */
const TIMES = ['started', 'opened', 'resolved', 'lastFail', 'recovering', 'questioned', 'described'] as const;

/** JSON text. `now` relates the two clocks. */
export function encode(durable: Durable, now: Instant): string {
  const wall = (monotonicMs: number): number => Math.round(now.at + (monotonicMs - now.monotonicMs));
  return JSON.stringify({
    version: 1,
    nextId: durable.nextId,
    cases: durable.cases.map((fault) => storedCase(fault, wall)),
    noise: durable.noise,
    likely: mapped(durable.likely, wall),
    recent: durable.recent,
    sightings: durable.sightings.map((each) => ({
      ...each,
      pointsAt: [...each.pointsAt],
      first: wall(each.first),
      last: wall(each.last),
    })),
  } satisfies z.input<typeof schema>);
}

/** State of a text that `encode` made; null when there is none that this version can read. */
export function decode(text: string | null, now: Instant): Durable | null {
  if (text === null) return null;
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) return null;
  // A wall clock that was set back must not put the past into the future.
  const monotonic = (at: number): number => Math.min(now.monotonicMs, now.monotonicMs - (now.at - at));
  const { nextId, cases, noise, likely, recent, sightings } = parsed.data;
  return {
    nextId,
    cases: cases.map((stored) => liveCase(stored, monotonic, now)),
    noise,
    likely: mapped(likely, monotonic),
    recent,
    sightings: sightings.map((each) => ({
      ...each,
      first: monotonic(each.first),
      last: monotonic(each.last),
    })),
  };
}

function mapped(
  times: Readonly<Record<string, number>>,
  to: (at: number) => number,
): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(times).map(([name, at]) => [name, to(at)]));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function storedCase(fault: Case, wall: (monotonicMs: number) => number): StoredCase {
  const times = Object.fromEntries(TIMES.map((name) => [name, wall(fault[name])])) as Pick<
    StoredCase,
    (typeof TIMES)[number]
  >;
  return {
    ...fault,
    ...times,
    blame: fault.blame?.id ?? null,
    firstBlame: fault.firstBlame?.id ?? null,
    about: [...fault.about],
    targets: [...fault.targets],
    strays: [...fault.strays],
    turned: fault.turned === null ? null : wall(fault.turned),
    affected: [...fault.affected].map(([check, each]) => ({ check, ...each, lastFail: wall(each.lastFail) })),
    healthyTargets: [...fault.healthyTargets],
    healthyLanes: [...fault.healthyLanes],
    runnerUp:
      fault.runnerUp === null
        ? null
        : { component: fault.runnerUp.component?.id ?? null, odds: fault.runnerUp.odds },
    ambiguous: fault.ambiguous.map((each) => each.id),
    acquitted: fault.acquitted.map((each) => ({ ...each, component: each.component.id })),
    inCommon: [...fault.inCommon],
    unaffected: [...fault.unaffected],
    lanes: [...fault.lanes],
    labels: fault.labels === null ? null : { ...fault.labels },
    said: { ...fault.said, at: wall(fault.said.at) },
  };
}

function liveCase(stored: StoredCase, monotonic: (at: number) => number, now: Instant): Case {
  const times = Object.fromEntries(TIMES.map((name) => [name, monotonic(stored[name])])) as Pick<
    Case,
    (typeof TIMES)[number]
  >;
  return {
    ...stored,
    ...times,
    // A hold that ran out while nobody looked proves nothing: it starts anew.
    recovering: stored.state === 'recovering' ? now.monotonicMs : times.recovering,
    turned: stored.turned === null ? null : monotonic(stored.turned),
    signature: stored.signature as SignatureId | null,
    blame: live(stored.blame),
    firstBlame: live(stored.firstBlame),
    about: new Set(stored.about),
    targets: new Set(stored.targets),
    strays: new Set(stored.strays),
    affected: new Map(
      stored.affected.map(({ check, lane, lastFail, healed }) => [
        check,
        { lane, healed, lastFail: monotonic(lastFail) },
      ]),
    ),
    healthyTargets: new Set(stored.healthyTargets),
    healthyLanes: new Set(stored.healthyLanes),
    runnerUp:
      stored.runnerUp === null
        ? null
        : { component: live(stored.runnerUp.component), odds: stored.runnerUp.odds },
    ambiguous: stored.ambiguous.map(componentFromId),
    acquitted: stored.acquitted.map(
      (each): Acquittal => ({ ...each, component: componentFromId(each.component) }),
    ),
    said: { ...stored.said, at: monotonic(stored.said.at) },
  };
}

function live(id: string | null): Component | null {
  return id === null ? null : componentFromId(id);
}
