// Signing in, for one configuration: joins the record and the rounds of logins, the kept sessions and where they lie
// at rest. Wiring alone: what is decided is decided in schedule/ and probe/.

import type { Clock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import { createSeal, type Seal } from './base/seal.ts';
import type { Config } from './config/config.ts';
import type { Account } from './model/account.ts';
import { type CheckId, type LoginVisit, logsIn, type Subject } from './model/check.ts';
import type { ProbeResult } from './model/result.ts';
import { type Codes, createCodes } from './probe/one-time-code.ts';
import { createSignedIn, type SignedIn } from './probe/signed-in.ts';
import { createKeptSessions } from './schedule/kept-sessions.ts';
import { createLoginRecord } from './schedule/login-record.ts';
import { createLogins } from './schedule/logins.ts';
import type { WantedRun } from './schedule/scheduler.ts';
import type { SessionBudgets } from './schedule/session-budget.ts';
import { resumedKey } from './store/spent.ts';
import type { Store } from './store/store.ts';

/** Key of the store's state that holds the record of logins. */
const LOGINS = 'logins';
/** How long it is not asked again whether a person has resumed an account, ms. */
const HEARD_MS = 1_000;

/** Kept sessions of a process without a key for them: by account, until it ends. Holds secrets. */
export type SessionMemory = Map<string, string>;

export interface SigningIn {
  readonly signedIn: SignedIn;
  readonly codes: Codes;
  /** Sets what is probed. */
  replace(subjects: readonly Subject[]): void;
  start(): void;
  stop(): void;
  /** Why a subject has nothing to do now, or null. */
  idle(subject: Subject): string | null;
  /** Session budgets by which signed-in visits pay for what they open. */
  paying(sessions: SessionBudgets): SessionBudgets;
  /** False where the visit must not go out after all; the attempt of a login is on its way to the disk. */
  begin(subject: Subject): boolean;
  /** The visit was begun and did not go out. */
  cancel(subject: Subject): void;
  settle(result: ProbeResult): void;
  /** Writes the sessions now. */
  flush(): void;
}

interface SigningInTools {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Pick<Store, 'state' | 'settled'>;
  readonly memory: SessionMemory;
  readonly want: (wanted: readonly WantedRun[]) => void;
  /** An account waits for a person (in our words), or does not any more. */
  readonly told: (account: Account, detail: string | null) => void;
}

/** Builds it; nothing happens before `start`. */
export function createSigningIn(config: Config, tools: SigningInTools): SigningIn {
  const { clock, store, want } = tools;
  const { accounts } = config;
  const signedIn = createSignedIn(clock);
  const rest = atRest(config, signedIn, tools);
  const record = createLoginRecord({
    clock,
    saved: store.state.get(LOGINS),
    save: (text) => store.state.put(LOGINS, text),
    resumed: heard(clock, (name) => Number(store.state.get(resumedKey(name)) ?? 0)),
  });
  const logins = createLogins({
    ...{ clock, random: Math.random, accounts, everyMs: everyMs(config), record, want },
    isWithoutSession: (account) => signedIn.dump(account) === null,
    told: changesOnly((account, stopped) => tools.told(account, stopped ? stoppedText(account) : null)),
  });
  const kept = createKeptSessions({
    ...{ clock, signedIn, save: rest.write, renew: logins.renew },
    ended: (account, outcome) => record.end(account, outcome),
  });
  let subjects = new Map<CheckId, Subject>();
  return {
    signedIn,
    codes: createCodes({
      clock,
      lastStep: record.lastStep,
      async spend(account, step) {
        record.spendStep(account, step);
        await store.settled('state');
      },
    }),
    replace(next) {
      subjects = new Map(next.map((subject) => [subject.id, subject]));
      logins.replace(next);
    },
    start: logins.start,
    stop: logins.stop,
    idle(subject) {
      const isLogin = subject.kind === 'visit' && logsIn(subject.visit);
      return isLogin ? logins.idle(subject) : kept.idle(subject);
    },
    paying: (sessions) => ({
      ...sessions,
      isMarked(check) {
        const subject = subjects.get(check);
        return sessions.isMarked(check) || (subject !== undefined && kept.isPaid(subject));
      },
    }),
    begin: logins.begin,
    cancel(subject) {
      if (subject.kind === 'visit' && logsIn(subject.visit) && subject.account !== null)
        record.end(subject.account, 'untouched');
    },
    settle: (result) =>
      kept.settle(result, (check) => want([{ check, notBefore: clock.monotonic(), why: 'session' }])),
    flush: kept.flush,
  };
}

function everyMs({ checks }: Config): Readonly<Record<LoginVisit, number>> {
  return { login: checks.loginEveryMs, browser: checks.browser?.everyMs ?? checks.loginEveryMs };
}

function stoppedText({ name }: Account): string {
  return (
    `logins of the account ${name} are stopped, because three in a row were refused or did not end; ` +
    `try it by hand, then run gatewatch account resume ${name}, or give it another password`
  );
}

/** Where sessions lie while no visit has them: sealed in the store, or in this process. */
function atRest(
  { accounts, store: { keys } }: Config,
  signedIn: SignedIn,
  { log, store, memory }: SigningInTools,
): { write: () => void } {
  const seal = sealOf(accounts, keys);
  for (const account of accounts) {
    const sealed = store.state.get(keyOf(account)) ?? '';
    const opened = seal === null || sealed === '' ? null : seal.open(sealed, aboutOf(account));
    if (seal !== null && sealed !== '' && opened === null) {
      log.warn({ account: account.name }, 'kept session cannot be opened, forgotten');
      store.state.put(keyOf(account), '');
    }
    const text = opened ?? memory.get(memoryKey(account)) ?? null;
    if (text !== null) signedIn.restore(account, text);
  }
  return {
    write() {
      for (const account of accounts) {
        const text = signedIn.dump(account);
        if (text === null) memory.delete(memoryKey(account));
        else memory.set(memoryKey(account), text);
        if (seal !== null)
          store.state.put(keyOf(account), text === null ? '' : seal.close(text, aboutOf(account)));
      }
    },
  };
}

/** The sessions that a daemon of the store keeps sealed there, for a command beside it; nothing is written. */
export function keptAtRest(
  { accounts, store: { keys } }: Config,
  state: Pick<Store['state'], 'get'>,
  clock: Clock,
): SignedIn {
  const signedIn = createSignedIn(clock);
  const seal = sealOf(accounts, keys);
  for (const account of accounts) {
    const text = seal?.open(state.get(keyOf(account)) ?? '', aboutOf(account)) ?? null;
    if (text !== null) signedIn.restore(account, text);
  }
  return signedIn;
}

function sealOf(accounts: Config['accounts'], [first, ...older]: Config['store']['keys']): Seal | null {
  return first === undefined || accounts.length === 0 ? null : createSeal([first, ...older]);
}

function keyOf({ name }: Account): string {
  return `signed-in:${name}`;
}

/** Of another gate or another user the session would be another's. */
function memoryKey({ name, gate, credential }: Account): string {
  return JSON.stringify([name, gate, credential.kind === 'password' ? credential.username : credential.kind]);
}

function aboutOf(account: Account): string {
  return `signed-in session of ${memoryKey(account)}`;
}

/** Asked for every check on a page: the file is looked into once a second. */
function heard(clock: Clock, read: (name: string) => number): (name: string) => number {
  const known = new Map<string, { readonly value: number; readonly until: number }>();
  return (name) => {
    const now = clock.monotonic();
    const last = known.get(name);
    if (last !== undefined && now < last.until) return last.value;
    const value = read(name);
    known.set(name, { value, until: now + HEARD_MS });
    return value;
  };
}

function changesOnly(tell: (account: Account, stopped: boolean) => void): typeof tell {
  const last = new Map<string, boolean>();
  return (account, stopped) => {
    if (last.get(account.name) === stopped) return;
    last.set(account.name, stopped);
    tell(account, stopped);
  };
}
