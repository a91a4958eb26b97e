// The source `caddy` against the real one: what its adapter makes of sites with forward_auth, and a reload.

import { expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { createDiscoverer, discoverSchema } from '../../../src/discover/discoverers.ts';
import { recogniserOf } from '../../../src/discover/gate-recognition.ts';
import { startCaddy } from '../../support/caddy.ts';
import { freePort } from '../../support/free-port.ts';

const SITES = (port: number): string => `
(gate) {
	forward_auth http://127.0.0.1:9 {
		uri /outpost.goauthentik.io/auth/caddy
		copy_headers X-Authentik-Username
	}
}
(site) {
	bind 127.0.0.1
	tls internal
}
https://grafana.example.com:${port}, wiki.example.com:${port} {
	import site
	reverse_proxy /outpost.goauthentik.io/* http://127.0.0.1:9
	@hooks path /hook /api/webhooks/*
	handle @hooks {
		reverse_proxy 127.0.0.1:1
	}
	handle {
		import gate
		reverse_proxy 127.0.0.1:1
	}
}
open.example.com:${port} {
	import site
	reverse_proxy 127.0.0.1:1
}
*.wild.example.com:${port} {
	import site
	@foo host foo.wild.example.com
	handle @foo {
		import gate
		reverse_proxy 127.0.0.1:1
	}
	@bar host bar.wild.example.com
	handle @bar {
		file_server
	}
	handle {
		abort
	}
}
skip.example.com:${port} {
	import site
	@private not path /public /public/*
	forward_auth @private 127.0.0.1:9 {
		uri /outpost.goauthentik.io/auth/caddy
	}
	reverse_proxy 127.0.0.1:1
}
route.example.com:${port} {
	import site
	route /admin/* {
		import gate
		reverse_proxy 127.0.0.1:1
	}
	handle_path /static/* {
		file_server
	}
	redir / /home
	reverse_proxy 127.0.0.1:1
}
blocker.example.com:${port} {
	import site
	forward_auth 127.0.0.1:7 {
		uri /check
	}
	reverse_proxy 127.0.0.1:1
}
odd.example.com:${port} {
	import site
	@old header User-Agent *Old*
	respond @old "old"
	import gate
	reverse_proxy 127.0.0.1:1
}
usual.example.com:${port} {
	import site
	route {
		reverse_proxy /outpost.goauthentik.io/* http://127.0.0.1:9
		import gate
		reverse_proxy 127.0.0.1:1
	}
}
gone.example.com:${port} {
	import site
	abort
}
`;

const gates = [{ name: 'authentik', forwardAuth: ['http://127.0.0.1:9/outpost.goauthentik.io'] }];

test('finds the sites of a real Caddy, what is behind the gate, and what is carved out', async () => {
  const [port, admin] = [await freePort(), await freePort()];
  await using _caddy = await startCaddy({ port, sites: SITES(port), admin });
  const option = discoverSchema.parse({
    kind: 'caddy',
    url: `http://127.0.0.1:${admin}`,
    hosts: '*.example.com',
  });
  const tools = {
    clock: systemClock,
    userAgent: 'test',
    ca: [],
    gates: [],
    folder: '/',
    recognise: recogniserOf(gates),
  };
  await using source = createDiscoverer(option, 'caddy', tools);
  const { found, notes } = await source.list(AbortSignal.timeout(30_000));
  const claims = found.map(({ scheme, host, pathname, expect: kind, gate }) =>
    [`${scheme}://${host}${pathname}`, kind, gate ?? '-'].join(' '),
  );
  expect(claims.sort()).toEqual([
    'https://bar.wild.example.com/ app -',
    'https://blocker.example.com/ app -',
    'https://foo.wild.example.com/ login authentik',
    'https://grafana.example.com/ login authentik',
    'https://grafana.example.com/api/webhooks/ public -',
    'https://grafana.example.com/hook public -',
    'https://odd.example.com/ login authentik',
    'https://open.example.com/ app -',
    'https://route.example.com/ app -',
    'https://route.example.com/admin/ login authentik',
    'https://skip.example.com/ login authentik',
    'https://skip.example.com/public public -',
    'https://skip.example.com/public/ public -',
    'https://usual.example.com/ login authentik',
    'https://wiki.example.com/ login authentik',
    'https://wiki.example.com/api/webhooks/ public -',
    'https://wiki.example.com/hook public -',
  ]);
  expect(notes).toEqual([
    { object: 'site odd.example.com on srv0', why: 'has matchers that are taken not to match: header' },
  ]);
  expect(found[0]?.object).toMatch(/^site [a-z.]+ on srv0$/);
});
