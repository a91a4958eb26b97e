// How many of our probes our own lateness has spoiled: a machine that is too slow or frozen again and again does not
// watch, and says so (threats X10).

/** Window and its parts, ms. */
const WINDOW_MS = 300_000;
const PART_MS = 10_000;
/** Share of the probes that may be spoiled, and from how many on it is a share. */
const SHARE = 0.05;
const LEAST = 3;
/** A single freeze is over when it is told: it takes stalls that lie further apart than one does. */
const APART_MS = 60_000;

/** Notes whether a probe was spoiled; gives what is to be told of us, or null. */
export type StallShare = (stalled: boolean, nowMs: number) => string | null;

/** `nowMs` is monotonic and never falls. */
export function createStallShare(): StallShare {
  const parts: { readonly fromMs: number; probes: number; stalled: number }[] = [];
  return (stalled, nowMs) => {
    while (nowMs - (parts[0]?.fromMs ?? nowMs) >= WINDOW_MS) parts.shift();
    let part = parts.at(-1);
    if (part === undefined || nowMs - part.fromMs >= PART_MS) {
      part = { fromMs: nowMs, probes: 0, stalled: 0 };
      parts.push(part);
    }
    part.probes += 1;
    if (stalled) part.stalled += 1;
    if (!parts.some((one) => one.stalled > 0)) return null;
    const probes = parts.reduce((sum, one) => sum + one.probes, 0);
    const bad = parts.filter((one) => one.stalled > 0);
    const spoiled = bad.reduce((sum, one) => sum + one.stalled, 0);
    const apartMs = (bad.at(-1)?.fromMs ?? 0) - (bad[0]?.fromMs ?? 0);
    if (spoiled < LEAST || spoiled <= SHARE * probes || apartMs < APART_MS) return null;
    return `${spoiled} of ${probes} probes of the last minutes were spoiled because this process was late itself`;
  };
}
