// Results as the other rooms see them: inserted from the corridor, written in batches, read back. Inserting never
// fails and never waits: while the file cannot be written the newest results wait in a bounded ring.

import type { Clock } from '../base/clock.ts';
import { errorText, type Log } from '../base/log.ts';
import type { ProbeResult, StoredResult } from '../model/result.ts';
import { VERDICTS } from '../model/verdict.ts';
import { formFromResult } from './result-form.ts';
import { nextId } from './result-ids.ts';
import type { ResultQuery } from './result-query.ts';
import type { LatestResult, PendingResult, ResultRows } from './result-rows.ts';
import type { Trouble } from './trouble.ts';

/** A result is in the file at the latest this long after it was inserted. */
const FLUSH_MS = 500;
/** Pause between attempts while the file cannot be written. */
const RETRY_MS = 5_000;
/** Rows of one transaction. */
const BATCH = 500;
/** Results that wait while the file cannot be written; the oldest are dropped first (threats X4). */
const RING = 10_000;

export interface Results {
  /** Takes a result; it is readable at once through `latest` and `query`, durable within 500 ms. Never throws. */
  insert(result: ProbeResult): void;
  /** Writes what waits. Never throws; failing is reported as the store's problem. */
  flush(): void;
  /** Newest first. */
  query(query: ResultQuery): StoredResult[];
  /** Newest result of each check ever seen, in no order. */
  latest(): LatestResult[];
  /** Results given up because the file could not be written. */
  readonly dropped: number;
}

interface Tools {
  readonly clock: Clock;
  readonly log: Log;
  readonly trouble: Trouble;
  readonly rows: ResultRows;
  readonly query: (query: ResultQuery) => StoredResult[];
  /** Makes room on a full disk; whether trying again makes sense. */
  readonly makeRoom: (error: unknown) => boolean;
}

/** Results over a migrated database; dispose stops the timer and writes what waits. */
export function createResults(tools: Tools): Results & Disposable {
  const { clock, log, trouble, rows } = tools;
  const latest = new Map(rows.latest().map((result) => [result.check, result]));
  const pending: PendingResult[] = [];
  let lastId = rows.lastId();
  let cancel: (() => void) | null = null;
  let dropped = 0;
  let failing = false;

  const arm = (ms: number): void => {
    cancel ??= clock.after(ms, () => {
      cancel = null;
      flush();
    });
  };

  function writeBatch(batch: readonly PendingResult[], again: boolean): boolean {
    try {
      rows.write(batch);
      trouble.works('results');
      return true;
    } catch (error) {
      if (again && tools.makeRoom(error)) return writeBatch(batch, false);
      trouble.failed('results', error);
      return false;
    }
  }

  function flush(): void {
    while (pending.length > 0) {
      const batch = pending.slice(0, BATCH);
      failing = !writeBatch(batch, true);
      if (failing) {
        arm(RETRY_MS);
        return;
      }
      pending.splice(0, batch.length);
    }
  }

  return {
    insert(result) {
      let one: PendingResult;
      try {
        one = pendingFromResult(result, nextId(lastId, result.at));
      } catch (error) {
        log.error({ error: errorText(error), check: result.subject.id }, 'result cannot be stored');
        return;
      }
      lastId = one.id;
      latest.set(one.check, latestFromPending(one, latest.get(one.check)));
      pending.push(one);
      if (pending.length > RING) dropped += pending.splice(0, pending.length - RING).length;
      if (pending.length >= BATCH && !failing) flush();
      else arm(FLUSH_MS);
    },
    flush,
    query(query) {
      flush();
      return tools.query(query);
    },
    latest: () => [...latest.values()],
    get dropped() {
      return dropped;
    },
    [Symbol.dispose]() {
      flush();
      cancel?.();
      cancel = null;
    },
  };
}

function pendingFromResult(result: ProbeResult, id: number): PendingResult {
  const { subject } = result;
  const visit = subject.kind === 'visit';
  return {
    id,
    at: Math.floor(result.at),
    check: subject.id,
    kind: subject.kind,
    target: visit ? subject.target.id : subject.name,
    path: subject.path?.name ?? null,
    visit: visit ? subject.visit : subject.canary,
    verdict: VERDICTS.indexOf(result.judgement.verdict),
    durationUs: Math.max(0, Math.round(result.observation.durationMs * 1000)) || 0,
    extra: result.extra,
    form: formFromResult(result),
  };
}

function latestFromPending(one: PendingResult, before: LatestResult | undefined): LatestResult {
  const verdict = VERDICTS[one.verdict] ?? 'unknown';
  return {
    id: one.id,
    at: one.at,
    check: one.check,
    verdict,
    signature: one.form.signature,
    reason: one.form.reason,
    status: one.form.status,
    durationMs: one.durationUs / 1000,
    evidence: one.form.evidence,
    since: before?.verdict === verdict ? before.since : one.at,
  };
}
