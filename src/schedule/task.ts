// What the scheduler knows about one subject beside the subject itself.

import type { Subject } from '../model/check.ts';
import type { EpochMs } from '../model/observation.ts';

export interface Task {
  subject: Subject;
  /** Host that is probed, for the limit per host. */
  host: string;
  /** What is dialled: an origin path, which has one address, by its name; else the host. */
  address: string;
  /** Next scheduled run, monotonic ms; null for what a rotation paces, and before the start. */
  dueAt: number | null;
  /** When it became due and could not start yet, monotonic ms. */
  waitingSince: number | null;
  /** A run beside the schedule that is asked for. */
  wanted: { readonly notBefore: number; readonly until: number } | null;
  running: boolean;
  /** Its last run was slow: see in-flight.ts. */
  slow: boolean;
  /** Start of the last run, monotonic ms; -Infinity when there was none. */
  lastStart: number;
  /** The same by the wall clock. */
  lastAt: EpochMs | null;
}

/** Outpost whose budget a subject costs; null when it costs no session. */
export function budgetOf(subject: Subject): string | null {
  return subject.kind === 'visit' && subject.costsSession ? (subject.gate?.outpost ?? null) : null;
}

/** A task that has not run yet. */
export function createTask(subject: Subject): Task {
  return {
    subject,
    ...placeOf(subject),
    dueAt: null,
    waitingSince: null,
    wanted: null,
    running: false,
    slow: false,
    lastStart: Number.NEGATIVE_INFINITY,
    lastAt: null,
  };
}

/** The task of a subject: one that is known stays, with its phase while the interval is the same. */
export function taskFor(subject: Subject, known: Task | undefined): Task {
  if (known === undefined) return createTask(subject);
  if (known.subject.everyMs !== subject.everyMs) known.dueAt = null;
  known.subject = subject;
  return Object.assign(known, placeOf(subject));
}

function placeOf(subject: Subject): { host: string; address: string } {
  const host = hostOf(subject);
  return { host, address: subject.path?.kind === 'origin' ? subject.path.name : host };
}

function hostOf(subject: Subject): string {
  if (subject.kind === 'visit') return subject.target.host;
  return URL.parse(subject.url)?.hostname ?? subject.name;
}
