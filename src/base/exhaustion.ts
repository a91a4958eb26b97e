// Tells when this process ran out of what connections are made of: descriptors, memory, buffers. Such an error is one
// sample of a state that lasts, and c-ares hides it as a dead resolver, so it counts for every probe around it
// (DESIGN 10, "Own stall"; threats M19, X14).

import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Clock } from './clock.ts';

/** Errors remembered; in a long exhaustion the latest are enough, the earlier ones overlap older probes. */
const KEPT = 1_000;
/** A table that is full at one moment counts as full this long before and after, ms. */
const AROUND_MS = 500;
/** Descriptors for the store, receivers, the web port and Node itself (threats X14). */
const RESERVED = 64;
/** Descriptors of one probe: its connection, and a look-up's socket. */
const EACH = 2;

/** What a noted error may be about. */
const CODES: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

export interface Exhaustion {
  /** Remembers an error code of the operating system if it is one of exhaustion; others are ignored. */
  note(code: string): void;
  /** What this process lacked between two instants of Clock.monotonic, in our own words, or null. */
  during(sinceMs: number, untilMs: number): string | null;
}

/** An empty record. */
export function createExhaustion(clock: Clock): Exhaustion {
  const noted: { readonly atMs: number; readonly code: string }[] = [];
  return {
    note(code) {
      if (!CODES.has(code)) return;
      noted.push({ atMs: clock.monotonic(), code });
      if (noted.length > KEPT) noted.shift();
    },
    during(sinceMs, untilMs) {
      const one = noted.findLast(({ atMs }) => atMs >= sinceMs - AROUND_MS && atMs <= untilMs + AROUND_MS);
      return one === undefined
        ? null
        : `this machine ran out of descriptors or memory meanwhile (${one.code})`;
    },
  };
}

/** EMFILE or ENFILE when `count` descriptors cannot be had right now, else null. Opens /dev/null so many times. */
export function lackOfDescriptors(count = 1): string | null {
  const open: number[] = [];
  try {
    while (open.length < count) open.push(openSync('/dev/null', 'r'));
    return null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return CODES.has(code) ? code : null;
  } finally {
    for (const one of open) closeSync(one);
  }
}

/**
 * Probes that may run at once under a limit of descriptors, at least 1: (limit - 64) / 2, and never more than `most`.
 * `null` = the limit is not known or there is none.
 */
export function concurrencyWithin(limit: number | null, most: number): number {
  if (limit === null) return most;
  return Math.max(1, Math.min(most, Math.floor((limit - RESERVED) / EACH)));
}

/** Soft limit of open descriptors, from the text of /proc/self/limits; null when it tells none. */
export function descriptorLimit(text: string = limitsOfThisProcess()): number | null {
  const soft = /^Max open files\s+(\d+)\s/m.exec(text)?.[1];
  return soft === undefined ? null : Number(soft);
}

/** Linux tells it there; elsewhere nothing does. */
function limitsOfThisProcess(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
