// From results to alerts: the joins of correlate/ and notify/ for one configuration, and what results say about
// ourselves. Wiring alone: what is decided is decided in those rooms.

import type { Clock } from './base/clock.ts';
import type { Exhaustion } from './base/exhaustion.ts';
import type { Log } from './base/log.ts';
import { alertContext } from './config/alert-text.ts';
import type { Config } from './config/config.ts';
import { type CertificateWatch, createCertificateWatch } from './correlate/certificates.ts';
import type { ClockWatch } from './correlate/clock-watch.ts';
import { type CorrelatorOptions, createCorrelator } from './correlate/correlator.ts';
import type { Inbound } from './correlate/inbound.ts';
import { createMaintenance } from './correlate/maintenance.ts';
import { createStallShare } from './correlate/stall-share.ts';
import type { Rules } from './correlate/state.ts';
import type { Discovered } from './discover/discovery.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Subject } from './model/check.ts';
import { BASELINE_DRIFT } from './model/drift.ts';
import type { Incident, IncidentEvent } from './model/incident.ts';
import type { ProbeResult } from './model/result.ts';
import type { Snapshot } from './model/snapshot.ts';
import type { Knowledge } from './model/verdict.ts';
import { createDispatcher, type DispatcherOptions } from './notify/dispatcher.ts';
import { type Ages, createHeartbeat, cycleFault, type Heartbeat } from './notify/heartbeat.ts';
import type { ReceiverOptions } from './notify/receivers.ts';
import { type Blame, type Consumer, createBlame, USER_AGENT } from './pipeline.ts';
import type { Outpost } from './schedule/outpost.ts';
import type { WantedRun } from './schedule/scheduler.ts';
import type { SessionBudgets } from './schedule/session-budget.ts';
import type { Store } from './store/store.ts';

/** A probe that our own lateness spoiled is repeated after this. */
const REPEAT_MS = 1_000;
/** Descriptors that were missing within this time are a fault of ours. */
const LACK_MS = 60_000;
/** Share of a gate's store that our own visits may be projected to fill before it is a warning (DESIGN 5). */
const STORE_SHARE = 0.8;
/** Where the correlator's checkpoint lies in the store's state. */
const CHECKPOINT = 'correlator';

/** What alerting needs of the process. */
export interface AlertingTools {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Store;
  readonly metrics: Metrics;
  readonly clockWatch: ClockWatch;
  readonly exhaustion: Exhaustion;
  /** Receivers of earlier configurations that this one does not have. */
  readonly leaving: readonly ReceiverOptions[];
  readonly demo: boolean;
}

/** Asks the scheduler for probes beside the schedule. */
export type Want = (wanted: readonly WantedRun[]) => void;

/** From outcomes to alerts: correlator, what drives it, and the dispatcher, joined by one transaction an event. */
export function createAlerting(
  config: Config,
  tools: AlertingTools & { subjects: readonly Subject[]; want: Want; inbound: Inbound },
) {
  const { clock, log, store } = tools;
  const problem = (receiver: string, detail: string | null): void =>
    blame.find({ kind: 'prober', reason: 'delivery', name: receiver, detail });
  const dispatcher = createDispatcher(dispatcherOptions(config, tools, problem));
  const correlator = createCorrelator(correlatorOptions(config, tools, tools.subjects));
  const checkpoint = (): void => store.state.put(CHECKPOINT, correlator.checkpoint());
  const blame: Blame = createBlame({
    clock,
    correlator,
    record(events) {
      dispatcher.record(events, checkpoint);
      for (const event of events) logEvent(log, event);
    },
    want: tools.want,
  });
  return { dispatcher, correlator, blame, checkpoint };
}

/** What results say about ourselves and about dates: a clock that is wrong, lateness, certificates near their end. */
export function createOwnWatch(
  parts: AlertingTools & { config: Config; blame: Blame; want: Want },
): Consumer {
  const { clock, clockWatch, exhaustion, config, blame, want } = parts;
  const certificates = createCertificateWatch(config.alerts.certificateWarnMs);
  const tellCertificate = createCertificateTeller(blame);
  const stalls = createStallShare();
  const own = { clock: createTold(), stall: createTold(), lack: createTold(), browser: createTold() };
  const browserFault = createBrowserFault();
  return (result) => {
    const now = { at: clock.now(), monotonicMs: clock.monotonic() };
    const fault = clockWatch.fault(now);
    const believed = fault === null && clockWatch.believes(now);
    own.clock(fault, () =>
      blame.find({ kind: 'prober', reason: 'clock', name: config.vantage, detail: fault }),
    );
    const stalled = believed && result.observation.error?.code === 'stalled';
    const share = stalls(stalled, now.monotonicMs);
    own.stall(share, () => blame.find({ kind: 'prober', reason: 'internal', name: 'stall', detail: share }));
    const lack = exhaustion.during(now.monotonicMs - LACK_MS, now.monotonicMs);
    own.lack(lack, () =>
      blame.find({ kind: 'prober', reason: 'internal', name: 'descriptors', detail: lack }),
    );
    const broken = browserFault(result);
    own.browser(broken, () =>
      blame.find({ kind: 'prober', reason: 'browser', name: config.vantage, detail: broken }),
    );
    // A probe that we spoiled says nothing: it is repeated once, where that costs the site nothing.
    if (stalled && !result.extra && isFree(result.subject))
      want([{ check: result.subject.id, notBefore: now.monotonicMs + REPEAT_MS, why: 'stalled' }]);
    // By a wrong date every certificate is near its end, or none is.
    if (believed) tellCertificate(certificates(result, now.at));
  };
}

/** Why browser visits are of no use at present, or null: one that fails may be bad luck, two in a row are not. */
function createBrowserFault(): (result: ProbeResult) => string | null {
  let failed = 0;
  let last = '';
  return ({ subject, observation }) => {
    if (subject.kind === 'visit' && subject.visit === 'browser') {
      const { error } = observation;
      const isFault = error?.code === 'browser';
      failed = isFault ? failed + 1 : 0;
      last = isFault ? error.message : '';
    }
    return failed < 2 ? null : `browser visits fail, the last one because ${last}`;
  };
}

function isFree(subject: Subject): boolean {
  return subject.kind === 'canary' || !subject.costsSession;
}

/** Calls `tell` when a text is another than the last one, and the first time. */
function createTold(): (text: string | null, tell: () => void) => void {
  let last: string | null | undefined;
  return (text, tell) => {
    if (text === last) return;
    last = text;
    tell();
  };
}

/** Standing faults that the configuration itself shows, or shows to be over. */
export function tellStanding(
  config: Config,
  parts: {
    readonly blame: Blame;
    readonly sessions: SessionBudgets;
    readonly discovered: Discovered;
    readonly incidents: readonly Incident[];
  },
): void {
  const { blame, sessions, discovered, incidents } = parts;
  for (const outpost of sessions.outposts)
    blame.find({ kind: 'budget', reason: null, name: outpost.name, detail: storeProjection(outpost) });
  tellDrift(discovered, blame, incidents);
  const sources = new Set(config.discover.sources.map(({ name }) => name));
  const receivers = new Set(config.receivers.map(({ name }) => name));
  const accounts = new Set(config.accounts.map(({ name }) => `account:${name}`));
  for (const { kind, reason, blame: about } of incidents) {
    if (kind !== 'prober' || about === null) continue;
    const isGone =
      (reason === 'delivery' && !receivers.has(about.name)) ||
      (reason === 'discovery' && !sources.has(about.name)) ||
      (reason === 'configuration' && about.name.startsWith('account:') && !accounts.has(about.name));
    if (isGone) blame.find({ kind, reason, name: about.name, detail: null });
  }
}

/** What contradicts the baseline; what does so no more is over, once every source has listed. */
function tellDrift({ drift, isWhole }: Discovered, blame: Blame, incidents: readonly Incident[]): void {
  const kind = 'drift';
  const reason = null;
  const standing = new Map<string, string>();
  for (const { kind: what, target, text } of drift)
    if (target !== null && BASELINE_DRIFT.includes(what)) standing.set(target, text);
  for (const [name, detail] of standing) blame.find({ kind, reason, name, detail });
  if (!isWhole) return;
  for (const incident of incidents) {
    const name = incident.blame?.name ?? '';
    if (incident.kind !== kind || incident.state === 'resolved' || standing.has(name)) continue;
    blame.find({ kind, reason, name, detail: null });
  }
}

function dispatcherOptions(
  config: Config,
  { clock, log, store, metrics, leaving, inbound }: AlertingTools & { readonly inbound: Inbound },
  problem: DispatcherOptions['problem'],
): DispatcherOptions {
  return {
    clock,
    log: log.child({ room: 'notify' }),
    random: Math.random,
    store,
    context: alertContext(config, () => inbound.firing(clock.now())),
    receivers: config.receivers,
    watchdog: config.watchdog,
    userAgent: USER_AGENT,
    ca: config.ca,
    observe: { delivered: metrics.notified, failed: metrics.notificationFailed, queue: () => {} },
    problem,
    leaving,
    settled: () => store.settled(),
  };
}

function correlatorOptions(
  config: Config,
  { clock, store, inbound }: AlertingTools & { readonly inbound: Inbound },
  subjects: readonly Subject[],
): CorrelatorOptions {
  return {
    ...rulesOf(config, store.facts),
    holding: inbound.holding,
    subjects,
    checkpoint: store.state.get(CHECKPOINT),
    random: Math.random,
    startedAt: { at: clock.now(), monotonicMs: clock.monotonic() },
  };
}

/** What a configuration and what was learned say to the correlator: in the daemon and in a replay the same. */
export function rulesOf(config: Config, facts: Knowledge): Rules {
  return {
    vantage: config.vantage,
    startupGraceMs: config.alerts.startupGraceMs,
    seenUp: (target) => facts.get('seen-up', target) !== null,
    hasControls: config.controls.length > 0,
    maintenance: createMaintenance(config.maintenance),
  };
}

/**
 * A canary accuses nobody before its healthy answer was seen once (DESIGN 3): here it may never have one. Controls
 * are configured by name, and without them an uplink that is down from the start would be blamed on the site.
 */
export function hasJoined(subject: Subject, facts: Knowledge): boolean {
  if (subject.kind === 'visit' || subject.canary === 'control') return true;
  return facts.get('canary', subject.id) !== null;
}

/** The heartbeat, where one is configured; the demo has none, whatever the file says (threats P6). */
export function heartbeatOf(
  config: Config,
  tools: AlertingTools,
  snapshot: () => Snapshot,
  ages: Ages,
): Heartbeat | null {
  if (config.heartbeat === null || tools.demo) return null;
  const { clock, log } = tools;
  const primary = new Set(
    config.receivers.filter(({ fallbackFor }) => fallbackFor === null).map(({ name }) => name),
  );
  return createHeartbeat({
    ...config.heartbeat,
    userAgent: USER_AGENT,
    clock,
    log: log.child({ room: 'notify' }),
    fault: () =>
      cycleFault(snapshot(), {
        ageMs: (check) => ages.of(check),
        isPrimary: (name) => primary.has(name),
      }),
  });
}

/** Tells of certificates; of one that is fine only once, or after it was not. */
function createCertificateTeller(blame: Blame): (state: ReturnType<CertificateWatch>) => void {
  const fine = new Set<string>();
  return (state) => {
    if (state === null) return;
    const { name, detail } = state;
    if (detail === null && fine.has(name)) return;
    if (detail === null) fine.add(name);
    else fine.delete(name);
    blame.find({ kind: 'certificate', reason: null, name, detail });
  };
}

/** Why the outpost's store is in danger by our own visits, or null. */
function storeProjection(outpost: Outpost): string | null {
  if (outpost.storeSessions === null || outpost.allowedPerMinute === null) return null;
  const held = Math.round(
    (Math.min(outpost.allowedPerMinute, outpost.wantedPerMinute) * outpost.lifetimeMs) / 60_000,
  );
  if (held <= STORE_SHARE * outpost.storeSessions) return null;
  return `our own fresh visits would hold ${held} of the ${outpost.storeSessions} sessions that the store of ${outpost.name} has room for`;
}

function logEvent(log: Log, { type, incident }: IncidentEvent): void {
  const { id, kind, blame, reason, signature, targets, probability } = incident;
  log.info(
    {
      incident: id,
      event: type,
      kind,
      blame: blame?.id ?? null,
      reason,
      signature,
      targets: targets.length,
      probability,
    },
    'incident',
  );
}
