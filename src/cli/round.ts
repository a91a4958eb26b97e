// One round of probes for `check`: all paths, few sessions. Fresh visits first (they bring the cookies), then return
// visits with what they brought, then what costs nothing beside the canaries that tell components apart.

import type { Clock } from '../base/clock.ts';
import { createStallWatch } from '../base/stall.ts';
import type { Config } from '../config/config.ts';
import { type CanaryKind, type Check, logsIn, type Subject } from '../model/check.ts';
import type { ProbeResult } from '../model/result.ts';
import type { Fact, FactKind, Knowledge } from '../model/verdict.ts';
import { createProbing, probeOnce } from '../pipeline.ts';
import { plan } from '../schedule/plan.ts';
import type { Earlier } from './earlier.ts';

/** Probes at the same time. */
const CONCURRENCY = 16;
/** Fresh visits on each further path, beside the one for every client on the first. */
const FURTHER_PATH_VISITS = 3;
/** Canaries that say something in a single round. */
const CANARIES: readonly CanaryKind[] = ['control', 'dns', 'gate-ping', 'idp-health'];

export interface RoundOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** Target ids to probe; null = all. */
  readonly targets: ReadonlySet<string> | null;
  /** Facts of earlier runs. */
  readonly knowledge: Knowledge;
  /** Strangers' cookies of earlier runs, or null. */
  readonly jars: string | null;
  /** Sessions of accounts, of a daemon that keeps them; null = none. */
  readonly signedIn: Earlier['signedIn'];
  /** Takes a token for a fresh visit; false = none left. */
  readonly takeSession: (outpost: string) => boolean;
  readonly progress: (done: number, all: number) => void;
  readonly signal: AbortSignal;
}

export interface Round {
  readonly results: readonly ProbeResult[];
  /** Fresh visits that were left out because no token was there. */
  readonly withheld: number;
}

/** Probes everything once. */
export async function probeRound(options: RoundOptions): Promise<Round> {
  const { config, clock } = options;
  const knowledge = learning(options.knowledge);
  using stall = createStallWatch(clock);
  const { stages, jars } = createProbing(config, {
    ...{ clock, stall, knowledge, jars: options.jars },
    ...(options.signedIn === null ? {} : { signedIn: options.signedIn }),
  });
  const results: ProbeResult[] = [];
  const wanted = chosen(plan({ ...config, knowledge }), options.targets);
  const fresh = freshVisits(
    wanted.filter((check) => check.kind === 'visit' && check.costsSession) as Check[],
  );
  let withheld = 0;
  let done = 0;
  const free = wanted.filter((subject) => subject.kind === 'canary' || !subject.costsSession);
  const all = fresh.length + free.length;
  const probe = async (subject: Subject): Promise<void> => {
    const result = await probeOnce(subject, { extra: true }, stages, options.signal);
    results.push(result);
    for (const fact of result.judgement.learned) knowledge.put(fact, result.at);
    if (subject.gate !== null && result.judgement.handover !== null)
      jars.keep(subject.gate, result.observation.exchanges);
    done += 1;
    options.progress(done, all);
  };
  await inParallel(fresh, async (check) => {
    if (options.signal.aborted) return;
    // Taken before sending; a gate without a session store asks for none.
    if (check.gate !== null && !options.takeSession(check.gate.outpost)) withheld += 1;
    else await probe(check);
  });
  await inParallel(free, async (subject) => {
    const why = obstacle(subject, jars, options);
    if (why === 'withheld') withheld += 1;
    if (why === null) await probe(subject);
  });
  return { results: results.sort((a, b) => order(wanted, a) - order(wanted, b)), withheld };
}

/**
 * Why a visit outside the fresh ones is left out. A login is the daemon's alone: only it knows how many there were. A
 * session is replayed while the daemon keeps one; a credential may make one at the gate, and so takes a token.
 */
function obstacle(
  subject: Subject,
  jars: ReturnType<typeof createProbing>['jars'],
  options: RoundOptions,
): 'none' | 'withheld' | null {
  if (subject.kind !== 'visit' || subject.gate === null) return null;
  const { visit, gate, account, target } = subject;
  if (visit === 'return') return jars.has(gate, target.url) ? null : 'none';
  if (account === null) return null;
  if (logsIn(visit)) return 'none';
  if (options.signedIn?.has(account, gate, target.url) === true) return null;
  if (account.credential.kind === 'password') return 'none';
  return options.takeSession(gate.outpost) ? null : 'withheld';
}

function order(subjects: readonly Subject[], result: ProbeResult): number {
  return subjects.indexOf(result.subject);
}

function chosen(subjects: readonly Subject[], targets: ReadonlySet<string> | null): Subject[] {
  return subjects.filter((subject) =>
    subject.kind === 'canary'
      ? CANARIES.includes(subject.canary)
      : targets === null || targets.has(subject.target.id),
  );
}

/** All of a few targets; of many, one on the first path each and a few on every further one. */
function freshVisits(checks: readonly Check[]): Check[] {
  const onPath = new Map<string, number>();
  return checks.filter((check) => {
    if (check.path.name === check.target.paths[0]) return true;
    const count = onPath.get(check.path.name) ?? 0;
    onPath.set(check.path.name, count + 1);
    return count < FURTHER_PATH_VISITS;
  });
}

/** Knowledge that this round adds to, in memory alone. */
function learning(base: Knowledge): Knowledge & { put(fact: Fact, at: number): void } {
  const own = new Map<string, { value: string; at: number }>();
  const key = (kind: FactKind, name: string): string => `${kind} ${name}`;
  return {
    get: (kind, name) => own.get(key(kind, name)) ?? base.get(kind, name),
    put: (fact, at) => void own.set(key(fact.kind, fact.key), { value: fact.value, at }),
  };
}

async function inParallel<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}
