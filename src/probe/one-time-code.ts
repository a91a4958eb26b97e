// One-time codes by RFC 6238: each is given away once, and that it was is durable before it leaves (threats C7). The
// secrets stay here; whoever needs a code asks for one.

import { TOTP, Secret as TotpSecret, URI } from 'otpauth';
import { type Clock, sleep } from '../base/clock.ts';
import type { Account } from '../model/account.ts';

export interface Codes {
  /**
   * A code that was never given away, of the current time step or, when that one's is spent, of the next: it waits
   * for it. Null for an account without a TOTP secret, and when the signal aborts.
   */
  next(account: Account, signal: AbortSignal): Promise<string | null>;
}

/** Whether the text is a secret that codes can be made of: base32, or an `otpauth://totp/` URL. */
export function isTotpSecret(text: string): boolean {
  return totpOf(text) !== null;
}

/** Codes; `lastStep` is the last time step given away for an account, `spend` makes a new one durable. */
export function createCodes(tools: {
  readonly clock: Clock;
  readonly lastStep: (account: string) => number;
  readonly spend: (account: string, step: number) => Promise<void>;
}): Codes {
  const { clock, lastStep, spend } = tools;
  return {
    async next({ name, credential }, signal) {
      const totp = credential.kind === 'password' ? totpOf(credential.totp?.reveal() ?? '') : null;
      if (totp === null) return null;
      const stepMs = totp.period * 1000;
      for (;;) {
        if (signal.aborted) return null;
        const step = Math.floor(clock.now() / stepMs);
        // A clock that was set back must not spend the steps of an hour again, nor wait for an hour.
        const last = lastStep(name);
        const ahead = last - step;
        if (ahead < 0 || ahead > LONGEST_WAIT_STEPS) {
          await spend(name, step);
          return totp.generate({ timestamp: step * stepMs });
        }
        await sleep(clock, (last + 1) * stepMs - clock.now(), signal);
      }
    },
  };
}

/** Steps ahead of our clock that are waited for; more means that the clock was set back. */
const LONGEST_WAIT_STEPS = 2;

function totpOf(text: string): TOTP | null {
  try {
    if (text.startsWith('otpauth:')) {
      const parsed = URI.parse(text);
      return parsed instanceof TOTP ? parsed : null;
    }
    const base32 = text.replaceAll(/[\s-]/g, '').toUpperCase();
    return base32.length < SHORTEST_SECRET ? null : new TOTP({ secret: TotpSecret.fromBase32(base32) });
  } catch {
    return null;
  }
}

/** Characters of base32; RFC 4226 wants 128 bits, real ones have 80 and more. */
const SHORTEST_SECRET = 16;
