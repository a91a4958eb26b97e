// The last good set of a source as text, for the next start: only what a Found has, never a raw answer (threats D8).

import { z } from 'zod';
import { EXPECTATION_KINDS } from '../model/target.ts';
import type { Listing } from './discoverer.ts';
import type { Kept } from './refresh.ts';

const kind = z.enum(EXPECTATION_KINDS);
const texts = z.record(z.string(), z.string());

const foundSchema = z.strictObject({
  object: z.string(),
  scheme: z.enum(['https', 'http']),
  host: z.string(),
  pathname: z.string(),
  expect: z.union([kind, z.record(z.string(), kind)]).nullable(),
  gate: z.string().nullable(),
  paths: z.array(z.string()).nullable(),
  wake: z.enum(['always', 'never']),
  labels: texts,
  owner: z.string().nullable(),
  createdAt: z.number().nullable(),
  wishes: z.strictObject({
    watch: z.boolean().exactOptional(),
    expect: kind.exactOptional(),
    pathname: z.string().exactOptional(),
    paths: z.array(z.string()).exactOptional(),
    labels: texts.exactOptional(),
  }),
});

const savedSchema = z.strictObject({
  /** What the source was when it listed this. */
  about: z.string(),
  at: z.number(),
  listing: z.strictObject({
    found: z.array(foundSchema),
    notes: z.array(z.strictObject({ object: z.string(), why: z.string() })),
    lifetimesMs: z.record(z.string(), z.number()).exactOptional(),
  }),
});

/** Text of a set; `about` tells sources apart that have one name after another. */
export function savedText(kept: Kept, about: string): string {
  return JSON.stringify({ about, at: kept.at, listing: kept.listing });
}

/** The set of a text, or null: none, unreadable, of another source, or of a later version. */
export function keptFromText(text: string | null, about: string): Kept | null {
  if (text === null) return null;
  try {
    const { data } = savedSchema.safeParse(JSON.parse(text));
    if (data === undefined || data.about !== about) return null;
    const listing: Listing = data.listing;
    return { listing, at: data.at };
  } catch {
    return null;
  }
}
