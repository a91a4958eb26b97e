// Session budgets: one token bucket per outpost. Every visit that may create a session takes a token before it is
// sent, whoever asked for it (DESIGN 3, Session budget; threats B1-B3).

import type { Clock } from '../base/clock.ts';
import type { CheckId } from '../model/check.ts';
import { HeldSessions } from './held-sessions.ts';
import { formatLevels, parseLevels } from './levels.ts';
import type { Outpost } from './outpost.ts';
import { createTokenBucket, type TokenBucket } from './token-bucket.ts';

export interface SessionBudgets {
  /** Takes a token; always true at outposts without a budget. Unknown outposts have none to give. */
  take(outpost: string): boolean;
  /** Gives a token back: the answer came, and made no session. Never after an error. */
  refund(outpost: string): void;
  /** Counts a session that was made without a token (a public page that turned out to be behind the gate). */
  charge(outpost: string): void;
  /**
   * Puts a check that is outside the budget under it, because it brought a gate cookie: its runs wait for a token and
   * take one, until `unmark`.
   */
  mark(check: CheckId): void;
  unmark(check: CheckId): void;
  isMarked(check: CheckId): boolean;
  /** Whole and partial tokens; Infinity without a budget. */
  tokens(outpost: string): number;
  /** Milliseconds until a token is there. */
  waitMs(outpost: string): number;
  /** Milliseconds between two visits of the rotation, at the pace that is wanted and allowed; null = no rotation. */
  paceMs(outpost: string): number | null;
  /** Tokens the rotation leaves to confirmations while it can. */
  reserve(outpost: string): number;
  /** Sessions created since the process started: tokens taken less those given back. */
  created(outpost: string): number;
  /** Sessions that should still be in the store: created within the lifetime. */
  held(outpost: string): number;
  readonly outposts: readonly Outpost[];
  /** Durable form of levels and of what is held. */
  levels(): string;
  /** Saves the whole levels, for a clean stop. */
  flush(): void;
}

interface Account {
  readonly outpost: Outpost;
  readonly bucket: TokenBucket | null;
  created: number;
  readonly held: HeldSessions;
  /** What of `elsewhere` has been charged. */
  charged: number;
}

const MINUTE_MS = 60_000;

interface BudgetOptions {
  readonly outposts: readonly Outpost[];
  readonly clock: Clock;
  /** `levels()` of the process before; null = there was none. */
  readonly saved: string | null;
  /** Gets the durable form before a token is given away. */
  readonly save: (text: string) => void;
  /** Sessions that other processes of this store have created so far; only rises. */
  readonly elsewhere?: (outpost: string) => number;
}

/** Budgets of the outposts. */
export function createSessionBudgets(options: BudgetOptions): SessionBudgets {
  const { clock, outposts } = options;
  const marked = new Set<CheckId>();
  const { accounts, text } = openAccounts(options);
  return {
    take(name) {
      const account = accounts.get(name);
      if (account === undefined) return false;
      chargeElsewhere(account, options);
      account.held.add(clock.now(), 1); // first, so that it is in what the bucket saves
      if (account.bucket?.take() === false) {
        account.held.add(clock.now(), -1);
        return false;
      }
      account.created += 1;
      return true;
    },
    refund(name) {
      const account = accounts.get(name);
      if (account === undefined || account.created === 0) return;
      account.created -= 1;
      account.held.add(clock.now(), -1);
      account.bucket?.refund();
    },
    charge(name) {
      const account = accounts.get(name);
      if (account !== undefined) charge(account, 1, clock);
    },
    mark: (check) => void marked.add(check),
    unmark: (check) => void marked.delete(check),
    isMarked: (check) => marked.has(check),
    tokens: (name) => tokensOf(accounts.get(name)),
    waitMs: (name) => accounts.get(name)?.bucket?.waitMs() ?? 0,
    paceMs: (name) => paceOf(accounts.get(name)?.outpost),
    reserve: (name) => Math.floor((accounts.get(name)?.outpost.capacity ?? 0) / 2),
    created: (name) => accounts.get(name)?.created ?? 0,
    held: (name) => accounts.get(name)?.held.count(clock.now()) ?? 0,
    outposts,
    levels: text,
    flush() {
      for (const { bucket } of accounts.values()) bucket?.flush();
    },
  };
}

function openAccounts(options: BudgetOptions): {
  accounts: ReadonlyMap<string, Account>;
  text: () => string;
} {
  const { clock } = options;
  const saved = parseLevels(options.saved);
  const levels = new Map(saved.levels);
  const accounts = new Map<string, Account>();
  const byName = <Value>(value: (account: Account) => Value): Record<string, Value> =>
    Object.fromEntries([...accounts].map(([name, account]) => [name, value(account)]));
  const text = (): string =>
    formatLevels(levels, {
      held: byName(({ held }) => held.dump()),
      charged: byName(({ charged }) => charged),
    });
  for (const outpost of options.outposts) {
    const { name, allowedPerMinute, capacity } = outpost;
    const save = (level: number): void => {
      levels.set(name, level);
      options.save(text());
    };
    const bucket =
      allowedPerMinute === null
        ? null
        : createTokenBucket({
            clock,
            perMs: allowedPerMinute / MINUTE_MS,
            capacity,
            saved: saved.of(name),
            chunk: 1,
            save,
          });
    accounts.set(name, {
      outpost,
      bucket,
      created: 0,
      held: new HeldSessions(outpost.lifetimeMs, saved.held[name] ?? []),
      charged: saved.charged[name] ?? 0,
    });
  }
  return { accounts, text };
}

/**
 * Takes from the bucket what `gatewatch check` and its like have spent beside us. How far that went is saved with the
 * level, so that it is charged once, also when it was spent while no daemon ran.
 */
function chargeElsewhere(account: Account, { clock, elsewhere }: BudgetOptions): void {
  const spent = elsewhere?.(account.outpost.name) ?? 0;
  const added = spent - account.charged;
  if (!(added > 0)) return;
  account.charged = spent;
  charge(account, added, clock);
}

function charge(account: Account, sessions: number, clock: Clock): void {
  account.created += sessions;
  account.held.add(clock.now(), sessions);
  account.bucket?.charge(sessions);
}

function tokensOf(account: Account | undefined): number {
  if (account === undefined) return 0;
  return account.bucket === null ? Number.POSITIVE_INFINITY : account.bucket.level();
}

function paceOf(outpost: Outpost | undefined): number | null {
  if (outpost === undefined || outpost.allowedPerMinute === null) return null;
  const perMinute = Math.min(outpost.wantedPerMinute, outpost.allowedPerMinute);
  return perMinute > 0 ? MINUTE_MS / perMinute : null;
}
