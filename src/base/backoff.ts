// Retry delays: exponential with full jitter, bounded.

/**
 * Milliseconds to wait before attempt `attempt + 1`, attempt counted from 1: up to `firstMs`, doubling, never
 * above `limitMs`; `random` in [0, 1) spreads it between half and all of that.
 *
 *   first 1 s, limit 60 s -> 0.5..1 s, 1..2 s, 2..4 s, ... 30..60 s
 */
export function backoffMs(
  attempt: number,
  options: { firstMs: number; limitMs: number; random: () => number },
): number {
  const ceiling = Math.min(options.limitMs, options.firstMs * 2 ** Math.min(30, attempt - 1));
  return ceiling / 2 + (ceiling / 2) * options.random();
}
