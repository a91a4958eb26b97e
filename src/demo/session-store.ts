// The gate's session store: bounded, and it really fills. Stands in for session files on a tmpfs, one 4 KiB page each
// (reference/authentik.md 2.2): expired ones stay until the sweep, which runs every five minutes.

import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { Claims } from './gate-provider.ts';

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
  /** Makes a stored session that of a user; a file is written anew, so that a full store does not matter. */
  signIn(id: string, user: Claims): void;
  /** Whose session it is; null = a stranger's, or none. */
  userOf(id: string): Claims | null;
  /** Ends all sessions of a user. */
  signOut(sub: string): void;
  /** Forgets every session, as a restart does when they are kept in memory. */
  clear(): void;
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
  const sessions = new Map<string, { readonly expiresAt: number; readonly user: Claims | null }>();
  let crowded = false;
  let sweptAt = clock.monotonic();

  const sweep = (): void => {
    const now = clock.monotonic();
    if (now - sweptAt < SWEEP_MS) return;
    sweptAt = now;
    for (const [id, { expiresAt }] of sessions) {
      if (expiresAt > now) break;
      sessions.delete(id);
    }
  };
  const live = (id: string): { user: Claims | null } | null => {
    const session = sessions.get(id);
    return session !== undefined && session.expiresAt > clock.monotonic() ? session : null;
  };
  const size = (): number => (crowded ? capacity : sessions.size);
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
      sessions.set(id, { expiresAt: clock.monotonic() + lifetimeMs, user: null });
      return id;
    },
    has: (id) => live(id) !== null,
    signIn(id, user) {
      if (live(id) === null) return;
      sessions.delete(id);
      sessions.set(id, { expiresAt: clock.monotonic() + lifetimeMs, user });
    },
    userOf: (id) => live(id)?.user ?? null,
    signOut(sub) {
      for (const [id, { user }] of sessions) if (user?.sub === sub) sessions.delete(id);
    },
    clear: () => sessions.clear(),
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
