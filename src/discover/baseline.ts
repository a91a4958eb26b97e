// The baseline: expectations that a person has accepted (DESIGN 6). Discovery finds what is, not what should be: a lost
// middleware must not become the new truth. What differs is drift, and the accepted expectation stays in force.

import { parse } from 'yaml';
import { z } from 'zod';
import { inTime } from '../base/in-time.ts';
import type { Drift, DriftKind } from '../model/drift.ts';
import type { GateName } from '../model/gate.ts';
import {
  EXPECTATION_KINDS,
  type Expectation,
  type ExpectationKind,
  type Target,
  type TargetId,
  targetId,
} from '../model/target.ts';
import type { Merged, MergeSetting } from './merge.ts';
import { staticTarget } from './static.ts';
import { plainExpectation } from './target-options.ts';

/** What was accepted of one target; a single expectation is that of all paths. */
export interface Accepted {
  readonly scheme: 'https' | 'http';
  readonly gate: string | null;
  readonly expect: ExpectationKind | Readonly<Record<string, ExpectationKind>>;
}

/** By target id. */
export type Baseline = ReadonlyMap<string, Accepted>;

const PARSE_MS = 10_000;
const kindSchema = z.enum(EXPECTATION_KINDS);
const baselineSchema = z.strictObject({
  version: z.literal(1),
  targets: z
    .record(
      z.string().min(1).max(2_100),
      z.strictObject({
        expect: z.union([kindSchema, z.record(z.string(), kindSchema)]),
        gate: z.string().nullable().default(null),
        scheme: z.enum(['https', 'http']).default('https'),
      }),
    )
    .nullable(),
});

/** The accepted expectations of a lock file, or what is wrong with it. */
export function parseBaseline(text: string): Baseline | { readonly problem: string } {
  const read = inTime(() => parse(text, { maxAliasCount: 0, logLevel: 'silent', schema: 'core' }), PARSE_MS);
  const parsed = baselineSchema.safeParse('value' in read ? read.value : null);
  if (!parsed.success) return { problem: 'is no baseline of this version; gatewatch accept writes one' };
  const wrong = Object.keys(parsed.data.targets ?? {}).find((id) => urlOf(id, 'https') === null);
  if (wrong !== undefined) return { problem: 'has a target that is no target id' };
  return new Map(Object.entries(parsed.data.targets ?? {}));
}

const HEAD = `# What gatewatch expects of every target: accepted by a person, with \`gatewatch accept\`. Keep it in git.
# A source that says something else raises GatewatchDrift, and what is written here stays in force until it is
# accepted. Targets are sorted by id; a target whose paths differ has an expectation for each.
`;

/** The lock file of these targets: the same text for the same targets, one line each. */
export function baselineText(targets: readonly Target[]): string {
  const lines = targets
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map((target) => {
      const { expect, gate, scheme } = acceptedOf(target);
      const words =
        typeof expect === 'string'
          ? expect
          : `{ ${Object.entries(expect)
              .map(([path, kind]) => `${path}: ${kind}`)
              .join(', ')} }`;
      const parts = [`expect: ${words}`, ...(gate === null ? [] : [`gate: ${JSON.stringify(gate)}`])];
      if (scheme === 'http') parts.push('scheme: http');
      return `  ${JSON.stringify(target.id)}: { ${parts.join(', ')} }\n`;
    });
  return `${HEAD}version: 1\ntargets:${lines.length === 0 ? ' {}\n' : `\n${lines.join('')}`}`;
}

function acceptedOf({ expect, gate, scheme, paths }: Target): Accepted {
  const kinds = paths.map((path): [string, ExpectationKind] => [path, expect[path]?.is ?? 'login']);
  const [first] = kinds;
  const isOne = first !== undefined && kinds.every(([, kind]) => kind === first[1]);
  const asksForLogin = kinds.some(([, kind]) => kind === 'login');
  return { expect: isOne ? first[1] : Object.fromEntries(kinds), gate: asksForLogin ? gate : null, scheme };
}

/** What accepting would change, by target id, sorted. */
export function baselineChanges(
  before: Baseline,
  targets: readonly Target[],
): { readonly added: string[]; readonly changed: string[]; readonly removed: string[] } {
  const now = new Map<string, Accepted>(targets.map((target) => [target.id, acceptedOf(target)]));
  const same = (a: Accepted, b: Accepted | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);
  return {
    added: [...now.keys()].filter((id) => !before.has(id)).sort(),
    changed: [...now].flatMap(([id, accepted]) => {
      const earlier = before.get(id);
      return earlier === undefined || same(accepted, normal(earlier)) ? [] : [id];
    }),
    removed: [...before.keys()].filter((id) => !now.has(id)).sort(),
  };
}

function normal({ expect, gate, scheme }: Accepted): Accepted {
  return { expect, gate, scheme };
}

/** The targets in force, and what the baseline says of what was found. */
export interface Held {
  readonly targets: readonly Target[];
  readonly drift: readonly Drift[];
  /** Targets that nobody has accepted yet. */
  readonly unaccepted: ReadonlySet<TargetId>;
}

/**
 * Puts accepted expectations in force over found ones; targets of the static list stay as they are. `isWhole`: every
 * source has listed; before that nothing has vanished.
 */
export function heldTo(
  baseline: Baseline,
  merged: Merged,
  { setting, isWhole }: { readonly setting: MergeSetting; readonly isWhole: boolean },
): Held {
  const drift: Drift[] = [];
  const unaccepted = new Set<TargetId>();
  const targets = merged.targets.map((target) => {
    if (target.source === 'static') return target;
    const accepted = baseline.get(target.id);
    if (accepted !== undefined) return holdTo(accepted, target, { merged, setting, drift });
    unaccepted.add(target.id);
    return target;
  });
  const known = new Set<string>(merged.targets.map(({ id }) => id));
  for (const [id, accepted] of [...baseline].filter(([each]) => !known.has(each)).sort()) {
    const kept = keptTarget(id, accepted, setting);
    if (kept !== null) targets.push(kept);
    if (!isWhole) continue;
    const text = `no source lists ${id} any more, which was accepted; it stays watched until \`gatewatch accept\``;
    drift.push({ kind: 'vanished', target: id, source: 'baseline', text });
  }
  return { targets, drift, unaccepted };
}

interface Holding {
  readonly merged: Merged;
  readonly setting: MergeSetting;
  readonly drift: Drift[];
}

function holdTo(accepted: Accepted, target: Target, { merged, setting, drift }: Holding): Target {
  const differing = target.paths.filter(
    (path) => (acceptedOn(accepted, path) ?? target.expect[path]?.is) !== target.expect[path]?.is,
  );
  const held = Object.fromEntries(
    target.paths.map((path): [string, Expectation] => {
      const now = target.expect[path] ?? plainExpectation('login');
      return [path, differing.includes(path) ? plainExpectation(acceptedOn(accepted, path) ?? now.is) : now];
    }),
  );
  const wanted = new Set(Object.values(held).map(({ is }) => is));
  const isKnown = accepted.gate !== null && setting.gates.includes(accepted.gate);
  const gate = wanted.has('login') && isKnown ? accepted.gate : target.gate;
  const names = (merged.sources.get(target.id) ?? []).join(', ');
  const found = [...new Set(differing.flatMap((path) => target.expect[path]?.is ?? []))].join('/');
  const stays = `${[...wanted].join('/')} stays expected until \`gatewatch accept\``;
  const note = (kind: DriftKind, text: string): void => {
    drift.push({ kind, target: target.id, source: names, text });
  };
  if (differing.length > 0 && wanted.has('login') && isKnown)
    note('gate', `${target.id} has lost its gate ${accepted.gate}: ${names} says ${found}; ${stays}`);
  else if (differing.length > 0) note('expectation', `${names} says ${found} of ${target.id}; ${stays}`);
  else if (gate !== target.gate)
    note(
      'gate',
      `${names} says that ${target.id} is behind ${target.gate ?? 'no gate'}, not ${gate}; ${stays}`,
    );
  return { ...target, expect: held, gate: gate as GateName | null };
}

function acceptedOn({ expect }: Accepted, path: string): ExpectationKind | null {
  if (typeof expect === 'string') return expect;
  return Object.hasOwn(expect, path) ? (expect[path] ?? null) : null;
}

/** An accepted target that no source lists, as it was accepted. */
function keptTarget(id: string, accepted: Accepted, { defaults, zones, gates }: MergeSetting): Target | null {
  const url = urlOf(id, accepted.scheme);
  if (url === null) return null;
  const byPath = Object.fromEntries(
    defaults.paths.map((path) => [path, plainExpectation(acceptedOn(accepted, path) ?? 'login')]),
  );
  const gate = accepted.gate !== null && gates.includes(accepted.gate) ? accepted.gate : defaults.gate;
  if (gate === null && Object.values(byPath).some(({ is }) => is === 'login')) return null;
  const target = staticTarget({ url, gate, expect: { shape: 'by-path', byPath } }, defaults, zones);
  return { ...target, source: 'baseline', owner: 'baseline' };
}

function urlOf(id: string, scheme: 'https' | 'http'): string | null {
  const url = URL.parse(`${scheme}://${id}`);
  return url !== null && targetId(url) === id ? url.href : null;
}
