// Reload: which cases lose what they are about when the checks are replaced (DESIGN 9, What lasts).

import type { Case } from './case.ts';
import { pathsOf } from './coverage.ts';
import type { Topology } from './topology.ts';

/** Why a case ended that is about something removed. */
export const GONE = 'no longer configured';

/** Whether what a case is about is configured no more; single targets that are gone leave it. */
export function isGone(topology: Topology, fault: Case): boolean {
  if (fault.standing) {
    const paths = pathsOf(fault);
    return paths.length > 0 && !topology.checks.some((check) => paths.includes(check.path));
  }
  const isKnown = (target: string): boolean => topology.byTarget.has(target);
  // What ends keeps the names of its targets; what goes on loses those that are gone.
  if (fault.about.size > 0 && ![...fault.about].some(isKnown)) return true;
  for (const target of [...fault.targets, ...fault.about]) {
    if (isKnown(target)) continue;
    fault.targets.delete(target);
    fault.about.delete(target);
    fault.strays.delete(target);
  }
  if (fault.about.size > 0) return false;
  return fault.blame === null || !topology.byComponent.has(fault.blame.id);
}
