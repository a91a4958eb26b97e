// How things stand, computed from the snapshot: per service, per lane (kind of visit on a path), and the one
// sentence at the top of the page. Pure; the page only draws it.

import type { Incident } from '../model/incident.ts';
import type { CheckStatus, Snapshot } from '../model/snapshot.ts';
import type { Verdict } from '../model/verdict.ts';

/** Colour of the whole page and of its parts. `wait`: not known yet. */
export type Tone = 'good' | 'warn' | 'bad' | 'wait';

/** Worst first. Unknown is no verdict about the service, so it hides behind any that is. */
const WORST: readonly Verdict[] = ['down', 'degraded', 'up', 'unknown'];

/** The worst verdict of some checks; null when none has a result. */
export function worstVerdict(checks: readonly Pick<CheckStatus, 'verdict'>[]): Verdict | null {
  return WORST.find((verdict) => checks.some((check) => check.verdict === verdict)) ?? null;
}

/** Checks by target, in one pass. */
export function checksByTarget(snapshot: Snapshot): ReadonlyMap<string, readonly CheckStatus[]> {
  const map = new Map<string, CheckStatus[]>(snapshot.targets.map((target) => [target.id, []]));
  for (const check of snapshot.checks) {
    if (check.kind === 'visit') map.get(check.target)?.push(check);
  }
  return map;
}

/** One kind of visit on one path: who gets in this way. */
export interface LaneStanding {
  readonly visit: string;
  readonly path: string;
  readonly up: number;
  readonly down: number;
  /** Without a verdict about the service: not run yet, idle, or unknown. */
  readonly open: number;
}

/** Lanes in order of the visits and of the paths as they first appear. */
export function lanes(snapshot: Snapshot): readonly LaneStanding[] {
  const found = new Map<string, { visit: string; path: string; up: number; down: number; open: number }>();
  for (const check of snapshot.checks) {
    if (check.kind !== 'visit' || check.path === null) continue;
    const key = `${check.visit} ${check.path}`;
    const lane = found.get(key) ?? { visit: check.visit, path: check.path, up: 0, down: 0, open: 0 };
    if (check.verdict === 'down') lane.down += 1;
    else if (check.verdict === 'up' || check.verdict === 'degraded') lane.up += 1;
    else lane.open += 1;
    found.set(key, lane);
  }
  return [...found.values()];
}

/** Colour of a lane: one failing check is a warning, half of them or more is an outage. */
export function laneTone(lane: LaneStanding): Tone {
  const judged = lane.up + lane.down;
  if (judged === 0) return 'wait';
  if (lane.down === 0) return 'good';
  return lane.down * 2 >= judged ? 'bad' : 'warn';
}

/** Order in which incidents are told: what keeps people out or lets strangers in comes first. */
const GRAVITY: readonly Incident['kind'][] = [
  'exposed',
  'shared',
  'service',
  'walled-off',
  'prober',
  'drift',
  'budget',
  'certificate',
];

/** Kinds that keep nobody out. */
const KEEPS_NOBODY_OUT: readonly Incident['kind'][] = ['drift', 'budget', 'certificate'];

/** Active incidents, gravest first, older first within a kind. */
export function ranked(incidents: readonly Incident[]): readonly Incident[] {
  return incidents
    .filter((incident) => incident.state !== 'resolved')
    .toSorted((a, b) => GRAVITY.indexOf(a.kind) - GRAVITY.indexOf(b.kind) || a.startedAt - b.startedAt);
}

/** Colour of an incident. */
export function incidentTone(incident: Incident): Tone {
  return ['exposed', 'shared', 'service'].includes(incident.kind) && incident.state === 'open'
    ? 'bad'
    : 'warn';
}

export interface Headline {
  readonly tone: Tone;
  readonly text: string;
  /** Smaller second line. */
  readonly more: string;
}

const services = (count: number): string => (count === 1 ? '1 service' : `${count} services`);

/** The sentence that must be true and enough. Never good news about nothing: no results is no green. */
export function headline(snapshot: Snapshot, summary: (incident: Incident) => string): Headline {
  const [first, ...others] = ranked(snapshot.incidents);
  if (first !== undefined && !KEEPS_NOBODY_OUT.includes(first.kind)) {
    const more =
      others.length === 0 ? '' : `and ${others.length === 1 ? 'one more' : `${others.length} more`} below`;
    return { tone: incidentTone(first), text: summary(first), more };
  }
  const warnings = first === undefined ? '' : summary(first);
  return { ...quiet(snapshot), ...(warnings === '' ? {} : { more: warnings }) };
}

/** The sentence while no incident keeps anybody out. */
function quiet(snapshot: Snapshot): Headline {
  const total = snapshot.targets.length;
  if (total === 0)
    return { tone: 'wait', text: 'No services are watched', more: 'The configuration has no targets.' };
  const verdicts = [...checksByTarget(snapshot).values()].map(worstVerdict);
  const failing = verdicts.filter((verdict) => verdict === 'down').length;
  const judged = verdicts.filter((verdict) => verdict !== null && verdict !== 'unknown').length;
  const slow = verdicts.filter((verdict) => verdict === 'degraded').length;
  if (failing > 0) {
    return {
      tone: 'warn',
      text: `${failing} of ${services(total)} failed the last probe`,
      more: 'No incident yet: more probes are on their way.',
    };
  }
  if (judged === 0)
    return { tone: 'wait', text: 'No results yet', more: `${services(total)} wait for their first probe.` };
  if (judged < total) {
    return {
      tone: 'good',
      text: `${judged} of ${total} services let people in`,
      more: `${services(total - judged)} without a verdict yet.`,
    };
  }
  return {
    tone: 'good',
    text: total === 1 ? 'The one service lets people in' : `All ${total} services let people in`,
    more: slow === 0 ? '' : `${slow === 1 ? 'One is' : `${slow} are`} slow.`,
  };
}
