// What the child process of a visit is told: everything it needs, and no secret that it does not.

import type { Check } from '../../model/check.ts';
import type { Gate } from '../../model/gate.ts';
import type { NetworkPath } from '../../model/network-path.ts';
import type { Limit } from '../exchange.ts';
import { BODY_LIMIT_BYTES, SEARCHED_BODY_LIMIT_BYTES } from '../limits.ts';
import { findExecutable } from './executable.ts';
import type { Order, Route, WirePath } from './message.ts';
import type { BrowserSettings } from './options.ts';

interface OrderTools {
  readonly settings: BrowserSettings;
  readonly paths: readonly NetworkPath[];
  readonly ca: readonly string[];
  readonly allowedAddresses: ReadonlySet<string>;
  readonly userAgent: string;
}

/** The order, or why none can be given. */
export function orderOf(
  check: Check,
  tools: OrderTools,
  limit: Limit,
): { order: Order } | { problem: string } {
  const { target, gate, account, path, flow } = check;
  const { settings, paths, ca, allowedAddresses, userAgent } = tools;
  if (gate === null || account === null || flow === undefined) return { problem: 'no gate, account or flow' };
  if (account.credential.kind !== 'password') return { problem: 'the account has no password to type' };
  const browser = browserOf(settings);
  if ('problem' in browser) return browser;
  const ways = waysOf(check, gate, { paths, hosts: settings.hosts });
  const { contains, notContains } = check.expect;
  return {
    order: {
      kind: 'visit',
      flow,
      target: {
        url: target.url,
        host: target.host,
        origin: new URL(target.url).origin,
        headers: { ...target.headers },
      },
      gate: { url: gate.url, kind: gate.kind },
      username: account.credential.username,
      ...ways,
      ca: path.tls.ca.length > 0 ? [...path.tls.ca] : [...ca],
      allowedAddresses: [...allowedAddresses],
      browser,
      userAgent,
      timeoutMs: limit.timeoutMs,
      bodyLimit: contains === null && notContains === null ? BODY_LIMIT_BYTES : SEARCHED_BODY_LIMIT_BYTES,
    },
  };
}

function browserOf({ executable, connect, proxy }: BrowserSettings): Order['browser'] | { problem: string } {
  if (connect !== null) {
    const port = Number(proxy?.split(':')[1]);
    const listen = { host: '::', port };
    return { connect: connect.reveal(), proxy: proxy === null ? null : { listen, address: proxy } };
  }
  const found = findExecutable(executable);
  // Chromium refuses to sandbox what root starts, and says so at length.
  return 'problem' in found ? found : { executable: found.file, sandbox: process.getuid?.() !== 0 };
}

/** Which hosts are let through, and by which path: the target's by the check's, the provider's by its own. */
function waysOf(
  { target, path }: Check,
  gate: Gate,
  { paths, hosts }: { paths: readonly NetworkPath[]; hosts: readonly string[] },
): { paths: WirePath[]; routes: Route[] } {
  const login = new URL(gate.url);
  const own = paths.find(({ name }) => name === gate.paths[0]) ?? path;
  const ports = (url: URL): number[] => [...new Set([Number(url.port || 443), 443, 80])];
  const targetUrl = new URL(target.url);
  // A host of others is not behind our origin's address.
  const elsewhere: NetworkPath = own.kind === 'origin' ? { ...own, kind: 'direct', address: null } : own;
  return {
    paths: [path, own, elsewhere].map(wirePath),
    routes: [
      { host: login.hostname, ports: ports(login), path: 1 },
      { host: target.host, ports: ports(targetUrl), path: 0 },
      ...(gate.callback === null ? [] : [{ host: gate.callback, ports: ports(targetUrl), path: 0 }]),
      ...hosts.map((host) => ({ host, ports: ports(targetUrl), path: 2 })),
    ],
  };
}

function wirePath(path: NetworkPath): WirePath {
  const { name, kind, address, resolver, family, tls } = path;
  return { name, kind, address, resolver: [...resolver], family, private: path.private, ca: [...tls.ca] };
}
