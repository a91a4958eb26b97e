// The heartbeat: a URL of a dead man's switch, pinged only after a whole cycle of probing and delivering succeeded, so
// that its silence means "gatewatch does not watch" (threats X28).

import { request } from 'undici';
import { type Clock, deadline } from '../base/clock.ts';
import { errorText, type Log } from '../base/log.ts';
import { type Secret, shownUrl } from '../base/secret.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** A ping may take this long. */
const PING_MS = 10_000;
/** A check is late when its last result is older than so many intervals. */
const LATE_INTERVALS = 3;
/** Share of the checks that must have run, and not ended in a fault of ours. */
const SHARE = 0.9;
/** What a check of a few seconds may be late by all the same. */
const SLACK_MS = 30_000;

export interface Heartbeat {
  start(): void;
  stop(): void;
}

/** Pings every `everyMs` while `fault()` gives null; the URL is a secret and is shown by its host alone. */
export function createHeartbeat(options: {
  readonly url: Secret;
  readonly everyMs: number;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly fault: () => string | null;
}): Heartbeat {
  const { url, everyMs, clock, log } = options;
  const stopped = new AbortController();
  let cancel = (): void => {};
  const ping = async (): Promise<void> => {
    const fault = options.fault();
    if (fault !== null) {
      log.warn({ fault }, 'heartbeat withheld');
      return;
    }
    using limit = deadline(clock, PING_MS, stopped.signal);
    try {
      const answer = await request(url.reveal(), {
        signal: limit.signal,
        headers: { 'user-agent': options.userAgent },
      });
      await answer.body.dump();
      if (answer.statusCode >= 300) log.warn({ status: answer.statusCode }, 'heartbeat not accepted');
    } catch (error) {
      if (!stopped.signal.aborted)
        log.warn({ to: shownUrl(url.reveal()), error: errorText(error) }, 'heartbeat failed');
    }
  };
  const next = (): void => {
    cancel = clock.after(everyMs, () => {
      next();
      ping().catch(() => undefined);
    });
  };
  return {
    start: next,
    stop() {
      cancel();
      stopped.abort();
    },
  };
}

/** Why the last cycle was not whole, or null: checks that did not run, faults of ours, deliveries that wait. */
export function cycleFault(snapshot: Snapshot): string | null {
  const due = snapshot.checks.filter((check) => check.everyMs !== null && check.idle === null);
  if (due.length === 0) return 'nothing is probed';
  const good = due.filter((check) => !isLate(check, snapshot.at) && check.signature !== 'prober-fault');
  if (good.length < SHARE * due.length)
    return `${due.length - good.length} of ${due.length} checks did not run`;
  if (snapshot.config.error !== null) return 'the configuration was refused';
  const stuck = snapshot.receivers.find((receiver) => receiver.queued > 0 && receiver.lastError !== null);
  return stuck === undefined ? null : `${stuck.name} does not accept deliveries`;
}

function isLate(check: Snapshot['checks'][number], now: number): boolean {
  if (check.lastAt === null || check.everyMs === null) return true;
  return now - check.lastAt > LATE_INTERVALS * check.everyMs + SLACK_MS;
}
