// Marks: a figure over the trials of a row, and whether it holds.

import type { Trial } from './trial.ts';

export interface Mark {
  readonly name: string;
  readonly mark: string;
  readonly value: (trials: readonly Trial[]) => number;
  readonly ok: (value: number) => boolean;
  readonly percent: boolean;
}

export interface Bound {
  readonly bound: number;
  readonly sign: '<=' | '>=';
  readonly text: string;
  readonly holds: (value: number) => boolean;
}

export function least(bound: number): Bound {
  return { bound, sign: '>=', text: `>= ${bound}`, holds: (value) => value >= bound };
}

export function most(bound: number): Bound {
  return { bound, sign: '<=', text: `<= ${bound}`, holds: (value) => value <= bound };
}

/** Share of the trials with a flag. */
export function shareOf(flag: string, { bound, sign, holds }: Bound): Mark {
  return {
    name: flag,
    mark: `${sign} ${Math.round(1000 * bound) / 10} %`,
    value: (trials) => trials.filter(({ flags }) => flags[flag] === true).length / trials.length,
    ok: holds,
    percent: true,
  };
}

/** Share of the trials with a flag among those with another. */
export function sumShare(flag: string, among: string, bound: Bound): Mark {
  return {
    ...shareOf(flag, bound),
    name: `${flag} of ${among}`,
    value(trials) {
      const those = trials.filter(({ flags }) => flags[among] === true);
      return those.length === 0 ? 0 : those.filter(({ flags }) => flags[flag] === true).length / those.length;
    },
  };
}

/** A quantile of a number. */
export function p(share: number, number: string, { bound, sign, holds }: Bound): Mark {
  return {
    name: `p${Math.round(100 * share)} ${number}`,
    mark: `${sign} ${bound}`,
    value: (trials) =>
      quantile(
        trials.map(({ numbers }) => numbers[number] ?? Number.NaN),
        share,
      ),
    ok: holds,
    percent: false,
  };
}

/** The value below which that share of the list lies. */
export function quantile(list: readonly number[], share: number): number {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
