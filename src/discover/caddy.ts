// Source `caddy`: the sites in the configuration that a running Caddy has, from its admin API, by GET alone
// (caddyserver.com/docs/api). Whoever may read there may also write: keep it on loopback. What is behind a gate is
// found by playing a stranger's GET through the routes (caddy-routes.ts).

import { z } from 'zod';
import type { JsonHttp } from '../base/json-http.ts';
import { type CaddyServer, caddySchema, type Outcome, outcomeOf, placesIn } from './caddy-routes.ts';
import { decoded, discoveryError } from './decode.ts';
import type { Discoverer, Found, Listing, Note } from './discoverer.ts';
import type { RecogniseGate } from './gate-recognition.ts';
import { hostnameOf } from './hostname.ts';
import { AUTH_IN_CLEAR, keepsAuthSecret, serverKeys, sourceKeys } from './source-options.ts';

export const caddySourceSchema = z
  .strictObject({ kind: z.literal('caddy'), ...sourceKeys, ...serverKeys })
  .refine(keepsAuthSecret, AUTH_IN_CLEAR);

/** Lists the hosts of all servers, and the pathnames at which a gate begins or ends. */
export function createCaddySource(
  { url }: z.output<typeof caddySourceSchema>,
  tools: { readonly source: string; readonly http: JsonHttp; readonly recognise: RecogniseGate },
): Discoverer {
  const { source, http, recognise } = tools;
  return {
    view: 'proxy',
    async list(signal) {
      try {
        const { value } = await http.get(`${url.replace(/\/+$/, '')}/config/`, signal);
        return listingOf(decoded(caddySchema, value, source, 'config'), recognise);
      } catch (error) {
        throw discoveryError(source, 'read the configuration', error);
      }
    },
    [Symbol.asyncDispose]: () => http[Symbol.asyncDispose](),
  };
}

function listingOf(config: z.output<typeof caddySchema>, recognise: RecogniseGate): Listing {
  const sites = Object.entries(config?.apps?.http?.servers ?? {}).flatMap(([name, server]) =>
    [...placesIn(server)]
      .filter(([host]) => !host.includes('*') && !host.includes('{')) // a pattern says nothing of single hosts
      .map(([host, pathnames]) => siteOf(host, ['/', ...pathnames], { name, server, recognise })),
  );
  return { found: sites.flatMap(({ found }) => found), notes: sites.flatMap(({ notes }) => notes) };
}

function siteOf(
  host: string,
  pathnames: readonly string[],
  on: { readonly name: string; readonly server: CaddyServer; readonly recognise: RecogniseGate },
): { found: Found[]; notes: Note[] } {
  const { name, server, recognise } = on;
  const object = `site ${hostnameOf(host) ?? '(unusual name)'} on ${name}`;
  const outcomes = pathnames.map((pathname) => ({
    pathname,
    ...outcomeOf(server, { host, pathname }, recognise),
  }));
  const scheme = isPlain(server, host) ? 'http' : 'https';
  const found = claimsOf(outcomes).map((claim): Found => ({ ...PLAIN, object, scheme, host, ...claim }));
  const unread = [...new Set(outcomes.flatMap((one) => [...one.unread]))].sort().join(', ');
  const why = `has matchers that are taken not to match: ${unread}`;
  return { found, notes: unread === '' ? [] : [{ object, why }] };
}

/** The host itself, and the pathnames that differ from it in the gate; the first outcome is that of `/`. */
function claimsOf(
  outcomes: readonly (Outcome & { readonly pathname: string })[],
): Pick<Found, 'pathname' | 'expect' | 'gate'>[] {
  const [root] = outcomes;
  const isServed = root?.end === 'answer';
  const gate = isServed ? root.gate : null;
  return outcomes
    .filter((one) => one.end === 'answer')
    .filter((one) => one === root || (one.pathname !== '/' && !(isServed && one.gate === gate)))
    .map((one) => ({ pathname: one.pathname, ...expectation(one.gate, gate !== null) }));
}

const PLAIN = { paths: null, wake: 'always', labels: {}, owner: null, createdAt: null, wishes: {} } as const;

/** Behind the gate; or open, which on a host with a gate is meant for everybody. */
function expectation(gate: string | null, isCarveOut: boolean): Pick<Found, 'expect' | 'gate'> {
  if (gate !== null) return { expect: 'login', gate };
  return { expect: isCarveOut ? 'public' : 'app', gate: null };
}

/** A site without TLS on the port of plain HTTP; on other ports something with TLS is in front. */
function isPlain(server: CaddyServer, host: string): boolean {
  const { listen = [], automatic_https: automatic } = server;
  const hasTls = (server.tls_connection_policies ?? []).length > 0;
  const isOff = automatic?.disable === true || (automatic?.skip ?? []).includes(host);
  return (
    !hasTls &&
    listen.length > 0 &&
    listen.every((at) => at.endsWith(':80')) &&
    (isOff || automatic === undefined)
  );
}
