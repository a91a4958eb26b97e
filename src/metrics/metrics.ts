// The metrics of one process: the catalogue on a registry of its own, and the doors by which the rooms feed it.
// Nothing is registered globally.

import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Subject } from '../model/check.ts';
import type { ComponentId } from '../model/component.ts';
import type { EpochMs, Exchange, Timings } from '../model/observation.ts';
import type { ProbeResult } from '../model/result.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { CATALOGUE, type MetricName, type MetricText } from './catalogue.ts';
import type { LiveState, Sample } from './samples.ts';

/** All metrics, as the rooms see them. */
export interface Metrics {
  /** Counts one finished probe. */
  observe(result: ProbeResult): void;
  /** A probe that was due and did not run; `reason` is one of the scheduler's fixed words. */
  skipped(subject: Subject, reason: string): void;
  /** Seconds between the time a probe was due and its start. */
  lag(seconds: number): void;
  /** One delivery that a receiver accepted. */
  notified(receiver: string): void;
  /** One delivery that failed; `reason` is one of the dispatcher's fixed words. */
  notificationFailed(receiver: string, reason: string): void;
  /** Where computed metrics read from at each scrape; without it they have no series. */
  bind(snapshot: () => Snapshot, storeBytes?: () => number): void;
  /** The exposition text. */
  text(): Promise<string>;
  /** Content-Type of `text`. */
  readonly contentType: string;
}

/** The writable side of `Seen`. */
interface Memory {
  readonly canaries: Map<string, ComponentId>;
  readonly certificates: Map<string, { certificate: string; notAfter: EpochMs }>;
}

/** What has been counted since the last scrape: to find a series by its labels costs more than to count. */
class Tally {
  readonly #paths = new Map<string, Map<string, { probes: number; requests: number }>>();

  add(path: string, visit: string, requests: number): void {
    const visits = this.#paths.get(path) ?? new Map<string, { probes: number; requests: number }>();
    const sums = visits.get(visit);
    if (sums === undefined) {
      this.#paths.set(path, visits.set(visit, { probes: 1, requests }));
      return;
    }
    sums.probes += 1;
    sums.requests += requests;
  }

  takeAll(): { path: string; visit: string; probes: number; requests: number }[] {
    const all = [...this.#paths].flatMap(([path, visits]) =>
      [...visits].map(([visit, sums]) => ({ path, visit, ...sums })),
    );
    this.#paths.clear();
    return all;
  }
}

/** Phase label and the field of the timings it shows. */
const PHASES: readonly (readonly [string, keyof Timings])[] = [
  ['dns', 'dnsMs'],
  ['connect', 'connectMs'],
  ['tls', 'tlsMs'],
  ['first_byte', 'firstByteMs'],
  ['transfer', 'transferMs'],
];

/** Metrics of one process; a test may make many. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const counter = (name: MetricName): Counter => new Counter({ ...declared(name), registers: [registry] });
  const histogram = (name: MetricName): Histogram =>
    new Histogram({ ...declared(name), registers: [registry] });
  const seen: Memory = { canaries: new Map(), certificates: new Map() };
  let read: (() => LiveState) | null = null;
  registerComputed(registry, () => read?.() ?? null);
  const probes = counter('gatewatch_probes_total');
  const failures = counter('gatewatch_probe_failures_total');
  const skips = counter('gatewatch_probe_skips_total');
  const requests = counter('gatewatch_path_requests_total');
  const counted = new Tally();
  const notifications = counter('gatewatch_notifications_total');
  const refusals = counter('gatewatch_notification_failures_total');
  const phases = histogram('gatewatch_probe_phase_seconds');
  const lags = histogram('gatewatch_scheduler_lag_seconds');

  return {
    observe(result) {
      const labels = subjectLabels(result.subject);
      counted.add(labels.path, labels.visit, requestCount(result));
      const { verdict, signature } = result.judgement;
      if (verdict === 'down' || verdict === 'unknown')
        failures.inc({ ...labels, signature: signature ?? '' });
      for (const exchange of result.observation.exchanges) observePhases(phases, labels.path, exchange);
      remember(seen, result);
    },
    skipped: (subject, reason) => skips.inc({ ...subjectLabels(subject), reason }),
    lag: (seconds) => lags.observe(seconds),
    notified: (receiver) => notifications.inc({ receiver }),
    notificationFailed: (receiver, reason) => refusals.inc({ receiver, reason }),
    bind(snapshot, storeBytes) {
      read = () => ({ snapshot: snapshot(), storeBytes: storeBytes?.() ?? null, seen });
    },
    text() {
      const state = read?.() ?? null;
      for (const { path, visit, ...sums } of counted.takeAll()) {
        probes.inc({ path, visit }, sums.probes);
        if (path !== '') requests.inc({ path }, sums.requests);
      }
      if (state !== null) {
        startAtZero({ probes, requests, notifications }, state.snapshot);
        forget(seen, state.snapshot);
      }
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}

/** Name, help and labels of the catalogue in prom-client's form. */
function declared(name: MetricName): {
  name: string;
  help: string;
  labelNames: string[];
  buckets?: number[];
} {
  const text: MetricText = CATALOGUE[name];
  return {
    name,
    help: text.help,
    labelNames: [...text.labels],
    ...(text.buckets === undefined ? {} : { buckets: [...text.buckets] }),
  };
}

/** Registers every metric of the catalogue that is computed at the scrape. */
function registerComputed(registry: Registry, state: () => LiveState | null): void {
  for (const name of Object.keys(CATALOGUE) as MetricName[]) {
    const { type, labels: names, read }: MetricText = CATALOGUE[name];
    if (read === undefined) continue;
    const samples = (): Sample[] => {
      const now = state();
      return now === null ? [] : read(now);
    };
    if (type === 'counter') {
      new Counter({
        ...declared(name),
        registers: [registry],
        collect() {
          this.reset();
          for (const { labels, value } of samples()) this.inc(labels, value);
        },
      });
    } else {
      new Gauge({
        ...declared(name),
        registers: [registry],
        collect() {
          this.reset();
          const found = samples();
          // prom-client resets a gauge without labels to 0; what is not known must be absent.
          if (found.length === 0 && names.length === 0) this.remove();
          for (const { labels, value } of found) this.set(labels, value);
        },
      });
    }
  }
}

/** Series that will count appear with 0 before their first event, or the first one is lost to `rate()`. */
function startAtZero(
  counters: { probes: Counter; requests: Counter; notifications: Counter },
  snapshot: Snapshot,
): void {
  for (const check of snapshot.checks) {
    const path = check.path ?? '';
    counters.probes.inc({ path, visit: check.kind === 'visit' ? check.visit : 'canary' }, 0);
    if (path !== '') counters.requests.inc({ path }, 0);
  }
  for (const { name } of snapshot.receivers) counters.notifications.inc({ receiver: name }, 0);
}

function subjectLabels(subject: Subject): { path: string; visit: string } {
  return { path: subject.path?.name ?? '', visit: subject.kind === 'visit' ? subject.visit : 'canary' };
}

/** Exchanges that reached the network as HTTP; queries to a resolver and bare handshakes are no requests. */
function requestCount(result: ProbeResult): number {
  const { subject } = result;
  if (subject.kind === 'canary' && (subject.canary === 'dns' || subject.canary === 'tls')) return 0;
  return result.observation.exchanges.filter((exchange) => exchange.remote !== null).length;
}

function observePhases(phases: Histogram, path: string, exchange: Exchange): void {
  for (const [phase, field] of PHASES) {
    const ms = exchange.timings[field];
    if (ms !== null) phases.observe({ path, phase }, ms / 1000);
  }
}

/** Keeps what a later scrape shows and the snapshot does not hold. Later hops may be on another host's certificate. */
function remember(seen: Memory, { subject, observation }: ProbeResult): void {
  if (subject.kind === 'canary') seen.canaries.set(subject.id, subject.about);
  const tls = observation.exchanges[0]?.tls ?? null;
  if (tls === null || tls.matchedName === null || subject.path === null) return;
  seen.certificates.set(subject.id, {
    certificate: `${tls.matchedName}@${subject.path.name}`,
    notAfter: tls.notAfter,
  });
}

/** Drops what belongs to checks that are gone, so that reloads do not add up. */
function forget(seen: Memory, snapshot: Snapshot): void {
  const ids = new Set(snapshot.checks.map((check) => check.id));
  for (const map of [seen.canaries, seen.certificates]) {
    for (const id of map.keys()) if (!ids.has(id)) map.delete(id);
  }
}
