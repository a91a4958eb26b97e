// Keys of DESIGN 6 whose feature does not exist yet: using one is an error that says so. An empty value asks for
// nothing and is let through.

import type { Finding } from './problem.ts';

/** Key paths; `*` stands for any index. A key leaves this list with the issue that builds it. */
const NOT_BUILT: readonly (readonly string[])[] = [
  ['vantage', 'inside'],
  ['report-to'],
  ['shard'],
  ['web', 'status-page'],
];

/** Kinds of receivers that are not built yet. */
const NOT_BUILT_RECEIVERS = ['ntfy', 'slack', 'email'];

/** Top-level keys that exist, or will. */
export const LATER_KEYS: readonly string[] = NOT_BUILT.filter((path) => path.length === 1).flat();

/**
 * Findings for every used key that is not built, and a copy of the value without those keys (and without
 * receivers of such a kind), so that they are reported once.
 */
export function withoutNotBuilt(value: Record<string, unknown>): {
  value: Record<string, unknown>;
  findings: Finding[];
} {
  const copy = structuredClone(value);
  const findings: Finding[] = [];
  for (const path of NOT_BUILT) remove(copy, path, [], findings);
  const receivers = copy['receivers'];
  if (Array.isArray(receivers)) {
    for (const [index, receiver] of receivers.entries()) {
      const kind = isRecord(receiver) ? receiver['kind'] : null;
      if (typeof kind !== 'string' || !NOT_BUILT_RECEIVERS.includes(kind)) continue;
      findings.push({
        path: ['receivers', index, 'kind'],
        message: `a receiver of kind ${kind} is not built yet`,
      });
      receivers[index] = undefined;
    }
  }
  return { value: copy, findings };
}

function remove(
  value: unknown,
  path: readonly string[],
  done: readonly (string | number)[],
  findings: Finding[],
): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (key === '*') {
    if (!Array.isArray(value)) return;
    for (const [index, item] of value.entries()) remove(item, rest, [...done, index], findings);
    return;
  }
  if (!isRecord(value) || !Object.hasOwn(value, key)) return;
  if (rest.length > 0) {
    remove(value[key], rest, [...done, key], findings);
    return;
  }
  if (!asksForNothing(value[key]))
    findings.push({ path: [...done, key], message: 'is not built yet', atKey: true });
  delete value[key];
}

function asksForNothing(value: unknown): boolean {
  return value === null || value === false || (Array.isArray(value) && value.length === 0);
}

/** Whether it is a map of keys. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
