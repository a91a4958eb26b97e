// What every answer of the demo's identity provider carries, and its plain pages.

import { randomBytes } from 'node:crypto';
import { type Answer, type Headers, reply } from './exchange.ts';

/** What every answer of the server carries: the request id that its log shows. */
export function own(): Headers {
  return { 'x-authentik-id': randomBytes(16).toString('hex'), 'x-powered-by': 'authentik' };
}

/** Headers of a page. */
export function page(): Headers {
  const frame = { 'x-frame-options': 'DENY', 'referrer-policy': 'same-origin' };
  return { ...own(), ...frame, 'content-type': 'text/html; charset=utf-8' };
}

/** JSON of the API. */
export function json(status: number, value: unknown, headers: Headers = {}): Answer {
  return reply(
    status,
    { ...own(), 'content-type': 'application/json', ...headers },
    `${JSON.stringify(value)}\n`,
  );
}

/** A page with a title and nothing else; an error, or a denial with status 200. */
export function plainPage(status: number, title: string, text: string = ''): Answer {
  const body = `<h1>${title}</h1>${text === '' ? '' : `<p>${text}</p>`}`;
  return reply(
    status,
    page(),
    `<!doctype html>\n<html><head><title>${title} - authentik</title></head><body>${body}</body></html>\n`,
  );
}
