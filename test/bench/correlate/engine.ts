// The real correlator as a watcher of the world: results go in through its door, as the pipeline hands them, and its
// wishes come out. Keeps all events and what thinking costs.

import { type Correlator, createCorrelator } from '../../../src/correlate/correlator.ts';
import type { Subject } from '../../../src/model/check.ts';
import type { Incident, IncidentEvent } from '../../../src/model/incident.ts';
import type { Shown, Watcher, Wish } from '../../world/world.ts';
import { createReader } from './reading.ts';

/** Begin of the wall clock, and of the monotonic clock, at the world's zero. */
const WALL = 1_800_000_000_000;
const MONOTONIC = 1_000;
const read = createReader();

export interface Told {
  readonly type: IncidentEvent['type'];
  /** World's clock. */
  readonly at: number;
  readonly incident: Incident;
}

export class Engine implements Watcher {
  readonly told: Told[] = [];
  /** Milliseconds of each evaluation. */
  readonly thoughts: number[] = [];
  acceptMs = 0;
  accepted = 0;
  readonly #subjects: readonly Subject[];
  readonly #byId: ReadonlyMap<string, number>;
  readonly #measure: boolean;
  #correlator: Correlator;
  #now = 0;

  constructor(subjects: readonly Subject[], options: { measure?: boolean } = {}) {
    this.#subjects = subjects;
    this.#byId = new Map(subjects.map((subject, at) => [subject.id, at]));
    this.#measure = options.measure ?? false;
    this.#correlator = this.#create(null);
  }

  #create(checkpoint: string | null): Correlator {
    return createCorrelator({
      subjects: this.#subjects,
      vantage: 'vps',
      startupGraceMs: 300_000,
      seenUp: () => true,
      hasControls: true,
      checkpoint,
      random: () => 0.5,
      startedAt: { at: WALL + this.#now, monotonicMs: MONOTONIC + this.#now },
    });
  }

  /** The daemon ends and starts again with what its last checkpoint holds. */
  restart(): void {
    this.#correlator = this.#create(this.#correlator.checkpoint());
  }

  get thinkAt(): number | null {
    const { nextAt } = this.#correlator;
    return nextAt === null ? null : nextAt - MONOTONIC;
  }

  result({ check, failure, begun, at, extra }: Shown): void {
    this.#now = at;
    const subject = this.#subjects[check]!;
    const reading = failure === null ? null : read(subject, failure);
    const outcome = {
      check: subject.id,
      at: WALL + begun,
      monotonicMs: MONOTONIC + at,
      begunMs: MONOTONIC + begun,
      verdict: reading === null ? ('up' as const) : ('down' as const),
      signature: reading?.signature ?? null,
      pointsAt: reading?.pointsAt ?? [],
      extra,
    };
    this.accepted++;
    const start = this.#measure ? performance.now() : 0;
    this.#correlator.accept(outcome);
    if (this.#measure) this.acceptMs += performance.now() - start;
  }

  think(now: number): readonly Wish[] {
    this.#now = now;
    const start = performance.now();
    const { events, wanted } = this.#correlator.evaluate({ at: WALL + now, monotonicMs: MONOTONIC + now });
    this.thoughts.push(performance.now() - start);
    for (const { type, incident } of events) this.told.push({ type, at: now, incident });
    return wanted.map(({ check, notBefore }) => ({
      check: this.#byId.get(check)!,
      notBefore: notBefore - MONOTONIC,
    }));
  }

  incidents(): readonly Incident[] {
    return this.#correlator.incidents();
  }

  of(type: IncidentEvent['type']): readonly Told[] {
    return this.told.filter((each) => each.type === type);
  }
}
