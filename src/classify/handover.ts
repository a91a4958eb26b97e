// Hand-overs: a stranger is redirected to a login. Verified for `login` targets (right provider, client, return host,
// return URL), recognised for pages that must stay public. Source: reference/authentik.md 1.1 and 1.4.

import { type Gate, isGatePathname } from '../model/gate.ts';
import type { Handover } from '../model/verdict.ts';
import { isOauth2ProxyPage } from './producer.ts';
import { gatesOf, isGateEndpoint, isOwnHost, isTargetHost, type Scene } from './scene.ts';

/** Longest OAuth state that is read, in characters. */
const STATE_LIMIT = 16_384;

const AUTHENTIK_AUTHORIZE = '/application/o/authorize/';

/** `none`: no redirect away from the target, nor a gate's page. `problem`: our own words, one half sentence. */
export type Reading =
  | { readonly kind: 'none' }
  | { readonly kind: 'right'; readonly handover: Handover }
  | { readonly kind: 'wrong'; readonly problem: string };

/** Verifies the hand-over in the answer to a `login` check. */
export function readHandover(scene: Scene): Reading {
  const gate = scene.gate;
  if (gate === null || scene.check === null || scene.response === null) return { kind: 'none' };
  if (gate.kind === 'oauth2-proxy' && isOauth2ProxyPage(scene)) {
    const handover = { gate: gate.name, client: '', returnHost: scene.check.target.host, authorizeUrl: '' };
    return { kind: 'right', handover };
  }
  if (scene.location === null || leadsToOwnHost(scene, scene.location)) return { kind: 'none' };
  const problem =
    wrongProvider(scene.location, gate) ??
    wrongClient(scene, scene.location, gate) ??
    wrongReturn(scene, scene.location, gate) ??
    wrongReturnUrl(scene, scene.location, gate);
  if (problem !== null) return { kind: 'wrong', problem };
  const client = scene.location.searchParams.get('client_id') ?? '';
  const returnHost = returnUrl(scene.location, gate)?.hostname ?? '';
  return {
    kind: 'right',
    handover: { gate: gate.name, client, returnHost, authorizeUrl: scene.location.href },
  };
}

/** Whether the answer redirects to the login of any configured gate, right or wrong. */
export function leadsToLogin(scene: Scene): boolean {
  const location = scene.location;
  if (location === null || leadsToOwnHost(scene, location)) return false;
  return gatesOf(scene).some((gate) => URL.parse(gate.url)?.host === location.host);
}

/**
 * The gate whose own client the answer hands over to, or null. An app's own login at the same provider is another
 * client: it returns to the app, not to an endpoint of the gate.
 */
export function walledOffBy(scene: Scene): Gate | null {
  const location = scene.location;
  if (location !== null) return scene.gates.find((gate) => isOwnClient(scene, location, gate)) ?? null;
  return scene.gates.find((gate) => gate.kind === 'oauth2-proxy' && isOauth2ProxyPage(scene)) ?? null;
}

/** Return host that a gate may still learn: the provider's, or one in the target's zone (a domain-wide gate's). */
function isLearnableCallback(scene: Scene, hostname: string, gate: Gate): boolean {
  const zone = scene.check?.target.zone ?? '';
  if (hostname === URL.parse(gate.url)?.hostname) return true;
  return zone !== '' && (hostname === zone || hostname.endsWith(`.${zone}`));
}

function isOwnClient(scene: Scene, location: URL, gate: Gate): boolean {
  if (URL.parse(gate.url)?.host !== location.host) return false;
  if (gate.kind === 'authelia')
    return !location.searchParams.has('client_id') && location.searchParams.has('rd');
  const client = location.searchParams.get('client_id') ?? '';
  if (client !== '' && gate.clients.includes(client)) return true;
  const returned = returnUrl(location, gate);
  if (returned !== null && isGatePathname(gate.kind, returned.pathname)) return true;
  const learned = scene.check === null ? null : scene.knowledge.get('client', scene.check.target.id);
  return learned !== null && learned.value === client && client !== '';
}

function leadsToOwnHost(scene: Scene, location: URL): boolean {
  return isTargetHost(scene, location) && !isProvider(scene, location);
}

/** The provider's own host can be a target too: then a redirect to its authorize endpoint is a hand-over. */
function isProvider(scene: Scene, location: URL): boolean {
  return gatesOf(scene).some(
    (gate) => URL.parse(gate.url)?.host === location.host && location.searchParams.has('client_id'),
  );
}

function wrongProvider(location: URL, gate: Gate): string | null {
  const login = URL.parse(gate.url);
  if (login === null) return `gate ${gate.name} has no usable URL`;
  if (location.host !== login.host) return 'redirects to another host than the identity provider';
  if (location.protocol !== login.protocol)
    return `redirects to the identity provider by ${location.protocol}`;
  const base = login.pathname.replace(/\/$/, '');
  const expected = gate.kind === 'authentik' ? base + AUTHENTIK_AUTHORIZE : `${base}/`;
  const pathname = gate.kind === 'authentik' ? location.pathname : `${location.pathname}/`;
  return pathname.startsWith(expected)
    ? null
    : 'redirects to the identity provider, but not to its login endpoint';
}

function wrongClient(scene: Scene, location: URL, gate: Gate): string | null {
  const client = location.searchParams.get('client_id') ?? '';
  const shows = gate.kind === 'authentik' || gate.kind === 'oauth2-proxy';
  if (client === '') return shows || gate.clients.length > 0 ? 'the login request names no client' : null;
  if (gate.clients.length > 0) {
    return gate.clients.includes(client) ? null : 'the login request is for another client than configured';
  }
  const learned = scene.check === null ? null : scene.knowledge.get('client', scene.check.target.id);
  if (learned === null || learned.value === client) return null;
  return 'the login request is for another client than seen before';
}

function wrongReturn(scene: Scene, location: URL, gate: Gate): string | null {
  const returned = returnUrl(location, gate);
  if (returned === null)
    return gate.kind === 'oidc' ? null : 'the login request has no readable return address';
  const learned = scene.knowledge.get('callback', gate.name)?.value ?? null;
  if (isTargetHost(scene, returned)) return null;
  if (gate.callback !== null) {
    return hostnameOf(gate.callback) === returned.hostname
      ? null
      : 'the login returns to another host than configured';
  }
  if (learned !== null)
    return learned === returned.hostname ? null : 'the login returns to another host than before';
  return isLearnableCallback(scene, returned.hostname, gate) ? null : 'the login returns to a foreign host';
}

/** Where the login says it returns to: a URL in authentik's state (2024.6 and later), in authelia's `rd`. */
function wrongReturnUrl(scene: Scene, location: URL, gate: Gate): string | null {
  const text =
    gate.kind === 'authelia'
      ? location.searchParams.get('rd')
      : stateRedirect(location.searchParams.get('state'));
  if (text === null) return null;
  const returned = URL.parse(text);
  const asked = scene.observation.exchanges
    .filter((exchange) => isOwnHost(scene, exchange))
    .map((exchange) => URL.parse(exchange.url))
    .filter((url) => url !== null && !isGateEndpoint(scene, url))
    .map((url) => url?.href);
  if (returned !== null && (asked.includes(returned.href) || returned.href === scene.check?.target.url))
    return null;
  return 'the login would return to another page than the one asked for';
}

/** `redirect` in the payload of a state that is a JWT; null when the state is no readable one. Not authenticated. */
export function stateRedirect(state: string | null): string | null {
  if (state === null || state.length > STATE_LIMIT) return null;
  const parts = state.split('.');
  if (parts.length !== 3) return null;
  try {
    const payload: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    if (typeof payload !== 'object' || payload === null || !('redirect' in payload)) return null;
    return typeof payload.redirect === 'string' ? payload.redirect : null;
  } catch {
    return null; // a random state with two dots: nothing to read
  }
}

/** Host the login comes back to: `redirect_uri`, for authelia's portal the page itself (`rd`). */
function returnUrl(location: URL, gate: Gate): URL | null {
  const text = location.searchParams.get(gate.kind === 'authelia' ? 'rd' : 'redirect_uri');
  return text === null ? null : URL.parse(text);
}

/** Host name of a configured callback, which may carry a port. */
function hostnameOf(host: string): string {
  return URL.parse(`https://${host}`)?.hostname ?? host;
}
