// The search for shared faults: suspicion, confirming burst, opening, and questioning the blame of what is open
// (reference/correlation.md 5.3, 5.4 and 5.6).

import type { Component } from '../model/component.ts';
import type { ProberReason } from '../model/incident.ts';
import { confirmingBurst, newEpisode } from './burst.ts';
import { type Case, eventOf } from './case.ts';
import { softWay, watchedBy } from './coverage.ts';
import { SUSPECT_NATS } from './evidence.ts';
import { type Hypothesis, localize, type Ranking, scoreOne } from './localize.ts';
import { isOver, type Opening, opening } from './opening.ts';
import { inCommon } from './service-faults.ts';
import { remainderOf } from './split.ts';
import { type State, UNMODELLED } from './state.ts';
import { supportOf } from './support.ts';

const CANDIDATES = 10;
/** Of so many of the best it is asked whether they are over. */
const OVER_OF = 4;
/** Openings of one evaluation: two independent faults are two incidents. */
const ROUNDS = 3;
/** Hypotheses this close to the best are named beside it, in nats. */
const AMBIGUOUS_NATS = 2.2;
/** A blame is questioned at these ages, in shares of the interval (5.6), and replaced when beaten by so much. */
const QUESTION_AGES = [0.2, 0.4, 0.7, 1.1, 2, 4];
const BETTER_NATS = 4;
const COVERS_SHARE = 0.7;
/** Share of the controls that must fail for a full outage of the vantage. */
const FAILING_CONTROLS = 0.3;
/** Extra probes while only one failure was seen. */
const FIRST_BURST = 3;

/** Vantage and resolver are the prober's own: never a shared fault, never a target's. */
const PROBER_REASON: Readonly<Record<string, ProberReason>> = { vantage: 'uplink', resolver: 'resolver' };

/** Looks for shared faults in what no open case explains; opens them, or asks for probes that decide. */
export function searchShared(state: State): void {
  state.ranking = null;
  for (let round = 0; round < ROUNDS; round++) {
    const ranking = suspects(state);
    state.ranking = ranking;
    if (ranking === null) {
      state.likelySince = new Map();
      state.episode = newEpisode(state.now.monotonicMs);
      return;
    }
    forgetOver(state, ranking);
    noteLikely(state, ranking);
    const found = opening(state.scope, ranking, {
      now: state.now.monotonicMs,
      likelySince: (component) => state.likelySince.get(component ?? UNMODELLED) ?? state.now.monotonicMs,
    });
    if (found === null || !isBelievable(state, found)) {
      confirm(state, ranking);
      return;
    }
    openShared(state, ranking, found);
  }
}

/** What was over before it could be said is no part of what comes next. */
function forgetOver(state: State, ranking: Ranking): void {
  for (const each of ranking.hypotheses.slice(0, OVER_OF)) {
    const [index] = each.components;
    if (index === undefined || each.components.length > 1) continue;
    if (!isOver(state.scope, index, each, supportOf(state.scope, index, each.since))) continue;
    state.evidence.calm(index);
    state.likelySince.delete(index);
  }
}

/** Notes since when each explanation leads over nothing: what was refuted in between does not count as seen again. */
function noteLikely(state: State, ranking: Ranking): void {
  const before = state.likelySince;
  state.likelySince = new Map();
  for (const { components, score } of ranking.hypotheses) {
    if (score <= 0) continue;
    for (const index of components.length === 0 ? [UNMODELLED] : components)
      state.likelySince.set(index, before.get(index) ?? state.evaluatedAt);
  }
}

function suspects(state: State): Ranking | null {
  const { evidence, topology } = state;
  const blamed = state.blamed();
  const candidates = topology.components
    .filter((node) => !blamed.has(node.component.id))
    .map((node) => ({ component: node.index, ...evidence.suspicion(node.index) }))
    .filter((each) => each.nats >= SUSPECT_NATS && isPossible(state, each.component))
    .sort((a, b) => b.nats - a.nats || a.component - b.component)
    .slice(0, CANDIDATES);
  return candidates.length === 0 ? null : localize(state.scope, candidates);
}

/** The vantage is no candidate without controls; with them, those that pass speak against it like any check. */
function isPossible(state: State, component: number): boolean {
  return state.rules.hasControls || state.topology.components[component]?.component.type !== 'vantage';
}

/** The vantage is claimed only when controls fail too. */
function isBelievable(state: State, found: Opening): boolean {
  if (found.component === null) return true;
  if (state.topology.components[found.component]?.component.type !== 'vantage') return true;
  const { seen, failing } = controls(state, found.component, found.support.firstAt);
  return failing > 0 && failing >= FAILING_CONTROLS * found.hypothesis.severity * seen;
}

/** Controls that brought a result since, and those of them that failed. */
function controls(state: State, vantage: number, since: number): { seen: number; failing: number } {
  const results = (state.topology.components[vantage]?.hard ?? []).flatMap((index) => {
    const record = state.evidence.records[index];
    return record?.check.visit === 'control' && record.lastAt >= since ? [record] : [];
  });
  return { seen: results.length, failing: results.filter((record) => record.lastFailAt >= since).length };
}

function confirm(state: State, ranking: Ranking): void {
  const now = state.now.monotonicMs;
  const { episode } = state;
  if (now - episode.startedAt > 2 * state.topology.intervalMs) {
    state.episode = newEpisode(now);
  }
  const since = ranking.hypotheses.reduce((first, each) => Math.min(first, each.since), now);
  const single = supportOf(state.scope, null, since);
  if (single.services.length + single.canaries === 0) {
    // What raised it is explained by now, or was forgotten.
    for (const each of ranking.hypotheses) for (const index of each.components) state.evidence.calm(index);
    return;
  }
  const alone = single.services.length + single.canaries <= 1 && single.lastAt === single.firstAt;
  const left = alone ? FIRST_BURST - state.episode.spent : undefined;
  if (left !== undefined && left <= 0) return;
  const options = { since, now, episode: state.episode, ...(left === undefined ? {} : { atOnce: left }) };
  state.wanted.push(...confirmingBurst(state.scope, ranking, options));
}

function openShared(state: State, ranking: Ranking, found: Opening): void {
  const { topology } = state;
  const component =
    found.component === null ? null : (topology.components[found.component]?.component ?? null);
  const reason = PROBER_REASON[component?.type ?? ''] ?? null;
  // Failures of one owner are blamed on its targets: nobody alone may accuse what all share (DESIGN 10, Blame).
  const isHost = component?.type === 'host';
  const own = reason === null && found.oneOwner && !isHost;
  const blame = own ? null : component;
  const failing = found.support.services.flatMap((index) => topology.services[index]?.target?.id ?? []);
  const { spent, sessions } = state.episode;
  const fault = state.open(
    {
      kind: reason !== null ? 'prober' : own || isHost ? 'service' : 'shared',
      blame,
      reason,
      name: reason === null || blame === null ? null : blame.name,
      startedAt: found.support.firstWall,
      started: found.support.firstAt,
      about: blame === null ? failing : [],
    },
    (opened) => {
      judge(state, opened, ranking, found);
      opened.probesSpent += spent;
      opened.sessionsSpent += sessions;
      if (blame === null) opened.inCommon = inCommon(topology, found.support.services);
    },
  );
  state.episode = newEpisode(state.now.monotonicMs);
  yieldSoft(state, fault);
  takeOver(state, fault);
}

/** What other cases explained by a dependence alone is the new one's, if that is really on the way. */
function yieldSoft(state: State, fault: Case): void {
  const { topology } = state;
  const hard = topology.components[state.indexOf(fault.blame) ?? -1]?.hard ?? [];
  for (const index of hard) {
    const check = topology.checks[index];
    if (check === undefined) continue;
    for (const other of state.coverage.watchers[index] ?? []) {
      if (other !== fault && softWay(topology, other, check) >= 0) other.affected.delete(check.id);
    }
  }
}

/** Posterior, severity, runner-up and what cannot be told apart. */
function judge(state: State, fault: Case, ranking: Ranking, found: Opening): void {
  const { components } = state.topology;
  const { hypothesis: best, component: blamed } = found;
  const nameOf = (index: number | undefined): Component | null => components[index ?? -1]?.component ?? null;
  const others = ranking.hypotheses.filter(
    (each) => each !== best && !each.components.includes(blamed ?? -1),
  );
  const second = others[0];
  fault.probability = ranking.posterior;
  fault.severity = best.severity;
  fault.runnerUp =
    second === undefined
      ? null
      : { component: nameOf(second.components[0]), odds: Math.min(1e6, Math.exp(best.score - second.score)) };
  fault.ambiguous = others
    .filter((each) => each.components.length === 1 && best.score - each.score < AMBIGUOUS_NATS)
    .flatMap((each) => nameOf(each.components[0]) ?? []);
}

/** What the shared fault explains ends with it as its cause: service incidents, the warning of its certificate. */
function takeOver(state: State, shared: Case): void {
  const watched = new Set(
    watchedBy(state.topology, shared).map((index) => state.topology.checks[index]?.id ?? ''),
  );
  for (const fault of state.live()) {
    const warning = fault.kind === 'certificate' && isCertificate(shared.blame, fault.name);
    const service =
      fault.kind === 'service' && shared.kind !== 'service' && isTaken(state, fault, shared, watched);
    if (fault === shared || !(warning || service)) continue;
    for (const target of fault.targets) shared.targets.add(target);
    state.close(fault, shared.id);
  }
}

function isTaken(state: State, fault: Case, shared: Case, watched: ReadonlySet<string>): boolean {
  const recent = fault.started >= shared.started - 2 * state.topology.intervalMs;
  return recent && [...fault.affected.keys()].every((check) => watched.has(check));
}

function isCertificate(blame: Component | null, name: string | null): boolean {
  return (
    blame?.type === 'certificate' &&
    name !== null &&
    (blame.name === name || blame.name.startsWith(`${name}@`))
  );
}

/** Opens what was hidden behind a fault that turns; the checks of both are the new one's from then on. */
export function splitFaults(state: State): void {
  for (const fault of state.live()) {
    if (fault.standing || (fault.kind !== 'shared' && fault.kind !== 'prober')) continue;
    const rest = remainderOf(state, fault);
    if (rest === null) continue;
    const component = state.topology.components[rest.component]?.component;
    if (component === undefined) continue;
    const support = supportOf(state.beside(fault), rest.component, rest.since);
    const reason = PROBER_REASON[component.type] ?? null;
    state.open({
      kind: reason === null ? 'shared' : 'prober',
      blame: component,
      reason,
      name: reason === null ? null : component.name,
      startedAt: support.firstWall,
      started: support.firstAt,
    });
    yieldChecks(state, fault, rest.component);
  }
}

/** The case forgets the checks that another one explains now: they would never tell it that it is over. */
function yieldChecks(state: State, fault: Case, component: number): void {
  const { checks, byCheck } = state.topology;
  for (const id of fault.affected.keys()) {
    const check = checks[byCheck.get(id) ?? -1];
    if (check?.ways.some((way) => way.component === component)) fault.affected.delete(id);
  }
}

/** Asks of each open shared case whether another component explains its failures better; renames it in place. */
export function questionBlame(state: State): void {
  for (const fault of state.live()) {
    // While it turns, what passes speaks against some rivals only.
    if (fault.kind !== 'shared' || fault.state !== 'open' || fault.standing || fault.healthy > 0) continue;
    const due = QUESTION_AGES.some((share) => {
      const at = fault.opened + share * state.topology.intervalMs;
      return fault.questioned < at && state.now.monotonicMs >= at;
    });
    if (!due) continue;
    fault.questioned = state.now.monotonicMs;
    reconsider(state, fault);
  }
}

function reconsider(state: State, fault: Case): void {
  const scope = state.beside(fault);
  const current = state.indexOf(fault.blame);
  const before = current === null ? 0 : scoreOne(scope, current, fault.started).score;
  let best: Hypothesis | null = null;
  for (const index of rivals(state, fault)) {
    if (supportOf(scope, index, fault.started).hard === 0) continue;
    const scored = scoreOne(scope, index, fault.started);
    if (best === null || scored.score > best.score) best = scored;
  }
  const index = best?.components[0];
  if (best === null || index === undefined || best.score < before + BETTER_NATS) return;
  if (coveredShare(state, fault, index) >= COVERS_SHARE) rename(state, fault, index, best);
}

/** Other components on the way of the failing checks that nobody else blames. */
function rivals(state: State, fault: Case): readonly number[] {
  const { topology } = state;
  const taken = state.blamed();
  const found = new Set<number>();
  for (const id of fault.affected.keys()) {
    for (const way of topology.checks[topology.byCheck.get(id) ?? -1]?.ways ?? []) found.add(way.component);
  }
  return [...found].filter((index) => {
    const rival = topology.components[index]?.component;
    return (
      rival !== undefined && rival.type !== 'host' && !(rival.type in PROBER_REASON) && !taken.has(rival.id)
    );
  });
}

function coveredShare(state: State, fault: Case, component: number): number {
  const { topology } = state;
  let covered = 0;
  for (const id of fault.affected.keys()) {
    const check = topology.checks[topology.byCheck.get(id) ?? -1];
    if (check?.ways.some((way) => way.component === component)) covered++;
  }
  return fault.affected.size === 0 ? 0 : covered / fault.affected.size;
}

function rename(state: State, fault: Case, component: number, best: Hypothesis): void {
  const blame = state.topology.components[component]?.component;
  if (blame === undefined) return;
  fault.firstBlame ??= fault.blame;
  fault.blame = blame;
  fault.about.clear();
  fault.severity = best.severity;
  fault.ambiguous = [];
  fault.runnerUp = null;
  state.adopt(fault);
  state.events.push(eventOf('blame-changed', fault, state.now));
  takeOver(state, fault);
  merge(state, fault);
}

/** Another shared case whose failures the new blame covers is the same fault: the older id stays. */
function merge(state: State, fault: Case): void {
  const blamed = state.indexOf(fault.blame);
  if (blamed === null) return;
  for (const other of state.live()) {
    if (other === fault || other.kind !== 'shared' || coveredShare(state, other, blamed) < 0.9) continue;
    const [kept, ended] = other.opened < fault.opened ? [other, fault] : [fault, other];
    if (kept !== fault) {
      kept.firstBlame ??= kept.blame;
      kept.blame = fault.blame;
    }
    state.close(ended, kept.id);
    state.adopt(kept);
    return;
  }
}
