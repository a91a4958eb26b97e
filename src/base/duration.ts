// Text forms of durations, sizes and rates in the configuration: `90s`, `64MiB`, `20000/day`.

const DURATION_MS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_BYTES: Record<string, number> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};
const RATE_MS: Record<string, number> = {
  s: 1e3,
  second: 1e3,
  m: 6e4,
  minute: 6e4,
  h: 3.6e6,
  hour: 3.6e6,
  d: 8.64e7,
  day: 8.64e7,
};

/** Longest duration a configuration may name: 400 days (threats X20). */
export const LONGEST_DURATION_MS = 400 * 86_400_000;

/** Milliseconds of `10s`, `1h30m`, `7d`; null when it is no duration or longer than 400 days. */
export function parseDuration(text: string): number | null {
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return null;
  let total = 0;
  for (const [, amount, , unit] of text.matchAll(/(\d+(\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * (DURATION_MS[unit ?? ''] ?? Number.NaN);
  }
  const rounded = Math.round(total);
  return rounded <= LONGEST_DURATION_MS ? rounded : null;
}

/** Shortest exact text for a whole number of milliseconds: `1h30m`, `250ms`, `0s`. */
export function formatDuration(ms: number): string {
  let left = Math.max(0, Math.round(ms));
  if (left === 0) return '0s';
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = DURATION_MS[unit] ?? 1;
    const count = Math.floor(left / size);
    if (count > 0) text += `${count}${unit}`;
    left -= count * size;
  }
  return text;
}

/** Duration for people, two units at most: `2 d 4 h`, `6 min 12 s`, `0.4 s`. */
export function humanDuration(ms: number): string {
  if (ms < 10_000) return `${Math.round(ms / 100) / 10} s`;
  const seconds = Math.round(ms / 1000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** Bytes of `64MiB`, `2GiB`, `500kB`; null when it is no size. */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s?(B|kB|MB|GB|KiB|MiB|GiB)$/.exec(text);
  return match === null ? null : Math.round(Number(match[1]) * (SIZE_BYTES[match[2] ?? ''] ?? Number.NaN));
}

/** Events a millisecond of `20000/day`, `6/m`; null when it is no rate. */
export function parseRate(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\/(s|second|m|minute|h|hour|d|day)$/.exec(text);
  return match === null ? null : Number(match[1]) / (RATE_MS[match[2] ?? ''] ?? Number.NaN);
}
