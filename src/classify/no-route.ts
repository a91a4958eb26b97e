// What the proxy answers for a host it does not know: default pages, and the answer that the canary `no-route`
// has learned. Such a page is no app, so it is never `exposed` (DESIGN 1 and 4).

import { createHash } from 'node:crypto';
import type { Exchange } from '../model/observation.ts';
import { producer } from './producer.ts';
import { expects, hasStatus, isCanary, isEmpty, pageTitle, type Scene } from './scene.ts';

/** Characters looked at and, after normalising, compared: prefixes of different bounds must come out equal. */
const READ_LENGTH = 65_536;
const COMPARED_LENGTH = 32_768;

/** Longest body that is taken for a bare "not found" text. */
const SHORT_TEXT = 200;

/**
 * Fingerprint of an answer that is the same for every unknown host: status, media type, place redirected to, and
 * two digests of the body. Host, ids and digits in the body are blanked, for proxies echo them: once with the host
 * alone (`no route for xyz.example.com`), once with its first label too (`service "xyz" unknown`).
 */
export function fingerprint(exchange: Exchange): string {
  const host = URL.parse(exchange.url)?.hostname ?? '';
  const label = host.split('.')[0] ?? '';
  const text = exchange.body.slice(0, READ_LENGTH).toLowerCase();
  const hostless = host === '' ? text : text.replaceAll(host, '{host}');
  const labelless =
    label === '' ? hostless : hostless.replace(new RegExp(`\\b${escaped(label)}\\b`, 'g'), '{label}');
  return [
    exchange.status,
    (exchange.headers['content-type'] ?? '').toLowerCase().split(';')[0]?.trim(),
    place(exchange, host),
    digest(hostless),
    digest(labelless),
  ].join('|');
}

/** Whether two fingerprints are of one page: everything but the body equal, and one of its two digests. */
function isSamePage(one: string, other: string): boolean {
  const [a, b] = [one.split('|'), other.split('|')];
  const front = [0, 1, 2].every((part) => a[part] === b[part]);
  return front && (a[3] === b[3] || a[4] === b[4]);
}

/** Whether the answer is the learned one for an unknown host of the zone, on this path or any other. */
export function isLearnedNoRoute(scene: Scene): boolean {
  if (scene.response === null) return false;
  const known = zonesOf(scene)
    .flatMap((zone) =>
      scene.paths.map((path) => scene.knowledge.get('no-route', `${zone}@${path.name}`)?.value),
    )
    .filter((value) => value !== undefined);
  if (known.length === 0) return false;
  const seen = fingerprint(scene.response);
  return known.some((value) => isSamePage(seen, value));
}

/**
 * Whether the proxy itself answered because no route matched. An empty answer says too little to hold it against an
 * app (a webhook may answer so), but enough not to call it an exposed one.
 */
export function isNoRoute(scene: Scene): boolean {
  if (isCanary(scene, 'no-route', 'control')) return false;
  const strict = expects(scene, 'login', 'closed');
  if (isEmpty(scene) && !strict) return false;
  return isLearnedNoRoute(scene) || isDefaultPage(scene) || (strict && looksLikeNotFound(scene));
}

/** Built-in pages. The text of Traefik is Go's own: it counts for the front page of a host, or where login must be. */
function isDefaultPage(scene: Scene): boolean {
  if (hasStatus(scene, 421)) return true;
  if (hasStatus(scene, 404)) {
    if (scene.head.trim() === 'default backend - 404') return true;
    const front = scene.url !== null && scene.url.pathname === '/';
    return producer(scene) === 'traefik' && (front || !expects(scene, 'public', 'app'));
  }
  if (!hasStatus(scene, 200)) return false;
  if (producer(scene) === 'caddy') return true;
  return /^(welcome to (nginx|openresty|caddy)|apache2? .{0,30}default page|caddy works|iis windows)/.test(
    pageTitle(scene),
  );
}

/** A 2xx whose title, or whole short text, says that there is nothing. */
function looksLikeNotFound(scene: Scene): boolean {
  if (!hasStatus(scene, 200, 299)) return false;
  const missing =
    /\b(404|not found|no such (host|site|route)|unknown (host|site)|no route|default backend)\b/;
  return missing.test(pageTitle(scene)) || (scene.head.length <= SHORT_TEXT && missing.test(scene.head));
}

/** The target's zone; for a canary every domain its host lies in. */
function zonesOf(scene: Scene): readonly string[] {
  if (scene.check !== null) return [scene.check.target.zone];
  const labels = (scene.url?.hostname ?? '').split('.');
  return labels.slice(0, -1).map((_, index) => labels.slice(index).join('.'));
}

function place(exchange: Exchange, host: string): string {
  const location = exchange.headers['location'];
  const url = location === undefined ? null : URL.parse(location, exchange.url);
  return url === null ? '' : `${url.origin}${url.pathname}`.replaceAll(host === '' ? '{}' : host, '{host}');
}

/** SHA-256, shortened, of the text with ids, nonces and numbers blanked. */
function digest(text: string): string {
  const blank = text.replace(/[a-z0-9_+/=-]{16,}|\d+/g, '#').slice(0, COMPARED_LENGTH);
  return createHash('sha256').update(blank).digest('base64url').slice(0, 16);
}

function escaped(text: string): string {
  return text.replace(/[^a-z0-9]/g, '\\$&');
}
