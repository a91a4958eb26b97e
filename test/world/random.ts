// Chance by a seed: the whole world follows from it. sfc32 (Chris Doty-Humphrey, PractRand), seeded by splitting.

export interface Chance {
  /** In [0, 1). */
  next(): number;
  /** Whole number in [0, below). */
  below(count: number): number;
  /** One of a list. */
  pick<T>(list: readonly T[]): T;
  /** A copy in another order. */
  shuffled<T>(list: readonly T[]): T[];
  /** How many trials pass until one that succeeds with this probability; Infinity for 0. */
  until(probability: number): number;
}

/** Numbers that depend on the seed and the name of their use alone. */
export function chance(seed: number, use = ''): Chance {
  let a = 0x9e3779b9 ^ seed;
  let b = 0x243f6a88;
  let c = 0xb7e15162;
  let d = 1;
  for (let at = 0; at < use.length; at++) b = Math.imul(b ^ use.charCodeAt(at), 0x01000193);
  const word = (): number => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 15; round++) word();
  const next = (): number => word() / 2 ** 32;
  const below = (count: number): number => Math.floor(next() * count);
  return {
    next,
    below,
    pick(list) {
      const item = list[below(list.length)];
      if (item === undefined) throw new Error('nothing to pick from');
      return item;
    },
    shuffled(list) {
      const copy = [...list];
      for (let at = copy.length - 1; at > 0; at--) {
        const other = below(at + 1);
        [copy[at], copy[other]] = [copy[other]!, copy[at]!];
      }
      return copy;
    },
    until: (probability) =>
      probability <= 0
        ? Number.POSITIVE_INFINITY
        : 1 + Math.floor(Math.log(1 - next()) / Math.log1p(-probability)),
  };
}
