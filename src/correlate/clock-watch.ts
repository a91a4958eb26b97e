// Whether our own wall clock can be believed (threats X15). It is judged by the https controls: sites outside of ours
// that say what time it is, over connections nobody on the way can forge. While it is not believed, nothing is said
// that depends on the date: no certificate is near its end or past it, and nothing old is deleted.

import { humanDuration } from '../base/duration.ts';
import type { Subject } from '../model/check.ts';
import type { EpochMs, Exchange, Observation } from '../model/observation.ts';
import type { Instant } from './outcome.ts';

/** The clock is wrong beyond this, and right again below the second (X15). */
const WRONG_MS = 30_000;
const RIGHT_MS = 20_000;
/** Wall and monotonic clock that part by more than this between two looks were stepped, or the machine slept. */
const STEP_MS = 2_000;
/** A step that no control confirms is believed after so long: somebody meant it. */
const SETTLED_MS = 3_600_000;
/** What a control said is forgotten after so long: ten of its intervals. */
const FRESH_MS = 600_000;
/** Controls that must agree. */
const LEAST = 2;
/** Before this program existed; a machine without a battery starts in 1970. */
const RELEASED: EpochMs = Date.UTC(2026, 0);
/** Years in which a Date header is believed to be one (threats H9). */
const DATES = { from: Date.UTC(2000, 0), to: Date.UTC(2200, 0) };
/** Largest Age that is taken for one: a year, as RFC 9111 1.2.2 advises for lifetimes. */
const LONGEST_AGE_MS = 365 * 86_400_000;

export interface ClockWatch {
  /** Takes what a probe saw, before anybody judges it. */
  see(subject: Subject, observation: Observation, now: Instant): void;
  /** Whether dates may be judged by our clock. */
  believes(now: Instant): boolean;
  /** What is wrong with our clock, a whole sentence; null while nobody says so. */
  fault(now: Instant): string | null;
}

/** What one control showed last. */
interface Reading {
  readonly seenMs: number;
  /** Its clock minus our monotonic one, ms; null when its certificate is not valid at our time. */
  readonly leadMs: number | null;
}

/** A watch that has seen nothing; it believes the clock unless that is absurd. */
export function createClockWatch(): ClockWatch {
  const readings = new Map<string, Reading>();
  let lead: number | null = null;
  let evenSince = 0;
  /** By how much the clock was stepped since it was believed last. */
  let steppedMs = 0;
  let wrong = false;

  const look = (now: Instant): void => {
    const leadNow = now.at - now.monotonicMs;
    const byMs = lead === null ? 0 : leadNow - lead;
    lead = leadNow;
    if (Math.abs(byMs) <= STEP_MS) return;
    steppedMs += byMs;
    evenSince = now.monotonicMs;
    // The monotonic clock stands still while a machine sleeps: what was read before says nothing any more.
    readings.clear();
  };
  const fresh = (now: Instant): Reading[] => {
    const all = [...readings.values()];
    return all.filter((one) => now.monotonicMs - one.seenMs <= FRESH_MS);
  };
  /** How far the controls are ahead of us, ms; null when too few say so. */
  const skewOf = (now: Instant): number | null => {
    const ahead = fresh(now).flatMap(({ leadMs }) => (leadMs === null ? [] : [leadMs]));
    return ahead.length < LEAST ? null : median(ahead) + now.monotonicMs - now.at;
  };
  const invalidOf = (now: Instant): number => fresh(now).filter(({ leadMs }) => leadMs === null).length;

  const fault = (now: Instant): string | null => {
    look(now);
    const skewMs = skewOf(now);
    if (skewMs !== null) {
      wrong = Math.abs(skewMs) > (wrong ? RIGHT_MS : WRONG_MS);
      return wrong ? skewText(skewMs) : null;
    }
    if (now.at < RELEASED) return `our clock says ${dayOf(now.at)}, which is long past`;
    const invalid = invalidOf(now);
    return invalid >= LEAST
      ? `at the date of our clock, ${dayOf(now.at)}, the certificates of ${invalid} controls are not valid`
      : null;
  };
  return {
    see(subject, observation, now) {
      look(now);
      if (subject.kind !== 'canary' || subject.canary !== 'control') return;
      const leadMs = leadOf(observation, now);
      if (leadMs !== undefined) readings.set(subject.id, { seenMs: now.monotonicMs, leadMs });
    },
    believes(now) {
      if (fault(now) !== null) return false;
      const confirmed = skewOf(now) !== null;
      if (confirmed || now.monotonicMs - evenSince >= SETTLED_MS) steppedMs = 0;
      return Math.abs(steppedMs) <= WRONG_MS;
    },
    fault,
  };
}

/** Undefined where the control says nothing about the time. */
function leadOf(observation: Observation, now: Instant): number | null | undefined {
  const answer = observation.exchanges.findLast((exchange) => exchange.status !== null);
  if (answer === undefined) return observation.error?.code === 'tls-expired' ? null : undefined;
  if (answer.tls === null) return undefined;
  const date = dateOf(answer, now.at);
  // Whole seconds: on average half of one has passed.
  return date === null ? undefined : date + 500 - now.monotonicMs;
}

/**
 * Date of an answer. Some caches keep the date of the answer they hold, some write their own (RFC 9111 5.1 wants the
 * first): of both readings the one that is closer to our clock is taken, so that a cache accuses nobody.
 */
function dateOf({ headers }: Exchange, now: EpochMs): EpochMs | null {
  const date = Date.parse(headers['date'] ?? '');
  if (!(date >= DATES.from && date < DATES.to)) return null;
  const ageMs = Number(/^\d{1,9}$/.exec(headers['age'] ?? '')?.[0] ?? 0) * 1_000;
  const aged = date + Math.min(ageMs, LONGEST_AGE_MS);
  return Math.abs(aged - now) < Math.abs(date - now) ? aged : date;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = Math.floor(sorted.length / 2);
  const upper = sorted[at] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[at - 1] ?? 0)) / 2;
}

function skewText(skewMs: number): string {
  const by = humanDuration(Math.round(Math.abs(skewMs) / 1_000) * 1_000);
  return `our clock is ${by} ${skewMs > 0 ? 'behind' : 'ahead of'} that of the controls`;
}

function dayOf(at: EpochMs): string {
  return new Date(at).toISOString().slice(0, 10);
}
