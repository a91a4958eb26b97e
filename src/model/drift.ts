// Drift: what sources of targets say that does not fit, for people (DESIGN 6, Baseline). Nothing is probed for it.

/**
 * expectation   a source says another expectation than was accepted
 * gate          a source says another gate than was accepted, or none
 * vanished      an accepted target is in no source
 * disagree      sources, or a source and the static list, say different things of a target
 * no-gate       a route without the gate that should be in front of it
 * no-route      the gate protects a host that no proxy serves
 * outside       a host that the source may not add
 * refused       an object asks for what its source may not say
 * limit         more targets than the source, or one owner, may add
 * object        an object that cannot be used
 */
export type DriftKind =
  | 'expectation'
  | 'gate'
  | 'vanished'
  | 'disagree'
  | 'no-gate'
  | 'no-route'
  | 'outside'
  | 'refused'
  | 'limit'
  | 'object';

/** Kinds that contradict the accepted baseline: these are told by an alert. */
export const BASELINE_DRIFT: readonly DriftKind[] = ['expectation', 'gate', 'vanished'];

export interface Drift {
  readonly kind: DriftKind;
  /** Target id, where it is about one. */
  readonly target: string | null;
  /** Names of the sources it comes from, joined by `, `; `static` is the configuration's own list. */
  readonly source: string;
  /** What is wrong, complete in itself, lower case, no period. */
  readonly text: string;
}

/** How a source of targets fares. */
export interface SourceStatus {
  readonly source: string;
  readonly kind: string;
  /** When its set was last confirmed, epoch ms; null = never. */
  readonly lastSuccessAt: number | null;
  /** Targets it claims. */
  readonly found: number;
  /** Why it cannot be listed, or is not believed; null while all is well. */
  readonly problem: string | null;
  /** Since when there is a problem, epoch ms. */
  readonly problemSince: number | null;
}
