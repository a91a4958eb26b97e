// The class table: how much better a kind of failure fits one component than chance (reference/correlation.md 5.1,
// "Q"). Rows come from the catalogue's `pointsAt`, smoothed with 15 % of ignorance, relative to what is on the way.

import { COMPONENT_TYPES } from '../model/component.ts';
import type { CheckNode, Topology } from './topology.ts';

/** A kind of failure as the classifier names it. */
export interface Pattern {
  readonly signature: string | null;
  readonly pointsAt: readonly string[];
}

/** Natural logs of the ratio to chance, for one check and pattern. */
export interface Weights {
  /** For each way of the check; NaN where a soft dependence does not explain the pattern at all. */
  readonly ways: Float64Array;
  /** For a fault of the target (or canary) itself. */
  readonly own: number;
}

const SMOOTHING = 0.15;
/** Kinds of failures told apart, about. */
const KINDS = 9;
/** Shares of the types a signature points at, most likely first. */
const SHARES = [0.7, 0.2, 0.1];

/** No response came at all: what a vantage without network sees, whatever is asked. */
const SILENT = new Set([
  'dns-failed',
  'connect-refused',
  'connect-timeout',
  'timeout',
  'reset',
  'tls-failed',
  'unreachable',
]);
/** Failures that single lost packets bring too. */
const TRANSIENT = new Set(['dns-failed', 'connect-timeout', 'timeout', 'reset']);
const OWN_TYPES: ReadonlySet<string> = new Set(COMPONENT_TYPES);

/** A failing host, node or namespace looks as its targets look. */
function looksLike(type: string): string {
  return type === 'host' || !OWN_TYPES.has(type) ? 'target' : type;
}

/** Weights of a pattern on the way of a check. Pure; callers memoise. */
export function weigh(topology: Topology, check: CheckNode, pattern: Pattern): Weights {
  const types = check.ways.map((way) => looksLike(topology.components[way.component]?.component.type ?? ''));
  const present = new Set([...types, ...(check.canary ? [] : ['target'])]);
  const listed = pattern.pointsAt.map(looksLike).filter((type) => present.has(type));
  const chance = TRANSIENT.has(pattern.signature ?? '') ? 2 : 0.7;
  const total = listed.reduce((sum, _, rank) => sum + (SHARES[rank] ?? 0.05), 0);
  const nats = (type: string): number => {
    if (total === 0) return 0;
    const rank = listed.indexOf(type);
    const share = rank < 0 ? 0 : (SHARES[rank] ?? 0.05) / total;
    return Math.log(((1 - SMOOTHING) * share * KINDS + SMOOTHING) / chance);
  };
  const silent = SILENT.has(pattern.signature ?? '');
  const best = Math.max(nats('target'), ...types.map(nats));
  const ways = Float64Array.from(check.ways, (way, at) => {
    const node = topology.components[way.component];
    if (way.soft) return softFit(types[at] ?? '', pattern, nats);
    if (types[at] === 'vantage' && silent) return best;
    if (types[at] === 'certificate' && isAboutFarSide(pattern)) return nats('');
    return node === undefined ? 0 : nats(types[at] ?? '');
  });
  return { ways, own: nats('target') };
}

/** 525 and 526: the CDN complains of the origin's certificate, not of its own. */
function isAboutFarSide(pattern: Pattern): boolean {
  return pattern.signature?.startsWith('cdn-') === true;
}

/**
 * A dependence explains failures that point at it; a gate's failures may be its identity provider's, so those
 * that point at the gate fit both alike.
 */
function softFit(type: string, pattern: Pattern, nats: (type: string) => number): number {
  if (type === 'certificate') {
    return isAboutFarSide(pattern) && pattern.pointsAt.includes(type) ? nats(type) : Number.NaN;
  }
  const own = pattern.pointsAt.includes(type);
  const gate = type === 'idp' && pattern.pointsAt.includes('gate');
  if (!own && !gate) return Number.NaN;
  return Math.max(
    own ? nats(type) : Number.NEGATIVE_INFINITY,
    gate ? nats('gate') : Number.NEGATIVE_INFINITY,
  );
}
