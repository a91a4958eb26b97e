// Scripts and styles of a page as a browser takes them (WHATWG HTML, "fetch a single module script": a script that is
// not JavaScript by its type is not run; a page of HTML never is).

import type { Exchange } from './observation.ts';

/**
 * Files that canary `login-assets` fetches in one run at most, those of the page itself first: each is a request that
 * a CDN may count.
 */
export const LOGIN_ASSETS_MOST = 20;

/** Whether the answer is none that a browser can use as a script or style. Redirects and silence are neither. */
export function isUselessAsset(exchange: Exchange): boolean {
  if (exchange.status === null) return false;
  const type = (exchange.headers['content-type'] ?? '').trim().toLowerCase();
  return exchange.status >= 400 || (exchange.status < 300 && type.startsWith('text/html'));
}
