// One laboratory site on loopback, of real proxies and our stand-ins, with a lever for each fault of DESIGN 1.
// Edge and origin have addresses of their own on the same port, as two machines would.
//
//   prober ── 127.0.0.1:port ── nginx (edge) ─┐
//     └────── 127.0.0.2:port ─────────────────┴── Caddy or nginx (origin) ──┬── gate (asked first)
//                                                                           ├── identity provider
//                                                                           └── applications

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { createAuthority } from '../../src/demo/certificates.ts';
import { startGate } from '../../src/demo/gate.ts';
import { createApp } from '../../src/demo/gate-app.ts';
import { startIdentityProvider } from '../../src/demo/identity-provider.ts';
import { USUAL_LOGIN } from '../../src/demo/login-flow.ts';
import { startNameServer } from '../../src/demo/name-server.ts';
import { createSessionStore, type SessionStore } from '../../src/demo/session-store.ts';
import { createUser, type User } from '../../src/demo/users.ts';
import { startCaddy } from './caddy.ts';
import { loopbackPort } from './loopback-port.ts';
import { startNginx } from './nginx.ts';
import { type Relay, startRelay } from './relay.ts';
import { edgeHttp } from './site-edge.ts';
import { createLevers, type Levers, type Switches } from './site-levers.ts';
import { caddySites, nginxSites, type OriginPlan } from './site-origin.ts';
import { tempFolder } from './temp-folder.ts';

const ZONE = 'haus.test';
export const LOGIN_HOST = `auth.${ZONE}`;
export const EDGE_ADDRESS = '127.0.0.1';
export const ORIGIN_ADDRESS = '127.0.0.2';

/** Behind the login. */
export const PROTECTED_HOSTS = [
  'grafana',
  'wiki',
  'photos',
  'papers',
  'notes',
  'git',
  'recipes',
  'hooks',
].map((label) => `${label}.${ZONE}`);
const PUBLIC_HOST = `blog.${ZONE}`;
/** A public pathname on a host that is behind the login otherwise. */
export const CARVED = { host: `hooks.${ZONE}`, pathname: '/github' } as const;

export interface OutageSite extends AsyncDisposable {
  /** Port of edge and origin, and so of every URL. */
  readonly port: number;
  readonly ca: { readonly pem: string; readonly file: string };
  /** `https://auth…` as a browser sees it. */
  readonly loginUrl: string;
  readonly protectedUrls: readonly string[];
  readonly publicUrls: readonly string[];
  /** `address:port` of the origin and of the name server. */
  readonly originAddress: string;
  readonly resolver: string;
  /** Something outside of the site, plain HTTP. */
  readonly controlUrl: string;
  readonly levers: Levers;
  /** Who can log in. */
  readonly user: User;
  /** Sessions at the gate. */
  readonly sessions: Pick<SessionStore, 'size' | 'capacity'>;
  /** What both proxies printed: their warnings. */
  output(): string;
}

/** Starts it, healthy; rejects and leaves nothing behind when one part does not come up. */
export async function startOutageSite(options: {
  origin: 'caddy' | 'nginx';
  /** False: a password is enough. */
  totp?: boolean;
}): Promise<OutageSite> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder('site'));
  const files = await writeCertificates(folder.path);
  const port = await loopbackPort([EDGE_ADDRESS, ORIGIN_ADDRESS]);
  const url = (host: string, pathname = ''): string => `https://${host}:${port}${pathname}`;

  const store = createSessionStore({ clock: systemClock, capacity: 16_384, lifetimeMs: 3_600_000 });
  const apps = PROTECTED_HOSTS.map((host) => createApp(url(host)));
  const user = createUser({ username: 'gatewatch', totp: options.totp ?? true });
  const switches: Switches = {
    glitches: 0,
    broken: new Set(),
    login: USUAL_LOGIN,
    resolving: 'edge',
    nameFailures: 0,
  };
  const idp = stack.use(
    await startIdentityProvider({ clock: systemClock, apps, users: [user], login: () => switches.login }),
  );
  const gate = stack.use(
    await startGate({ clock: systemClock, apps, login: url(LOGIN_HOST), provider: idp.port, store }),
  );
  const services = await startHttp(stack, applications(switches));

  const originPort = await loopbackPort();
  const plan: OriginPlan = {
    port: originPort,
    zone: ZONE,
    ...files,
    levers: folder.path,
    gatePort: gate.port,
    idpPort: idp.port,
    appPort: services,
    loginHost: LOGIN_HOST,
    publicHost: PUBLIC_HOST,
    carvedHost: CARVED.host,
    carvedPathname: CARVED.pathname,
    protectedHosts: PROTECTED_HOSTS,
  };
  const origin = stack.use(await startOrigin(options.origin, plan));
  const originRelay = stack.use(await startRelay({ address: ORIGIN_ADDRESS, port, to: originPort }));
  const edgePort = await loopbackPort();
  const edge = stack.use(
    await startNginx({
      port: edgePort,
      http: edgeHttp({
        port: edgePort,
        ...files,
        origin: `${ORIGIN_ADDRESS}:${port}`,
        levers: folder.path,
      }),
    }),
  );
  const edgeRelay = stack.use(await startRelay({ address: EDGE_ADDRESS, port, to: edgePort }));
  const control = await startControl(stack);
  const names = stack.use(await startNames(switches));

  const levers = createLevers({
    folder: folder.path,
    isCaddy: options.origin === 'caddy',
    switches,
    store,
    gate,
    idp,
    edge: edgeRelay,
    origin: originRelay,
    control,
  });
  const running = stack.move();
  return {
    port,
    ca: { pem: files.caPem, file: files.caFile },
    loginUrl: url(LOGIN_HOST),
    protectedUrls: PROTECTED_HOSTS.map((host) => url(host)),
    publicUrls: [url(PUBLIC_HOST), url(CARVED.host, CARVED.pathname)],
    originAddress: `${ORIGIN_ADDRESS}:${port}`,
    resolver: `127.0.0.1:${names.port}`,
    controlUrl: `http://127.0.0.1:${control.port}/`,
    levers,
    user,
    sessions: store,
    output: () => `${origin.output()}${edge.output()}`,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function startOrigin(
  kind: 'caddy' | 'nginx',
  plan: OriginPlan,
): Promise<AsyncDisposable & { output(): string }> {
  return kind === 'caddy'
    ? startCaddy({ port: plan.port, sites: caddySites(plan) })
    : startNginx({ port: plan.port, http: nginxSites(plan) });
}

interface CertificateFiles {
  readonly caPem: string;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

async function writeCertificates(folder: string): Promise<CertificateFiles> {
  const authority = await createAuthority('gatewatch laboratory CA');
  const leaf = await authority.issue([`*.${ZONE}`, ZONE]);
  const [caFile, certFile, keyFile] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => join(folder, name));
  await writeFile(caFile!, authority.certificatePem);
  await writeFile(certFile!, leaf.certPem);
  await writeFile(keyFile!, leaf.keyPem, { mode: 0o600 });
  return { caPem: authority.certificatePem, caFile: caFile!, certFile: certFile!, keyFile: keyFile! };
}

/** All applications in one server: a page with the host's name, or a webhook that wants a POST. */
function applications(switches: Switches): Server {
  return createServer((request, response) => {
    request.resume();
    if (switches.glitches > 0) {
      switches.glitches -= 1;
      response.writeHead(503, { 'content-type': 'text/plain' }).end('one moment, please\n');
      return;
    }
    if (switches.broken.has(request.headers.host?.split(':', 1)[0] ?? '')) {
      response.destroy();
      return;
    }
    if (request.url === CARVED.pathname) {
      response
        .writeHead(405, { allow: 'POST', 'content-type': 'application/json' })
        .end('{"error":"send a POST"}\n');
      return;
    }
    const user = request.headers['x-authentik-username'];
    const greeting = user === undefined ? '' : `<p>Signed in as ${user}.</p>\n`;
    const label = request.headers.host?.split('.', 1)[0] ?? 'app';
    const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' };
    response
      .writeHead(200, headers)
      .end(
        `<!doctype html>\n<title>${label}</title>\n<h1>Welcome to ${label}</h1>\n<p>Everything you keep here.</p>\n${greeting}`,
      );
  });
}

async function startHttp(stack: AsyncDisposableStack, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

/** The rest of the world: one page, behind a relay that can go away. */
async function startControl(stack: AsyncDisposableStack): Promise<Relay> {
  const server = createServer((_request, response) =>
    response.writeHead(200).end('The world is still there.\n'),
  );
  const to = await startHttp(stack, server);
  return stack.use(await startRelay({ address: '127.0.0.1', port: await loopbackPort(), to }));
}

/** Every name of the zone, invented ones included; kept for one second, so that a change is soon seen. */
function startNames(switches: Switches): ReturnType<typeof startNameServer> {
  return startNameServer({
    port: 0,
    ttl: 1,
    answer: (name) => {
      if (switches.resolving === 'nobody') return 'silent';
      if (switches.nameFailures > 0) {
        switches.nameFailures -= 1;
        return 'servfail';
      }
      if (name !== ZONE && !name.endsWith(`.${ZONE}`)) return null;
      return [switches.resolving === 'edge' ? EDGE_ADDRESS : ORIGIN_ADDRESS];
    },
  });
}
