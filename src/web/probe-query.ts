// The question of `GET /probe`: blackbox_exporter's parameters, and which configured target they mean. Nothing of the
// request is ever dialled: it only chooses among what is configured (threats N3).

import { PROBE_MODULES, type ProbeWish } from '../model/probe-report.ts';
import type { TargetStatus } from '../model/snapshot.ts';
import { targetId } from '../model/target.ts';
import { hostOfHeader } from './access.ts';

/** Taken off Prometheus' own time-out for the way back, ms (blackbox_exporter's `--timeout-offset`). */
const OFFSET_MS = 500;
/** However little time a scrape has, ms. */
const LEAST_MS = 100;
/** Longer ones are no URL of anybody. */
const MAX_CHARACTERS = 4_096;

export interface ProbeQuery {
  readonly wish: ProbeWish;
  /** Evidence and metrics for people. */
  readonly debug: boolean;
}

/** What is asked for, or why it cannot be answered: a sentence that repeats nothing of the request. */
export function parseProbeQuery(
  query: URLSearchParams,
  scrapeTimeout: string | null,
  targets: readonly TargetStatus[],
): ProbeQuery | string {
  const given = (name: string): string | null => query.get(name) || null;
  const name = given('module') ?? 'http_2xx';
  const module = PROBE_MODULES.find((each) => each === name);
  if (module === undefined) return `Unknown module; there are ${PROBE_MODULES.join(' and ')}`;
  const text = given('target');
  if (text === null) return 'Target parameter is missing';
  const target = findTarget(targets, text, given('hostname'));
  if (typeof target === 'string') return target;
  const path = given('path') ?? target.paths[0] ?? '';
  if (!target.paths.includes(path)) return `Unknown path; this target has ${target.paths.join(', ')}`;
  const patienceMs = patienceOf(scrapeTimeout);
  return { wish: { target: target.id, path, module, patienceMs }, debug: query.get('debug') === 'true' };
}

/**
 * The configured target of a URL or target id. With a hostname that name counts instead of the URL's own, which may
 * then be an address, and so do neither scheme nor port unless two targets differ in them alone.
 */
function findTarget(
  targets: readonly TargetStatus[],
  text: string,
  hostname: string | null,
): TargetStatus | string {
  const scheme = /^https?:\/\//i.test(text);
  const url = text.length > MAX_CHARACTERS ? null : URL.parse(scheme ? text : `https://${text}`);
  if (url === null || url.username !== '' || url.password !== '') {
    return 'The target is not an http or https URL without credentials';
  }
  url.hash = '';
  const unknown = 'The target is not configured; only configured targets are probed';
  if (hostname === null) {
    return targets.find(({ id, url: own }) => (scheme ? own === url.href : id === targetId(url))) ?? unknown;
  }
  const host = hostOfHeader(hostname);
  const named = targets.filter(({ url: own }) => {
    const { hostname: name, pathname, search } = new URL(own);
    return name === host && pathname === url.pathname && search === url.search;
  });
  const exact = named.find(({ url: own }) => {
    const { protocol, port } = new URL(own);
    return protocol === url.protocol && port === url.port;
  });
  if (named.length > 1 && exact === undefined) return 'Several targets have this hostname and pathname';
  return exact ?? named[0] ?? unknown;
}

/** What Prometheus leaves us of its time-out; null when it says nothing that can be read. */
function patienceOf(seconds: string | null): number | null {
  if (seconds === null || !/^\d{1,6}(\.\d{1,9})?$/.test(seconds)) return null;
  return Math.max(LEAST_MS, Number(seconds) * 1_000 - OFFSET_MS);
}
