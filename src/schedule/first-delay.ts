// Spreads the first run of equal-interval checks over their interval, so that a restart does not hit every target in
// the same second. Later runs keep that phase. Budget limits are not applied here.

/**
 * Delay of the first run of check `index` out of `count`, in milliseconds; 0 <= delay < intervalMs. Depends only on
 * the arguments, so a restart gives the same phase. Neighbours in the list are put far apart: they are usually about
 * the same target.
 *
 *    6 checks every 60 s -> 0 s, 50 s, 40 s, ... 10 s
 *  300 checks every 60 s -> 0 s, 37 s, 14 s, ...
 */
export function firstDelays(count: number, intervalMs: number): (index: number) => number {
  const slots = Math.max(1, count);
  const step = stride(slots);
  return (index) => (((index % slots) * step) % slots) * (intervalMs / slots);
}

/** Slots from one check to the next: near the golden section, and without a common divisor with their number. */
function stride(slots: number): number {
  let step = Math.max(1, Math.round(slots * 0.618));
  while (divisor(step, slots) > 1) step += 1;
  return step;
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}

/**
 * Milliseconds from `now` (wall clock) to the next instant with that phase in an interval; 0 <= delay < intervalMs.
 * Anchored at the wall clock, so that a restart neither moves the phases nor adds runs.
 */
export function untilPhaseMs(phaseMs: number, intervalMs: number, now: number): number {
  const left = (phaseMs - (now % intervalMs)) % intervalMs;
  return left < 0 ? left + intervalMs : left;
}
