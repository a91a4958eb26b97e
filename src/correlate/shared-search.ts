// The search for shared faults: suspicion, confirming burst, opening, and questioning the blame of what is open
// (reference/correlation.md 5.3, 5.4 and 5.6).

import type { Component } from '../model/component.ts';
import type { ProberReason } from '../model/incident.ts';
import { confirmingBurst, newEpisode } from './burst.ts';
import { type Case, eventOf } from './case.ts';
import { watchedBy } from './coverage.ts';
import { SUSPECT_NATS } from './evidence.ts';
import { type Hypothesis, localize, type Ranking, scoreOne } from './localize.ts';
import { type Opening, opening } from './opening.ts';
import type { Scope } from './ratio.ts';
import { inCommon } from './service-faults.ts';
import type { State } from './state.ts';
import { supportOf } from './support.ts';

const CANDIDATES = 10;
/** Openings of one evaluation: two independent faults are two incidents. */
const ROUNDS = 3;
/** Hypotheses this close to the best are named beside it, in nats. */
const AMBIGUOUS_NATS = 2.2;
/** A blame is questioned at these ages, in shares of the interval (5.6), and replaced when beaten by so much. */
const QUESTION_AGES = [0.2, 0.4, 0.7, 1.1, 2, 4];
const BETTER_NATS = 4;
const COVERS_SHARE = 0.7;
/** Controls that must have been asked before their passing says something, and share of them that must fail. */
const ENOUGH_CONTROLS = 2;
const FAILING_CONTROLS = 0.3;
/** Extra probes while only one failure was seen. */
const FIRST_BURST = 4;

/** Vantage and resolver are the prober's own: never a shared fault, never a target's. */
const PROBER_REASON: Readonly<Record<string, ProberReason>> = { vantage: 'uplink', resolver: 'resolver' };

/** Looks for shared faults in what no open case explains; opens them, or asks for probes that decide. */
export function searchShared(state: State): void {
  state.ranking = null;
  for (let round = 0; round < ROUNDS; round++) {
    const ranking = suspects(state);
    state.ranking = ranking;
    if (ranking === null) {
      state.episode = newEpisode(state.now.monotonicMs);
      return;
    }
    const found = opening(state.scope, ranking, state.now.monotonicMs);
    if (found === null || !isBelievable(state, found)) {
      confirm(state, ranking);
      return;
    }
    openShared(state, ranking, found);
  }
}

function suspects(state: State): Ranking | null {
  const { evidence, topology } = state;
  const blamed = state.blamed();
  const candidates = topology.components
    .filter((node) => !blamed.has(node.component.id))
    .map((node) => ({ component: node.index, ...evidence.suspicion(node.index) }))
    .filter((each) => each.nats >= SUSPECT_NATS && isPossible(state, each.component, each.since))
    .sort((a, b) => b.nats - a.nats || a.component - b.component)
    .slice(0, CANDIDATES);
  return candidates.length === 0 ? null : localize(state.scope, candidates);
}

/** The vantage is no candidate without controls, nor while they pass. */
function isPossible(state: State, component: number, since: number): boolean {
  if (state.topology.components[component]?.component.type !== 'vantage') return true;
  const { seen, failing } = controls(state, component, since);
  return state.rules.hasControls && (seen < ENOUGH_CONTROLS || failing >= FAILING_CONTROLS * seen);
}

/** The vantage is claimed only when controls fail too. */
function isBelievable(state: State, found: Opening): boolean {
  if (found.component === null) return true;
  if (state.topology.components[found.component]?.component.type !== 'vantage') return true;
  const { seen, failing } = controls(state, found.component, found.support.firstAt);
  return failing > 0 && failing >= FAILING_CONTROLS * seen;
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
  const spent = state.episode.spent;
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
      if (blame === null) opened.inCommon = inCommon(topology, found.support.services);
    },
  );
  state.episode = newEpisode(state.now.monotonicMs);
  takeOver(state, fault);
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
  const mine = new Set(watchedBy(state.topology, fault));
  const { explained } = state.coverage;
  const scope: Scope = {
    evidence: state.evidence,
    usable: (check) => explained[check] === 0 || mine.has(check),
  };
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
