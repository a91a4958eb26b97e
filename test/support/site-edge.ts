// The CDN edge of the laboratory site: real nginx that marks its answers as Cloudflare does, asks the origin over
// verified TLS with the visitor's name as Host and SNI, and answers by itself when there is no origin.
// Its levers are files, looked at with every request. Pages and marks: reference/authentik.md 8. nginx does not give
// up its own Server header, so there are two: `nginx` and `cloudflare`; the mark is CF-RAY.

import { join } from 'node:path';

export interface EdgePlan {
  /** Port it listens on, on 127.0.0.1. */
  readonly port: number;
  readonly certFile: string;
  readonly keyFile: string;
  /** Root of the origin's certificates. */
  readonly caFile: string;
  /** `address:port` of the origin. */
  readonly origin: string;
  readonly levers: string;
}

/** Files in the folder of the levers. */
export const EDGE_LEVERS = {
  /** The tunnel to the origin is gone. */
  dead: 'edge-dead',
  /** A challenge for every host, or for the one whose name follows. */
  challengeAll: 'challenge-all',
  challenge: 'challenge-',
  /** A firewall rule, or a rate limit, against the prober alone. */
  banned: 'banned-prober',
  limited: 'limited-prober',
} as const;

/** Content of the `http { … }` block. */
export function edgeHttp(plan: EdgePlan): string {
  const lever = (name: string): string => join(plan.levers, name);
  return `
  map $request_id $ray { '~^(?<sixteen>.{16})' $sixteen-FRA; }
  map $http_user_agent $visitor { default visitor; '~gatewatch' prober; }
  map $upstream_header_time $unreachable { default 0; '' 1; '-' 1; }
  # Cloudflare leaves the cache status out of answers it made by itself.
  map $upstream_header_time $cache_status { default DYNAMIC; '' ''; '-' ''; }
  default_type 'text/html; charset=UTF-8';
  server {
    listen 127.0.0.1:${plan.port} ssl;
    ssl_certificate ${plan.certFile};
    ssl_certificate_key ${plan.keyFile};
    ssl_session_cache off;
    ssl_session_tickets off;
    add_header Server cloudflare always;
    add_header CF-RAY $ray always;
    add_header CF-Cache-Status $cache_status always;
    if (-f ${lever('banned-')}$visitor) { return 403 '${ERROR_PAGES.banned}'; }
    if (-f ${lever('limited-')}$visitor) { return 429 '${ERROR_PAGES.limited}'; }
    location = /cdn-cgi/trace {
      default_type 'text/plain; charset=UTF-8';
      return 200 'fl=1f1\\nh=$host\\nip=$remote_addr\\nts=$msec\\nvisit_scheme=https\\nuag=$http_user_agent\\ncolo=FRA\\nhttp=http/1.1\\ntls=$ssl_protocol\\n';
    }
    location / {
      if (-f ${lever(EDGE_LEVERS.dead)}) { return 530 '${ERROR_PAGES.tunnel}'; }
      if (-f ${lever(EDGE_LEVERS.challengeAll)}) { return 200 '${CHALLENGE_PAGE}'; }
      if (-f ${lever(EDGE_LEVERS.challenge)}$host) { return 200 '${CHALLENGE_PAGE}'; }
      proxy_pass https://${plan.origin};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection '';
      proxy_set_header CF-RAY $ray;
      proxy_set_header CF-Connecting-IP $remote_addr;
      proxy_ssl_server_name on;
      proxy_ssl_name $host;
      proxy_ssl_verify on;
      proxy_ssl_trusted_certificate ${plan.caFile};
      proxy_ssl_session_reuse off;
      proxy_connect_timeout 4s;
      proxy_read_timeout 4s;
      proxy_intercept_errors on;
      error_page 502 = @bad-gateway;
      error_page 504 = @timed-out;
    }
    # Its own answer when the origin cannot be reached, and instead of the body of an origin's 502 or 504.
    location @bad-gateway {
      if ($unreachable) { return 521 '${ERROR_PAGES.down}'; }
      return 502 '${ERROR_PAGES.badGateway}';
    }
    location @timed-out {
      if ($unreachable) { return 522 '${ERROR_PAGES.timedOut}'; }
      return 504 '${ERROR_PAGES.gatewayTimeout}';
    }
  }
`;
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en-US"><head><title>${title} | Cloudflare</title></head><body><div id="cf-wrapper"><div id="cf-error-details">${body}</div></div></body></html>`;
}

const ERROR_PAGES = {
  tunnel: page(
    'Cloudflare Tunnel error',
    '<h1><span class="cf-error-type">Error</span> <span class="cf-error-code">1033</span></h1><h2>Cloudflare Tunnel error</h2>',
  ),
  banned: page(
    'Attention Required!',
    '<h1>Sorry, you have been blocked</h1><h2>You are unable to access this site</h2>',
  ),
  limited: page(
    'Access denied',
    '<h1><span class="cf-error-type">Error</span> <span class="cf-error-code">1015</span></h1><h2>You are being rate limited</h2>',
  ),
  down: page('521: Web server is down', '<h1>Web server is down <span>Error code 521</span></h1>'),
  timedOut: page('522: Connection timed out', '<h1>Connection timed out <span>Error code 522</span></h1>'),
  badGateway: page('502: Bad gateway', '<h1>Bad gateway <span>Error code 502</span></h1>'),
  gatewayTimeout: page('504: Gateway time-out', '<h1>Gateway time-out <span>Error code 504</span></h1>'),
} as const;

/** The page that lets a browser prove itself, answered with 200 and without the mark of a managed challenge. */
export const CHALLENGE_PAGE =
  '<!doctype html><html lang="en-US"><head><title>Just a moment...</title><meta name="robots" content="noindex,nofollow"></head><body><noscript>Enable JavaScript and cookies to continue</noscript><script src="/cdn-cgi/challenge-platform/h/g/orchestrate/chl_page/v1"></script></body></html>';
