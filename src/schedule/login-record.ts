// The record of logins: every attempt is written before its first byte, and what is written decides whether there may
// be another (threats C7): one in five minutes and six an hour an account, and none after three refusals in a row until
// a person acts. By the wall clock, because it must hold over restarts; a clock that was set back counts against us.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { type Account, accountSecrets } from '../model/account.ts';
import type { EpochMs, FlowFacts } from '../model/observation.ts';

const PAUSE_MS = 5 * 60_000;
const HOUR_MS = 3_600_000;
export const MOST_AN_HOUR = 6;
/** Refusals in a row that stop an account: many providers lock it after five. */
const MOST_REFUSALS = 3;

/**
 * open      begun, and nothing more is known: the password may have been sent (a crash, a broken connection)
 * untouched no secret was sent: nothing that counts against the account
 * refused   the provider did not take the secrets, or denied
 * accepted  it took them, whatever came after
 */
const OUTCOMES = ['open', 'untouched', 'refused', 'accepted'] as const;
export type LoginOutcome = (typeof OUTCOMES)[number];

/** What an attempt comes to; null where the walk did not even begin. */
export function outcomeOf(flow: FlowFacts | null): LoginOutcome {
  if (flow === null || !flow.secretsSent) return 'untouched';
  switch (flow.end) {
    case 'rejected':
    case 'denied':
      return 'refused';
    case 'app':
    case 'callback-failed':
    case 'needs-human':
      return 'accepted';
    case 'flow-error':
    case 'page-blank':
    case 'not-finished':
      return 'open';
  }
}

const recordSchema = z.object({
  attempts: z.array(z.object({ at: z.number(), check: z.string(), outcome: z.enum(OUTCOMES) })),
  /** Salted digest of the secrets of a stopped account: other secrets are a person's act. */
  stopped: z.object({ salt: z.string(), digest: z.string() }).nullable(),
  /** How often a person had resumed it, as far as that was heard. */
  resumed: z.number(),
  /** Last time step whose one-time code was given away. */
  step: z.number(),
});
type AccountRecord = z.output<typeof recordSchema>;
const savedSchema = z.record(z.string(), recordSchema);

export interface LoginRecord {
  /** Milliseconds until the account may log in; null while it is stopped. */
  waitMs(account: Account): number | null;
  /** Writes an attempt, which is `open`; false, and nothing is written, when there may be none now. */
  begin(account: Account, check: string): boolean;
  /** Says what the attempt that was begun last came to. */
  end(account: Account, outcome: LoginOutcome): void;
  /** Whether the account waits for a person. */
  isStopped(account: Account): boolean;
  /** Last attempt of each check, newest last. */
  attempts(account: Account): readonly { readonly at: EpochMs; readonly check: string }[];
  /** Last time step whose code was given away; -1 = none. */
  lastStep(account: string): number;
  spendStep(account: string, step: number): void;
}

/** Attempts that are kept: enough for the hour and for where the rotation was. */
const KEPT = 200;

/** A record; `saved` is what `save` got last, from this process or an earlier one. */
export function createLoginRecord(tools: {
  readonly clock: Clock;
  readonly saved: string | null;
  readonly save: (text: string) => void;
  /** How often a person has resumed the account so far; only rises. */
  readonly resumed: (account: string) => number;
}): LoginRecord {
  const { clock, save, resumed } = tools;
  const records = new Map<string, AccountRecord>(Object.entries(parsed(tools.saved)));
  const of = (name: string): AccountRecord => records.get(name) ?? { ...NOTHING, resumed: resumed(name) };
  const put = (name: string, record: AccountRecord): void => {
    records.set(name, record);
    save(JSON.stringify(Object.fromEntries(records)));
  };
  /** The record with what a person has done since. */
  const current = (account: Account): AccountRecord => {
    const record = of(account.name);
    const acts = resumed(account.name);
    const acted = acts > record.resumed || (record.stopped !== null && !isSame(account, record.stopped));
    if (!acted) return record;
    // What was refused before does not count any more; the limits an hour go on.
    const attempts = record.attempts.map((one) => ({ ...one, outcome: 'untouched' as const }));
    const next = { ...record, attempts, stopped: null, resumed: acts };
    put(account.name, next);
    return next;
  };
  return {
    waitMs(account) {
      const { attempts, stopped } = current(account);
      return stopped === null ? waitMs(attempts, clock.now()) : null;
    },
    begin(account, check) {
      const record = current(account);
      if (record.stopped !== null || waitMs(record.attempts, clock.now()) > 0) return false;
      const attempt = { at: clock.now(), check, outcome: 'open' as const };
      put(
        account.name,
        stoppedBy(account, { ...record, attempts: [...record.attempts, attempt].slice(-KEPT) }),
      );
      return true;
    },
    end(account, outcome) {
      const record = of(account.name);
      const last = record.attempts.at(-1);
      if (last === undefined) return;
      const attempts = [...record.attempts.slice(0, -1), { ...last, outcome }];
      put(account.name, stoppedBy(account, { ...record, attempts, stopped: null }));
    },
    isStopped: (account) => current(account).stopped !== null,
    attempts: (account) => of(account.name).attempts,
    lastStep: (name) => of(name).step,
    spendStep: (name, step) => put(name, { ...of(name), step }),
  };
}

const NOTHING: AccountRecord = { attempts: [], stopped: null, resumed: 0, step: -1 };

function parsed(text: string | null): Record<string, AccountRecord> {
  if (text === null) return {};
  try {
    return savedSchema.parse(JSON.parse(text));
  } catch {
    return {}; // damaged: the limits of this process hold from now on
  }
}

/** Time until a further attempt keeps both limits. An attempt that lies ahead of the clock was made just now. */
function waitMs(attempts: AccountRecord['attempts'], now: EpochMs): number {
  const ages = attempts.map(({ at }) => Math.max(0, now - at)).slice(-MOST_AN_HOUR);
  const last = ages.at(-1);
  if (last === undefined) return 0;
  const sixth = ages.length === MOST_AN_HOUR ? (ages[0] ?? HOUR_MS) : HOUR_MS;
  return Math.max(0, PAUSE_MS - last, HOUR_MS - sixth);
}

/** The record, stopped when its last attempts count against the account. One without a known end counts. */
function stoppedBy(account: Account, record: AccountRecord): AccountRecord {
  const counted = record.attempts.filter(({ outcome }) => outcome !== 'untouched').slice(-MOST_REFUSALS);
  const failed = counted.length === MOST_REFUSALS && counted.every(({ outcome }) => outcome !== 'accepted');
  if (!failed) return record;
  const salt = randomBytes(16).toString('hex');
  return { ...record, stopped: { salt, digest: digestOf(account, salt) } };
}

/**
 * Not the secrets themselves, and of them two bytes alone: enough to see that they are others, and too little to find
 * out by trial what they are (threats C8: passwords are never written).
 */
function digestOf(account: Account, salt: string): string {
  const text = JSON.stringify([salt, ...accountSecrets(account)]);
  return createHash('sha256').update(text).digest('hex').slice(0, 4);
}

function isSame(account: Account, { salt, digest }: { salt: string; digest: string }): boolean {
  const own = Buffer.from(digestOf(account, salt));
  return own.length === digest.length && timingSafeEqual(own, Buffer.from(digest));
}
