// Runs that somebody waits for. They are wishes to the scheduler like any other, so budgets and limits hold, and their
// results walk the whole corridor; the last consumer hands them to those who wait (threats N3).
//
// The asker's patience never shortens the probe itself: a result that a short patience made fail would accuse the
// target in the correlator.

import type { Clock } from '../base/clock.ts';
import type { Check, CheckId, Subject } from '../model/check.ts';
import { type ProbeOutcome, type ProbeReport, type ProbeWish, toProbeReport } from '../model/probe-report.ts';
import type { ProbeResult } from '../model/result.ts';
import type { RequestBudgets } from './request-budget.ts';
import type { WantedRun } from './scheduler.ts';
import type { SessionBudgets } from './session-budget.ts';

/** A check is run for an asker once in this time, ms; in between the last result is the answer. */
const PAUSE_MS = 10_000;
/** What a probe may need beyond its own time-out, ms: its place in the queue, its verdict. */
const SLACK_MS = 1_000;
/** Longest wait, ms: the web port drops connections that are silent for 30 s. */
const LONGEST_MS = 25_000;

export interface OnDemand {
  /** Probes what the wish names, or says why not. Never rejects. */
  probe(wish: ProbeWish, subjects: readonly Subject[]): Promise<ProbeOutcome>;
  /** Wraps each run of the scheduler. */
  during(check: CheckId, run: () => Promise<void>): Promise<void>;
  /** The last consumer of the corridor. */
  accept(result: ProbeResult): void;
  /** Lets all who wait go. */
  stop(): void;
}

interface DemandTools {
  readonly clock: Clock;
  readonly sessions: Pick<SessionBudgets, 'waitMs' | 'isMarked'>;
  readonly requests: Pick<RequestBudgets, 'waitMs'>;
  /** Why a subject has nothing to do now, or null. */
  readonly idle: (subject: Subject) => string | null;
  readonly want: (wanted: readonly WantedRun[]) => void;
}

/** A check that was asked for. */
interface Asked {
  last: { readonly report: ProbeReport; readonly endedMs: number } | null;
  /** Get the next report, or why there is none. */
  readonly waiters: Set<(outcome: ProbeOutcome) => void>;
}

/** Doorman of one configuration; remembers the checks that were asked for, of which there are only so many. */
export function createOnDemand(tools: DemandTools): OnDemand {
  const { clock, want } = tools;
  const running = new Set<CheckId>();
  const asked = new Map<CheckId, Asked>();
  let stopped = false;

  const settle = (entry: Asked | undefined, outcome: ProbeOutcome): void => {
    for (const waiter of [...(entry?.waiters ?? [])]) waiter(outcome);
  };
  const next = (check: Check, entry: Asked, waitMs: number): Promise<ProbeOutcome> =>
    new Promise((resolve) => {
      const done = (outcome: ProbeOutcome): void => {
        cancel();
        entry.waiters.delete(done);
        resolve(outcome);
      };
      const cancel = clock.after(waitMs, () =>
        done(
          running.has(check.id)
            ? { kind: 'late', waitedMs: waitMs }
            : notRun(shortage(check, tools) ?? 'other probes were before it'),
        ),
      );
      entry.waiters.add(done);
    });

  return {
    async probe(wish, subjects) {
      if (stopped) return notRun('the configuration is being replaced');
      const check = chooseCheck(wish, subjects, tools.idle);
      if (typeof check === 'string') return notRun(check);
      const entry = asked.get(check.id) ?? { last: null, waiters: new Set() };
      asked.set(check.id, entry);
      const now = clock.monotonic();
      const recent = recentOf(entry, now);
      if (recent !== null) return recent;
      const waitMs = Math.min(check.timeoutMs + SLACK_MS, wish.patienceMs ?? LONGEST_MS, LONGEST_MS);
      if (running.has(check.id) || entry.waiters.size > 0) return next(check, entry, waitMs);
      const short = shortage(check, tools);
      if (short !== null) return notRun(short);
      const outcome = next(check, entry, waitMs);
      // Not before now: a run that confirms a suspicion and was wanted earlier goes first. It lapses with the waiting,
      // so that no token is spent for nobody.
      want([{ check: check.id, notBefore: now, until: now + waitMs, why: 'probe' }]);
      return outcome;
    },
    async during(id, run) {
      running.add(id);
      try {
        await run();
      } finally {
        running.delete(id);
        settle(asked.get(id), notRun('the probe was cut short')); // only those whom `accept` did not serve
      }
    },
    accept(result) {
      const { subject, monotonicMs } = result;
      const entry = asked.get(subject.id);
      if (entry === undefined || subject.kind !== 'visit') return;
      const report = toProbeReport(subject, result);
      entry.last = { report, endedMs: monotonicMs };
      settle(entry, { kind: 'result', report, ageMs: 0 });
    },
    stop() {
      stopped = true;
      for (const entry of asked.values()) settle(entry, notRun('the configuration is being replaced'));
    },
  };
}

/** The last result while it is young enough to be the answer. */
function recentOf({ last }: Asked, now: number): ProbeOutcome | null {
  if (last === null || now - last.endedMs >= PAUSE_MS) return null;
  return { kind: 'result', report: last.report, ageMs: now - last.endedMs };
}

function notRun(why: string): ProbeOutcome {
  return { kind: 'not-run', why };
}

/** The check of a wish, or why there is none: a session is spent only where the wish says so. */
function chooseCheck(
  wish: ProbeWish,
  subjects: readonly Subject[],
  idle: DemandTools['idle'],
): Check | string {
  const checks = subjects.filter(
    (subject): subject is Check =>
      subject.kind === 'visit' && subject.target.id === wish.target && subject.path.name === wish.path,
  );
  const fresh = checks.find(({ visit }) => visit === 'fresh');
  if (wish.module === 'fresh') return fresh ?? 'no fresh visit is planned for this target and path';
  const kept = checks.find(({ visit }) => visit === 'return');
  if (kept !== undefined && idle(kept) === null) return kept;
  if (fresh !== undefined && !fresh.costsSession) return fresh;
  return "there is no stranger's cookie for this target yet, and a fresh visit costs a session: use module=fresh";
}

/** Which budget has nothing left for this check now, or null. */
function shortage(check: Check, { sessions, requests }: DemandTools): string | null {
  const { gate, path } = check;
  const pays = gate !== null && (check.costsSession || sessions.isMarked(check.id));
  if (pays && sessions.waitMs(gate.outpost) > 0)
    return `the session budget of ${gate.outpost} has no token left`;
  return requests.waitMs(path.name) > 0 ? `the request budget of path ${path.name} is used up` : null;
}
