// Saved bucket levels as text, `{"levels":{"embedded":12.5}}`. A record that cannot be read counts as empty buckets,
// never as full ones; only where there was no record at all is it a first start.

import { z } from 'zod';

const savedSchema = z.object({
  levels: z.record(z.string(), z.number().catch(0)),
  /** By outpost: `[instant, sessions made]`. */
  held: z.record(z.string(), z.array(z.tuple([z.number(), z.number()])).catch([])).default({}),
  /** By outpost: how much of what other processes spent has been charged. */
  charged: z.record(z.string(), z.number()).default({}),
});

export interface SavedLevels {
  /** Level to start with; null = the name has never had a bucket. */
  of(name: string): number | null;
  readonly levels: ReadonlyMap<string, number>;
  readonly held: Readonly<Record<string, readonly (readonly [number, number])[]>>;
  readonly charged: Readonly<Record<string, number>>;
}

/** Reads a record; null = there is none. */
export function parseLevels(text: string | null): SavedLevels {
  const saved = text === null ? null : savedSchema.safeParse(parseJson(text));
  const levels = new Map(Object.entries(saved?.data?.levels ?? {}));
  const missing = saved === null || saved.success ? null : 0;
  return {
    of: (name) => levels.get(name) ?? missing,
    levels,
    held: saved?.data?.held ?? {},
    charged: saved?.data?.charged ?? {},
  };
}

/** Text of a record, for parseLevels. */
export function formatLevels(
  levels: ReadonlyMap<string, number>,
  more: Partial<Pick<SavedLevels, 'held' | 'charged'>> = {},
): string {
  return JSON.stringify({ levels: Object.fromEntries(levels), ...more });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
