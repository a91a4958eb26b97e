// What signed-in visits leave behind: the session of a completed login is kept, one that is lost is dropped and
// renewed by one login, never in a loop; and which visits open a session at the gate and must pay for it.

import type { Clock } from '../base/clock.ts';
import type { Account } from '../model/account.ts';
import { type Check, type CheckId, logsIn, type Subject } from '../model/check.ts';
import type { Gate } from '../model/gate.ts';
import type { Exchange } from '../model/observation.ts';
import type { ProbeResult } from '../model/result.ts';
import { type LoginOutcome, outcomeOf } from './login-record.ts';

/** The sessions are written this long after a change. */
const SAVE_MS = 2_000;

/** The part of the signed-in jars that is needed here. */
interface Sessions {
  has(account: Account, gate: Gate, url: string): boolean;
  hasLogin(account: Account, gate: Gate): boolean;
  keep(
    signIn: { readonly account: Account; readonly gate: Gate; readonly replace: boolean },
    exchanges: readonly Exchange[],
  ): void;
  drop(account: Account, gate: Gate, url: string, shared: boolean): boolean;
  forget(account: Account): boolean;
}

export interface KeptSessions {
  /** Why a session visit has nothing to send: no session yet. */
  idle(subject: Subject): string | null;
  /** Whether the visit opens a session at the gate: a login, and a session visit of a host not entered yet. */
  isPaid(subject: Subject): boolean;
  /** Keeps, drops and renews after a judged result; `want` gets the visit that opens a lost session anew. */
  settle(result: ProbeResult, want: (check: CheckId) => void): void;
  /** Writes what has changed now. */
  flush(): void;
}

/** Whose visit it was. */
interface Entered {
  readonly check: Check;
  readonly account: Account;
  readonly gate: Gate;
}

/** Whether a session visit has opened a session at the gate: by the provider's, or by a credential that was taken. */
function hasEntered({ observation, judgement }: ProbeResult, { credential }: Account): boolean {
  if (observation.flow !== null) return observation.flow.end === 'app';
  return credential.kind !== 'password' && ['up', 'degraded'].includes(judgement.verdict);
}

/**
 * Notes what each target says of the account's session; true when the session is lost for all: one target alone could
 * sign the account out everywhere, again and again (threats K2).
 */
function createLosses(): (account: Account, check: Check, lost: boolean) => boolean {
  const losses = new Map<string, Map<string, boolean>>();
  return (account, { target }, lost) => {
    const targets = losses.get(account.name) ?? new Map<string, boolean>();
    losses.set(account.name, targets.set(target.id, lost));
    const answers = [...targets.values()];
    return answers.filter((one) => one).length >= Math.min(2, answers.length);
  };
}

/** Bookkeeping over the sessions of all accounts. */
export function createKeptSessions(tools: {
  readonly clock: Clock;
  readonly signedIn: Sessions;
  /** A login visit has ended so. */
  readonly ended: (account: Account, outcome: LoginOutcome) => void;
  /** One login of the account, as soon as may be. */
  readonly renew: (account: Account) => void;
  readonly save: () => void;
}): KeptSessions {
  const { clock, signedIn } = tools;
  let cancel: (() => void) | null = null;
  const flush = (): void => {
    if (cancel === null) return;
    cancel();
    cancel = null;
    tools.save();
  };
  const changed = (): void => {
    cancel ??= clock.after(SAVE_MS, flush);
  };
  const isLostForAll = createLosses();

  const settleLogin = ({ observation }: ProbeResult, { check, account, gate }: Entered): void => {
    const { flow, exchanges } = observation;
    tools.ended(account, outcomeOf(flow));
    // A browser's session ends with the browser: what is kept comes of logins over HTTP.
    if (flow?.end !== 'app' || check.visit !== 'login') return;
    signedIn.keep({ account, gate, replace: true }, exchanges);
    changed();
  };
  const keepEntered = (result: ProbeResult, { account, gate }: Entered): void => {
    if (!hasEntered(result, account)) return;
    signedIn.keep({ account, gate, replace: false }, result.observation.exchanges);
    changed();
  };
  const lose = (result: ProbeResult, { check, account, gate }: Entered): CheckId | null => {
    const lost = result.judgement.signature === 'gate-sessions-lost';
    const shared = isLostForAll(account, check, lost);
    if (!lost) return null;
    changed();
    if (result.observation.flow !== null) {
      // The identity provider does not know it either: only a login helps.
      if (signedIn.forget(account)) tools.renew(account);
      return null;
    }
    if (!signedIn.drop(account, gate, check.target.url, shared) || account.credential.kind !== 'password')
      return null;
    if (signedIn.hasLogin(account, gate)) return check.id;
    tools.renew(account);
    return null;
  };
  return {
    idle(subject) {
      if (subject.kind !== 'visit' || subject.visit !== 'session') return null;
      const { account, gate, target } = subject;
      if (account === null || gate === null) return 'no account';
      if (account.credential.kind !== 'password') return null;
      const has = signedIn.has(account, gate, target.url) || signedIn.hasLogin(account, gate);
      return has ? null : 'no session yet';
    },
    isPaid(subject) {
      if (subject.kind !== 'visit' || subject.account === null || subject.gate === null) return false;
      if (subject.gate.sessions.store === 'none') return false;
      return logsIn(subject.visit) || !signedIn.has(subject.account, subject.gate, subject.target.url);
    },
    settle(result, want) {
      const { subject } = result;
      if (subject.kind !== 'visit') return;
      const { account, gate, visit } = subject;
      if (account === null || gate === null) return;
      const entered = { check: subject, account, gate };
      if (logsIn(visit)) settleLogin(result, entered);
      if (visit !== 'session') return;
      keepEntered(result, entered);
      const again = lose(result, entered);
      if (again !== null) want(again);
    },
    flush,
  };
}
