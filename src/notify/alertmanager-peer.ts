// One Alertmanager: sends alerts in its own clock, finds the one alert it refuses, and reads back what it took.

import { z } from 'zod';
import { type Clock, deadline, sleep } from '../base/clock.ts';
import { shownUrl } from '../base/secret.ts';
import type { EpochMs } from '../model/observation.ts';
import type { Alert } from './alert.ts';
import type { FailureReason, Outcome, Outgoing, TestReport } from './delivery.ts';
import { sortedLabels } from './fingerprint.ts';
import { type Answer, type Call, type Http, NoAnswer, reasonOfStatus } from './http.ts';

const DEADLINE_MS = 10_000;
/** Clocks closer than this are the same: Date has whole seconds and the request takes time. */
const SKEW_MS = 5_000;
/**
 * What is over ended at least this long before the receiver's now: as much as our idea of its clock may be wrong.
 * Alertmanager ignores an end that lies ahead of it while the alert fires with a later one (`Alert.Merge`).
 */
const SURE_MS = SKEW_MS + 1_000;
/** A difference beyond this is reported (threats X16). */
const FAR_MS = 30_000;
/** What it knows of our alerts may be long: a few hundred of them. */
const READ_BACK_BYTES = 1024 * 1024;
/** Alerts whose start is remembered as it was told first. */
const STARTS = 2_000;
/** A test alert begins this long ago: longer than any usual group_wait, so that it is notified at once. */
const TEST_AGE_MS = 600_000;
/** How long it fires: Alertmanager's dispatcher must see it firing once. */
const TEST_LIFE_MS = 2_000;

const activeSchema = z.array(
  z.object({
    labels: z.record(z.string(), z.string()),
    receivers: z.array(z.object({ name: z.string() })),
  }),
);

export class AlertmanagerPeer {
  readonly #url: string;
  readonly #clock: Clock;
  readonly #http: Http;
  readonly #skewed: (place: string, skewMs: number) => void;
  /** Incident -> its start in the receiver's clock: it stays the same text, whatever clocks do later (threats X17). */
  readonly #starts = new Map<string, EpochMs>();
  /** Its clock minus ours, ms; 0 while close. */
  #skewMs = 0;
  #busy = false;
  #asking: AbortController | null = null;

  constructor(
    url: string,
    tools: { clock: Clock; http: Http; skewed: (place: string, skewMs: number) => void },
  ) {
    this.#url = url.replace(/\/+$/, '');
    this.#clock = tools.clock;
    this.#http = tools.http;
    this.#skewed = tools.skewed;
  }

  /** A call is in flight: the next one waits for the next resend, so that a hanging peer holds up nobody. */
  get busy(): boolean {
    return this.#busy;
  }

  /** One outcome for each; firing alerts live `lifeMs` unless told again. Never rejects. */
  async deliver(items: readonly Outgoing[], lifeMs: number, signal: AbortSignal): Promise<Outcome[]> {
    this.#busy = true;
    this.#asking?.abort();
    try {
      return await this.#halving(items, lifeMs, signal);
    } finally {
      this.#busy = false;
    }
  }

  /** Whether it is there, and what its clock says; null = yes. A delivery that comes up goes first. */
  async ask(signal: AbortSignal): Promise<FailureReason | null> {
    if (this.#busy) return null;
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const call = { method: 'GET', url: `${this.#url}/api/v2/status` } as const;
      const { status, body } = await this.#call(call, AbortSignal.any([signal, asking.signal]));
      // Something compatible may not have this page.
      if (status === 404 || status === 405) return null;
      return reasonOfStatus(status) ?? (isEmptyOrJson(body) ? null : 'garbage');
    } catch (error) {
      if (asking.signal.aborted) return null;
      return error instanceof NoAnswer ? error.reason : 'internal';
    } finally {
      this.#asking = null;
    }
  }

  /** Sends the alert as if it had fired for a while, reads back where it is routed, and ends it. */
  async test(alert: Alert, signal: AbortSignal): Promise<TestReport> {
    const shown = shownUrl(this.#url);
    const began = { ...alert, startsAt: this.#clock.now() - TEST_AGE_MS };
    const items: Outgoing[] = [{ type: 'opened', key: 'test', alert: began }];
    const reason = await this.#post(items, TEST_AGE_MS, signal);
    if (reason !== null) return { ok: false, detail: `${shown}: ${reason}`, reaches: null };
    const known = await this.#readBack(items, signal);
    await sleep(this.#clock, TEST_LIFE_MS, signal);
    const ended = { ...began, endsAt: this.#clock.now() };
    await this.#post([{ type: 'resolved', key: 'test', alert: ended }], TEST_AGE_MS, signal);
    const reaches = known?.get(labelText(alert.labels)) ?? null;
    if (known !== null && reaches === null)
      return { ok: false, detail: `${shown}: not-active`, reaches: null };
    const routed =
      reaches === null ? 'it does not tell where it is routed' : `routed to ${reaches.join(', ')}`;
    return { ok: true, detail: `${shown}: accepted, ${routed}`, reaches };
  }

  /** A refused batch is halved until the refused alert is alone: it must not hold up the others. */
  async #halving(items: readonly Outgoing[], lifeMs: number, signal: AbortSignal): Promise<Outcome[]> {
    const reason = await this.#post(items, lifeMs, signal);
    if (reason === null) return this.#verified(items, signal);
    if (reason === 'rejected' && items.length > 1) {
      const half = Math.ceil(items.length / 2);
      const first = await this.#halving(items.slice(0, half), lifeMs, signal);
      return [...first, ...(await this.#halving(items.slice(half), lifeMs, signal))];
    }
    const outcome = reason === 'rejected' ? 'rejected' : 'failed';
    return items.map(({ alert }) => ({ incident: alert.incident, outcome, reason }));
  }

  /** Null when it took them. */
  async #post(
    items: readonly Outgoing[],
    lifeMs: number,
    signal: AbortSignal,
  ): Promise<FailureReason | null> {
    try {
      const assumed = this.#skewMs;
      let answer = await this.#postOnce(items, lifeMs, signal);
      // It takes an alert of a wrong clock and never fires it (threats M21): say it again in its own time.
      if (this.#skewMs !== assumed) answer = await this.#postOnce(items, lifeMs, signal);
      if (answer.status !== 200) return reasonOfStatus(answer.status) ?? 'status';
      if (!isEmptyOrJson(answer.body)) return 'garbage';
      for (const { alert } of items) this.#noteStart(alert);
      return null;
    } catch (error) {
      return error instanceof NoAnswer ? error.reason : 'internal';
    }
  }

  #postOnce(items: readonly Outgoing[], lifeMs: number, signal: AbortSignal): Promise<Answer> {
    const time = { now: this.#clock.now(), skewMs: this.#skewMs, lifeMs };
    const starts = this.#starts;
    const body = JSON.stringify(
      items.map(({ alert }) => payload(alert, { ...time, startsAt: starts.get(alert.incident) ?? null })),
    );
    return this.#call({ method: 'POST', url: `${this.#url}/api/v2/alerts`, body }, signal);
  }

  #noteStart(alert: Alert): void {
    if (this.#starts.has(alert.incident)) return;
    const oldest = this.#starts.size >= STARTS ? this.#starts.keys().next().value : undefined;
    if (oldest !== undefined) this.#starts.delete(oldest);
    const now = this.#clock.now() + this.#skewMs;
    this.#starts.set(alert.incident, Math.min(alert.startsAt + this.#skewMs, now));
  }

  /** New alerts must be among its alerts; a peer that does not tell is believed (threats X16). */
  async #verified(items: readonly Outgoing[], signal: AbortSignal): Promise<Outcome[]> {
    const isNew = ({ type, alert }: Outgoing): boolean => type === 'opened' && alert.endsAt === null;
    const opened = items.filter(isNew);
    const known = opened.length === 0 ? null : await this.#readBack(opened, signal);
    return items.map((item) => {
      const { incident, labels } = item.alert;
      return known !== null && isNew(item) && !known.has(labelText(labels))
        ? { incident, outcome: 'failed', reason: 'not-active' }
        : { incident, outcome: 'accepted' };
    });
  }

  /** Its receivers of each alert it knows, by label set; null when it does not tell. */
  async #readBack(items: readonly Outgoing[], signal: AbortSignal): Promise<Map<string, string[]> | null> {
    const url = `${this.#url}/api/v2/alerts?${filterOf(items)}`;
    try {
      const answer = await this.#call({ method: 'GET', url, bodyLimit: READ_BACK_BYTES }, signal);
      const parsed = activeSchema.safeParse(answer.status === 200 ? parseJson(answer.body) : null);
      if (!parsed.success) return null;
      return new Map(
        parsed.data.map((one) => [labelText(one.labels), one.receivers.map(({ name }) => name)]),
      );
    } catch {
      return null;
    }
  }

  async #call(call: Call, signal: AbortSignal): Promise<Answer> {
    using limit = deadline(this.#clock, DEADLINE_MS, signal);
    const began = this.#clock.monotonic();
    const answer = await this.#http.send(call, limit.signal);
    const tookMs = this.#clock.monotonic() - began;
    // Date has whole seconds and was written at some time during the request.
    if (answer.dateMs !== null && tookMs < SKEW_MS) {
      this.#noteSkew(answer.dateMs + 500 - (this.#clock.now() - tookMs / 2));
    }
    return answer;
  }

  // Only a real difference moves it, so that an alert's times stay the same text from send to send.
  #noteSkew(measuredMs: number): void {
    if (Math.abs(measuredMs - this.#skewMs) <= SKEW_MS) return;
    this.#skewMs = Math.abs(measuredMs) <= SKEW_MS ? 0 : Math.round(measuredMs);
    if (Math.abs(this.#skewMs) > FAR_MS) this.#skewed(shownUrl(this.#url), this.#skewMs);
  }
}

/** By which clock an alert is told; `startsAt`: as it was told before, in the receiver's clock. */
export interface TellTime {
  readonly now: EpochMs;
  readonly skewMs: number;
  readonly lifeMs: number;
  readonly startsAt?: EpochMs | null;
}

/**
 * An alert as Alertmanager takes it, in a clock that is `skewMs` ahead of ours: what fires ends `lifeMs` from now
 * unless told again, what is over has surely ended by then, nothing begins after it ends or later than the receiver's
 * now (threats X16, X17).
 */
export function payload(alert: Alert, time: TellTime) {
  const now = time.now + time.skewMs;
  const startsAt = Math.min(time.startsAt ?? alert.startsAt + time.skewMs, now);
  const over = alert.endsAt === null ? null : Math.min(alert.endsAt + time.skewMs, now - SURE_MS);
  const endsAt = over === null ? now + time.lifeMs : Math.max(startsAt, over);
  return {
    labels: alert.labels,
    annotations: alert.annotations,
    startsAt: new Date(startsAt).toISOString(),
    endsAt: new Date(endsAt).toISOString(),
    ...(alert.generatorUrl === null ? {} : { generatorURL: alert.generatorUrl }),
  };
}

// One alert is asked for by all its labels, so that the answer is short; several by their names.
function filterOf(items: readonly Outgoing[]): string {
  const [first] = items;
  if (first !== undefined && items.length === 1) {
    const matchers = sortedLabels(first.alert.labels).map(
      ([name, value]) => `${name}=${JSON.stringify(value)}`,
    );
    return matchers.map((matcher) => `filter=${encodeURIComponent(matcher)}`).join('&');
  }
  const names = [...new Set(items.map(({ alert }) => alert.labels['alertname'] ?? ''))];
  return `filter=${encodeURIComponent(`alertname=~"${names.join('|')}"`)}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(sortedLabels(labels));
}

// A success with a page in it is a login or a challenge in front of the Alertmanager (threats X25).
function isEmptyOrJson(body: string): boolean {
  return body.trim() === '' || parseJson(body) !== undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
