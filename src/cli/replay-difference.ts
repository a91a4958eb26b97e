// What two configurations make of the same results. Incidents are paired when they are about the same fault: they
// overlap in time and are of one kind and blame, else share what fails.

import type { ReplayedIncident } from '../replay.ts';

/** One incident in both, otherwise told. */
interface Changed {
  readonly before: ReplayedIncident;
  readonly after: ReplayedIncident;
  /** Whether component, kind or alert differ. */
  readonly blamedDifferently: boolean;
  /** How much later it opens, ms; below 0 = earlier; null where one was open before the period. */
  readonly opensLaterMs: number | null;
  /** How much later it ends; null where one is open at the end, and `endsOnlyIn` says which one ends. */
  readonly endsLaterMs: number | null;
  readonly endsOnlyIn: 'before' | 'after' | null;
}

/** The first configuration is `before`, the second one `after`. */
export interface Difference {
  readonly onlyBefore: readonly ReplayedIncident[];
  readonly onlyAfter: readonly ReplayedIncident[];
  readonly changed: readonly Changed[];
  /** In both, and told alike. */
  readonly same: number;
}

/** Compares two replays of the same results. */
export function differenceOf(
  before: readonly ReplayedIncident[],
  after: readonly ReplayedIncident[],
): Difference {
  const left = new Set(after);
  const pairs: (readonly [ReplayedIncident, ReplayedIncident])[] = [];
  const pairAll = (likeness: number): void => {
    const paired = new Set(pairs.map(([one]) => one));
    for (const one of before) {
      if (paired.has(one)) continue;
      const other = [...left].find((each) => overlap(one, each) && likenessOf(one, each) >= likeness);
      if (other === undefined) continue;
      left.delete(other);
      pairs.push([one, other]);
    }
  };
  // The surest pairs first, so that a weaker one never takes what belongs to another.
  for (const likeness of [3, 2, 1]) pairAll(likeness);
  const paired = new Set(pairs.map(([one]) => one));
  const compared = pairs.map(([one, other]) => compare(one, other));
  const changed = compared
    .filter(isChanged)
    .sort((a, b) => (a.before.openedAt ?? 0) - (b.before.openedAt ?? 0));
  return {
    onlyBefore: before.filter((one) => !paired.has(one)),
    onlyAfter: [...left],
    changed,
    same: compared.length - changed.length,
  };
}

function overlap(one: ReplayedIncident, other: ReplayedIncident): boolean {
  const endOf = ({ resolvedAt }: ReplayedIncident): number => resolvedAt ?? Number.POSITIVE_INFINITY;
  return one.startedAt <= endOf(other) && other.startedAt <= endOf(one);
}

/** 3 = the same alert, 2 = the same component, 1 = they share a target; 0 = not alike. */
function likenessOf(one: ReplayedIncident, other: ReplayedIncident): number {
  if (one.blame === other.blame) return one.alertname === other.alertname ? 3 : 2;
  // Warnings about ourselves are about nobody's target.
  if (one.kind === 'prober' || other.kind === 'prober') return 0;
  const theirs = new Set(other.targets);
  return one.targets.some((target) => theirs.has(target)) ? 1 : 0;
}

function compare(before: ReplayedIncident, after: ReplayedIncident): Changed {
  const ends = { before: before.resolvedAt, after: after.resolvedAt };
  return {
    before,
    after,
    blamedDifferently: before.blame !== after.blame || before.alertname !== after.alertname,
    opensLaterMs:
      before.openedAt === null || after.openedAt === null ? null : after.openedAt - before.openedAt,
    endsLaterMs: ends.before === null || ends.after === null ? null : ends.after - ends.before,
    endsOnlyIn:
      (ends.before === null) === (ends.after === null) ? null : ends.before === null ? 'after' : 'before',
  };
}

function isChanged(pair: Changed): boolean {
  return (
    pair.blamedDifferently ||
    (pair.opensLaterMs ?? 0) !== 0 ||
    (pair.endsLaterMs ?? 0) !== 0 ||
    pair.endsOnlyIn !== null
  );
}
