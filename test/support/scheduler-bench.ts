// A scheduler on a simulated clock, with everything it did written down.

import type { Subject } from '../../src/model/check.ts';
import { outpostsOf } from '../../src/schedule/outpost.ts';
import { plan, type Site } from '../../src/schedule/plan.ts';
import { createRequestBudgets, type RequestBudgets } from '../../src/schedule/request-budget.ts';
import { createScheduler, type Scheduler } from '../../src/schedule/scheduler.ts';
import { createSessionBudgets, type SessionBudgets } from '../../src/schedule/session-budget.ts';
import type { SimulatedClock } from './simulated-clock.ts';

export interface Run {
  readonly id: string;
  readonly subject: Subject;
  readonly at: number;
  readonly extra: boolean;
  endedAt: number | null;
}

export interface Bench {
  readonly scheduler: Scheduler;
  readonly sessions: SessionBudgets;
  readonly requests: RequestBudgets;
  readonly runs: Run[];
  readonly skipped: { id: string; reason: string }[];
  readonly lags: number[];
  /** Hosts with a stranger's cookie. */
  readonly cookies: Set<string>;
  readonly subjects: readonly Subject[];
  most(): { total: number; perHost: number };
}

export interface BenchOptions {
  readonly site: Site;
  readonly clock: SimulatedClock;
  /** Milliseconds a probe takes. */
  readonly takes?: (subject: Subject) => number;
  readonly concurrency?: number;
  readonly random?: () => number;
  readonly saved?: { sessions: string | null; requests: string | null };
  readonly save?: (levels: { sessions: string | null; requests: string | null }) => void;
  /** Whether fresh visits bring a cookie; default true. */
  readonly cookies?: boolean;
}

export function bench(options: BenchOptions): Bench {
  const { site, clock } = options;
  const saved = { sessions: options.saved?.sessions ?? null, requests: options.saved?.requests ?? null };
  const sessions = createSessionBudgets({
    outposts: outpostsOf(site),
    clock,
    saved: saved.sessions,
    save: (text) => {
      saved.sessions = text;
      options.save?.({ ...saved });
    },
  });
  const requests = createRequestBudgets({
    paths: site.paths,
    clock,
    saved: saved.requests,
    save: (text) => {
      saved.requests = text;
      options.save?.({ ...saved });
    },
  });
  const runs: Run[] = [];
  const skipped: { id: string; reason: string }[] = [];
  const lags: number[] = [];
  const cookies = new Set<string>();
  const active = new Map<string, number>();
  const most = { total: 0, perHost: 0 };
  const subjects = plan(site);
  const scheduler = createScheduler({
    clock,
    random: options.random ?? (() => 0.5),
    sessions,
    requests,
    concurrency: options.concurrency ?? 20,
    idle: (subject) =>
      subject.kind === 'visit' && subject.visit === 'return' && !cookies.has(subject.target.host)
        ? 'no cookie yet'
        : null,
    observe: {
      lag: (seconds) => void lags.push(seconds),
      skipped: (subject, reason) => void skipped.push({ id: subject.id, reason }),
    },
    async run(subject, { extra }, signal) {
      const host = subject.kind === 'visit' ? subject.target.host : subject.name;
      const run: Run = { id: subject.id, subject, at: clock.monotonic(), extra, endedAt: null };
      runs.push(run);
      active.set(host, (active.get(host) ?? 0) + 1);
      most.perHost = Math.max(most.perHost, active.get(host) ?? 0);
      most.total = Math.max(
        most.total,
        [...active.values()].reduce((sum, count) => sum + count, 0),
      );
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve());
        clock.after(options.takes?.(subject) ?? 100, resolve);
      });
      active.set(host, (active.get(host) ?? 1) - 1);
      run.endedAt = clock.monotonic();
      if (subject.kind === 'visit' && subject.visit === 'fresh' && options.cookies !== false)
        cookies.add(subject.target.host);
    },
  });
  scheduler.replace(subjects);
  return { scheduler, sessions, requests, runs, skipped, lags, cookies, subjects, most: () => most };
}
