// What the visits of strangers leave behind: cookies that are kept for return visits, tokens that are given back when
// no session was made, and the count of sessions seen.

import type { Clock } from '../base/clock.ts';
import { type Check, type CheckId, checkId, type Subject } from '../model/check.ts';
import type { Gate } from '../model/gate.ts';
import type { Exchange } from '../model/observation.ts';
import type { ProbeResult } from '../model/result.ts';
import type { SessionBudgets } from './session-budget.ts';

/** The jars are written this long after a change. */
const SAVE_MS = 2_000;

/** The part of the strangers' jars that is needed here. */
interface KeptCookies {
  has(gate: Gate, url: string): boolean;
  keep(gate: Gate, exchanges: readonly Exchange[]): void;
  drop(gate: Gate, url: string, shared: boolean): boolean;
  dump(): string;
}

export interface Strangers {
  /** Why a subject has nothing to do now: a return visit without a cookie. */
  idle(subject: Subject): string | null;
  /** Keeps, drops and counts after a judged result; `want` gets the fresh visit that renews a lost cookie. */
  settle(result: ProbeResult, want: (check: CheckId) => void): void;
  /** Sessions whose cookies we saw being set, since the process started, by outpost. */
  seen(outpost: string): number;
  /** Writes the jars now. */
  flush(): void;
}

/** Bookkeeping over jars and budgets; `save` gets the durable form of the jars. */
export function createStrangers(tools: {
  readonly clock: Clock;
  readonly jars: KeptCookies;
  readonly sessions: Pick<SessionBudgets, 'refund' | 'charge' | 'mark' | 'unmark' | 'isMarked'>;
  readonly save: (text: string) => void;
}): Strangers {
  const { clock, jars, sessions } = tools;
  const seen = new Map<string, number>();
  let cancel: (() => void) | null = null;
  const flush = (): void => {
    if (cancel === null) return;
    cancel();
    cancel = null;
    tools.save(jars.dump());
  };
  const saveSoon = (): void => {
    cancel ??= clock.after(SAVE_MS, flush);
  };
  /** By gate: targets that were visited with its cookie, and whether each says that it is lost. */
  const losses = new Map<string, Map<string, boolean>>();
  const note = (subject: Check, gate: Gate, lost: boolean): void => {
    const targets = losses.get(gate.name) ?? new Map<string, boolean>();
    losses.set(gate.name, targets.set(subject.target.id, lost));
  };
  // One target alone could take the cookie of a domain from all its neighbours, again and again, and have us spend
  // the session budget on new ones (threats K1, K2).
  const isLostForAll = (gate: Gate): boolean => {
    const answers = [...(losses.get(gate.name)?.values() ?? [])];
    return answers.filter((lost) => lost).length >= Math.min(2, answers.length);
  };
  return {
    idle: (subject) => {
      if (subject.kind !== 'visit' || subject.visit !== 'return' || subject.gate === null) return null;
      return jars.has(subject.gate, subject.target.url) ? null : 'no cookie yet';
    },
    settle(result, want) {
      const { subject, judgement, observation } = result;
      const { gate } = subject;
      if (gate === null || subject.kind !== 'visit') return;
      seen.set(gate.outpost, (seen.get(gate.outpost) ?? 0) + judgement.sessionsSeen);
      settleBudget(result, gate.outpost, sessions);
      if (subject.visit === 'fresh' && judgement.handover !== null) {
        jars.keep(gate, observation.exchanges);
        saveSoon();
      }
      if (subject.visit === 'return') note(subject, gate, judgement.cookieLost);
      const isStranger = subject.account === null;
      if (isStranger && judgement.cookieLost && jars.drop(gate, subject.target.url, isLostForAll(gate))) {
        saveSoon();
        want(checkId('fresh', subject.path.name, subject.target.id));
      }
    },
    seen: (outpost) => seen.get(outpost) ?? 0,
    flush,
  };
}

/**
 * Gives back a token that bought no session. A visit outside the budget that brought a gate cookie (a public page
 * that turned out to be behind the gate) is charged for it, and goes on under the budget until it brings none.
 */
function settleBudget(
  result: ProbeResult,
  outpost: string,
  sessions: Pick<SessionBudgets, 'refund' | 'charge' | 'mark' | 'unmark' | 'isMarked'>,
): void {
  const { subject, judgement } = result;
  if (subject.kind !== 'visit' || subject.visit !== 'fresh') return;
  if (subject.costsSession) {
    if (madeNoSession(result)) sessions.refund(outpost);
    return;
  }
  const marked = sessions.isMarked(subject.id);
  if (judgement.sessionsSeen > 0) {
    if (!marked) sessions.charge(outpost);
    sessions.mark(subject.id);
  } else if (marked) {
    if (madeNoSession(result)) sessions.refund(outpost);
    sessions.unmark(subject.id);
  }
}

/**
 * Whether a token can be given back: a right answer that set no gate cookie. Never after an error or a fault (a full
 * store keeps an empty file for each try), and never where the cookies of the gate are not known.
 */
function madeNoSession({ subject, judgement, observation }: ProbeResult): boolean {
  if (subject.gate === null || subject.gate.kind === 'oidc') return false;
  const answered = observation.error === null && ['up', 'degraded'].includes(judgement.verdict);
  return answered && judgement.sessionsSeen === 0;
}
