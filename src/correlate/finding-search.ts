// The search for findings: what the results that do not count say about the prober and the gate, opened, grown and ended.
// A path that is not taken has its own name; bans are one fault of the vantage, over however many paths.

import { component } from '../model/component.ts';
import type { SignatureId } from '../model/verdict.ts';
import { type Case, eventOf, noteFailure } from './case.ts';
import { pathsOf } from './coverage.ts';
import type { CheckRecord } from './evidence.ts';
import { hasLostSession, lostSessions, type PathState, pathStates } from './findings.ts';
import { FRESH_MS } from './opening.ts';
import type { State } from './state.ts';

/** Opens and ends what ratios of uncounted results say: path not taken, blocked, sessions lost. */
export function searchFindings(state: State): void {
  const standing = state.live().some((fault) => fault.standing);
  const now = state.now.monotonicMs;
  const isTold = (record: CheckRecord): boolean => record.unknown !== null || hasLostSession(record, now);
  if (!standing && !state.evidence.records.some(isTold)) return;
  const paths = pathStates(state.evidence, state.now.monotonicMs);
  for (const path of paths) if (path.rule === 'path-not-taken') judgePaths(state, path.path, [path]);
  // An address that is banned is one fault of ours, over however many paths.
  judgePaths(
    state,
    null,
    paths.filter((path) => path.rule === 'blocked'),
  );
  for (const lost of lostSessions(state.evidence, state.now.monotonicMs)) {
    const gate = state.topology.components[lost.component]?.component;
    const lately = state.cases.some(
      (fault) =>
        fault.blame?.id === gate?.id &&
        (fault.state !== 'resolved' || lost.last - fault.resolved < 5 * state.topology.intervalMs),
    );
    // Who restarts the gate knows that its sessions go.
    const planned = lost.checks.every(({ check }) => state.isPlanned(check.index));
    if (gate === undefined || lately || planned || lost.last - lost.started < FRESH_MS) continue;
    const signature = 'gate-sessions-lost' as SignatureId;
    const fault = state.open({
      kind: 'shared',
      blame: gate,
      signature,
      startedAt: lost.startedAt,
      started: lost.started,
    });
    for (const { check, lostAt } of lost.checks) {
      noteFailure(fault, check, state.targetOf(check), {
        now: lostAt,
        noise: state.evidence.noiseOf(check),
      });
    }
    state.describe(fault);
    fault.signature = signature;
    replaceLast(state, fault);
  }
}

/** The event of opening tells what was added since. */
function replaceLast(state: State, fault: Case): void {
  const last = state.events.pop();
  if (last !== undefined) state.events.push(eventOf(last.type, fault, state.now));
}

/** One incident for these states of one rule; `name` is that of its identity, null where any path counts. */
function judgePaths(state: State, name: string | null, paths: readonly PathState[]): void {
  const now = state.now.monotonicMs;
  const rule = paths[0]?.rule;
  const known = state
    .live()
    .find((fault) => fault.standing && fault.reason === rule && (name === null || fault.name === name));
  const holding = paths.filter((path) => path.holds);
  const first = holding.reduce<PathState | null>(
    (a, b) => (a === null || b.started < a.started ? b : a),
    null,
  );
  if (first === null) {
    if (known !== undefined && now - known.lastFail >= state.topology.intervalMs) state.close(known, null);
    return;
  }
  if (known !== undefined) {
    known.lastFail = now;
    if (name === null) growOverPaths(state, known, holding);
    return;
  }
  const last = Math.max(...holding.map((path) => path.last));
  if (now - first.started < FRESH_MS || last - first.started < FRESH_MS) {
    for (const { check } of first.checks.slice(0, 3)) {
      if (!state.isWanted(check.index)) state.want(check.index, first.started + FRESH_MS, 'suspicion');
    }
    return;
  }
  openFinding(state, name, { first, holding });
}

function openFinding(
  state: State,
  name: string | null,
  { first, holding }: { first: PathState; holding: readonly PathState[] },
): void {
  state.open(
    {
      kind: 'prober',
      blame: name === null ? component('vantage', state.rules.vantage) : component('path', name),
      reason: first.rule,
      name: name ?? state.rules.vantage,
      standing: true,
      signature: first.rule as string as SignatureId,
      startedAt: first.startedAt,
      started: first.started,
    },
    (opened) => {
      if (name === null) opened.lanes = lanesHit(state, holding);
    },
  );
  for (const path of holding) withdrawOnPath(state, path.path);
}

/** The identity of a ban does not depend on which path shows it first: a further one is a matter of the text. */
function growOverPaths(state: State, fault: Case, holding: readonly PathState[]): void {
  const known = new Set(pathsOf(fault));
  const more = holding.filter(({ path }) => !known.has(path));
  if (more.length === 0) return;
  fault.lanes = [...fault.lanes, ...lanesHit(state, more)];
  state.refresh();
  state.describe(fault);
  state.events.push(eventOf('updated', fault, state.now));
  for (const { path } of more) withdrawOnPath(state, path);
}

/** Visits by path, those that say so among those that brought anything since. */
function lanesHit(state: State, holding: readonly PathState[]): Case['lanes'] {
  return holding.flatMap(({ path, checks, started }) => {
    const tried = state.evidence.records.filter(
      ({ check, lastAt, unknownAt }) =>
        !check.canary && check.path === path && Math.max(lastAt, unknownAt) >= started,
    );
    return [...Map.groupBy(tried, ({ check }) => check.visit)].map(([visit, records]) => ({
      visit,
      path,
      failing: records.filter((record) => checks.includes(record)).length,
      tried: records.length,
    }));
  });
}

/** Nothing else is blamed while a path of ours is not what it says, or bans us. */
function withdrawOnPath(state: State, path: string): void {
  const blocking = state.live().find((fault) => pathsOf(fault).includes(path));
  for (const fault of state.live()) {
    if (fault.kind !== 'shared' && fault.kind !== 'service') continue;
    const onPath = [...fault.affected.keys()].every(
      (id) => state.topology.checks[state.topology.byCheck.get(id) ?? -1]?.path === path,
    );
    if (
      fault.affected.size > 0 &&
      onPath &&
      blocking !== undefined &&
      fault.started >= blocking.started - FRESH_MS
    ) {
      state.close(fault, blocking.id);
    }
  }
}
