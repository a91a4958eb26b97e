// The static list: configured entries as targets. References (gate, paths) are checked by config/references.ts;
// here nothing can be wrong any more.

import type { GateName } from '../model/gate.ts';
import type { PathName } from '../model/network-path.ts';
import { type Expectation, type Target, targetId } from '../model/target.ts';
import { type ExpectOption, plainExpectation, type TargetOption } from './target-options.ts';
import { zoneOf } from './zone.ts';

/** What an entry that says nothing gets. */
export interface TargetDefaults {
  readonly gate: string | null;
  readonly expect: ExpectOption;
  readonly paths: readonly string[];
  readonly timeoutMs: number;
  readonly slowMs: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** The target of one entry; `zones` are the configured zones. */
export function staticTarget(
  entry: TargetOption,
  defaults: TargetDefaults,
  zones: readonly string[],
): Target {
  const url = new URL(entry.url);
  const id = targetId(url);
  const paths = (entry.paths ?? defaults.paths) as readonly PathName[];
  return {
    id,
    url: url.href,
    scheme: url.protocol === 'http:' ? 'http' : 'https',
    host: url.hostname,
    port: url.port === '' ? (url.protocol === 'http:' ? 80 : 443) : Number(url.port),
    pathname: `${url.pathname}${url.search}`,
    zone: zoneOf(url.hostname, zones),
    gate: (entry.gate === undefined ? defaults.gate : entry.gate) as GateName | null,
    paths,
    expect: Object.fromEntries(
      paths.map((path) => [path, expectationOn(path, entry.expect, defaults.expect)]),
    ),
    timeoutMs: entry.timeout ?? defaults.timeoutMs,
    slowMs: entry.slow ?? defaults.slowMs,
    headers: { ...lowerCased(defaults.headers), ...lowerCased(entry.headers ?? {}) },
    everyMs: entry.every ?? null,
    labels: entry.labels ?? {},
    wake: entry.wake ?? 'always',
    source: 'static',
    owner: id,
  };
}

/** The entry's expectation on a path, else the default's, else `login`. */
function expectationOn(path: string, entry: ExpectOption | undefined, fallback: ExpectOption): Expectation {
  for (const option of [entry, fallback]) {
    if (option?.shape === 'one') return option.expectation;
    const found = option?.byPath[path];
    if (found !== undefined) return found;
  }
  return plainExpectation('login');
}

/** Names of headers as the wire has them: one that is given twice must be one, and HTTP/2 takes no other (RFC 9113 8.2). */
function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
