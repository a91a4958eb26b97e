// Run-now, held back: one check at most every 10 s, whoever asks and by whichever door (threats W11).

import type { Clock } from '../base/clock.ts';
import type { Actions } from './reads.ts';

const PAUSE_MS = 10_000;

/** Queues one probe of a check. */
export type RunDoor = (check: string) => Promise<'queued' | 'no-budget' | 'unknown' | 'too-soon'>;

/** Door in front of `actions.run`. Only checks that were queued are remembered, so the memory is bounded by them. */
export function createRunDoor(actions: Pick<Actions, 'run'>, clock: Clock): RunDoor {
  const lastAt = new Map<string, number>();
  return async (check) => {
    const now = clock.monotonic();
    const last = lastAt.get(check);
    if (last !== undefined && now - last < PAUSE_MS) return 'too-soon';
    for (const [id, at] of lastAt) if (now - at >= PAUSE_MS) lastAt.delete(id);
    // Taken before the wait, so that two requests at once are not both let in.
    lastAt.set(check, now);
    const answer = await actions.run(check);
    if (answer !== 'queued') lastAt.delete(check);
    return answer;
  };
}
