// The corridor: one due check goes in, a result comes out, and everything that wants it gets it, in this order.
// Nobody else hands results on.

import type { Clock } from './base/clock.ts';
import { createExhaustion, type Exhaustion, lackOfDescriptors } from './base/exhaustion.ts';
import type { StallWatch } from './base/stall.ts';
import { PROJECT_URL, VERSION } from './base/version.ts';
import { createClassifier } from './classify/classifier.ts';
import type { Config } from './config/config.ts';
import { type ClockWatch, createClockWatch } from './correlate/clock-watch.ts';
import type { Finding, Instant, Outcome, Wanted } from './correlate/outcome.ts';
import type { Subject } from './model/check.ts';
import type { IncidentEvent } from './model/incident.ts';
import type { Observation, ProbeError } from './model/observation.ts';
import type { ProbeResult } from './model/result.ts';
import type { Judgement, Knowledge } from './model/verdict.ts';
import type { ArtifactFiles } from './probe/browser/artifact-files.ts';
import { ANSWER_MS, createResolve } from './probe/dns.ts';
import { createJars, type Jars } from './probe/jar.ts';
import type { Codes } from './probe/one-time-code.ts';
import { createProbe } from './probe/probers.ts';
import { createSignedIn, type SignedIn } from './probe/signed-in.ts';

/** What visited sites see in their logs; nothing of the operator's configuration. */
export const USER_AGENT = `gatewatch/${VERSION} (+${PROJECT_URL})`;

/** Share of a probe's time-out that our own lateness may take before its failure counts as ours (threats X10). */
const STALL_SHARE = 0.2;

export interface Stages {
  readonly clock: Clock;
  readonly stall: StallWatch;
  readonly clockWatch: ClockWatch;
  readonly exhaustion: Exhaustion;
  readonly probe: (subject: Subject, signal: AbortSignal) => Promise<Observation>;
  readonly classify: (subject: Subject, observation: Observation, now: number) => Judgement;
}

/** Takes a finished result; called in the order of the corridor, must not throw. */
export type Consumer = (result: ProbeResult) => void;

/** Probes and judges once, keeps nothing. Shared by the loop and by `check`. Never rejects. */
export async function probeOnce(
  subject: Subject,
  options: { extra: boolean },
  stages: Stages,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const { clock } = stages;
  const startedMs = clock.monotonic();
  const observed = await stages.probe(subject, signal);
  const monotonicMs = clock.monotonic();
  const now = { at: clock.now(), monotonicMs };
  stages.clockWatch.see(subject, observed, now);
  const own = ownFault(observed, { startedMs, now, toleratedMs: STALL_SHARE * subject.timeoutMs }, stages);
  const observation = own === null ? observed : { ...observed, stop: 'error' as const, error: own };
  const judgement = stages.classify(subject, observation, now.at);
  return { subject, at: observation.startedAt, monotonicMs, observation, judgement, extra: options.extra };
}

/** The whole corridor for one due check: probe, classify, then each consumer. */
export async function runSubject(
  subject: Subject,
  options: { extra: boolean },
  stages: Stages & { readonly consumers: readonly Consumer[] },
  signal: AbortSignal,
): Promise<void> {
  const result = await probeOnce(subject, options, stages, signal);
  if (signal.aborted) return;
  for (const consume of stages.consumers) consume(result);
}

/**
 * Why a failure is our own, or null: our process stood still meanwhile (threats M20: it looks like a time-out), it had
 * no descriptors (M19: it looks like a dead resolver), or the date of our clock is wrong (X15: certificates look
 * expired).
 */
function ownFault(
  { error }: Observation,
  { startedMs, now, toleratedMs }: { startedMs: number; now: Instant; toleratedMs: number },
  { stall, exhaustion, clockWatch }: Stages,
): ProbeError | null {
  if (error === null) return null;
  const prober = (code: ProbeError['code'], message: string): ProbeError => ({
    phase: 'prober',
    code,
    message,
  });
  // A resolver has less time than the probe, and so have we.
  const tolerated = error.phase === 'dns' ? Math.min(toleratedMs, STALL_SHARE * ANSWER_MS) : toleratedMs;
  const late = stall.during(startedMs, now.monotonicMs, tolerated);
  if (late !== null) return prober('stalled', late);
  if (error.code === 'out-of-resources') exhaustion.note('EMFILE');
  else if (error.phase === 'dns' || error.phase === 'connect') exhaustion.note(lackOfDescriptors() ?? '');
  const lack = exhaustion.during(startedMs, now.monotonicMs);
  if (lack !== null) return prober('out-of-resources', lack);
  if (error.code !== 'tls-expired' || clockWatch.believes(now)) return null;
  return prober('stalled', 'the certificate is not valid at the date of our clock, which is not believed');
}

/** The part of the correlator that the corridor drives. */
interface Blaming {
  accept(outcome: Outcome): void;
  evaluate(now: Instant): { readonly events: readonly IncidentEvent[]; readonly wanted: readonly Wanted[] };
  readonly nextAt: number | null;
  raise(finding: Finding, now: Instant): readonly IncidentEvent[];
  clear(
    kind: Finding['kind'],
    reason: Finding['reason'],
    name: string,
    now: Instant,
  ): readonly IncidentEvent[];
  replace(subjects: readonly Subject[], now: Instant): readonly IncidentEvent[];
}

/** The part of a result that blame takes: also what the store remembers of one. */
export interface BlamedResult extends Pick<ProbeResult, 'at' | 'monotonicMs' | 'extra'> {
  readonly subject: Pick<Subject, 'id'>;
  readonly judgement: Pick<Judgement, 'verdict' | 'signature' | 'pointsAt'>;
  readonly observation: Pick<Observation, 'durationMs'>;
}

/** The end of the corridor: results become incidents, and incidents go to those who record them. */
export interface Blame {
  accept(result: BlamedResult): void;
  /** A fault found beside the probes; `detail: null` = it is over. */
  find(finding: Omit<Finding, 'detail' | 'signature'> & { readonly detail: string | null }): void;
  /** Other checks from now on; incidents about what is gone end. */
  replace(subjects: readonly Subject[]): void;
  stop(): void;
}

/** At most one evaluation in this time, whatever the number of results (correlation.md 5.2). */
const EVALUATE_MS = 1_000;

/** While something is suspected or open, what is known of it is made durable at least this often. */
const RECORD_MS = 5_000;

/** Evaluates soon after a result, and whenever the correlator wants to be asked again. */
export function createBlame(tools: {
  readonly clock: Clock;
  readonly correlator: Blaming;
  /** Makes the evidence and the events (there may be none) durable and queues deliveries; must not throw. */
  readonly record: (events: readonly IncidentEvent[]) => void;
  readonly want: (wanted: readonly Wanted[]) => void;
}): Blame {
  const { clock, correlator } = tools;
  let cancel: (() => void) | null = null;
  let dueAt = Number.POSITIVE_INFINITY;
  let stopped = false;
  let recordedAt = clock.monotonic();

  const now = (): Instant => ({ at: clock.now(), monotonicMs: clock.monotonic() });
  const record = (events: readonly IncidentEvent[]): void => {
    recordedAt = clock.monotonic();
    tools.record(events);
  };
  const hand = (events: readonly IncidentEvent[]): void => {
    if (events.length > 0) record(events);
    arm();
  };
  const evaluate = (): void => {
    cancel = null;
    dueAt = Number.POSITIVE_INFINITY;
    const { events, wanted } = correlator.evaluate(now());
    if (events.length > 0 || clock.monotonic() - recordedAt > RECORD_MS) record(events);
    if (wanted.length > 0) tools.want(wanted);
    arm();
  };
  const arm = (): void => {
    const { nextAt } = correlator;
    if (stopped || nextAt === null) return;
    const at = Math.max(nextAt, clock.monotonic() + EVALUATE_MS);
    if (cancel !== null && dueAt <= at) return;
    cancel?.();
    dueAt = at;
    cancel = clock.after(at - clock.monotonic(), evaluate);
  };
  return {
    accept(result) {
      const { subject, judgement, at, monotonicMs, extra } = result;
      const begunMs = monotonicMs - result.observation.durationMs;
      const { verdict, signature, pointsAt } = judgement;
      correlator.accept({ check: subject.id, at, monotonicMs, begunMs, verdict, signature, pointsAt, extra });
      arm();
    },
    find({ detail, ...finding }) {
      const { kind, reason, name } = finding;
      hand(
        detail === null
          ? correlator.clear(kind, reason, name, now())
          : correlator.raise({ ...finding, detail, signature: null }, now()),
      );
    },
    replace: (subjects) => hand(correlator.replace(subjects, now())),
    stop() {
      stopped = true;
      cancel?.();
      cancel = null;
    },
  };
}

const NO_CODES: Codes = { next: () => Promise.resolve(null) };

/** Probers, classifier and jars of a configuration: what `check` shares with the daemon. */
export function createProbing(
  config: Config,
  tools: {
    readonly clock: Clock;
    readonly stall: StallWatch;
    readonly clockWatch?: ClockWatch;
    readonly exhaustion?: Exhaustion;
    readonly knowledge: Knowledge;
    readonly jars: string | null;
    /** Default: nobody is signed in, and there are no one-time codes. */
    readonly signedIn?: SignedIn;
    readonly codes?: Codes;
    /** Default: files of failed browser visits are not kept. */
    readonly artifacts?: ArtifactFiles;
  },
): { stages: Stages; jars: Jars } {
  const { clock, stall, knowledge, clockWatch = createClockWatch() } = tools;
  const { exhaustion = createExhaustion(clock) } = tools;
  const jars = createJars(clock);
  if (tools.jars !== null) jars.restore(tools.jars);
  const addresses = config.paths.flatMap(({ address }) => (address === null ? [] : [address]));
  const probe = createProbe({
    clock,
    resolve: createResolve(clock),
    jars,
    signedIn: tools.signedIn ?? createSignedIn(clock),
    codes: tools.codes ?? NO_CODES,
    paths: config.paths,
    userAgent: USER_AGENT,
    ca: config.ca,
    browser: config.browser,
    ...(tools.artifacts === undefined ? {} : { artifacts: tools.artifacts }),
    allowedAddresses: new Set(addresses.flatMap(({ host, port }) => [host, `${host}:${port}`])),
  });
  const { certificateWarnMs } = config.alerts;
  const { classify } = createClassifier({ ...config, knowledge, certificateWarnMs });
  return { stages: { clock, stall, clockWatch, exhaustion, probe, classify }, jars };
}
