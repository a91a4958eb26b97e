// Replay: stored results through the same correlator, driven by the same corridor's end, on a clock of their own. What
// comes out depends on the results, the configuration and what was learned alone. Nothing is probed, stored or sent.

import { hasJoined, rulesOf } from './alerting.ts';
import { createVirtualClock } from './base/virtual-clock.ts';
import { alertContext, textsOf } from './config/alert-text.ts';
import type { Config } from './config/config.ts';
import { type Correlator, createCorrelator } from './correlate/correlator.ts';
import type { Subject } from './model/check.ts';
import type { Incident, IncidentEvent } from './model/incident.ts';
import type { EpochMs } from './model/observation.ts';
import type { PastResult } from './model/result.ts';
import type { Knowledge, SignatureId } from './model/verdict.ts';
import { alertFromIncident } from './notify/alert.ts';
import { type Blame, createBlame } from './pipeline.ts';
import { plan } from './schedule/plan.ts';
import type { PastQuery } from './store/past.ts';

/** Results are read from so long before the period on, so that what was open at its begin is found. */
const WARM_UP_MS = 1_800_000;
/** A pause in the results of at least this, and of three intervals, is taken for a daemon that did not run. */
const LEAST_PAUSE_MS = 600_000;
/** A result that ended so much before the one before it: the wall clock was set back. */
const BACK_MS = 10_000;
/** Failures of the last results are looked at, too: an evaluation follows a result after a second. */
const AFTERWARDS_MS = 1_000;
/** Names of what was left out that are remembered. */
const MOST_LEFT_OUT = 1_000;

/** An incident of a replay, and the alert it would have been. */
export interface ReplayedIncident {
  /** By the order of this replay; not the id that the daemon gave. */
  readonly id: string;
  readonly kind: Incident['kind'];
  readonly alertname: string;
  readonly severity: string;
  /** The other labels of the alert, as frozen at opening. */
  readonly labels: Readonly<Record<string, string>>;
  /** Component id, `unmodelled`, or the target. */
  readonly blame: string;
  /** First blame, when it changed. */
  readonly firstBlame: string | null;
  readonly startedAt: EpochMs;
  /** Null: it was open before the period began. */
  readonly openedAt: EpochMs | null;
  /** Null: it was open at the end of the period. */
  readonly resolvedAt: EpochMs | null;
  readonly supersededBy: string | null;
  readonly flaps: number;
  readonly targets: readonly string[];
  readonly summary: string;
}

/** What a replay found. */
export interface Replayed {
  readonly results: number;
  /** Of the results: those of targets that this configuration does not have, and of other checks, by their ids. */
  readonly leftOut: readonly { readonly id: string; readonly results: number }[];
  /** Times at which the daemon did not run. */
  readonly pauses: number;
  /** Oldest opening first. */
  readonly incidents: readonly ReplayedIncident[];
}

interface Replay {
  /** Takes the next result, in the order they came in. */
  accept(result: PastResult): void;
  /** Ends the replay. */
  end(): Replayed;
}

/**
 * Replays what `past` gives under each configuration, in one pass of pages of `page` results. `after` is called behind
 * each page, so that others get a turn; what comes out is the same whatever the size of a page. Rejects as `past` throws.
 */
export async function replayPast(
  past: (query: PastQuery) => readonly PastResult[],
  options: {
    readonly configs: readonly Config[];
    readonly knowledge: Knowledge;
    readonly since: EpochMs;
    /** Not included. */
    readonly until: EpochMs;
    readonly page: number;
    readonly after: (done: { readonly results: number; readonly at: EpochMs }) => Promise<void>;
  },
): Promise<Replayed[]> {
  const { configs, since, until, page: limit } = options;
  const replays = configs.map((config) => createReplay(config, options));
  let lastId = 0;
  for (let results = 0; ; ) {
    const page = past({ since: since - WARM_UP_MS, until, after: lastId, limit });
    const last = page.at(-1);
    if (last === undefined) return replays.map((replay) => replay.end());
    for (const result of page) for (const replay of replays) replay.accept(result);
    lastId = last.id;
    results += page.length;
    await options.after({ results, at: last.at });
  }
}

/** A replay under a configuration. `knowledge` is what the daemon has learned; `since` begins the period. */
function createReplay(config: Config, options: { knowledge: Knowledge; since: EpochMs }): Replay {
  const { knowledge, since } = options;
  const subjects = plan({ ...config, knowledge });
  const byId = new Map<string, Subject>(subjects.map((subject) => [subject.id, subject]));
  const targets = new Set<string>(config.targets.map(({ id }) => id));
  const texts = textsOf(config);
  // What rows of earlier versions do not say.
  const usual = (signature: SignatureId | null): readonly string[] =>
    signature === null ? [] : (texts(signature)?.pointsAt ?? []);
  const leftOut = createTally();
  const book = createBook(config, since);
  let results = 0;
  let engine: Engine | null = null;
  return {
    accept(result) {
      if (result.at >= since) results++;
      const subject = byId.get(result.check);
      if (subject === undefined) {
        const gone = result.kind === 'visit' && !targets.has(result.target);
        if (result.at >= since) leftOut.add(gone ? result.target : result.check);
        return;
      }
      engine ??= createEngine(config, { subjects, knowledge, record: book.record, at: result.at });
      engine.moveTo(result.at + result.durationMs);
      if (!hasJoined(subject, knowledge)) return;
      engine.accept(subject, { ...result, pointsAt: result.pointsAt ?? usual(result.signature) });
    },
    end() {
      engine?.end();
      return {
        results,
        leftOut: leftOut.all(),
        pauses: engine?.pauses() ?? 0,
        incidents: book.incidents(),
      };
    },
  };
}

interface Engine {
  /** Lets time pass until a result that ended at `end` by the wall clock of its day. */
  moveTo(end: EpochMs): void;
  accept(subject: Subject, result: PastResult & { readonly pointsAt: readonly string[] }): void;
  end(): void;
  pauses(): number;
}

/** Correlator and what drives it, on a clock of their own. */
function createEngine(
  config: Config,
  options: {
    readonly subjects: readonly Subject[];
    readonly knowledge: Knowledge;
    readonly record: (events: readonly IncidentEvent[], correlator: Correlator) => void;
    readonly at: EpochMs;
  },
): Engine {
  const { subjects } = options;
  const clock = createVirtualClock(options.at);
  const pauseMs = Math.max(LEAST_PAUSE_MS, 3 * Math.min(...subjects.flatMap(({ everyMs }) => everyMs ?? [])));
  const start = (checkpoint: string | null): { correlator: Correlator; blame: Blame } => {
    const correlator = createCorrelator({
      ...rulesOf(config, options.knowledge),
      subjects,
      checkpoint,
      random: () => 0,
      startedAt: { at: clock.now(), monotonicMs: clock.monotonic() },
    });
    const record = (events: readonly IncidentEvent[]): void => options.record(events, correlator);
    return { correlator, blame: createBlame({ clock, correlator, record, want: () => undefined }) };
  };
  let running = start(null);
  let pauses = 0;
  return {
    moveTo(end) {
      const ahead = end - clock.now();
      if (ahead > pauseMs) {
        // As the daemon: a stop and a start are a checkpoint that is read again.
        running.blame.stop();
        const checkpoint = running.correlator.checkpoint();
        clock.advance(ahead);
        running = start(checkpoint);
        pauses++;
      } else if (ahead >= 0) clock.advance(ahead);
      else if (ahead < -BACK_MS) clock.step(ahead);
    },
    accept(subject, { at, durationMs, extra, verdict, signature, pointsAt }) {
      running.blame.accept({
        subject,
        at,
        monotonicMs: clock.monotonic(),
        extra,
        judgement: { verdict, signature, pointsAt },
        observation: { durationMs },
      });
    },
    end: () => clock.advance(AFTERWARDS_MS),
    pauses: () => pauses,
  };
}

/** Incidents by their events, as rows. */
function createBook(
  config: Config,
  since: EpochMs,
): {
  record(events: readonly IncidentEvent[], correlator: Pick<Correlator, 'setLabels'>): void;
  incidents(): ReplayedIncident[];
} {
  const context = alertContext(config);
  const rows = new Map<string, ReplayedIncident>();
  return {
    record(events, correlator) {
      for (const { incident } of events) {
        const alert = alertFromIncident(incident, context);
        if (incident.labels === null) correlator.setLabels(incident.id, alert.labels);
        // What was over before the period began is none of it.
        if (incident.resolvedAt !== null && incident.resolvedAt < since) rows.delete(incident.id);
        else rows.set(incident.id, rowOf(incident, alert, since));
      }
    },
    incidents: () => [...rows.values()].sort((a, b) => (a.openedAt ?? 0) - (b.openedAt ?? 0)),
  };
}

function rowOf(
  incident: Incident,
  alert: ReturnType<typeof alertFromIncident>,
  since: EpochMs,
): ReplayedIncident {
  const { alertname = '', severity = '', ...labels } = alert.labels;
  const { id, kind, startedAt, resolvedAt, supersededBy, flaps, targets } = incident;
  const unnamed = kind === 'shared' ? 'unmodelled' : (targets[0] ?? '');
  return {
    ...{ id, kind, alertname, severity, labels },
    blame: incident.blame?.id ?? unnamed,
    firstBlame: incident.firstBlame?.id ?? null,
    startedAt,
    openedAt: incident.openedAt < since ? null : incident.openedAt,
    ...{ resolvedAt, supersededBy, flaps, targets },
    summary: alert.annotations['summary'] ?? '',
  };
}

/** Counts by name, most first; what is beyond a bound is counted together. */
function createTally(): { add(name: string): void; all(): Replayed['leftOut'] } {
  const counts = new Map<string, number>();
  return {
    add(name) {
      const key = counts.has(name) || counts.size < MOST_LEFT_OUT ? name : '…';
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    all: () =>
      [...counts]
        .map(([id, results]) => ({ id, results }))
        .sort((a, b) => b.results - a.results || (a.id < b.id ? -1 : 1)),
  };
}
