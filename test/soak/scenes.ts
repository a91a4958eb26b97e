// What is done to the site, by a seed: one scene after the other, each one or two faults with their times and, in the
// first part of the run, the end of the daemon in the middle of it.

const SECOND = 1_000;

/**
 * single  one fault, on and off
 * noise   off again before anybody could be sure
 * flap    on, a moment of health, on again: one incident
 * pair    a second, independent fault during the first
 */
export type SceneKind = 'single' | 'noise' | 'flap' | 'pair';

export interface Stage<F extends string = string> {
  readonly fault: F;
  /** From the beginning of the scene, ms. */
  readonly onMs: number;
  readonly offMs: number;
  /** Moments of health within, from the beginning of the scene, ms. */
  readonly pauses: readonly { readonly fromMs: number; readonly untilMs: number }[];
}

export interface Scene<F extends string = string> {
  readonly kind: SceneKind;
  readonly quietMs: number;
  readonly stages: readonly Stage<F>[];
  /** The daemon ends so at that moment of the scene, and is down for a while. */
  readonly end: {
    readonly signal: 'SIGKILL' | 'SIGTERM';
    readonly atMs: number;
    readonly downMs: number;
  } | null;
}

export interface SceneTimes {
  readonly quiet: readonly [number, number];
  readonly short: readonly [number, number];
  readonly long: readonly [number, number];
}

/** Real time: minutes. A blip is shorter than what DESIGN calls noise (15 s); the long ones must be told. */
export const REAL_TIMES: SceneTimes = {
  quiet: [15 * SECOND, 75 * SECOND],
  short: [20 * SECOND, 120 * SECOND],
  long: [130 * SECOND, 330 * SECOND],
};

/** Compressed time, where visits through the CDN come every five minutes only. */
export const COMPRESSED_TIMES: SceneTimes = {
  quiet: [600 * SECOND, 14_400 * SECOND],
  short: [20 * SECOND, 600 * SECOND],
  long: [660 * SECOND, 5_400 * SECOND],
};
const NOISE = [2 * SECOND, 9 * SECOND] as const;
const PAUSE = [8 * SECOND, 20 * SECOND] as const;
const DOWN = [1 * SECOND, 25 * SECOND] as const;

export interface Scenes<F extends string> {
  /** The next scene; `mayEnd` allows an end of the daemon in it. */
  next(mayEnd: boolean): Scene<F>;
}

/** Scenes from numbers in [0, 1): every fault has its turn before one comes again. */
export function createScenes<F extends string>(options: {
  random: () => number;
  times: SceneTimes;
  faults: readonly F[];
  /** Whether both can be seen and named at the same time. */
  areIndependent: (one: F, other: F) => boolean;
}): Scenes<F> {
  const { random, times, faults: all, areIndependent } = options;
  let deck: F[] = [];
  const between = ([least, most]: readonly [number, number]): number =>
    Math.round(least + random() * (most - least));
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  const draw = (): F => {
    if (deck.length === 0) deck = shuffled(all, random);
    return deck.pop() as F;
  };
  const scene = (kind: SceneKind, stages: Stage<F>[], mayEnd: boolean): Scene<F> => ({
    kind,
    quietMs: between(times.quiet),
    stages,
    end:
      mayEnd && kind !== 'noise' && random() < 0.6
        ? {
            signal: random() < 0.5 ? 'SIGKILL' : 'SIGTERM',
            atMs: Math.round(random() * Math.max(...stages.map(({ offMs }) => offMs))),
            downMs: between(DOWN),
          }
        : null,
  });
  return {
    next(mayEnd) {
      const fault = draw();
      const dice = random();
      if (dice < 0.12) {
        // A blip is no turn: its fault still comes.
        deck.unshift(fault);
        return scene('noise', [{ fault, onMs: 0, offMs: between(NOISE), pauses: [] }], mayEnd);
      }
      const offMs = between(random() < 0.2 ? times.short : times.long);
      const first: Stage<F> = { fault, onMs: 0, offMs, pauses: [] };
      if (dice < 0.22) {
        const fromMs = Math.round(offMs * (0.3 + 0.3 * random()));
        const pause = { fromMs, untilMs: Math.min(offMs - SECOND, fromMs + between(PAUSE)) };
        return scene('flap', [{ ...first, pauses: [pause] }], mayEnd);
      }
      const second = dice < 0.42 ? pick(all.filter((other) => areIndependent(fault, other))) : undefined;
      if (second === undefined) return scene('single', [first], mayEnd);
      const onMs = Math.round(random() * offMs * 0.6);
      return scene(
        'pair',
        [first, { fault: second, onMs, offMs: onMs + between(times.long), pauses: [] }],
        mayEnd,
      );
    },
  };
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((item) => ({ item, by: random() }))
    .sort((a, b) => a.by - b.by)
    .map(({ item }) => item);
}
