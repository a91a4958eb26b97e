// The services of the demo site: 34 behind the login and 3 public ones, in two zones, each a small web server of its own.

import { createServer, type IncomingMessage } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { type Answer, header, reply, responder, SERVER_LIMITS } from './exchange.ts';
import { type Part, startPart } from './part.ts';

export const ZONES = ['casa.test', 'lab.test'] as const;
export type Zone = (typeof ZONES)[number];

/** Host of the identity provider. */
export const LOGIN_HOST = 'auth.casa.test';

/** Public hosts: a blog, a webhook (at /deploy), an API that wants a token. */
export const PUBLIC = { blog: 'blog.casa.test', webhook: 'hooks.lab.test', api: 'api.lab.test' } as const;

const PROTECTED_LABELS: Record<Zone, readonly string[]> = {
  'casa.test': [
    'photos',
    'movies',
    'music',
    'books',
    'recipes',
    'pantry',
    'papers',
    'budget',
    'calendar',
    'notes',
    'tasks',
    'garden',
    'doorbell',
    'thermostat',
    'energy',
    'printer',
    'family',
  ],
  'lab.test': [
    'grafana',
    'prometheus',
    'logs',
    'git',
    'ci',
    'registry',
    'wiki',
    'chat',
    'terminal',
    'storage',
    'backups',
    'network',
    'hypervisor',
    'database',
    'queue',
    'router',
    'status',
  ],
};

/** Hosts behind the login, 17 in each zone. */
export const PROTECTED: readonly string[] = ZONES.flatMap((zone) =>
  PROTECTED_LABELS[zone].map((label) => `${label}.${zone}`),
);

/** Zone of a host name, or null. */
export function zoneOf(host: string): Zone | null {
  return ZONES.find((zone) => host === zone || host.endsWith(`.${zone}`)) ?? null;
}

/** Hosts of all services, those behind the login first. */
export const SERVICES: readonly string[] = [...PROTECTED, ...Object.values(PUBLIC)];

/** Starts the web server of one service. */
export function startService(host: string, clock: Clock, count: () => void): Promise<Part> {
  const answer = (request: IncomingMessage): Answer => {
    count();
    return serve(host, request);
  };
  return startPart(createServer(SERVER_LIMITS, responder(answer)), clock);
}

function serve(host: string, request: IncomingMessage): Answer {
  if (host === PUBLIC.webhook) return webhook(request);
  if (host === PUBLIC.api) return api();
  const label = host.split('.', 1)[0] ?? host;
  const title = label.charAt(0).toUpperCase() + label.slice(1);
  const text =
    host === PUBLIC.blog ? 'Notes from the Casa blog: how we moved the shelves.' : `Everything in ${label}.`;
  const user = header(request, 'x-authentik-username');
  const greeting = user === null ? '' : `<p>Signed in as ${user}.</p>`;
  const page = `<!doctype html>\n<html lang="en"><head><title>${title}</title></head><body><h1>${title}</h1><p>${text}</p>${greeting}</body></html>\n`;
  return reply(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }, page);
}

/** Takes POST alone, as a webhook does; a GET shows that it is there. */
function webhook(request: IncomingMessage): Answer {
  if (request.method === 'POST')
    return reply(202, { 'content-type': 'application/json' }, '{"queued":true}\n');
  return reply(405, { allow: 'POST', 'content-type': 'application/json' }, '{"error":"send a POST"}\n');
}

function api(): Answer {
  const headers = { 'www-authenticate': 'Bearer realm="lab"', 'content-type': 'application/json' };
  return reply(401, headers, '{"error":"a token is needed"}\n');
}
