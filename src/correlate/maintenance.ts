// Maintenance windows: which are open at an instant, what they cover, and what happens at their end. Pure but for a
// memory of the last answer.
//
// A check is covered when its target is, when a covered component is on its way, or, for a canary, when every target
// behind what it is about is covered. Controls never are: they watch ourselves.

import { Cron } from 'croner';
import { matchesGlob } from '../base/glob.ts';
import type { MaintenanceStatus, MaintenanceTime } from '../model/maintenance.ts';
import type { EpochMs } from '../model/observation.ts';
import type { Target } from '../model/target.ts';
import type { CheckRecord } from './evidence.ts';
import type { Sightings } from './exposure.ts';
import type { MaintenanceOption } from './maintenance-options.ts';
import type { Instant, Wanted } from './outcome.ts';
import type { CheckNode, Topology } from './topology.ts';

/** Times of a window that overlap the one before are one; beyond this many it counts as one that never ends. */
const MOST_MERGED = 500;

export interface Maintenance {
  /** The windows open at an instant, and until when that stays so; the same object while nothing changes. */
  at(now: EpochMs): OpenWindows;
  /** All windows, in the order of the configuration. */
  status(now: EpochMs): readonly MaintenanceStatus[];
}

export interface OpenWindows {
  readonly open: readonly MaintenanceOption[];
  /** When a window opens or ends next; Infinity = never. */
  readonly until: EpochMs;
}

/** Maintenance as configured. */
export function createMaintenance(options: readonly MaintenanceOption[]): Maintenance {
  const windows = options.map((option) => ({ option, times: timesOf(option) }));
  let known: Known | null = null;
  const lookUp = (now: EpochMs): Known => {
    // When the clock went back, it is asked anew, too.
    if (known !== null && now >= known.since && now < known.until) return known;
    const found = windows.map(({ option, times }) => ({ option, ...times(now) }));
    const ends = found.map((each) => each.now?.endsAt ?? each.next?.startsAt ?? Number.POSITIVE_INFINITY);
    known = {
      open: found.filter((each) => each.now !== null).map(({ option }) => option),
      status: found.map(({ option, ...times }) => ({ about: aboutText(option), ...times })),
      since: now,
      until: Math.min(...ends),
    };
    return known;
  };
  return { at: lookUp, status: (now) => lookUp(now).status };
}

interface Known extends OpenWindows {
  readonly status: readonly MaintenanceStatus[];
  readonly since: EpochMs;
}

/** The next times of a window that end after an instant, `count` at most. */
export function nextTimes(option: MaintenanceOption, now: EpochMs, count: number): MaintenanceTime[] {
  const times = timesOf(option);
  const found: MaintenanceTime[] = [];
  for (let at = now; found.length < count; ) {
    const { now: running, next } = times(at);
    const time = running ?? next;
    if (time === null || time.endsAt <= at) break;
    found.push(time);
    at = time.endsAt;
  }
  return found;
}

type Times = (now: EpochMs) => {
  readonly now: MaintenanceTime | null;
  readonly next: MaintenanceTime | null;
};

function timesOf(option: MaintenanceOption): Times {
  const { from, to, cron, for: lengthMs, timezone } = option;
  if (cron === undefined || lengthMs === undefined) {
    const time = { startsAt: from ?? 0, endsAt: to ?? 0 };
    return (now) => ({
      now: time.startsAt <= now && now < time.endsAt ? time : null,
      next: now < time.startsAt ? time : null,
    });
  }
  const pattern = new Cron(cron, { mode: '5-part', timezone: timezone ?? 'UTC' });
  const after = (at: EpochMs): EpochMs | null => pattern.nextRun(new Date(at))?.getTime() ?? null;
  /** The time that begins with this start, with all that overlap it. */
  const merged = (startsAt: EpochMs): MaintenanceTime => {
    let endsAt = startsAt + lengthMs;
    let last: EpochMs | null = startsAt;
    for (let count = 0; count < MOST_MERGED; count++) {
      last = after(last);
      if (last === null || last > endsAt) return { startsAt, endsAt };
      endsAt = last + lengthMs;
    }
    return { startsAt, endsAt };
  };
  return (now) => {
    const start = after(now - lengthMs);
    if (start === null) return { now: null, next: null };
    const first = merged(start);
    if (first.startsAt > now) return { now: null, next: first };
    const following = after(first.endsAt);
    return { now: first, next: following === null ? null : merged(following) };
  };
}

/** `targets *`, `component gate:authentik`, `targets with node=rack-1`. */
export function aboutText({ targets, component, labels }: MaintenanceOption): string {
  const pairs = Object.entries(labels ?? {}).map(([name, value]) => `${name}=${value}`);
  return [
    targets === undefined ? '' : `targets ${targets.join(', ')}`,
    component === undefined ? '' : `component ${component.join(', ')}`,
    pairs.length === 0 ? '' : `targets with ${pairs.join(', ')}`,
  ]
    .filter((part) => part !== '')
    .join(' and ');
}

/** Whether a window names this target. */
export function coversTarget(
  option: MaintenanceOption,
  target: Pick<Target, 'id' | 'host' | 'labels'>,
): boolean {
  if (option.targets?.some((pattern) => matchesGlob(pattern, target.id)) === true) return true;
  const own = [`target:${target.id}`, `host:${target.host}`];
  if (option.component?.some((pattern) => own.some((id) => matchesGlob(pattern, id))) === true) return true;
  const labels = Object.entries(option.labels ?? {});
  return labels.length > 0 && labels.every(([name, value]) => target.labels[name] === value);
}

/** For each check of a topology 1 where the open windows cover it; null when they cover none. */
export function coveredChecks(topology: Topology, open: readonly MaintenanceOption[]): Uint8Array | null {
  if (open.length === 0) return null;
  const components = topology.components.map(({ component }) =>
    open.some((option) => option.component?.some((pattern) => matchesGlob(pattern, component.id))),
  );
  const services = topology.services.map(
    ({ target }) => target !== null && open.some((option) => coversTarget(option, target)),
  );
  const isCovered = (check: CheckNode): boolean => {
    const { subject } = check;
    if (subject.kind === 'canary' && subject.canary === 'control') return false;
    if (check.ways.some((way) => !way.soft && components[way.component] === true)) return true;
    if (subject.kind === 'visit') return services[check.service] === true;
    const behind = topology.components[topology.byComponent.get(subject.about) ?? -1]?.services ?? [];
    return behind.length > 0 && behind.every((service) => services[service] === true);
  };
  const covered = Uint8Array.from(topology.checks, (check) => (isCovered(check) ? 1 : 0));
  return covered.includes(1) ? covered : null;
}

/** Checks that are probed at once when planned work ends, those that cost a session apart; a failure asks for more. */
const LOOK_AGAIN = { free: 32, costly: 4 };

/** What of the correlator's state the end of planned work changes. */
interface Aftermath {
  readonly topology: Topology;
  readonly evidence: { readonly records: readonly CheckRecord[] };
  readonly coverage: { readonly explained: Uint8Array };
  readonly sightings: Sightings;
  readonly now: Instant;
  isPlanned(check: number | undefined): boolean;
  want(index: number, notBefore: number, why: Wanted['why']): void;
}

/**
 * What failed while it was planned may be well by now: it counts from the end of the work on, and is looked at then. The
 * last probe of a check may be minutes old, and an alert at the end of each good night's work would be a false one.
 */
export function lookAgain(state: Aftermath, before: Uint8Array): void {
  const left = { ...LOOK_AGAIN };
  const isOver = (index: number): boolean =>
    before[index] === 1 && !state.isPlanned(index) && state.coverage.explained[index] !== 1;
  const ask = ({ index, costsSession }: CheckNode): void => {
    if (left[costsSession ? 'costly' : 'free']-- > 0) state.want(index, state.now.monotonicMs, 'suspicion');
  };
  for (const record of state.evidence.records) {
    if (record.streak === 0 || !isOver(record.check.index)) continue;
    record.forget();
    ask(record.check);
  }
  for (const check of [...state.sightings.keys()]) {
    const node = state.topology.checks[state.topology.byCheck.get(check) ?? -1];
    if (node === undefined || !isOver(node.index)) continue;
    state.sightings.delete(check);
    ask(node);
  }
}
