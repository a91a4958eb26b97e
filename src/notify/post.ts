// One receiver at work: takes what is due from its lane, hands it to the driver, and notes how that went.

import type { Clock } from '../base/clock.ts';
import { errorText, type Log } from '../base/log.ts';
import type { EpochMs } from '../model/observation.ts';
import type { ReceiverStatus } from '../model/snapshot.ts';
import { type Alert, WATCHDOG } from './alert.ts';
import type { Driver, FailureReason, Outcome, Outgoing } from './delivery.ts';
import type { Lane } from './lane.ts';
import { type ReceiverOptions, receiverPlace } from './receivers.ts';
import { isQuarantined, type Now, type Waiting } from './waiting.ts';

/** After this long without acceptance the receiver is reported as a problem. */
const PROBLEM_MS = 300_000;
/** Shortest pause between two looks. */
const PAUSE_MS = 50;
/** Deliveries in quarantine that are tried with one look, each in a call of its own. */
const ALONE = 4;

export interface PostTools {
  readonly clock: Clock;
  readonly log: Log;
  /** Groups the writes of one answer. */
  readonly transaction: (run: () => void) => void;
  readonly observe: {
    delivered(receiver: string): void;
    failed(receiver: string, reason: FailureReason): void;
    queue(receiver: string, length: number): void;
  };
  /** A receiver does not take what it should (one sentence), or does again (null). */
  readonly problem: (receiver: string, detail: string | null) => void;
  /** Something may be due now, here or elsewhere. */
  readonly changed: () => void;
  /** An alert was given up or is in quarantine: whoever is the fallback must go. */
  readonly givenUp: (incident: string) => void;
  /** Resolves when what was queued is on disk: nothing leaves before its incident is (threats P6 before P7). */
  readonly settled: () => Promise<void>;
  /** Ends calls in flight. */
  readonly signal: AbortSignal;
}

export class Post {
  readonly options: ReceiverOptions;
  readonly lane: Lane;
  readonly #driver: Driver;
  readonly #tools: PostTools;
  readonly #running = new Set<Promise<void>>();
  #calls = 0;
  /** Monotonic ms of the next resend. */
  #resendAt = 0;
  #lastDeliveryAt: EpochMs | null = null;
  #lastError: FailureReason | null = null;
  /** Monotonic ms of the first failure since anything worked. */
  #failingSince: number | null = null;
  /** Null: an earlier process may have reported it, and only we can tell that it is over. */
  #reported: boolean | null = null;
  #asking = false;
  #worked = false;
  #cancelWake: (() => void) | null = null;

  constructor(parts: { options: ReceiverOptions; driver: Driver; lane: Lane }, tools: PostTools) {
    this.options = parts.options;
    this.lane = parts.lane;
    this.#driver = parts.driver;
    this.#tools = tools;
  }

  /** Sends what is due as far as the receiver takes it at once, and wakes up for the rest. */
  pump(now: Now): void {
    this.#cancelWake?.();
    this.#cancelWake = null;
    const { resendMs, batch, parallel } = this.#driver;
    const resending = resendMs !== null && now.monotonicMs >= this.#resendAt && this.#calls === 0;
    const extra = resending ? this.lane.resends(now) : [];
    if (resending) this.#resendAt = now.monotonicMs + resendMs;
    const batches = batched(this.lane.due(now), extra, batch);
    if (parallel > 1) for (const one of batches.slice(0, parallel - this.#calls)) this.#send([one]);
    else if (this.#calls === 0 && batches.length > 0) this.#send(batches);
    else if (resending) this.#ask();
    this.#tools.observe.queue(this.options.name, this.#queued());
    this.#wakeLater(now);
  }

  /** Reports a receiver that has taken nothing for long, and one that takes alerts again. */
  judge(now: Now): void {
    const waiting = this.lane.waiting().filter((one) => !one.held && one.attempts > 0);
    const isLate = (since: number): boolean => now.monotonicMs - since > PROBLEM_MS;
    const late =
      waiting.some((one) => isLate(one.since)) || (this.#failingSince !== null && isLate(this.#failingSince));
    const works = this.#lastError === null && this.#worked;
    if (late && this.#reported !== true) this.#report(`takes no alerts (${this.#lastError ?? 'timeout'})`);
    else if (this.#reported !== false && waiting.length === 0 && works) this.#report(null);
  }

  /** Notes that an alert will never be delivered. */
  giveUp(alert: Alert, reason: FailureReason): void {
    this.#tools.observe.failed(this.options.name, reason);
    this.#untaken(alert, reason, 'alert given up');
  }

  #untaken(alert: Alert, reason: FailureReason, message: 'alert given up' | 'alert in quarantine'): void {
    const { name } = this.options;
    this.#tools.log.error({ receiver: name, incident: alert.incident, reason }, message);
    this.#tools.givenUp(alert.incident);
    this.#report(`does not take an alert (${reason})`);
  }

  /** Looks the receiver's names up, so that a later failure of DNS does not keep alerts here (threats X24). */
  remember(): void {
    this.#driver.remember();
  }

  /** Lets calls in flight end, then sends once more what waits and what fires; `holdMs` as in Driver.deliver. */
  async lastWords(holdMs: number | null): Promise<void> {
    this.#cancelWake?.();
    await Promise.all(this.#running);
    const now = instantOf(this.#tools.clock);
    const firing = this.#driver.resendMs === null ? [] : this.lane.resends(now);
    // The watchdog must not outlive us.
    const extra = firing.filter((alert) => holdMs === null || alert.incident !== WATCHDOG);
    await this.#deliverAll(batched(this.lane.due(now), extra, this.#driver.batch), holdMs);
  }

  test(alert: Alert, signal: AbortSignal): ReturnType<Driver['test']> {
    return this.#driver.test(alert, signal);
  }

  status(): ReceiverStatus {
    const { name, kind } = this.options;
    return {
      name,
      kind,
      queued: this.#queued(),
      lastDeliveryAt: this.#lastDeliveryAt,
      lastError: this.#lastError,
    };
  }

  close(): Promise<void> {
    this.#cancelWake?.();
    return this.#driver.close();
  }

  #queued(): number {
    return this.lane.waiting().filter((one) => !one.held).length;
  }

  #wakeLater(now: Now): void {
    const resend = this.#driver.resendMs === null ? null : this.#resendAt;
    const times = [this.lane.nextAt(), resend].filter((time) => time !== null);
    if (times.length === 0 || this.#calls >= this.#driver.parallel) return;
    const delayMs = Math.max(PAUSE_MS, Math.min(...times) - now.monotonicMs);
    this.#cancelWake = this.#tools.clock.after(delayMs, this.#tools.changed);
  }

  /** Delivers the batches one after the other. */
  #send(batches: readonly Batch[]): void {
    this.#calls += 1;
    const waiting = batches.flatMap((batch) => batch.waiting);
    for (const one of waiting) one.inFlight = true;
    const run = this.#deliverAll(batches, null)
      .catch((error: unknown) => {
        this.#tools.log.error({ receiver: this.options.name, error: errorText(error) }, 'delivery broke');
        for (const one of waiting) if (one.inFlight) this.#fail(one, 'internal', { refused: false });
      })
      .finally(() => {
        this.#calls -= 1;
        this.#running.delete(run);
        this.#tools.changed();
      });
    this.#running.add(run);
  }

  /** A receiver to which nothing is to be said is asked whether it is there: its silence must not come as news. */
  #ask(): void {
    if (this.#asking || this.#driver.ask === null) return;
    this.#asking = true;
    this.#driver
      .ask(this.#tools.signal)
      .then((reason) => {
        if (reason === null) this.#answered();
        else if (!this.#tools.signal.aborted) this.#note(reason);
      })
      .catch((error: unknown) => {
        this.#tools.log.error({ receiver: this.options.name, error: errorText(error) }, 'asking broke');
      })
      .finally(() => {
        this.#asking = false;
      });
  }

  async #deliverAll(batches: readonly Batch[], holdMs: number | null): Promise<void> {
    if (batches.some(({ waiting }) => waiting.length > 0)) await this.#tools.settled();
    for (const batch of batches) await this.#deliver(batch, holdMs);
  }

  async #deliver({ waiting, extra }: Batch, holdMs: number | null): Promise<void> {
    const items: Outgoing[] = [...waiting.map((one) => one.delivery), ...extra.map(asResend)];
    const outcomes = await this.#driver.deliver(items, { holdMs }, this.#tools.signal);
    this.#tools.transaction(() => {
      waiting.forEach((one, index) => {
        this.#settle(one, outcomes[index]);
      });
    });
    for (const outcome of outcomes.slice(waiting.length)) {
      if (outcome.outcome === 'accepted') this.#works();
      else this.#note(outcome.reason);
    }
  }

  #settle(one: Waiting, outcome: Outcome | undefined): void {
    if (outcome?.outcome !== 'accepted') {
      this.#fail(one, outcome?.reason ?? 'internal', { refused: outcome?.outcome === 'rejected' });
      return;
    }
    const { type, alert } = one.delivery;
    this.lane.accepted(one, instantOf(this.#tools.clock));
    this.#works();
    this.#tools.observe.delivered(this.options.name);
    this.#tools.log.info({ receiver: this.options.name, incident: alert.incident, type }, 'alert delivered');
  }

  #works(): void {
    this.#lastDeliveryAt = this.#tools.clock.now();
    this.#answered();
  }

  #answered(): void {
    this.#worked = true;
    this.#lastError = null;
    this.#failingSince = null;
  }

  #fail(one: Waiting, reason: FailureReason, { refused }: { refused: boolean }): void {
    this.#note(reason);
    const quarantined = this.lane.failed(one, instantOf(this.#tools.clock), refused);
    if (quarantined) this.#untaken(one.delivery.alert, reason, 'alert in quarantine');
  }

  #note(reason: FailureReason): void {
    if (this.#lastError !== reason) {
      const fields = { receiver: this.options.name, place: receiverPlace(this.options), reason };
      this.#tools.log.warn(fields, 'alert not delivered, will be tried again');
    }
    this.#lastError = reason;
    this.#failingSince ??= this.#tools.clock.monotonic();
    this.#tools.observe.failed(this.options.name, reason);
  }

  // Later: what hears of it opens an incident about us, which comes back here as an alert.
  #report(what: string | null): void {
    const { name } = this.options;
    this.#reported = what !== null;
    queueMicrotask(() => this.#tools.problem(name, what === null ? null : `receiver ${name} ${what}`));
  }
}

/** Both clocks, read together. */
export function instantOf(clock: Clock): Now {
  return { at: clock.now(), monotonicMs: clock.monotonic() };
}

interface Batch {
  readonly waiting: readonly Waiting[];
  /** Accepted alerts that are told again. */
  readonly extra: readonly Alert[];
}

function batched(due: readonly Waiting[], extra: readonly Alert[], size: number): Batch[] {
  const batches: Batch[] = [];
  const together = due.filter((one) => !isQuarantined(one));
  for (let from = 0; from < together.length + extra.length; from += size) {
    batches.push({
      waiting: together.slice(from, from + size),
      extra: extra.slice(Math.max(0, from - together.length), Math.max(0, from + size - together.length)),
    });
  }
  // Last and alone: they must neither hold up nor spoil what the receiver takes.
  const alone = due.filter(isQuarantined).slice(0, ALONE);
  return [...batches, ...alone.map((one) => ({ waiting: [one], extra: [] }))];
}

function asResend(alert: Alert): Outgoing {
  return { type: alert.endsAt === null ? 'repeat' : 'resolved', key: `${alert.incident}-resend`, alert };
}
