// The login page of the demo's identity provider: a page that is nothing without its scripts, as authentik's is.

import { type Answer, type Headers, reply } from './exchange.ts';
import { AUTHENTICATION, AUTHORIZATION, type LoginSetup } from './login-flow.ts';
import { EXECUTOR_SCRIPT, STAGES_SCRIPT } from './login-script.ts';
import { page } from './provider-pages.ts';

const VERSION = '2025.12.4';
const STAGES = `/static/dist/chunk-stages-${VERSION}.js`;
const SCRIPT = `/static/dist/flow/FlowInterface-${VERSION}.js`;
const STYLE = '/static/dist/authentik.css';

/** Scripts and styles by pathname. */
const ASSETS: ReadonlyMap<string, { readonly type: string; readonly content: string }> = new Map([
  [SCRIPT, { type: 'text/javascript; charset=utf-8', content: EXECUTOR_SCRIPT.replace('STAGES', STAGES) }],
  [STAGES, { type: 'text/javascript; charset=utf-8', content: STAGES_SCRIPT }],
  [
    STYLE,
    {
      type: 'text/css; charset=utf-8',
      content: `body { font-family: sans-serif; margin: 0; background: #18191a; color: #fafafa; }
ak-flow-executor { display: block; max-width: 22rem; margin: 15vh auto; padding: 1rem 2rem; background: #2b2d2f; }
`,
    },
  ],
]);

/** Sources that authentik's documentation asks a policy to allow. */
const POLICY =
  "default-src 'self'; img-src https: http: data:; object-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline'; font-src 'self' data:; frame-ancestors 'none'; base-uri 'self'";

/** The page of a flow, or null when the pathname is none. */
export function flowPageAt(pathname: string): Answer | null {
  const slug = [AUTHENTICATION, AUTHORIZATION].find((known) => pathname === `/if/flow/${known}/`);
  if (slug === undefined) return null;
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>authentik</title>
<link rel="stylesheet" type="text/css" href="${STYLE}">
<script src="${SCRIPT}" type="module"></script></head>
<body><ak-flow-executor flowSlug="${slug}" data-layout="stacked"></ak-flow-executor></body></html>
`;
  return reply(200, { ...page(), 'content-security-policy': POLICY }, html);
}

/** A script or style of the page, or null when the pathname is none; as the fault wants it. */
export function assetAt(pathname: string, how: LoginSetup['assets']): Answer | null {
  const asset = ASSETS.get(pathname);
  if (asset === undefined) return null;
  if (how === 'throttled') {
    return reply(
      429,
      { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '60' },
      'Too Many Requests\n',
    );
  }
  if (how === 'html')
    return reply(200, page(), '<!doctype html>\n<html><body>One moment, please.</body></html>\n');
  return reply(200, assetHeaders(asset.type), asset.content);
}

function assetHeaders(type: string): Headers {
  return { 'content-type': type, 'cache-control': 'public, max-age=3600', 'x-authentik-version': VERSION };
}
