// Splitting: a fault that was hidden behind another one. While a case stands, what runs through its component is
// explained by it; once some of that passes again and the rest goes on failing, the question is put anew: is it still
// broken in part, or is it well and something behind it broken (reference/correlation.md 5.6, split; DESIGN 5, two
// independent faults are two incidents).

import type { Case } from './case.ts';
import { watchedBy } from './coverage.ts';
import { scoreOne } from './localize.ts';
import { type Scope, windowOf } from './ratio.ts';
import type { State } from './state.ts';
import { supportOf } from './support.ts';

/** Nats by which what is behind must explain the rest better. */
const BETTER_NATS = 6;
/** Nats by which it must lead before what else is behind. */
const CLEAR_NATS = 2.2;
/** Checks that pass through the blamed component and not through what is behind: as many as end a fault. */
const PASSING = 5;
/** Share of the failing checks that must run through what is behind. */
const COVERS_SHARE = 0.6;

export interface Remainder {
  readonly component: number;
  /** When the case began to turn: from then on the two can be told apart. */
  readonly since: number;
}

/** What still fails of a case that turns, explained by a component behind its own; null = it is not over yet. */
export function remainderOf(state: State, fault: Case): Remainder | null {
  const blamed = state.indexOf(fault.blame);
  if (blamed === null || fault.turned === null || fault.state !== 'open' || fault.about.size > 0) return null;
  const since = fault.turned;
  // Probes that began before it turned and hung tell of what is over.
  const scope: Scope = { ...state.beside(fault), by: 'begun' };
  const failing = failingThrough(state, fault, scope, since);
  if (failing.length < 2) return null;
  const own = scoreOne(scope, blamed, since).score;
  const [best, next] = behind(state, blamed, failing)
    .map((component) => ({ component, score: scoreOne(scope, component, since).score }))
    .sort((a, b) => b.score - a.score);
  if (best === undefined || best.score < Math.max(0, own) + BETTER_NATS) return null;
  // What cannot be told apart yet is not named; the next results will.
  if (next !== undefined && best.score - next.score < CLEAR_NATS) return null;
  if (passingBeside(state, { blamed, component: best.component, since }) < PASSING) return null;
  const support = supportOf(scope, best.component, since);
  return support.services.length + support.canaries < 2 ? null : { component: best.component, since };
}

/** Checks of the case that fail now and did since it turned. */
function failingThrough(state: State, fault: Case, scope: Scope, since: number): readonly number[] {
  return watchedBy(state.topology, fault).filter((index) => {
    const record = state.evidence.records[index];
    return (
      record !== undefined &&
      record.streak > 0 &&
      windowOf(scope, index, since).fails > 0 &&
      scope.usable(index)
    );
  });
}

/** Components that most of the failing checks run through and that nobody is blamed for. */
function behind(state: State, blamed: number, failing: readonly number[]): readonly number[] {
  const { checks, components } = state.topology;
  const taken = state.blamed();
  const counts = new Map<number, number>();
  for (const index of failing) {
    for (const way of checks[index]?.ways ?? []) {
      if (!way.soft) counts.set(way.component, (counts.get(way.component) ?? 0) + 1);
    }
  }
  return [...counts].flatMap(([index, count]) => {
    const component = components[index]?.component;
    const named = component !== undefined && component.type !== 'host' && !taken.has(component.id);
    return named && index !== blamed && count >= COVERS_SHARE * failing.length ? [index] : [];
  });
}

/** Checks through the blamed component alone that passed last. */
function passingBeside(
  state: State,
  { blamed, component, since }: { blamed: number; component: number; since: number },
): number {
  let passing = 0;
  for (const index of state.topology.components[blamed]?.hard ?? []) {
    const record = state.evidence.records[index];
    if (record === undefined || record.streak > 0 || record.lastOkAt < since) continue;
    if (!record.check.ways.some((way) => way.component === component)) passing++;
  }
  return passing;
}
