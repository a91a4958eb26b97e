// What the CDN of the demo answers by itself, in the words and with the marks of Cloudflare's answers
// (reference/authentik.md 8; developers.cloudflare.com/support/troubleshooting/http-status-codes).

import type { IncomingMessage } from 'node:http';
import { type Answer, type Headers, reply } from './exchange.ts';

/** Titles of the error pages by status. */
const TITLES = {
  502: 'Bad gateway',
  504: 'Gateway time-out',
  520: 'Web server is returning an unknown error',
  521: 'Web server is down',
  522: 'Connection timed out',
  524: 'A timeout occurred',
  525: 'SSL handshake failed',
  526: 'Invalid SSL certificate',
} as const;
export type CdnStatus = keyof typeof TITLES;

/** An answer of the edge about an origin that failed. */
export function errorPage(request: IncomingMessage, status: CdnStatus, marks: Headers): Answer {
  if (!wantsHtml(request)) return reply(status, { ...marks, ...TEXT }, `error code: ${status}`);
  const body = `<h1><span>${TITLES[status]}</span> <span>Error code ${status}</span></h1><p>You: Working. Host: Error.</p>`;
  return reply(status, { ...marks, ...HTML }, frame(`${status}: ${TITLES[status]}`, body));
}

/** The edge has no connection to the tunnel of this site: status 530, error 1033. */
export function tunnelPage(request: IncomingMessage, marks: Headers): Answer {
  if (!wantsHtml(request)) return reply(530, { ...marks, ...TEXT }, 'error code: 1033');
  const body =
    '<h1><span class="cf-error-type">Error</span> <span class="cf-error-code">1033</span></h1><h2>Cloudflare Tunnel error</h2>';
  return reply(530, { ...marks, ...HTML }, frame('Cloudflare Tunnel error', body));
}

/** The visitor's address is banned: status 403, error 1006. */
export function bannedPage(request: IncomingMessage, marks: Headers): Answer {
  if (!wantsHtml(request)) return reply(403, { ...marks, ...TEXT }, 'error code: 1006');
  const body =
    '<h1><span class="cf-error-type">Error</span> <span class="cf-error-code">1006</span></h1><h2>Access denied</h2><p>The owner of this website has banned your IP address.</p>';
  return reply(403, { ...marks, ...HTML }, frame('Access denied', body));
}

/** A page that lets a browser prove itself, answered with 200 and without the mark of a managed challenge. */
export function challengePage(marks: Headers): Answer {
  const page = `<!doctype html>
<html lang="en"><head><title>Just a moment...</title><meta name="robots" content="noindex,nofollow"></head>
<body><noscript>Enable JavaScript and cookies to continue</noscript>
<script src="/cdn-cgi/challenge-platform/h/g/orchestrate/chl_page/v1"></script></body></html>
`;
  return reply(200, { ...marks, ...HTML, 'cache-control': 'private, max-age=0, no-store' }, page);
}

/** The CDN's own page about a request, `/cdn-cgi/trace`. */
export function tracePage(request: IncomingMessage, marks: Headers, nowMs: number): Answer {
  const facts = {
    fl: '1f1',
    h: request.headers.host ?? '',
    ip: request.socket.remoteAddress ?? '',
    ts: (nowMs / 1000).toFixed(3),
    visit_scheme: 'https',
    uag: request.headers['user-agent'] ?? '',
    colo: 'FRA',
    http: 'http/1.1',
    tls: 'TLSv1.3',
    warp: 'off',
  };
  const text = Object.entries(facts).map(([name, value]) => `${name}=${value}\n`);
  return reply(200, { ...marks, ...TEXT }, text.join(''));
}

const TEXT = { 'content-type': 'text/plain; charset=UTF-8' };
const HTML = { 'content-type': 'text/html; charset=UTF-8' };

/** Without `text/html` in Accept the edge answers 16 bytes of text. */
function wantsHtml(request: IncomingMessage): boolean {
  return request.headers.accept?.includes('text/html') ?? false;
}

function frame(title: string, body: string): string {
  return `<!doctype html>\n<html lang="en-US"><head><title>${title} | Cloudflare</title></head><body><div id="cf-wrapper"><div id="cf-error-details">${body}</div></div></body></html>\n`;
}
