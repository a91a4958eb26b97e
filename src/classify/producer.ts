// Who made this answer: marks of reverse proxies, CDN, gate and identity provider in their own pages.
// Source: reference/authentik.md 8, "Who produced this response?". Bodies are easily imitated; that is why the
// connected address and the CDN's marks are asked first (threats H5).

import { gatesOf, hasStatus, header, isEmpty, type Scene } from './scene.ts';

export type Producer = 'authentik' | 'outpost' | 'traefik' | 'caddy' | 'nginx' | 'haproxy';

/** Traefik's own plain texts by status. Source: traefik pkg/proxy, pkg/server/service/loadbalancer. */
const TRAEFIK_TEXTS: Record<number, string> = {
  404: '404 page not found',
  502: 'bad gateway',
  503: 'no available server',
  504: 'gateway timeout',
};

/** What made the answer, as far as the answer itself shows; null when nothing does (usually the app). */
export function producer(scene: Scene): Producer | null {
  if (scene.response === null) return null;
  if (isAuthentikServer(scene)) return 'authentik';
  if (isOutpost(scene)) return 'outpost';
  if (scene.head.trim() === TRAEFIK_TEXTS[scene.response.status ?? 0]) return 'traefik';
  if (isCaddysOwn(scene)) return 'caddy';
  if (isNginxPage(scene)) return 'nginx';
  if (scene.head.includes('no server is available to handle this request')) return 'haproxy';
  return null;
}

/** authentik's server (Django or its Go router), not the outpost. */
function isAuthentikServer(scene: Scene): boolean {
  if (header(scene, 'x-authentik-id') !== '') return true;
  if (hasStatus(scene, 502)) return scene.head.startsWith('failed to connect to authentik backend');
  return isAuthentikStarting(scene);
}

/** 503 while authentik starts: text, JSON or an HTML splash by Accept. Source: authentik internal/web/proxy.go. */
export function isAuthentikStarting(scene: Scene): boolean {
  return (
    hasStatus(scene, 503) &&
    /authentik (is )?starting|<title[^>]{0,100}>[^<]{0,100}authentik/.test(scene.head)
  );
}

function isOutpost(scene: Scene): boolean {
  if (isNoAppText(scene)) return true;
  const text = scene.head.slice(0, 100).trim();
  if (hasStatus(scene, 401)) return text === 'unauthorized request';
  if (hasStatus(scene, 400)) return text === 'invalid envoy request';
  if (!hasStatus(scene, 500)) return false;
  return text === 'configuration error' || (text === 'something went wrong' && poweredByAuthentik(scene));
}

/** JSON of an outpost that has no application for the host; Go writes `Message`, Rust `message`. */
export function isNoAppText(scene: Scene): boolean {
  return hasStatus(scene, 400, 404) && /"message"\s{0,5}:\s{0,5}"no app for hostname/.test(scene.head);
}

function poweredByAuthentik(scene: Scene): boolean {
  return header(scene, 'x-powered-by') === 'authentik';
}

/**
 * Caddy's own answers have no body and its Server header; with a Via they are proxied ones (Caddy 2.8 and later;
 * earlier versions put the Server header on both, so that only the empty body tells).
 */
function isCaddysOwn(scene: Scene): boolean {
  return isEmpty(scene) && header(scene, 'server') === 'caddy' && header(scene, 'via') === '';
}

/** nginx' built-in error page. Source: nginx src/http/ngx_http_special_response.c. */
function isNginxPage(scene: Scene): boolean {
  return /<hr><center>(nginx|openresty)/.test(scene.head);
}

/** An empty 400 is the outpost's: neither Traefik, Caddy nor nginx makes one. Source: reference/authentik.md 8. */
export function isEmpty400(scene: Scene): boolean {
  return hasStatus(scene, 400) && isEmpty(scene);
}

/** Whether the page is a gate's or an identity provider's login, shown where a target should be. */
export function isLoginPage(scene: Scene): boolean {
  if (scene.head.includes('<ak-flow-executor') || header(scene, 'x-authentik-id') !== '') return true;
  if (/<title[^>]{0,100}>\s{0,20}(login - )?authelia/.test(scene.head)) return true;
  return isOauth2ProxyPage(scene);
}

/** oauth2-proxy's sign-in page: a form to its own start endpoint. Source: oauth2-proxy pkg/app/pagewriter. */
export function isOauth2ProxyPage(scene: Scene): boolean {
  return (
    gatesOf(scene).some((gate) => gate.kind === 'oauth2-proxy') &&
    /action="[^"]{0,200}\/oauth2\/start"/.test(scene.head)
  );
}
