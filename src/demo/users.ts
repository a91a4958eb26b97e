// The people whom the identity provider of the demo knows, and what they prove themselves with.

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { Clock } from '../base/clock.ts';

/** Seconds of one TOTP code, and how many codes before and after the current one are taken (authentik's defaults). */
const TOTP_STEP = 30;
const TOTP_TOLERANCE = 1;

export interface User {
  readonly username: string;
  readonly password: string;
  /** TOTP secret in base 32; null = a password is enough. */
  readonly totp: string | null;
  /** For machines: basic authentication at the gate, and tokens (reference/authentik.md 4). */
  readonly appPassword: string;
  /** Hosts of the applications that refuse this user. */
  readonly denied: readonly string[];
}

/** A user with secrets that are new at every start. */
export function createUser(options: { username: string; totp?: boolean; denied?: readonly string[] }): User {
  return {
    username: options.username,
    password: randomBytes(18).toString('base64url'),
    totp: options.totp === false ? null : new Secret({ size: 20 }).base32,
    appPassword: randomBytes(30).toString('base64url'),
    denied: options.denied ?? [],
  };
}

export interface Directory {
  named(username: string): User | null;
  hasPassword(user: User, password: string): boolean;
  hasAppPassword(user: User, password: string): boolean;
  /** Takes a TOTP code; each is good once, and none that is older than the last one taken. */
  spendCode(user: User, code: string): boolean;
}

export function createDirectory(users: readonly User[], clock: Clock): Directory {
  const lastStep = new Map<string, number>();
  return {
    named: (username) => users.find((user) => user.username === username) ?? null,
    hasPassword: (user, password) => same(user.password, password),
    hasAppPassword: (user, password) => same(user.appPassword, password),
    spendCode(user, code) {
      if (user.totp === null) return false;
      const now = clock.now();
      const device = new TOTP({ secret: Secret.fromBase32(user.totp), period: TOTP_STEP });
      const delta = device.validate({ token: code, timestamp: now, window: TOTP_TOLERANCE });
      if (delta === null) return false;
      const step = Math.floor(now / 1000 / TOTP_STEP) + delta;
      if (step <= (lastStep.get(user.username) ?? 0)) return false;
      lastStep.set(user.username, step);
      return true;
    },
  };
}

function same(secret: string, given: string): boolean {
  const [one, other] = [Buffer.from(secret), Buffer.from(given)];
  return one.length === other.length && timingSafeEqual(one, other);
}
