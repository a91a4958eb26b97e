// Results as the other rooms see them: inserted from the corridor, written in batches, read back. Inserting never
// fails and never waits; what is not in the file yet is read from memory.

import type { Clock } from '../base/clock.ts';
import { errorText, type Log } from '../base/log.ts';
import type { ProbeResult, StoredResult } from '../model/result.ts';
import { VERDICTS } from '../model/verdict.ts';
import type { Journal } from './journal.ts';
import type { LatestResult } from './newest.ts';
import { formFromResult } from './result-form.ts';
import { nextId } from './result-ids.ts';
import type { ResultQuery } from './result-query.ts';
import type { PendingResult } from './result-rows.ts';

/** A result is on its way into the file at the latest this long after it was inserted. */
const FLUSH_MS = 500;
/** Most results one query gives, and how many when none is said. */
const MOST = 1_000;
const USUAL = 100;

export interface Results {
  /** Takes a result; it is readable at once through `latest` and `query`, written after 500 ms. Never throws. */
  insert(result: ProbeResult): void;
  /** Hands what waits to the writer. Never throws; failing is reported as the store's problem. */
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
  readonly journal: Journal;
  /** Reads from the file. */
  readonly query: (query: ResultQuery) => StoredResult[];
  /** What a start has read. */
  readonly start: { readonly latest: readonly LatestResult[]; readonly lastId: number };
}

/** Results; dispose stops the timer and hands over what waits. */
export function createResults(tools: Tools): Results & Disposable {
  const { clock, log, journal } = tools;
  const latest = new Map(tools.start.latest.map((result) => [result.check, result]));
  let { lastId } = tools.start;
  let cancel: (() => void) | null = null;

  function flush(): void {
    cancel?.();
    cancel = null;
    journal.flush();
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
      journal.insert(one);
      cancel ??= clock.after(FLUSH_MS, flush);
    },
    flush,
    query(query) {
      const waiting = journal.pending.filter((one) => matches(one, query)).map(storedFromPending);
      const stored = tools.query(query);
      if (waiting.length === 0) return stored;
      // What is on disk although nobody has heard of it yet is in both.
      const all = new Map([...stored, ...waiting].map((one) => [one.id, one]));
      const limit = Math.max(1, Math.min(MOST, Math.floor(query.limit ?? USUAL)));
      return [...all.values()].sort((a, b) => b.id - a.id).slice(0, limit);
    },
    latest: () => [...latest.values()],
    get dropped() {
      return journal.dropped;
    },
    [Symbol.dispose]: flush,
  };
}

/** Whether a result in memory is among those asked for. */
function matches(one: PendingResult, query: ResultQuery): boolean {
  const { check, target, since, until, verdicts, before } = query;
  return (
    (check === undefined || one.check === check) &&
    (target === undefined || one.target === target) &&
    (since === undefined || one.at >= since) &&
    (until === undefined || one.at < until) &&
    (verdicts === undefined || verdicts.includes(VERDICTS[one.verdict] ?? 'unknown')) &&
    (before === undefined || one.id < before)
  );
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

function storedFromPending(one: PendingResult): StoredResult {
  return {
    id: one.id,
    at: one.at,
    check: one.check,
    verdict: VERDICTS[one.verdict] ?? 'unknown',
    signature: one.form.signature,
    reason: one.form.reason,
    status: one.form.status,
    durationMs: one.durationUs / 1000,
    evidence: one.form.evidence,
    ...(one.form.flow === undefined ? {} : { flow: one.form.flow }),
  };
}

function latestFromPending(one: PendingResult, before: LatestResult | undefined): LatestResult {
  const stored = storedFromPending(one);
  return { ...stored, since: before?.verdict === stored.verdict ? before.since : one.at };
}
