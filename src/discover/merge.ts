// The static list and all sources as one set of targets (DESIGN 6 and 10). The static list always wins; of several
// sources the strictest expectation does; what does not fit is drift, and nothing is dropped without a word. Pure, and
// the same whatever the order of sources and of what they list.

import type { Drift } from '../model/drift.ts';
import type { ExpectationKind, Target, TargetId } from '../model/target.ts';
import { type Claim, claimsOf, isStricter, type Setting, type SourceListing } from './claim.ts';
import { staticTarget, type TargetDefaults } from './static.ts';
import { plainExpectation } from './target-options.ts';

/** Targets of one owner in one source, and of all sources together (threats, section 6). */
const OWNER_LIMIT = 200;
const MOST_TARGETS = 5_000;

export interface Merged {
  /** The static list as it is, then what was found, sorted by id. */
  readonly targets: readonly Target[];
  /** Names of the sources of every target, sorted; `static` first where it is in the list. */
  readonly sources: ReadonlyMap<TargetId, readonly string[]>;
  readonly drift: readonly Drift[];
}

export interface MergeSetting {
  readonly defaults: TargetDefaults;
  readonly zones: readonly string[];
  readonly gates: readonly string[];
  readonly paths: readonly string[];
  readonly reserved: ReadonlySet<string>;
}

/** One set of targets out of the static list and the sources. */
export function mergeTargets(
  statics: readonly Target[],
  listings: readonly SourceListing[],
  setting: MergeSetting,
): Merged {
  const measure = measureOf(setting);
  const drift: Drift[] = [];
  const claims: Claim[] = [];
  for (const listing of listings.toSorted((a, b) => compare(a.source, b.source))) {
    const read = claimsOf(listing, measure);
    drift.push(...read.drift);
    claims.push(...withinLimits(withoutForeignCarveOuts(read.claims, drift), listing, drift));
  }
  const byId = Map.groupBy(claims.toSorted(byClaim), ({ id }) => id);
  const fixed = new Map(statics.map((target) => [target.id, target]));
  const sources = new Map<TargetId, readonly string[]>(statics.map(({ id }) => [id, ['static']]));
  const found: Target[] = [];
  for (const [id, group] of [...byId].toSorted(([a], [b]) => compare(a, b))) {
    const names = [...new Set(group.map(({ source }) => source))].sort();
    const target = fixed.get(id);
    sources.set(id, target === undefined ? names : ['static', ...names]);
    if (target === undefined) {
      drift.push(...disagreements(id, group));
      found.push(targetOf(group, setting));
    } else drift.push(...againstList(target, group));
  }
  drift.push(...withoutRoute(claims, listings));
  const room = Math.max(0, MOST_TARGETS - statics.length);
  if (found.length > room)
    drift.push({
      kind: 'limit',
      target: null,
      source: 'static',
      text: `only ${room} found targets are watched, ${found.length - room} are not`,
    });
  return { targets: [...statics, ...found.slice(0, room)], sources, drift: uniqueDrift(drift) };
}

function measureOf({ defaults, gates, paths, reserved }: MergeSetting): Setting {
  const { expect } = defaults;
  return {
    gates,
    paths,
    reserved,
    defaultGate: defaults.gate,
    defaultPaths: defaults.paths,
    defaultExpect: (path) =>
      expect.shape === 'one' ? expect.expectation.is : (expect.byPath[path]?.is ?? 'login'),
  };
}

/**
 * A public pathname on a host behind a gate must come from who owns the host, or any tenant could open a hole that
 * nobody is told of (threats D2).
 */
function withoutForeignCarveOuts(claims: readonly Claim[], drift: Drift[]): Claim[] {
  const ownersOfLogins = new Map<string, Set<string>>();
  for (const { host, owner, expect } of claims) {
    if (!Object.values(expect).includes('login')) continue;
    ownersOfLogins.set(host, (ownersOfLogins.get(host) ?? new Set()).add(owner));
  }
  return claims.filter(({ id, host, owner, expect, object, source }) => {
    const owners = ownersOfLogins.get(host);
    if (owners === undefined || owners.has(owner) || Object.values(expect).includes('login')) return true;
    const text = `${object}: ${id} is without the login of its host, and of another owner`;
    drift.push({ kind: 'refused', target: id, source, text });
    return false;
  });
}

/** The oldest of each owner, and then of the source. */
function withinLimits(claims: readonly Claim[], { source, trust }: SourceListing, drift: Drift[]): Claim[] {
  const oldest = claims.toSorted((a, b) => order(a.createdAt, b.createdAt) || byClaim(a, b));
  const kept = new Set<string>();
  const perOwner = new Map<string, number>();
  const over = new Map<string, number>();
  const within = oldest.filter(({ id, owner }) => {
    if (kept.has(id)) return true;
    const own = perOwner.get(owner) ?? 0;
    // Whoever owns the source itself has the limit of the source.
    const limit = owner === source ? trust.limit : Math.min(OWNER_LIMIT, trust.limit);
    if (own >= limit || kept.size >= trust.limit) {
      over.set(owner, (over.get(owner) ?? 0) + 1);
      return false;
    }
    perOwner.set(owner, own + 1);
    kept.add(id);
    return true;
  });
  for (const [owner, count] of over)
    drift.push({
      kind: 'limit',
      target: null,
      source,
      text: `${owner} has ${count} targets more than are taken`,
    });
  return within;
}

/** The target that sorted claims of one id make. */
function targetOf(claims: readonly Claim[], { defaults, zones }: MergeSetting): Target {
  const strictest = claims.reduce((a, b) => (isStricter(strictestOf(b), strictestOf(a)) ? b : a));
  // Defaults are no word of a source: they count only where no source knows better.
  const knowing = claims.filter(({ knows }) => knows);
  const speaking = knowing.length > 0 ? knowing : claims;
  const paths = defaultOrder(speaking, defaults.paths);
  const gated = speaking.find(({ gate, expect }) => gate !== null && Object.values(expect).includes('login'));
  const first = claims.find(({ gate }) => gate !== null);
  const byPath = Object.fromEntries(
    paths.map((path) => [path, plainExpectation(strictestOn(path, speaking, strictest))]),
  );
  const target = staticTarget(
    {
      url: strictest.url,
      gate: (gated ?? first)?.gate ?? defaults.gate,
      expect: { shape: 'by-path', byPath },
      paths: [...paths],
      labels: Object.assign({}, ...claims.map(({ labels }) => labels).toReversed()),
      wake: claims.some(({ wake, view }) => wake === 'never' && view === 'proxy') ? 'never' : 'always',
    },
    defaults,
    zones,
  );
  const [source] = claims.map((claim) => claim.source);
  return { ...target, source: source ?? '', owner: strictest.owner };
}

function defaultOrder(claims: readonly Claim[], defaultPaths: readonly string[]): readonly string[] {
  const paths = [...new Set(claims.flatMap((claim) => claim.paths))];
  return [
    ...defaultPaths.filter((path) => paths.includes(path)),
    ...paths.filter((path) => !defaultPaths.includes(path)).sort(),
  ];
}

function strictestOn(path: string, claims: readonly Claim[], fallback: Claim): ExpectationKind {
  const kinds = claims.flatMap(({ expect }) => expect[path] ?? []);
  return kinds.length === 0 ? strictestOf(fallback) : kinds.reduce((a, b) => (isStricter(b, a) ? b : a));
}

function strictestOf({ expect }: Claim): ExpectationKind {
  return Object.values(expect).reduce((a, b) => (isStricter(b, a) ? b : a));
}

/** What sources that know say differently of one target. */
function disagreements(id: TargetId, claims: readonly Claim[]): Drift[] {
  const knowing = claims.filter(({ knows }) => knows);
  const said = Map.groupBy(knowing, (claim) => strictestOf(claim));
  if (said.size < 2) return [];
  const source = [...new Set(knowing.map((claim) => claim.source))].sort().join(', ');
  const open = knowing.find((claim) => claim.view === 'proxy' && strictestOf(claim) !== 'login');
  const gate = knowing.find((claim) => claim.view === 'gate' && strictestOf(claim) === 'login');
  if (open !== undefined && gate !== undefined) {
    const text = `the route ${open.object} has no gate in front of it, which ${gate.source} says protects it`;
    return [{ kind: 'no-gate', target: id, source, text }];
  }
  const words = knowing.map((claim) => `${claim.source} (${claim.object}) says ${strictestOf(claim)}`);
  return [{ kind: 'disagree', target: id, source, text: [...new Set(words)].join(', ') }];
}

/** What sources say against the static list, which wins. */
function againstList(target: Target, claims: readonly Claim[]): Drift[] {
  const expected = new Set(Object.values(target.expect).map(({ is }) => is));
  return claims.flatMap((claim): Drift[] => {
    const says = strictestOf(claim);
    if (!claim.knows || expected.has(says)) return [];
    const { source, object } = claim;
    if (expected.has('login') && claim.view === 'proxy') {
      const text = `the route ${object} has no gate in front of it, and the static list expects a login`;
      return [{ kind: 'no-gate', target: target.id, source, text }];
    }
    const text = `${object} says ${says}, the static list ${[...expected].sort().join('/')}`;
    return [{ kind: 'disagree', target: target.id, source, text }];
  });
}

/** Hosts that a gate protects and no proxy serves, where there is a proxy to ask. */
function withoutRoute(claims: readonly Claim[], listings: readonly SourceListing[]): Drift[] {
  if (!listings.some(({ view }) => view === 'proxy')) return [];
  const served = new Set(claims.filter(({ view }) => view === 'proxy').map(({ host }) => host));
  return claims
    .filter(({ view, host }) => view === 'gate' && !served.has(host))
    .map(({ id, source, object, host }) => ({
      kind: 'no-route',
      target: id,
      source,
      text: `${object} protects ${host}, which no proxy serves`,
    }));
}

function uniqueDrift(drift: readonly Drift[]): Drift[] {
  const unique = new Map(
    drift.map((one) => [JSON.stringify([one.kind, one.target, one.source, one.text]), one]),
  );
  return [...unique].toSorted(([a], [b]) => compare(a, b)).map(([, one]) => one);
}

function byClaim(a: Claim, b: Claim): number {
  return (
    compare(a.id, b.id) ||
    compare(a.source, b.source) ||
    compare(a.object, b.object) ||
    compare(a.owner, b.owner) ||
    compare(JSON.stringify(a), JSON.stringify(b))
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function order(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
