// Carries one job after the other to the writer, and looks after it on the way: a disk that does not answer, a thread
// that dies. What becomes of the job is for the one who sent it to decide.

import { backoffMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { Answer, Job, Listener, Writer } from './job.ts';
import type { Trouble } from './trouble.ts';

/** Pause before a thread that died is started again. */
const RESTART = { firstMs: 500, limitMs: 60_000 };
/** A disk that has not answered for so long hangs: nobody waits for it any longer. */
export const HANG_MS = 5_000;
/** The same for the first job of a thread, which starts meanwhile. */
const START_MS = 30_000;
/** Time to hear an answer that is there already. */
const HEARING_MS = 200;
/** After this a reader of this thread does not touch the disk either. */
const SLOW_MS = 1_000;

interface Tools {
  readonly clock: Clock;
  readonly trouble: Trouble;
  readonly random: () => number;
  readonly start: (listener: Listener) => Writer;
  /** A job came back. */
  readonly answered: (job: Job, answer: Answer) => void;
  /** `isFree` or `isLost` may be another from here on. */
  readonly changed: () => void;
}

export class Courier {
  readonly #tools: Tools;
  readonly #writer: Writer;
  #flight: { readonly job: Job; readonly sentMs: number; readonly cancel: () => void } | null = null;
  #hangs = false;
  /** Whether this thread has answered before. */
  #hasStarted = false;
  #deaths = 0;
  #restarting: (() => void) | null = null;
  #ended = false;

  constructor(tools: Tools) {
    this.#tools = tools;
    this.#writer = tools.start({
      answered: (answer) => this.#answered(answer),
      died: (reason) => this.#died(reason),
    });
  }

  /** Whether it takes a job. */
  get isFree(): boolean {
    return this.#flight === null && this.#restarting === null && !this.#ended;
  }

  /** Whether it is not known when the job will be done. */
  get isLost(): boolean {
    return this.#hangs || this.#restarting !== null || this.#ended;
  }

  /** Whether the disk has not answered for a while: whoever need not touch it must not. */
  get isSlow(): boolean {
    return this.#flight !== null && this.#tools.clock.monotonic() - this.#flight.sentMs > SLOW_MS;
  }

  get job(): Job | null {
    return this.#flight?.job ?? null;
  }

  /** Only when it is free. */
  send(job: Job): void {
    this.#flight = { job, sentMs: this.#tools.clock.monotonic(), cancel: this.#watchFlight() };
    this.#writer.send(job);
  }

  /** Does the last jobs, blocking for at most `limitMs`; whether everything is on disk. The one in flight is forgotten. */
  end(jobs: readonly Job[], limitMs: number): boolean {
    this.#ended = true;
    this.#flight?.cancel();
    this.#restarting?.();
    return this.#writer.end(jobs, limitMs);
  }

  // In two steps: an answer that came while this whole process stood still is heard between them.
  #watchFlight(): () => void {
    const { clock, trouble, changed } = this.#tools;
    const limitMs = this.#hasStarted ? HANG_MS : START_MS;
    let cancel = clock.after(limitMs - HEARING_MS, () => {
      cancel = clock.after(HEARING_MS, () => {
        this.#hangs = true;
        trouble.failed('disk', `the disk of the store has not answered for ${limitMs / 1000} s`);
        changed();
      });
    });
    return () => cancel();
  }

  #answered(answer: Answer): void {
    const flight = this.#flight;
    if (flight === null || this.#ended) return;
    flight.cancel();
    this.#flight = null;
    this.#hangs = false;
    this.#hasStarted = true;
    this.#deaths = 0;
    this.#tools.answered(flight.job, answer);
    this.#tools.trouble.works('disk');
    this.#tools.trouble.works('writer');
    this.#tools.changed();
  }

  #died(reason: string): void {
    if (this.#ended) return;
    const { clock, trouble, random, changed } = this.#tools;
    this.#flight?.cancel();
    this.#flight = null;
    this.#hangs = false;
    this.#hasStarted = false;
    this.#deaths += 1;
    this.#restarting = clock.after(backoffMs(this.#deaths, { ...RESTART, random }), () => {
      this.#restarting = null;
      changed();
    });
    trouble.failed('writer', `the thread that writes the store stopped: ${reason}`);
    trouble.works('disk');
    changed();
  }
}
