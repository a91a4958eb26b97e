// The origin proxy of the laboratory site, in the words of the two real programs. Both look at files in the folder
// of the levers with every request, so that a fault is there at once and nothing has to be loaded again.

import { join } from 'node:path';

/** Where the origin passes requests on to, and what it serves. */
export interface OriginPlan {
  /** Port it listens on, on 127.0.0.1. */
  readonly port: number;
  readonly zone: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Folder of the levers. */
  readonly levers: string;
  /** Ports of what is behind it, on 127.0.0.1. */
  readonly gatePort: number;
  readonly idpPort: number;
  readonly appPort: number;
  readonly loginHost: string;
  readonly publicHost: string;
  /** Host behind the login with one public pathname (a webhook). */
  readonly carvedHost: string;
  readonly carvedPathname: string;
  /** All hosts behind the login. */
  readonly protectedHosts: readonly string[];
}

/** Files in the folder of the levers; a host's own file ends with its name. */
export const ORIGIN_LEVERS = {
  /** The router of this host has lost its forward-auth. */
  unprotected: 'unprotected-',
  /** No router for this host: it falls to the catch-all. */
  noRoute: 'no-route-',
  /** The public pathname has lost its own router. */
  carveOutLost: 'carve-out-lost',
} as const;

/** What both proxies answer for a host they do not know: 200, as many catch-all pages do by mistake. */
export const CATCH_ALL_PAGE =
  '<!doctype html><html><head><title>Not found</title></head><body><h1>404</h1><p>There is no such service here.</p></body></html>';

/** Caddy with `forward_auth`, as authentik's documentation shows it. */
export function caddySites(plan: OriginPlan): string {
  const { zone, levers } = plan;
  return `(catch-all) {
	header Content-Type "text/html; charset=utf-8"
	respond \`${CATCH_ALL_PAGE}\` 200
}
https://*.${zone}:${plan.port} {
	bind 127.0.0.1
	tls ${plan.certFile} ${plan.keyFile}
	route {
		@lost file {
			root ${levers}
			try_files /${ORIGIN_LEVERS.noRoute}{host}
		}
		handle @lost {
			import catch-all
		}
		@login host ${plan.loginHost}
		handle @login {
			reverse_proxy 127.0.0.1:${plan.idpPort}
		}
		@public host ${plan.publicHost}
		handle @public {
			reverse_proxy 127.0.0.1:${plan.appPort}
		}
		@carved {
			host ${plan.carvedHost}
			path ${plan.carvedPathname}
			not file {
				root ${levers}
				try_files /${ORIGIN_LEVERS.carveOutLost}
			}
		}
		handle @carved {
			reverse_proxy 127.0.0.1:${plan.appPort}
		}
		@protected host ${plan.protectedHosts.join(' ')}
		handle @protected {
			@unprotected file {
				root ${levers}
				try_files /${ORIGIN_LEVERS.unprotected}{host}
			}
			handle @unprotected {
				reverse_proxy 127.0.0.1:${plan.appPort}
			}
			handle /outpost.goauthentik.io/* {
				reverse_proxy 127.0.0.1:${plan.gatePort}
			}
			handle {
				forward_auth 127.0.0.1:${plan.gatePort} {
					uri /outpost.goauthentik.io/auth/caddy
					copy_headers X-Authentik-Username X-Authentik-Groups
				}
				reverse_proxy 127.0.0.1:${plan.appPort}
			}
		}
		handle {
			import catch-all
		}
	}
}
`;
}

/**
 * nginx with `auth_request` as ingress-nginx writes it: 401 of the gate becomes a redirect to its `/start`, its
 * cookie is copied to the answer, and every status but 2xx, 401 and 403 becomes a 500.
 * Source: ingress-nginx rootfs/etc/nginx/template/nginx.tmpl; authentik's documentation of the nginx proxy.
 */
export function nginxSites(plan: OriginPlan): string {
  const listen = `listen 127.0.0.1:${plan.port} ssl`;
  const app = `proxy_pass http://127.0.0.1:${plan.appPort};`;
  return `
  ssl_certificate ${plan.certFile};
  ssl_certificate_key ${plan.keyFile};
  ssl_session_cache off;
  ssl_session_tickets off;
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Forwarded-Proto $scheme;
  default_type 'text/html; charset=utf-8';
  server {
    ${listen} default_server;
    location / { return 200 '${CATCH_ALL_PAGE}'; }
  }
  server {
    ${listen};
    server_name ${plan.loginHost};
    location / { proxy_pass http://127.0.0.1:${plan.idpPort}; }
  }
  server {
    ${listen};
    server_name ${plan.publicHost};
    location / { ${app} }
  }
  server {
    ${listen};
    server_name ${plan.protectedHosts.join(' ')};
    if (-f ${join(plan.levers, ORIGIN_LEVERS.noRoute)}$host) { return 200 '${CATCH_ALL_PAGE}'; }
    location = ${plan.carvedPathname} { ${app} }
    location /outpost.goauthentik.io/ { proxy_pass http://127.0.0.1:${plan.gatePort}; }
    location = /_external-auth {
      internal;
      if (-f ${join(plan.levers, ORIGIN_LEVERS.unprotected)}$host) { return 204; }
      proxy_pass http://127.0.0.1:${plan.gatePort}/outpost.goauthentik.io/auth/nginx;
      proxy_pass_request_body off;
      proxy_set_header Content-Length '';
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
      proxy_set_header X-Original-Method $request_method;
    }
    location @sign-in {
      internal;
      add_header Set-Cookie $auth_cookie;
      return 302 https://$http_host/outpost.goauthentik.io/start?rd=$scheme://$http_host$request_uri;
    }
    location / {
      auth_request /_external-auth;
      auth_request_set $auth_cookie $upstream_http_set_cookie;
      auth_request_set $user $upstream_http_x_authentik_username;
      proxy_set_header Host $http_host;
      proxy_set_header X-Authentik-Username $user;
      error_page 401 = @sign-in;
      ${app}
    }
  }
`;
}
