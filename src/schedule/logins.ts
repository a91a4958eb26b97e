// When which login is visited: each gate and path in turn, each of its targets in turn, as often as `checks.login` and
// `checks.browser` want and the limits of the account allow; earlier when a session was lost. Between two daemons with one account
// there is jitter, so that they do not meet every time.

import type { Clock } from '../base/clock.ts';
import type { Account } from '../model/account.ts';
import { type Check, LOGIN_VISITS, type LoginVisit, logsIn, type Subject } from '../model/check.ts';
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

/** Logins of one kind of visit and one account over one gate and path. */
export interface LoginGroup {
  readonly key: string;
  readonly checks: readonly Check[];
}

/** Login checks of an account by gate and path, in the order of the plan. */
export function loginGroups(
  account: Account,
  subjects: readonly Subject[],
  visit: LoginVisit = 'login',
): LoginGroup[] {
  const own = subjects.filter(
    (subject): subject is Check =>
      subject.kind === 'visit' && subject.visit === visit && subject.account?.name === account.name,
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

/** The logins of one account by one kind of visit. */
interface Round {
  readonly account: Account;
  readonly visit: LoginVisit;
  groups: readonly LoginGroup[];
  cancel: () => void;
}

/** Paces the logins of all accounts. */
export function createLogins(tools: {
  readonly clock: Clock;
  readonly random: () => number;
  readonly accounts: readonly Account[];
  readonly everyMs: Readonly<Record<LoginVisit, number>>;
  readonly record: LoginRecord;
  /** Whether the account is without any session, so that its first login is due at once. */
  readonly isWithoutSession: (account: Account) => boolean;
  readonly want: (wanted: readonly WantedRun[]) => void;
  /** Tells that the logins of an account are stopped, or that they go on. */
  readonly told: (account: Account, stopped: boolean) => void;
}): Logins {
  const { clock, record } = tools;
  const rounds = tools.accounts.flatMap((account) =>
    LOGIN_VISITS.map((visit): Round => ({ account, visit, groups: [], cancel: () => {} })),
  );
  let running = false;

  const arm = (round: Round, ms: number): void => {
    round.cancel();
    round.cancel = clock.after(ms, () => turn(round));
  };
  const turn = (round: Round): void => {
    const { account, groups } = round;
    const waitMs = record.waitMs(account);
    tools.told(account, waitMs === null);
    if (groups.length === 0) return;
    if (waitMs === null || waitMs > 0) {
      arm(round, waitMs ?? STOPPED_MS);
      return;
    }
    const next = nextLogin(groups, record.attempts(account));
    if (next !== null) tools.want([{ check: next.id, notBefore: clock.monotonic(), why: 'login' }]);
    arm(round, paceMs(round) * (1 - JITTER + 2 * JITTER * tools.random()));
  };
  const paceMs = ({ groups, visit }: Round): number => loginPaceMs(groups.length, tools.everyMs[visit]);
  /** A start goes on where the last one was; without a session there is nothing to wait for. */
  const firstMs = (round: Round): number => {
    const { account, visit, groups } = round;
    const jitterMs = FIRST_MS * tools.random();
    const own = new Set<string>(groups.flatMap(({ checks }) => checks.map(({ id }) => id)));
    const last = record.attempts(account).findLast(({ check }) => own.has(check));
    const isNeeded = visit === 'login' && tools.isWithoutSession(account);
    if (last === undefined || isNeeded) return jitterMs;
    const sinceMs = Math.max(0, clock.now() - last.at);
    return Math.max(jitterMs, paceMs(round) - sinceMs);
  };
  return {
    replace(subjects) {
      for (const round of rounds) {
        const before = round.groups.length;
        round.groups = loginGroups(round.account, subjects, round.visit);
        if (running && before === 0 && round.groups.length > 0) arm(round, firstMs(round));
      }
    },
    start() {
      running = true;
      for (const round of rounds) if (round.groups.length > 0) arm(round, firstMs(round));
    },
    stop() {
      running = false;
      for (const { cancel } of rounds) cancel();
    },
    renew(account) {
      const round = rounds.find((one) => one.account === account && one.visit === 'login');
      if (running && round !== undefined) arm(round, record.waitMs(account) ?? STOPPED_MS);
    },
    idle({ account }) {
      if (account === null) return 'no account';
      const waitMs = record.waitMs(account);
      if (waitMs === null)
        return `logins of ${account.name} are stopped: gatewatch account resume ${account.name}`;
      return waitMs > 0 ? `the last login of ${account.name} was just now` : null;
    },
    begin: (subject) => {
      if (subject.kind !== 'visit' || !logsIn(subject.visit)) return true;
      return subject.account !== null && record.begin(subject.account, subject.id);
    },
  };
}
