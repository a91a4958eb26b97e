// When which login is visited: each gate and path in turn, each of its targets in turn, as often as `checks.login`
// wants and the limits of the account allow; earlier when a session was lost. Between two daemons with one account
// there is jitter, so that they do not meet every time.

import type { Clock } from '../base/clock.ts';
import type { Account } from '../model/account.ts';
import type { Check, Subject } from '../model/check.ts';
import { type LoginRecord, MOST_AN_HOUR } from './login-record.ts';
import type { WantedRun } from './scheduler.ts';

const HOUR_MS = 3_600_000;
/** Of the logins an hour, one is left for a session that was lost. */
const PLANNED_AN_HOUR = MOST_AN_HOUR - 1;
/** Share of the time between two logins by which it is longer or shorter. */
const JITTER = 0.1;
/** First login after a start, at most, ms: not at once, for a crash that comes back must not log in each time. */
const FIRST_MS = 10_000;
/** While an account is stopped, how often it is looked at whether a person has acted, ms. */
const STOPPED_MS = 15_000;

/** Login visits of one account over one gate and path. */
export interface LoginGroup {
  readonly key: string;
  readonly checks: readonly Check[];
}

/** Login checks of an account by gate and path, in the order of the plan. */
export function loginGroups(account: Account, subjects: readonly Subject[]): LoginGroup[] {
  const own = subjects.filter(
    (subject): subject is Check =>
      subject.kind === 'visit' && subject.visit === 'login' && subject.account?.name === account.name,
  );
  const groups = Map.groupBy(own, ({ gate, path }) => `${gate?.name} ${path.name}`);
  return [...groups].map(([key, checks]) => ({ key, checks }));
}

/** Time between two logins of an account with so many gates and paths, ms. */
export function loginPaceMs(groups: number, everyMs: number): number {
  return Math.max(everyMs / Math.max(1, groups), HOUR_MS / PLANNED_AN_HOUR);
}

/** The check whose turn it is: of the group that waits longest, the target that waits longest. */
export function nextLogin(
  groups: readonly LoginGroup[],
  attempts: readonly { readonly check: string }[],
): Check | null {
  const last = new Map(attempts.map(({ check }, index) => [check, index]));
  const turn = (check: Check): number => last.get(check.id) ?? -1;
  const lastOf = ({ checks }: LoginGroup): number => Math.max(-1, ...checks.map(turn));
  const group = groups.reduce<LoginGroup | null>(
    (best, one) => (best === null || lastOf(one) < lastOf(best) ? one : best),
    null,
  );
  return (
    group?.checks.reduce<Check | null>(
      (best, one) => (best === null || turn(one) < turn(best) ? one : best),
      null,
    ) ?? null
  );
}

export interface Logins {
  /** Sets what may be visited. */
  replace(subjects: readonly Subject[]): void;
  start(): void;
  stop(): void;
  /** One login of the account as soon as the limits allow. */
  renew(account: Account): void;
  /** Why a login visit cannot run now; null when it can. */
  idle(check: Check): string | null;
  /** Whether the visit may go out; if it is a login, that it does is on its way to the disk. */
  begin(subject: Subject): boolean;
}

/** Paces the logins of all accounts. */
export function createLogins(tools: {
  readonly clock: Clock;
  readonly random: () => number;
  readonly accounts: readonly Account[];
  readonly everyMs: number;
  readonly record: LoginRecord;
  /** Whether the account is without any session, so that its first login is due at once. */
  readonly isWithoutSession: (account: Account) => boolean;
  readonly want: (wanted: readonly WantedRun[]) => void;
  /** Tells that the logins of an account are stopped, or that they go on. */
  readonly told: (account: Account, stopped: boolean) => void;
}): Logins {
  const { clock, record } = tools;
  const groups = new Map<Account, LoginGroup[]>();
  const timers = new Map<Account, () => void>();
  let running = false;

  const arm = (account: Account, ms: number): void => {
    timers.get(account)?.();
    timers.set(
      account,
      clock.after(ms, () => turn(account)),
    );
  };
  const turn = (account: Account): void => {
    const own = groups.get(account) ?? [];
    const waitMs = record.waitMs(account);
    tools.told(account, waitMs === null);
    if (own.length === 0) return;
    if (waitMs === null || waitMs > 0) {
      arm(account, waitMs ?? STOPPED_MS);
      return;
    }
    const next = nextLogin(own, record.attempts(account));
    if (next !== null) tools.want([{ check: next.id, notBefore: clock.monotonic(), why: 'login' }]);
    arm(account, paceMs(own) * (1 - JITTER + 2 * JITTER * tools.random()));
  };
  const paceMs = (own: readonly LoginGroup[]): number => loginPaceMs(own.length, tools.everyMs);
  /** A start goes on where the last one was; without a session there is nothing to wait for. */
  const firstMs = (account: Account): number => {
    const jitterMs = FIRST_MS * tools.random();
    const last = record.attempts(account).at(-1);
    if (last === undefined || tools.isWithoutSession(account)) return jitterMs;
    const sinceMs = Math.max(0, clock.now() - last.at);
    return Math.max(jitterMs, paceMs(groups.get(account) ?? []) - sinceMs);
  };
  return {
    replace(subjects) {
      for (const account of tools.accounts) {
        const before = groups.get(account)?.length ?? 0;
        const own = loginGroups(account, subjects);
        groups.set(account, own);
        if (running && before === 0 && own.length > 0) arm(account, firstMs(account));
      }
    },
    start() {
      running = true;
      for (const account of tools.accounts)
        if ((groups.get(account) ?? []).length > 0) arm(account, firstMs(account));
    },
    stop() {
      running = false;
      for (const cancel of timers.values()) cancel();
      timers.clear();
    },
    renew(account) {
      if (running) arm(account, record.waitMs(account) ?? STOPPED_MS);
    },
    idle({ account }) {
      if (account === null) return 'no account';
      const waitMs = record.waitMs(account);
      if (waitMs === null)
        return `logins of ${account.name} are stopped: gatewatch account resume ${account.name}`;
      return waitMs > 0 ? `the last login of ${account.name} was just now` : null;
    },
    begin: (subject) => {
      if (subject.kind !== 'visit' || subject.visit !== 'login') return true;
      return subject.account !== null && record.begin(subject.account, subject.id);
    },
  };
}
