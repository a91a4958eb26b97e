// From what a source found to a claim that may be believed, or to the drift that it is: hosts that the source may not
// add, wishes that it may not have. Pure; nothing here looks at other sources.

import type { Drift, DriftKind } from '../model/drift.ts';
import { EXPECTATION_KINDS, type ExpectationKind, type TargetId, targetId } from '../model/target.ts';
import type { Found, Listing, View } from './discoverer.ts';
import type { DiscoverOption } from './discoverers.ts';
import { hostnameOf, isCovered, pathnameOf, shownHost } from './hostname.ts';

/** What the operator allows a source. */
export type Trust = Pick<DiscoverOption, 'hosts' | 'overrides' | 'labels' | 'limit'>;

/** One source with what it lists. */
export interface SourceListing {
  readonly source: string;
  readonly view: View;
  readonly trust: Trust;
  readonly listing: Listing;
}

/** What claims are measured by. */
export interface Setting {
  readonly gates: readonly string[];
  readonly defaultGate: string | null;
  readonly paths: readonly string[];
  /** Default paths and the expectation they have by default. */
  readonly defaultPaths: readonly string[];
  readonly defaultExpect: (path: string) => ExpectationKind;
  /** Labels that no source may set: those of alerts, and of `alerts.labels`. */
  readonly reserved: ReadonlySet<string>;
}

export interface Claim {
  readonly id: TargetId;
  readonly url: string;
  readonly host: string;
  readonly source: string;
  readonly view: View;
  readonly object: string;
  readonly owner: string;
  readonly createdAt: number;
  /** By path. */
  readonly expect: Readonly<Record<string, ExpectationKind>>;
  /** Whether the source knows what it expects; else the defaults speak. */
  readonly knows: boolean;
  readonly gate: string | null;
  readonly paths: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly wake: 'always' | 'never';
}

/** Strictest last: a looser one needs `overrides` (DESIGN 10). */
const STRICTNESS: readonly ExpectationKind[] = ['challenge', 'public', 'app', 'login', 'closed'];

/** Whether `a` asks for more than `b`. */
export function isStricter(a: ExpectationKind, b: ExpectationKind): boolean {
  return STRICTNESS.indexOf(a) > STRICTNESS.indexOf(b);
}

/** The claims of a source, and what is drift instead. Each kind of drift is told once an object. */
export function claimsOf(
  { source, view, trust, listing }: SourceListing,
  setting: Setting,
): { claims: Claim[]; drift: Drift[] } {
  const drift: Drift[] = listing.notes.map(({ object, why }) => ({
    kind: 'object',
    target: null,
    source,
    text: `${shownObject(object)}: ${why}`,
  }));
  const owners = ownersByHost(listing.found);
  const claims = listing.found.flatMap((found) => {
    const note = (kind: DriftKind, why: string, target: string | null = null): void => {
      drift.push({ kind, target, source, text: `${shownObject(found.object)}: ${why}` });
    };
    // With several owners of one host nobody may loosen anything (threats D2).
    const mayOverride = trust.overrides && (owners.get(found.host.toLowerCase())?.size ?? 0) <= 1;
    const claim = claimOf(found, { source, view, trust, mayOverride, setting, note });
    return claim === null ? [] : [claim];
  });
  return { claims, drift };
}

interface Asked {
  readonly source: string;
  readonly view: View;
  readonly trust: Trust;
  readonly mayOverride: boolean;
  readonly setting: Setting;
  readonly note: (kind: DriftKind, why: string, target?: string | null) => void;
}

function claimOf(found: Found, asked: Asked): Claim | null {
  const { source, view, mayOverride, setting, note } = asked;
  const place = placeOf(found, asked);
  if (place === null) return null;
  const { url, host } = place;
  const id = targetId(url);
  if (found.wishes.watch === false) {
    if (mayOverride) return null;
    note('refused', 'asks not to be watched, which its source may not', id);
  }
  if (found.gate !== null && !setting.gates.includes(found.gate)) {
    note('object', 'names a gate that is not configured', id);
    return null;
  }
  const paths = pathsOf(found, asked);
  const expect = expectOf(found, paths, id, asked);
  if (Object.values(expect).includes('login') && (found.gate ?? setting.defaultGate) === null) {
    note('object', 'expects a login, and no gate is configured', id);
    return null;
  }
  return {
    id,
    url: url.href,
    host,
    source,
    view,
    object: shownObject(found.object),
    owner: found.owner === null ? source : `${source}/${found.owner}`,
    createdAt: found.createdAt ?? Number.POSITIVE_INFINITY,
    expect,
    knows: found.expect !== null || found.wishes.expect !== undefined,
    gate: found.gate,
    paths,
    labels: labelsOf(found, asked),
    wake: found.wake,
  };
}

function placeOf(found: Found, { trust, mayOverride, note }: Asked): { url: URL; host: string } | null {
  const host = hostnameOf(found.host);
  if (host === null) {
    note('object', 'has a host that is no host name');
    return null;
  }
  if (!isCovered(host, trust.hosts)) {
    note('outside', `${host} is not among the hosts that this source may add`);
    return null;
  }
  const wished = found.wishes.pathname;
  if (wished !== undefined && !mayOverride) note('refused', 'asks for a pathname, which its source may not');
  const pathname = pathnameOf(mayOverride && wished !== undefined ? wished : found.pathname);
  const url = pathname === null ? null : URL.parse(`${found.scheme}://${host}${pathname}`);
  if (url === null || url.hostname !== host) {
    note('object', `has a pathname that cannot be probed, on ${host}`);
    return null;
  }
  return { url, host };
}

/** Paths by wish, by fact, by default; names that are not configured are left out. */
function pathsOf(found: Found, { mayOverride, setting, note }: Asked): readonly string[] {
  const wished = found.wishes.paths;
  if (wished !== undefined && !mayOverride) note('refused', 'asks for paths, which its source may not');
  const named = (mayOverride ? wished : undefined) ?? found.paths ?? setting.defaultPaths;
  const known = setting.paths.filter((path) => named.includes(path));
  return known.length > 0 ? known : setting.defaultPaths;
}

function expectOf(
  found: Found,
  paths: readonly string[],
  id: TargetId,
  { mayOverride, setting, note }: Asked,
): Record<string, ExpectationKind> {
  const wished = found.wishes.expect;
  let refused = false;
  const entries = paths.map((path): [string, ExpectationKind] => {
    const fact = factOf(found, path) ?? setting.defaultExpect(path);
    if (wished === undefined || wished === fact) return [path, fact];
    if (mayOverride || isStricter(wished, fact)) return [path, wished];
    refused = true;
    return [path, fact];
  });
  if (refused) note('refused', `asks for the looser expectation ${wished}, which its source may not`, id);
  return Object.fromEntries(entries);
}

function factOf({ expect }: Found, path: string): ExpectationKind | null {
  if (expect === null) return null;
  if (typeof expect === 'string') return expect;
  return EXPECTATION_KINDS.find((kind) => Object.hasOwn(expect, path) && expect[path] === kind) ?? null;
}

/** Facts, and wishes that the operator has named; never a label that alerts are known or routed by (threats D5). */
function labelsOf(found: Found, { trust, mayOverride, setting }: Asked): Record<string, string> {
  const wished = Object.entries(found.wishes.labels ?? {}).filter(
    ([name]) => mayOverride && trust.labels.includes(name),
  );
  return Object.fromEntries(
    [...wished, ...Object.entries(found.labels)].filter(
      ([name, value]) =>
        /^(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,127}$/.test(name) &&
        /^[\x20-\x7e]{1,128}$/.test(value) &&
        !setting.reserved.has(name),
    ),
  );
}

function ownersByHost(found: readonly Found[]): Map<string, Set<string | null>> {
  const owners = new Map<string, Set<string | null>>();
  for (const { host, owner } of found) {
    const name = host.toLowerCase();
    owners.set(name, (owners.get(name) ?? new Set()).add(owner));
  }
  return owners;
}

/** Names of objects come from strangers too. */
function shownObject(object: string): string {
  return /^[\w ./@:*-]{1,200}$/.test(object) ? object : `(unusual name) on ${shownHost(object)}`;
}
