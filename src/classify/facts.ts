// What a probe teaches: facts to remember over restarts, and the sessions it saw made. Only a verified hand-over
// teaches clients, return hosts and lifetimes (threats B5, K1).

import type { Exchange } from '../model/observation.ts';
import type { Fact, FactKind } from '../model/verdict.ts';
import { type Finding, isHealthy } from './finding.ts';
import { fingerprint } from './no-route.ts';
import { provenKey, readProof } from './path-proof.ts';
import { gateCookies, gatesOf, isCanary, isGateEndpoint, locationOf, type Scene } from './scene.ts';

/** A fact that still holds is confirmed again after this long: `proven-address` counts for 24 h, and writes cost. */
const CONFIRM_MS = 3_600_000;

/** Gate cookies made for a request without one, one an exchange at most, on answers of a gate alone (threats K4). */
export function sessionsSeen(scene: Scene): number {
  return scene.observation.exchanges.filter((exchange) => {
    const cookies = gateCookies(scene, exchange);
    return cookies.set && !cookies.sent && isGateAnswer(scene, exchange);
  }).length;
}

/** A refusal, a redirect to a login or to the gate's own endpoint, or an answer of that endpoint. */
function isGateAnswer(scene: Scene, exchange: Exchange): boolean {
  if (exchange.status === 400 || exchange.status === 401) return true;
  const url = URL.parse(exchange.url);
  if (url !== null && isGateEndpoint(scene, url)) return true;
  const location = locationOf(exchange);
  if (location === null) return false;
  return (
    isGateEndpoint(scene, location) ||
    gatesOf(scene).some((gate) => URL.parse(gate.url)?.host === location.host)
  );
}

/** Facts worth writing: new, changed, or confirmed long ago. */
export function learnedFacts(scene: Scene, finding: Finding): readonly Fact[] {
  const facts: Fact[] = [...pathFacts(scene, finding), ...certificateFacts(scene, finding)];
  if (scene.check !== null && isHealthy(finding)) {
    facts.push({ kind: 'seen-up', key: scene.check.target.id, value: '' }, ...handoverFacts(scene, finding));
  }
  facts.push(...canaryFacts(scene, finding));
  return facts.filter((fact) => isNews(scene, fact));
}

function isNews(scene: Scene, fact: Fact): boolean {
  const known = scene.knowledge.get(fact.kind, fact.key);
  if (known === null || known.value !== fact.value) return true;
  const once: readonly FactKind[] = ['seen-up', 'canary', 'canary-retired', 'client', 'callback'];
  return !once.includes(fact.kind) && scene.now - known.at >= CONFIRM_MS;
}

function pathFacts(scene: Scene, finding: Finding): readonly Fact[] {
  const key = provenKey(scene);
  if (finding.signature === 'path-not-taken' || key === null || readProof(scene) !== 'proven') return [];
  return [{ kind: 'proven-address', key, value: '' }];
}

/** The SAN entry that matched, at a handshake that succeeded on the path it was meant for. */
function certificateFacts(scene: Scene, finding: Finding): readonly Fact[] {
  const path = scene.path;
  if (path === null || finding.signature === 'path-not-taken') return [];
  if (isCanary(scene, 'no-route')) return []; // a host that nobody asks for again
  const last = scene.own.findLast(({ tls, error }) => tls?.matchedName != null && error?.phase !== 'tls');
  const host = last === undefined ? '' : (URL.parse(last.url)?.hostname ?? '');
  if (last?.tls?.matchedName == null || host === '') return [];
  return [{ kind: 'certificate', key: `${host}@${path.name}`, value: last.tls.matchedName }];
}

function handoverFacts(scene: Scene, finding: Finding): readonly Fact[] {
  const { gate, check } = scene;
  const handover = finding.handover;
  if (gate === null || check === null || handover === null) return [];
  const facts: Fact[] = [];
  if (handover.client !== '' && gate.clients.length === 0) {
    facts.push({ kind: 'client', key: check.target.id, value: handover.client });
  }
  const foreign = handover.returnHost !== '' && handover.returnHost !== check.target.host;
  if (foreign && gate.callback === null)
    facts.push({ kind: 'callback', key: gate.name, value: handover.returnHost });
  const authorize = authorizeUrl(handover.authorizeUrl);
  if (authorize !== null && handover.client !== '' && isStale(scene, 'authorize', gate.name)) {
    facts.push({ kind: 'authorize', key: gate.name, value: authorize });
  }
  const lifetimeMs = longestLifetime(scene);
  const known = Number(scene.knowledge.get('lifetime', gate.name)?.value ?? 0);
  if (lifetimeMs > known) facts.push({ kind: 'lifetime', key: gate.name, value: String(lifetimeMs) });
  return facts;
}

/** One gate has many clients: whichever is kept stays for an hour, or every visit would write another. */
function isStale(scene: Scene, kind: FactKind, key: string): boolean {
  const known = scene.knowledge.get(kind, key);
  return known === null || scene.now - known.at >= CONFIRM_MS;
}

/** What a login request needs beside what belongs to one visitor (`state`, `nonce`, PKCE, whatever else is added). */
const AUTHORIZE_QUERY = new Set(['client_id', 'redirect_uri', 'response_type', 'response_mode', 'scope']);

/** The authorize URL with nothing of one visitor: it is stored, and asked for again (threats A3, S1). */
function authorizeUrl(href: string): string | null {
  const url = URL.parse(href);
  if (url === null) return null;
  for (const name of [...url.searchParams.keys()]) {
    if (!AUTHORIZE_QUERY.has(name)) url.searchParams.delete(name);
  }
  const back = URL.parse(url.searchParams.get('redirect_uri') ?? '');
  for (const name of [...(back?.searchParams.keys() ?? [])]) {
    if (name !== 'X-authentik-auth-callback') back?.searchParams.delete(name);
  }
  if (back !== null) url.searchParams.set('redirect_uri', back.href);
  url.hash = '';
  return url.href;
}

function longestLifetime(scene: Scene): number {
  const ages = scene.observation.exchanges
    .filter((exchange) => gateCookies(scene, exchange).set && isGateAnswer(scene, exchange))
    .flatMap((exchange) => exchange.setCookies)
    .filter((cookie) => !cookie.deletes)
    .map((cookie) => cookie.maxAgeMs ?? 0);
  return Math.max(0, ...ages);
}

/** A canary that makes sessions is retired for good: it was to cost none. */
function canaryFacts(scene: Scene, finding: Finding): readonly Fact[] {
  const canary = scene.canary;
  if (canary === null) return [];
  const brought = scene.observation.exchanges.some((exchange) => gateCookies(scene, exchange).set);
  if (brought && !isCanary(scene, 'control')) {
    return [{ kind: 'canary-retired', key: canary.id, value: 'it brought a cookie of the gate' }];
  }
  if (isCanary(scene, 'login-assets') && makesProviderSession(scene)) {
    return [{ kind: 'canary-retired', key: canary.id, value: 'it brought a session of the provider' }];
  }
  if (!isHealthy(finding)) return [];
  const facts: Fact[] = [{ kind: 'canary', key: canary.id, value: '' }];
  const zone = URL.parse(canary.url)?.hostname ?? '';
  if (canary.canary === 'no-route' && scene.response !== null && canary.path !== null && isPlain(scene)) {
    facts.push({ kind: 'no-route', key: `${zone}@${canary.path.name}`, value: fingerprint(scene.response) });
  }
  return facts;
}

/** Source: reference/authentik.md 2.4: the login page's HTML makes none. */
function makesProviderSession(scene: Scene): boolean {
  return scene.observation.exchanges.some(({ setCookies }) =>
    setCookies.some(({ name, deletes }) => name === 'authentik_session' && !deletes),
  );
}

/** A wildcard that leads to a login is no catch-all: learned, it would stand for every healthy hand-over. */
function isPlain(scene: Scene): boolean {
  const location = scene.location;
  return location === null || !gatesOf(scene).some((gate) => URL.parse(gate.url)?.host === location.host);
}
