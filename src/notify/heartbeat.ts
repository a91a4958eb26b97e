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

/** What a snapshot does not tell. */
interface CycleOptions {
  /**
   * Age of a check's last result by the monotonic clock, ms; null = none of this process. Default: by the wall clock of
   * the snapshot, which a step makes late or, backwards, fresh for ever.
   */
  readonly ageMs?: (check: string) => number | null;
  /** Whether a receiver is no fallback: only those withhold the ping. Default: all. */
  readonly isPrimary?: (receiver: string) => boolean;
}

/** Why the last cycle was not whole, or null: checks that did not run, faults of ours, deliveries that wait. */
export function cycleFault(snapshot: Snapshot, options: CycleOptions = {}): string | null {
  const { ageMs = () => null, isPrimary = () => true } = options;
  const due = snapshot.checks.filter((check) => check.everyMs !== null && check.idle === null);
  if (due.length === 0) return 'nothing is probed';
  const isLate = (check: Snapshot['checks'][number]): boolean => {
    const age = ageMs(check.id) ?? (check.lastAt === null ? null : snapshot.at - check.lastAt);
    return age === null || age > LATE_INTERVALS * (check.everyMs ?? 0) + SLACK_MS;
  };
  const good = due.filter((check) => !isLate(check) && check.signature !== 'prober-fault');
  if (good.length < SHARE * due.length)
    return `${due.length - good.length} of ${due.length} checks did not run`;
  if (snapshot.config.error !== null) return 'the configuration was refused';
  const dead = deadReceivers(snapshot).find(isPrimary);
  return dead === undefined ? null : `${dead} does not accept deliveries`;
}

/** Receivers that keep something waiting, and those whose incident is open although nothing waits for them. */
function deadReceivers({ receivers, incidents }: Snapshot): string[] {
  const stuck = receivers.filter(({ queued, lastError }) => queued > 0 && lastError !== null);
  const reported = incidents.filter(
    ({ kind, reason, state }) => kind === 'prober' && reason === 'delivery' && state !== 'resolved',
  );
  return [...stuck.map(({ name }) => name), ...reported.flatMap(({ blame }) => blame?.name ?? [])];
}

/** When each check was seen last, by the monotonic clock. */
export interface Ages {
  see(check: string, monotonicMs: number): void;
  /** Ms; null = never. */
  of(check: string): number | null;
}

/** Empty: nothing was seen by this process. */
export function createAges(clock: Clock): Ages {
  const seen = new Map<string, number>();
  return {
    see: (check, monotonicMs) => void seen.set(check, monotonicMs),
    of(check) {
      const at = seen.get(check);
      return at === undefined ? null : clock.monotonic() - at;
    },
  };
}
