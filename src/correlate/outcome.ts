// What the correlator takes and gives beside incidents: outcomes of probes, and wishes for extra ones.

import type { CheckId } from '../model/check.ts';
import type { IncidentKind, ProberReason } from '../model/incident.ts';
import type { EpochMs } from '../model/observation.ts';
import type { SignatureId, Verdict } from '../model/verdict.ts';

/** The part of a probe result that blame needs. */
export interface Outcome {
  readonly check: CheckId;
  readonly at: EpochMs;
  /** When it was seen: the end of the probe. */
  readonly monotonicMs: number;
  /** Begin of the probe, monotonic ms; default `monotonicMs`. A time-out tells of its begin as much as of its end. */
  readonly begunMs?: number;
  readonly verdict: Verdict;
  readonly signature: SignatureId | null;
  readonly pointsAt: readonly string[];
  readonly extra: boolean;
}

/** An extra probe that would help; budgets still hold. */
export interface Wanted {
  readonly check: CheckId;
  /** Monotonic ms; not before. */
  readonly notBefore: number;
  readonly why: 'suspicion' | 'recovery' | 'exposure';
}

/** One instant by both clocks. */
export interface Instant {
  readonly at: EpochMs;
  readonly monotonicMs: number;
}

/** A fault found outside of the probes. Kind, reason and name are its identity. */
export interface Finding {
  readonly kind: Extract<IncidentKind, 'prober' | 'certificate' | 'budget' | 'drift'>;
  readonly name: string;
  readonly reason: ProberReason | null;
  readonly detail: string;
  readonly signature: SignatureId | null;
}
