// Notices a daemon that starts again and again because it always ends by itself. Each start is noted durably, a clean
// end strikes it out.

import type { EpochMs } from '../model/observation.ts';
import type { Texts } from './texts.ts';

const KEY = 'starts';
/** More starts than this within the span are too many (threats X35). */
const MOST = 5;
/** How far back is looked, and how long it is told, ms. */
export const STARTS_MS = 10 * 60_000;

/** Notes this start; one sentence when there were too many, else null. */
export function noteStart(state: Texts, now: EpochMs): string | null {
  const times = (state.get(KEY) ?? '')
    .split(' ')
    .map(Number)
    .filter((at) => at > now - STARTS_MS && at <= now);
  state.put(KEY, [...times, now].slice(-2 * MOST).join(' '));
  if (times.length < MOST) return null;
  return `gatewatch has started ${times.length + 1} times in 10 minutes and never stopped cleanly: it makes no new sessions in advance`;
}

/** Strikes all starts out: this one ended as it should. */
export function noteEnd(state: Texts): void {
  state.put(KEY, '');
}
