// Findings: what the results that do not count say about the prober and the gate, by ratios (DESIGN 3 and 5).
// A path none of whose probes takes it, an address of ours that is banned, a gate that lost its sessions.

import type { CheckRecord, Evidence } from './evidence.ts';

export const PATH_RULES = ['path-not-taken', 'blocked'] as const;
export type PathRule = (typeof PATH_RULES)[number];

/** Targets that must be hit, unless the path has fewer. */
const LEAST_TARGETS = 3;
/** Results older than this many typical intervals, or of the check's own, are stale. */
const STALE_INTERVALS = 2;
const BUDGETED_MS = 600_000;
const LOST_SHARE = 0.5;
/** Losses further apart are not one event. */
const LOST_WINDOW_MS = 300_000;

/** How the visits of one path fared lately. */
export interface PathState {
  readonly path: string;
  readonly rule: PathRule;
  /** Whether the rule holds by the most recent results. */
  readonly holds: boolean;
  /** First of the results that say so. */
  readonly started: number;
  readonly startedAt: number;
  readonly last: number;
  readonly checks: readonly CheckRecord[];
}

/** State of each path for each rule that at least one recent result speaks for. */
export function pathStates(evidence: Evidence, now: number): PathState[] {
  const byPath = new Map<string, CheckRecord[]>();
  for (const record of evidence.records) {
    if (record.check.canary || !isRecent(evidence, record, now)) continue;
    const list = byPath.get(record.check.path);
    if (list === undefined) byPath.set(record.check.path, [record]);
    else list.push(record);
  }
  return [...byPath].flatMap(([path, recent]) =>
    PATH_RULES.map((rule) => stateOf(evidence, path, rule, recent)),
  );
}

function isRecent(evidence: Evidence, record: CheckRecord, now: number): boolean {
  const interval = Math.max(evidence.topology.intervalMs, record.check.subject.everyMs ?? BUDGETED_MS);
  const last = Math.max(record.lastAt, record.unknown === null ? record.lastAt : record.unknownAt);
  return now - last <= STALE_INTERVALS * interval;
}

function stateOf(
  evidence: Evidence,
  path: string,
  rule: PathRule,
  recent: readonly CheckRecord[],
): PathState {
  const hit = recent.filter((record) => record.unknown === rule);
  const targets = new Set(hit.map((record) => record.check.service));
  const onPath = new Set(
    evidence.topology.checks
      .filter((check) => !check.canary && check.path === path)
      .map((check) => check.service),
  );
  const many = targets.size >= Math.min(LEAST_TARGETS, onPath.size);
  const share = hit.length / recent.length;
  const holds = many && (rule === 'path-not-taken' ? share === 1 : share > 0.5);
  const first = hit.reduce<CheckRecord | null>(
    (a, b) => (a === null || b.unknownSince < a.unknownSince ? b : a),
    null,
  );
  return {
    path,
    rule,
    holds,
    started: first?.unknownSince ?? 0,
    startedAt: first?.unknownWall ?? 0,
    last: hit.reduce((latest, record) => Math.max(latest, record.unknownAt), 0),
    checks: hit,
  };
}

/** Visits with a session of one gate that were told at about the same time that it is gone. */
export interface LostSessions {
  readonly component: number;
  readonly checks: readonly CheckRecord[];
  readonly started: number;
  readonly startedAt: number;
  readonly last: number;
}

/** Gates that lost many sessions at once: at least three targets, and half of those that carry one. */
export function lostSessions(evidence: Evidence, now: number): LostSessions[] {
  const lost: LostSessions[] = [];
  for (const node of evidence.topology.components) {
    if (node.component.type !== 'gate') continue;
    const returning = node.hard.flatMap((index) => {
      const record = evidence.records[index];
      const carries = record?.check.visit === 'return' || record?.check.visit === 'session';
      return record !== undefined && carries ? [record] : [];
    });
    const recent = returning.filter(
      (record) => now - Math.max(record.lastAt, record.unknownAt) <= LOST_WINDOW_MS,
    );
    const hit = recent.filter((record) => hasLostSession(record, now));
    const first = hit[0];
    // A cookie is of a host, and is lost by whichever path asks first: the others have none to show then.
    const targets = servicesOf(hit);
    if (first === undefined || targets < LEAST_TARGETS || targets < LOST_SHARE * servicesOf(recent)) continue;
    const earliest = hit.reduce((a, b) => (b.lostAt < a.lostAt ? b : a), first);
    lost.push({
      component: node.index,
      checks: hit,
      started: earliest.lostAt,
      startedAt: earliest.lostWall,
      last: Math.max(...hit.map((record) => record.lostAt)),
    });
  }
  return lost;
}

/** Whether the session that the visit carried was lost lately; it may have a new one since. */
export function hasLostSession(record: CheckRecord, now: number): boolean {
  return now - record.lostAt <= LOST_WINDOW_MS;
}

function servicesOf(records: readonly CheckRecord[]): number {
  return new Set(records.map(({ check }) => check.service)).size;
}
