// The gate's session store: bounded, and it really fills. Stands in for session files on a tmpfs, one 4 KiB page each
// (reference/authentik.md 2.2): expired ones stay until the sweep, which runs every five minutes.

import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';

/** A session file takes one page of the tmpfs. */
export const BYTES_PER_SESSION = 4096;
/** Interval of the outpost's own clean-up since authentik 2025.8. */
const SWEEP_MS = 5 * 60_000;

export interface SessionStore {
  readonly capacity: number;
  readonly lifetimeMs: number;
  /** Sessions stored, those of others included. */
  readonly size: number;
  /** Stores a new session and gives its id, or null when there is no space left. */
  create(): string | null;
  /** Whether it is stored and not expired. */
  has(id: string): boolean;
  /** Fills what is free with other people's sessions, and keeps it filled until switched off. */
  crowd(on: boolean): void;
}

/** An empty store; `capacity` in sessions. */
export function createSessionStore(options: {
  clock: Clock;
  capacity: number;
  lifetimeMs: number;
}): SessionStore {
  const { clock, capacity, lifetimeMs } = options;
  // All live equally long, so insertion order is the order of expiry.
  const expiry = new Map<string, number>();
  let crowded = false;
  let sweptAt = clock.monotonic();

  const sweep = (): void => {
    const now = clock.monotonic();
    if (now - sweptAt < SWEEP_MS) return;
    sweptAt = now;
    for (const [id, expiresAt] of expiry) {
      if (expiresAt > now) break;
      expiry.delete(id);
    }
  };
  const size = (): number => (crowded ? capacity : expiry.size);
  return {
    capacity,
    lifetimeMs,
    get size() {
      return size();
    },
    create() {
      sweep();
      if (size() >= capacity) return null;
      const id = newSessionId();
      expiry.set(id, clock.monotonic() + lifetimeMs);
      return id;
    },
    has: (id) => (expiry.get(id) ?? Number.NEGATIVE_INFINITY) > clock.monotonic(),
    crowd(on) {
      crowded = on;
    },
  };
}

/** 52 characters of base 32, as in the names of the session files. */
export function newSessionId(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return [...randomBytes(52)].map((byte) => alphabet.charAt(byte % 32)).join('');
}
