// Status of the components, for page, API and metrics.

import type { ComponentStatus } from '../model/snapshot.ts';
import { SUSPECT_NATS } from './evidence.ts';
import type { State } from './state.ts';

/** Posterior from which a component is shown as suspect. */
const SHOWN_FROM = 0.1;

/** All components with their suspicion, in the order of the topology. */
export function componentStatus(state: State): readonly ComponentStatus[] {
  const { topology, evidence, ranking } = state;
  const down = state.blamed();
  return topology.components.map(({ index, component, hard, soft }): ComponentStatus => {
    const checks = hard.length + soft.length;
    if (down.has(component.id)) return { component, suspicion: 1, state: 'down', checks };
    const tested = hard.some((at) => (evidence.records[at]?.count ?? 0) > 0);
    if (!tested) return { component, suspicion: 0, state: 'untested', checks };
    const suspicion = posteriorOf(ranking?.hypotheses ?? [], index);
    const suspect = suspicion > SHOWN_FROM && evidence.suspicion(index).nats >= SUSPECT_NATS;
    return { component, suspicion, state: suspect ? 'suspect' : 'ok', checks };
  });
}

/** Posterior of one component over all hypotheses and none. */
function posteriorOf(
  hypotheses: readonly { components: readonly number[]; score: number }[],
  index: number,
): number {
  const top = Math.max(0, ...hypotheses.map((each) => each.score));
  let total = Math.exp(-top);
  let mine = 0;
  for (const { components, score } of hypotheses) {
    const weight = Math.exp(score - top);
    total += weight;
    if (components.includes(index)) mine += weight;
  }
  return mine / total;
}
