// The judgement: faults that were put in against notifications that came. Pure, so that a ledger can be judged again.

import type { Notice } from './desk.ts';
import { hasLabels, type Wanted } from './truth.ts';

/** Shorter than this is noise and must not be told (DESIGN 10, Blame: failures are seen again after 15 s). */
const NOISE_MS = 10_000;
/** A probe under way may have begun a time-out before the fault. */
const BEFORE_MS = 10_000;

export interface Limits {
  /** From here on a fault must have been told, ms. */
  readonly mustMs: number;
  /** How long after its end a fault may still be told, or its resolve may take, ms. */
  readonly afterMs: number;
}

/** Twice the minute that DESIGN promises; five healthy probes and a hold for the end. */
export const REAL_LIMITS: Limits = { mustMs: 120_000, afterMs: 360_000 };
/** Two intervals of the visits through the CDN; the same and the hold for the end. */
export const COMPRESSED_LIMITS: Limits = { mustMs: 600_000, afterMs: 1_800_000 };

/** One fault as it was put in. */
export interface Injected {
  readonly fault: string;
  readonly kind: string;
  readonly wanted: Wanted;
  /** ms since the epoch. */
  readonly from: number;
  readonly until: number;
  /** How long the daemon was down meanwhile, ms; null = it was not ended. */
  readonly down: { readonly signal: string; readonly ms: number } | null;
}

/** One alert as a receiver sees it: the same labels and the same start. */
export interface SeenAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly firingAt: number;
  readonly resolvedAt: number | null;
  /** Deliveries, repeats left out. */
  readonly firsts: number;
  readonly changes: number;
  readonly resolves: number;
  readonly summary: string;
}

export interface Judgement {
  readonly incidents: readonly (Injected & {
    alerts: SeenAlert[];
    notifiedMs: number | null;
    resolvedMs: number | null;
  })[];
  readonly wrongBlame: readonly SeenAlert[];
  readonly falseAlerts: readonly SeenAlert[];
  readonly missed: readonly Injected[];
  readonly several: readonly Injected[];
  readonly leftFiring: readonly SeenAlert[];
  /** Alerts without exactly one first notification and at most one resolve. */
  readonly notOnce: readonly SeenAlert[];
  /** Deliveries that came again with the same key, and the most that one came. */
  readonly repeats: number;
  readonly mostDeliveries: number;
}

/** Judges a whole run. */
export function judge(injected: readonly Injected[], notices: readonly Notice[], limits: Limits): Judgement {
  const alerts = alertsOf(notices);
  const incidents = injected.map((each) => ({
    ...each,
    alerts: [] as SeenAlert[],
    notifiedMs: null as number | null,
    resolvedMs: null as number | null,
  }));
  const wrongBlame: SeenAlert[] = [];
  const falseAlerts: SeenAlert[] = [];
  for (const alert of alerts) {
    const around = incidents.filter((each) => isAround(each, alert, limits));
    const meant = around.findLast((each) => hasLabels(alert.labels, each.wanted));
    if (meant !== undefined && meant.until - meant.from > NOISE_MS) meant.alerts.push(alert);
    else if (meant === undefined && around.some((each) => each.until - each.from > NOISE_MS))
      wrongBlame.push(alert);
    else falseAlerts.push(alert);
  }
  for (const incident of incidents) {
    const [first] = incident.alerts;
    if (first === undefined) continue;
    incident.notifiedMs = first.firingAt - incident.from;
    const ends = incident.alerts.map(({ resolvedAt }) => resolvedAt);
    if (!ends.includes(null)) incident.resolvedMs = Math.max(...ends.map(Number)) - incident.until;
  }
  const counts = [...countBy(notices, ({ key }) => key).values()];
  return {
    incidents,
    wrongBlame,
    falseAlerts,
    missed: incidents.filter((each) => each.alerts.length === 0 && mustBeTold(each, limits)),
    several: incidents.filter((each) => each.alerts.length > 1),
    leftFiring: alerts.filter(({ resolvedAt }) => resolvedAt === null),
    notOnce: alerts.filter(({ firsts, resolves }) => firsts !== 1 || resolves > 1),
    repeats: counts.reduce((sum, count) => sum + count - 1, 0),
    mostDeliveries: Math.max(0, ...counts),
  };
}

/** Whether a fault lasted so long that silence about it is a failure. A daemon that is down sees nothing. */
function mustBeTold({ from, until, down }: Injected, { mustMs }: Limits): boolean {
  return until - from - (down?.ms ?? 0) >= mustMs;
}

function isAround(
  { from, until }: Injected,
  { firingAt, startsAt }: SeenAlert,
  { afterMs }: Limits,
): boolean {
  const started = Date.parse(startsAt);
  return (
    firingAt >= from &&
    firingAt <= until + afterMs &&
    started >= from - BEFORE_MS &&
    started <= until + BEFORE_MS
  );
}

/** Alerts of the notifications, in the order in which they came. */
export function alertsOf(notices: readonly Notice[]): SeenAlert[] {
  const groups = new Map<string, Notice[]>();
  const keys = new Set<string>();
  for (const notice of notices) {
    if (notice.key !== '' && keys.has(notice.key)) continue;
    keys.add(notice.key);
    const id = JSON.stringify([Object.entries(notice.labels).sort(), notice.startsAt]);
    groups.set(id, [...(groups.get(id) ?? []), notice]);
  }
  return [...groups.values()].map((group) => {
    const firing = group.filter(({ status }) => status === 'firing');
    const resolved = group.filter(({ status }) => status === 'resolved');
    const first = group[0] as Notice;
    return {
      labels: first.labels,
      startsAt: first.startsAt,
      firingAt: (firing[0] ?? first).at,
      resolvedAt: resolved[0]?.at ?? null,
      firsts: firing.filter(({ reason }) => reason === 'first notification').length,
      changes: firing.filter(({ reason }) => reason !== 'first notification').length,
      resolves: resolved.length,
      summary: first.summary,
    };
  });
}

function countBy<T>(list: readonly T[], key: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of list) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
}

/** The value below which that share of the list lies; null of nothing. */
export function quantile(list: readonly number[], share: number): number | null {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
}
