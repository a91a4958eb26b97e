// Waiting for a condition instead of sleeping, with a generous deadline.

/** Calls `look` until it gives something truthy, and returns that; fails with `what` after `limitMs`. */
export async function waitFor<T>(
  what: string,
  look: () => T | Promise<T>,
  options: { limitMs?: number; everyMs?: number } = {},
): Promise<NonNullable<T>> {
  const { limitMs = 60_000, everyMs = 100 } = options;
  const end = performance.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      if (found) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) {
      throw new Error(
        `waited ${limitMs} ms in vain for ${what}; last: ${last instanceof Error ? last.message : JSON.stringify(last)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
