// Who may ask for what: the Host rule, the rule for changes, and how wide the listener is (DESIGN 8 and 10,
// threats W1, W2, W4). Pure: the facts of a request go in, a decision comes out.
//
// A change is accepted from exactly three kinds of caller:
//   1. a token whose scope covers it;
//   2. the page itself in a browser: `Sec-Fetch-Site: same-origin` and an `Origin` that is ours;
//   3. a command line on this machine (`curl -X POST http://127.0.0.1:10780/-/reload`), when no password is set and
//      the daemon listens on loopback alone. Told from a browser by the absence of Origin, Sec-Fetch-* and Referer:
//      browsers put `Origin` on every POST (Fetch standard, "append a request Origin header"). A request that a
//      reverse proxy forwarded is no command line, though its peer is loopback, hence the forwarding headers and
//      the loopback Host.

import { isIP } from 'node:net';
import type { Scope, WebOptions } from './options.ts';

/** What the rules look at. Header values as received; null = absent. */
export interface RequestFacts {
  readonly peer: string;
  readonly host: string | null;
  readonly origin: string | null;
  /** Header names, lower case. */
  readonly headerNames: ReadonlySet<string>;
  readonly secFetchSite: string | null;
  /** Who the credentials say it is. `null`: none were sent. */
  readonly identity: Identity | null;
}

/** Caller by verified credentials. */
export type Identity =
  | { readonly kind: 'basic'; readonly name: string }
  | { readonly kind: 'token'; readonly name: string; readonly may: ReadonlySet<Scope> };

export type Decision =
  | { readonly allowed: true; readonly by: string }
  | { readonly allowed: false; readonly status: 401 | 403; readonly why: string };

/** Whether an address is loopback; IPv4-mapped IPv6 included. */
function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, '');
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

/** Lower-case host of a `Host` value without port and trailing dot, IPv6 without brackets; null when malformed. */
export function hostOfHeader(host: string | null): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(host ?? '');
  if (match === null) return null;
  if (match[1] !== undefined) return isIP(match[1]) === 6 ? match[1].toLowerCase() : null;
  return (match[2] ?? '').toLowerCase().replace(/\.$/, '');
}

/** Whether the `Host` is one a foreign name cannot be rebound to: an IP literal, localhost, or a configured name. */
export function isKnownHost(host: string | null, options: Pick<WebOptions, 'hosts' | 'url'>): boolean {
  const name = hostOfHeader(host);
  if (name === null || name === '') return false;
  if (isIP(name) !== 0 || name === 'localhost' || options.hosts.includes(name)) return true;
  return options.url !== null && new URL(options.url).hostname === name;
}

/** Whether the daemon listens beyond this machine without asking anybody who they are. */
export function isOpenWide(options: Pick<WebOptions, 'listen' | 'auth'>): boolean {
  return options.auth === null && !isLoopback(options.listen.host);
}

/** Whether a browser or a script may read. With `web.auth` only who proved to be somebody. */
export function mayRead(identity: Identity | null, scope: 'read' | 'metrics', options: WebOptions): Decision {
  if (options.auth === null) return { allowed: true, by: 'anyone' };
  if (identity === null) return { allowed: false, status: 401, why: 'a password or a token is needed' };
  const wide = identity.kind === 'basic' || identity.may.has('read') || identity.may.has(scope);
  if (wide) return { allowed: true, by: identity.name };
  return {
    allowed: false,
    status: 403,
    why: `this token may not ${scope === 'read' ? 'read' : 'read metrics'}`,
  };
}

/**
 * Whether it may see files of failed browser visits: pictures of a site's pages are no public matter, so that a wide
 * listener without `web.auth` shows them to nobody (threats W4).
 */
export function mayLook(identity: Identity | null, options: WebOptions): Decision {
  if (isOpenWide(options))
    return refused('without web.auth a daemon that listens beyond this machine shows no files of visits');
  return mayRead(identity, 'read', options);
}

/** Whether this request may change something. `by` goes to the log. */
export function mayChange(facts: RequestFacts, scope: Scope, options: WebOptions): Decision {
  const early = byCaller(facts, scope, options);
  if (early !== null) return early;
  if (isOwnPage(facts, options)) return { allowed: true, by: facts.identity?.name ?? 'page' };
  if (options.auth === null && isCommandLine(facts)) return { allowed: true, by: 'local command' };
  return refused(
    'changes come from the page itself over https or localhost, from this machine, or with a token',
  );
}

/**
 * Whether this request may have something probed. It reads like /metrics, but it costs budget: a wide listener without
 * `web.auth` has none for anybody, and no other site may spend it through a visitor's browser.
 */
export function mayProbe(facts: RequestFacts, options: WebOptions): Decision {
  const early = byCaller(facts, 'probe', options);
  if (early !== null) return early;
  const { identity, secFetchSite } = facts;
  const foreign = secFetchSite !== null && secFetchSite !== 'same-origin' && secFetchSite !== 'none';
  return foreign
    ? refused('another site asks through a browser')
    : { allowed: true, by: identity?.name ?? 'anyone' };
}

/** What follows from the caller alone: a token is an answer by itself; null = it depends on the request. */
function byCaller(facts: RequestFacts, scope: Scope, options: WebOptions): Decision | null {
  const { identity } = facts;
  if (identity?.kind === 'token') {
    if (identity.may.has(scope)) return { allowed: true, by: `token ${identity.name}` };
    return { allowed: false, status: 403, why: `this token may not ${scope}` };
  }
  if (options.auth !== null && identity === null) {
    return { allowed: false, status: 401, why: 'a password or a token is needed' };
  }
  if (isOpenWide(options)) {
    return refused('without web.auth a daemon that listens beyond this machine only lets people read');
  }
  if (options.auth === null && isForwarded(facts)) {
    return refused(`${scope === 'probe' ? 'probes' : 'changes'} through a reverse proxy need web.auth`);
  }
  return null;
}

function refused(why: string): Decision {
  return { allowed: false, status: 403, why };
}

const FORWARDING = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

function isForwarded({ headerNames }: RequestFacts): boolean {
  return FORWARDING.some((name) => headerNames.has(name));
}

/** A browser says that our own page sent it; `Origin` must be the address that page has. */
function isOwnPage(facts: RequestFacts, options: WebOptions): boolean {
  if (facts.secFetchSite !== 'same-origin' || facts.origin === null || facts.host === null) return false;
  // A proxy that speaks TLS for us keeps our Host, so the scheme may be either.
  const own = [`http://${facts.host.toLowerCase()}`, `https://${facts.host.toLowerCase()}`];
  return own.includes(facts.origin) || facts.origin === options.url;
}

function isCommandLine(facts: RequestFacts): boolean {
  const host = hostOfHeader(facts.host);
  const local = host !== null && (host === 'localhost' || isLoopback(host));
  const browser = [...facts.headerNames].some(
    (name) => name === 'origin' || name === 'referer' || name.startsWith('sec-fetch-'),
  );
  return local && isLoopback(facts.peer) && !browser;
}
