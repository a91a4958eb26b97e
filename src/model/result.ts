// Results: observation plus verdict, the thing that travels the corridor and is stored.

import type { Subject } from './check.ts';
import type { Evidence } from './evidence.ts';
import type { EpochMs, FlowEnd, FlowFacts, FlowStep, Observation, PageFacts } from './observation.ts';
import { evidenceText } from './text.ts';
import type { Judgement, SignatureId, Verdict } from './verdict.ts';

/** One executed probe. */
export interface ProbeResult {
  readonly subject: Subject;
  /** Start of the probe by the wall clock. */
  readonly at: EpochMs;
  /** End of the probe by the monotonic clock, ms; what windows and deadlines are computed from. */
  readonly monotonicMs: number;
  readonly observation: Observation;
  readonly judgement: Judgement;
  /** A probe beside the schedule: confirming burst, run-now, `check`. */
  readonly extra: boolean;
}

/** A result as read back from the store. */
export interface StoredResult {
  readonly id: number;
  readonly at: EpochMs;
  readonly check: string;
  readonly verdict: Verdict;
  readonly signature: SignatureId | null;
  readonly reason: string;
  readonly status: number | null;
  readonly durationMs: number;
  readonly evidence: readonly Evidence[];
  /** What became of a flow; left out for visits that are requests alone, and for rows that say nothing new. */
  readonly flow?: KeptFlow;
}

/** The part of a flow that is kept: our own and the flow's words, and numbers. */
export interface KeptFlow {
  readonly steps: readonly FlowStep[];
  readonly end: FlowEnd;
  readonly page: PageFacts | null;
  /** Id of the files of a failed browser visit; null when there are none. */
  readonly artifacts: string | null;
}

/** The storable part of a flow. */
export function keptFlow({ steps, end, page, artifacts }: FlowFacts): KeptFlow {
  return {
    steps: steps.map(({ name, durationMs, failed }) => ({
      name: evidenceText(name),
      durationMs: Math.round(durationMs),
      failed: failed === null ? null : evidenceText(failed),
    })),
    end,
    page,
    artifacts: artifacts ?? null,
  };
}

/** The part of a stored result that blame takes, for a replay. */
export interface PastResult {
  readonly id: number;
  readonly at: EpochMs;
  readonly check: string;
  readonly kind: 'visit' | 'canary';
  /** Target id, or the canary's name. */
  readonly target: string;
  readonly verdict: Verdict;
  readonly signature: SignatureId | null;
  /** Component types, likeliest first; null in rows of a version that did not keep them. */
  readonly pointsAt: readonly string[] | null;
  readonly durationMs: number;
  readonly extra: boolean;
}
