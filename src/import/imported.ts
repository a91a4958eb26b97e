// What another monitor's configuration comes to: pages to watch, and what cannot be carried over.

import { type TargetOption, targetSchema } from '../discover/target-options.ts';
import { targetId } from '../model/target.ts';

/** A page that the other monitor watches. */
export interface ImportedPage {
  /** What people call it; foreign text, on one line. */
  readonly name: string;
  readonly url: string;
  readonly intervalSeconds: number;
  /** Literal text that must be, or must not be, on the page; null without. */
  readonly contains: string | null;
  readonly notContains: string | null;
  /** Statuses that are right; empty = what gatewatch takes for right. */
  readonly statuses: readonly number[];
  /** Slower is degraded, ms; null without. */
  readonly slowMs: number | null;
}

/** Something that is not carried over, or only in part. */
export interface LeftOut {
  readonly name: string;
  /** Half a sentence in our own words. */
  readonly why: string;
}

/** The last time that many monitors went down together, where there is a history. */
export interface SharedOutage {
  readonly at: number;
  readonly monitors: number;
  /** Messages that all receivers together got. */
  readonly notifications: number;
}

export interface Imported {
  /** The other monitor: `Uptime Kuma`. */
  readonly tool: string;
  readonly pages: readonly ImportedPage[];
  readonly leftOut: readonly LeftOut[];
  /** Null when the history has none; undefined when there is no history. */
  readonly outage?: SharedOutage | null;
}

/** A file that cannot be imported; the message has nothing of its content. */
export class ImportError extends Error {}

/** Foreign text as one line of at most 80 characters. */
export function oneLine(text: string): string {
  const line = text.replace(/[\p{C}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

/** Pages that gatewatch takes, each once; the others with the reason. */
export function usable(pages: readonly ImportedPage[]): {
  readonly targets: readonly { readonly page: ImportedPage; readonly option: TargetOption }[];
  readonly leftOut: readonly LeftOut[];
} {
  const targets = new Map<string, { page: ImportedPage; option: TargetOption }>();
  const leftOut: LeftOut[] = [];
  for (const page of pages) {
    const parsed = targetSchema.safeParse({ url: page.url });
    if (!parsed.success) {
      leftOut.push({ name: page.name, why: `its URL ${parsed.error.issues[0]?.message ?? 'is not usable'}` });
      continue;
    }
    const id = targetId(new URL(parsed.data.url));
    const same = targets.get(id);
    if (same === undefined) targets.set(id, { page, option: parsed.data });
    else leftOut.push({ name: page.name, why: `watches the same page as ${same.page.name}` });
  }
  return { targets: [...targets.values()], leftOut };
}
