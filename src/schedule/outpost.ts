// Outposts: the processes that answer for gates. Gates that share one share its session store and its budget; the
// strictest setting wins (DESIGN 3, Session budget).

import type { Gate } from '../model/gate.ts';
import type { PathName } from '../model/network-path.ts';
import type { Target } from '../model/target.ts';
import type { Knowledge } from '../model/verdict.ts';
import { returnEveryMs } from './options.ts';
import type { Site } from './plan.ts';

/** Bytes one session takes on tmpfs: a page, however short it is (reference/authentik.md 2.2). */
const SESSION_BYTES = 4096;
/** Share of a store of files that our own sessions may hold. */
const OUR_SHARE = 0.1;
/** Fresh visits a minute that no `auto` budget goes beyond. */
const MOST_PER_MINUTE = 6;
/** Smallest capacity of a bucket, tokens: a burst that confirms a suspicion. */
const SMALLEST_CAPACITY = 20;
const MINUTE_MS = 60_000;

/** What one outpost's sessions may cost. */
export interface Outpost {
  readonly name: string;
  readonly gates: readonly Gate[];
  readonly store: 'files' | 'database' | 'none';
  /** Longest lifetime of a session, configured or seen, ms. */
  readonly lifetimeMs: number;
  /** Sessions the store holds at most; null where that is not known. */
  readonly storeSessions: number | null;
  /** Targets that expect its login. */
  readonly targets: readonly Target[];
  /** Fresh visits of one full round: target x path. */
  readonly visits: number;
  /** Fresh visits a minute that are asked for: by `checks.fresh.every`, or with `auto` what is allowed. */
  readonly wantedPerMinute: number;
  /** Fresh visits a minute that may be made; null = they cost nothing. */
  readonly allowedPerMinute: number | null;
  /** Tokens the bucket holds. */
  readonly capacity: number;
}

/**
 * Outposts of the gates, in order of first mention. What was seen (`lifetime` facts) can only make the budget
 * slower: a hostile Max-Age must not speed us up (threats B5).
 */
export function outpostsOf(site: Site): Outpost[] {
  const names = [...new Set(site.gates.map((gate) => gate.outpost))];
  return names.map((name) => outpostOf(name, site));
}

function outpostOf(name: string, site: Site): Outpost {
  const gates = site.gates.filter((gate) => gate.outpost === name);
  const stores = gates.map((gate) => gate.sessions.store);
  const store = stores.includes('files') ? 'files' : stores.includes('database') ? 'database' : 'none';
  const lifetimeMs = Math.max(
    ...gates.map((gate) => Math.max(gate.sessions.lifetimeMs, seenLifetimeMs(gate, site.knowledge))),
  );
  const capacityBytes = Math.min(...gates.map((gate) => gate.sessions.capacityBytes));
  const storeSessions = store === 'files' ? Math.floor(capacityBytes / SESSION_BYTES) : null;
  const allowed =
    store === 'none'
      ? null
      : Math.min(...gates.map((gate) => allowedPerMinute(gate, storeSessions, lifetimeMs)));
  const targets = loginTargets(gates, site.targets);
  return {
    name,
    gates,
    store,
    lifetimeMs,
    storeSessions,
    targets,
    visits: targets.reduce((sum, target) => sum + loginPaths(target).length, 0),
    wantedPerMinute: wantedPerMinute(targets, site, allowed),
    allowedPerMinute: allowed,
    capacity: Math.max(SMALLEST_CAPACITY, clientsOf(gates, targets, site.knowledge).size),
  };
}

/** Every fresh visit at its wanted interval; with `auto` as often as the rest, but no more than is allowed. */
function wantedPerMinute(targets: readonly Target[], site: Site, allowed: number | null): number {
  let sum = 0;
  for (const target of targets) {
    for (const name of loginPaths(target)) {
      const path = site.paths.find((candidate) => candidate.name === name);
      if (path === undefined) continue;
      sum += MINUTE_MS / (site.checks.freshEveryMs ?? target.everyMs ?? returnEveryMs(site.checks, path));
    }
  }
  return site.checks.freshEveryMs === null ? Math.min(sum, allowed ?? sum) : sum;
}

function loginPaths(target: Target): readonly PathName[] {
  return target.paths.filter((path) => target.expect[path]?.is === 'login');
}

/**
 * Fresh visits a minute one gate allows: `auto` for files is 0.1 x capacity / lifetime / vantages, which for 64 MiB
 * of 4 KiB pages is one visit in 6 minutes at 7 days and one in 53 seconds at 24 hours.
 */
function allowedPerMinute(gate: Gate, storeSessions: number | null, lifetimeMs: number): number {
  const { budget, vantages } = gate.sessions;
  if (budget !== 'auto') return budget / vantages;
  if (storeSessions === null) return MOST_PER_MINUTE / vantages;
  const held = (OUR_SHARE * storeSessions) / vantages;
  return Math.min(MOST_PER_MINUTE / vantages, (held / lifetimeMs) * MINUTE_MS);
}

function seenLifetimeMs(gate: Gate, knowledge: Knowledge): number {
  const seen = Number(knowledge.get('lifetime', gate.name)?.value ?? 0);
  return Number.isFinite(seen) && seen > 0 ? seen : 0;
}

/** The targets that expect a login of one of these gates. */
function loginTargets(gates: readonly Gate[], targets: readonly Target[]): Target[] {
  const names = new Set(gates.map((gate) => gate.name));
  return targets.filter(
    (target) => target.gate !== null && names.has(target.gate) && loginPaths(target).length > 0,
  );
}

/** Key of the client of a target, as far as it is known: its own host where it is not. */
function clientKey(gate: Gate, target: Target, knowledge: Knowledge): string {
  if (gate.callback !== null) return `gate:${gate.name}`;
  const learned = knowledge.get('client', target.id)?.value ?? '';
  return learned === '' ? `host:${target.host}` : `client:${gate.name}:${learned}`;
}

function clientsOf(gates: readonly Gate[], targets: readonly Target[], knowledge: Knowledge): Set<string> {
  const clients = new Set<string>();
  for (const gate of gates) {
    if (gate.clients.length > 0)
      for (const client of gate.clients) clients.add(`client:${gate.name}:${client}`);
    else for (const target of loginTargets([gate], targets)) clients.add(clientKey(gate, target, knowledge));
  }
  return clients;
}
