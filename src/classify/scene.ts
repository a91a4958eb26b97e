// The scene: one observation with everything that signatures and expectations ask of it, worked out once.
// Facts and questions only; opinions are in signatures/, expectations.ts and canaries.ts.

import type { Canary, CanaryKind, Check, Subject } from '../model/check.ts';
import { componentFromId } from '../model/component.ts';
import { type Gate, isGateCookie, isGatePathname } from '../model/gate.ts';
import type { NetworkPath } from '../model/network-path.ts';
import type { EpochMs, Exchange, Observation, ProbeError } from '../model/observation.ts';
import type { ExpectationKind, Target } from '../model/target.ts';
import type { Knowledge } from '../model/verdict.ts';

/** Characters of the body that signatures look at: every known page shows itself earlier. */
const HEAD_LENGTH = 65_536;

/** What the classifier knows beside the observation. */
export interface Context {
  readonly gates: readonly Gate[];
  readonly paths: readonly NetworkPath[];
  readonly knowledge: Knowledge;
  readonly now: EpochMs;
}

export interface Scene extends Context {
  readonly subject: Subject;
  readonly check: Check | null;
  readonly canary: Canary | null;
  readonly path: NetworkPath | null;
  readonly gate: Gate | null;
  readonly observation: Observation;
  /** Where the probe ended; null when it never came to a request. */
  readonly last: Exchange | null;
  /** The last exchange, if it was answered at all. */
  readonly response: Exchange | null;
  readonly error: ProbeError | null;
  /** URL of the last exchange. */
  readonly url: URL | null;
  /** The exchanges with the target's own host; a canary's are all its own. */
  readonly own: readonly Exchange[];
  /** Where the answer redirects to; null unless it is a 3xx with a readable Location. */
  readonly location: URL | null;
  /** First 64 Ki characters of the body, lower case. */
  readonly head: string;
}

/** Works out the scene; never throws, whatever the observation holds. */
export function createScene(subject: Subject, observation: Observation, context: Context): Scene {
  const last = observation.exchanges.at(-1) ?? null;
  const response = last !== null && last.status !== null ? last : null;
  const url = last === null ? null : URL.parse(last.url);
  const isOwn = (exchange: Exchange): boolean => {
    const to = exchange === last ? url : URL.parse(exchange.url);
    return subject.kind === 'canary' || (to !== null && isHostOf(subject.target, to));
  };
  return {
    ...context,
    subject,
    check: subject.kind === 'visit' ? subject : null,
    canary: subject.kind === 'canary' ? subject : null,
    path: subject.path,
    gate: subject.gate,
    observation,
    last,
    response,
    error: observation.error ?? last?.error ?? null,
    url,
    own: observation.exchanges.filter(isOwn),
    location: response === null ? null : locationOf(response),
    head: response === null ? '' : response.body.slice(0, HEAD_LENGTH).toLowerCase(),
  };
}

/** Absolute URL a 3xx answer leads to, or null. */
export function locationOf(exchange: Exchange): URL | null {
  const location = exchange.headers['location'];
  if (location === undefined || !within(exchange.status, 300, 399)) return null;
  return URL.parse(location, exchange.url);
}

/** Whether the status of the answer lies in `from`..`to`. */
export function hasStatus(scene: Scene, from: number, to: number = from): boolean {
  return within(scene.response?.status ?? null, from, to);
}

/** Value of a header of the answer, lower case, or ''. */
export function header(scene: Scene, name: string): string {
  return (scene.response?.headers[name] ?? '').toLowerCase();
}

/** Whether the answer has no body at all. */
export function isEmpty(scene: Scene): boolean {
  return scene.response !== null && scene.response.bodyBytes === 0 && scene.response.body === '';
}

/** Title of the page, lower case, or ''. */
export function pageTitle(scene: Scene): string {
  return /<title[^>]{0,200}>([^<]{0,200})/.exec(scene.head)?.[1]?.trim() ?? '';
}

/** Whether the answer came out of a cache. Source: reference/authentik.md 8, "Cloudflare cache"; RFC 9111 5.1. */
export function isCached(scene: Scene): boolean {
  if (/^(hit|stale|updating|revalidated)$/.test(header(scene, 'cf-cache-status'))) return true;
  // One to ten digits above zero: anything else is no age (threats H9).
  return /^0{0,3}[1-9]\d{0,9}$/.test(header(scene, 'age'));
}

/** Whether the answer is one to a check with that expectation. */
export function expects(scene: Scene, ...kinds: ExpectationKind[]): boolean {
  return scene.check !== null && kinds.includes(scene.check.expect.is);
}

/** Whether the answer is one to such a canary. */
export function isCanary(scene: Scene, ...kinds: CanaryKind[]): boolean {
  return scene.canary !== null && kinds.includes(scene.canary.canary);
}

/** The gates whose marks may be in the answer: the target's own, or all when it has none. */
export function gatesOf(scene: Scene): readonly Gate[] {
  return scene.gate === null ? scene.gates : [scene.gate];
}

/** Whether the last request went to an endpoint of a gate itself. */
export function atGateEndpoint(scene: Scene): boolean {
  return scene.url !== null && isGateEndpoint(scene, scene.url);
}

/** Whether a URL is an endpoint of one of the scene's gates. */
export function isGateEndpoint(scene: Scene, url: URL): boolean {
  return gatesOf(scene).some((gate) => isGatePathname(gate.kind, url.pathname));
}

/** Whether the last request went to an identity provider. */
export function atIdentityProvider(scene: Scene): boolean {
  return gatesOf(scene).some((gate) => scene.url !== null && URL.parse(gate.url)?.host === scene.url.host);
}

/** Whether an exchange is one with the target's own host; a canary's always is. */
export function isOwnHost(scene: Scene, exchange: Exchange): boolean {
  return scene.own.includes(exchange);
}

/**
 * Whether an answer led on to a literal address elsewhere that is never dialled. The path did its part; where a name
 * leads to such an address it may be our own resolver's doing.
 */
export function isSentToForbidden(scene: Scene): boolean {
  const { last, error, check } = scene;
  if (error?.code !== 'address-forbidden' || last === null || check === null) return false;
  return last.timings.dnsMs === null && !isOwnHost(scene, last);
}

/** Whether a URL is on the host of the check's target, whatever its port. */
export function isTargetHost(scene: Scene, url: URL): boolean {
  return scene.check !== null && isHostOf(scene.check.target, url);
}

function isHostOf({ host }: Target, url: URL): boolean {
  const bare = (one: string): string => one.replace(/^\[|\]$/g, '');
  return url.hostname === host || bare(url.hostname) === bare(host);
}

/** Whether the probe went through a CDN. */
export function isThroughCdn(scene: Scene): boolean {
  return scene.path?.kind === 'cdn';
}

/** Component types at the near end of the way, for failures before any answer. */
export function front(scene: Scene): readonly string[] {
  if (scene.path === null) return ['vantage'];
  return isThroughCdn(scene) ? ['cdn'] : ['origin'];
}

/** `front`, and what the canary is about, for failures that may lie further on. */
export function wholeWay(scene: Scene): readonly string[] {
  const gate = expects(scene, 'login') ? ['gate'] : [];
  const origin = isThroughCdn(scene) ? ['origin'] : [];
  return [...new Set([...front(scene), ...origin, ...gate, aim(scene)])];
}

/** Type of the component the probe is about. */
export function aim(scene: Scene): string {
  return scene.canary === null ? 'target' : componentFromId(scene.canary.about).type;
}

/** Whether the request carried a cookie of the gate, and whether the answer sets or deletes one. */
export function gateCookies(
  scene: Scene,
  exchange: Exchange,
): { sent: boolean; set: boolean; deleted: boolean } {
  const isGates = (name: string): boolean => gatesOf(scene).some((gate) => isGateCookie(gate.kind, name));
  const answered = exchange.setCookies.filter((cookie) => isGates(cookie.name));
  return {
    sent: exchange.sentCookies.some(isGates),
    set: answered.some((cookie) => !cookie.deletes),
    deleted: answered.some((cookie) => cookie.deletes),
  };
}

function within(status: number | null, from: number, to: number): boolean {
  return status !== null && status >= from && status <= to;
}
