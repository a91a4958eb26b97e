// A visitor of the demo site for its tests: one request over TLS, on one of the two paths, with nothing kept.

import { request } from 'node:https';
import { systemClock } from '../../../src/base/clock.ts';
import { type Site, startSite } from '../../../src/demo/site.ts';
import type { Door } from '../../support/person.ts';

export interface Seen {
  /** Null when no answer came; then `error` has Node's code. */
  readonly status: number | null;
  readonly error: string | null;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export type Path = 'edge' | 'origin';

/** A site on free ports. */
export function anySite(options: { storeSessions?: number } = {}): Promise<Site> {
  return startSite({ clock: systemClock, ports: { edge: 0, origin: 0, dns: 0 }, ...options });
}

/** Port by its variable, for example `EDGE_PORT`. */
export function portOf(site: Site, name: string): number {
  return Number(site.environment[`GATEWATCH_DEMO_${name}`]);
}

/** Switches a fault and waits until the sockets have followed. */
export async function flip(site: Site, id: string, on: boolean): Promise<void> {
  site.set(id, on);
  await site.settled();
}

/** One GET of `https://host:edgePort/pathname`, dialled at the edge or at the origin. Never rejects. */
export function visit(
  site: Site,
  path: Path,
  hostAndPathname: string,
  more: {
    cookie?: string;
    accept?: string;
    method?: string;
    headers?: Record<string, string>;
    body?: string;
  } = {},
): Promise<Seen> {
  const slash = hostAndPathname.indexOf('/');
  const host = slash < 0 ? hostAndPathname : hostAndPathname.slice(0, slash);
  const pathname = slash < 0 ? '/' : hostAndPathname.slice(slash);
  const headers: Record<string, string> = {
    host: `${host}:${portOf(site, 'EDGE_PORT')}`,
    accept: more.accept ?? 'text/html',
  };
  if (more.cookie !== undefined) headers['cookie'] = more.cookie;
  Object.assign(headers, more.headers);
  return new Promise((resolve) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: portOf(site, path === 'edge' ? 'EDGE_PORT' : 'ORIGIN_PORT'),
        servername: host,
        ca: site.caPem,
        path: pathname,
        method: more.method ?? 'GET',
        headers,
        agent: false,
        timeout: 20_000,
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? null,
            error: null,
            headers: answer.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    sent.on('timeout', () => sent.destroy(Object.assign(new Error('silent'), { code: 'ETIMEDOUT' })));
    sent.on('error', (error: NodeJS.ErrnoException) =>
      resolve({ status: null, error: error.code ?? error.message, headers: {}, body: '' }),
    );
    sent.end(more.body);
  });
}

/** Where a person stands in front of the demo site. */
export function doorOf(site: Site, path: Path = 'edge'): Door {
  const { environment } = site;
  return {
    login: 'auth.casa.test',
    user: {
      username: environment['GATEWATCH_DEMO_USERNAME']!,
      password: environment['GATEWATCH_DEMO_PASSWORD']!,
      totp: environment['GATEWATCH_DEMO_TOTP']!,
    },
    async knock(hostAndPathname, more) {
      const seen = await visit(site, path, hostAndPathname, more);
      return { ...seen, setCookie: setCookies(seen) };
    },
  };
}

/** Lines of Set-Cookie. */
export function setCookies(seen: Pick<Seen, 'headers'>): readonly string[] {
  const value = seen.headers['set-cookie'];
  return value === undefined ? [] : [value].flat();
}

/** `name=value` of the first cookie set. */
export function firstCookie(seen: Pick<Seen, 'headers'>): string {
  return setCookies(seen)[0]?.split(';', 1)[0] ?? '';
}

/** The Location header as a URL. */
export function locationOf(seen: Pick<Seen, 'headers'>): URL {
  return new URL(String(seen.headers['location']));
}
