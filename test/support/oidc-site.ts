// A site that is not of our own making: a certified OpenID provider (`oidc-provider`) with a plain form for a login
// page, and in front of one application a small gate of kind `oidc` (authorization code with PKCE, OpenID Connect Core
// 3.1, RFC 7636). What passes here does not merely agree with our own stand-in of authentik.
//
//   visitor ── 127.0.0.1:port ──┬── app.oidc.test    gate, then the application
//                               └── login.oidc.test  provider

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Provider } from 'oidc-provider';
import { createAuthority } from '../../src/demo/certificates.ts';
import { startNameServer } from '../../src/demo/name-server.ts';
import { tempFolder } from './temp-folder.ts';

const ZONE = 'oidc.test';
const APP_HOST = `app.${ZONE}`;
const LOGIN_HOST = `login.${ZONE}`;
const CALLBACK = '/oauth/callback';
const COOKIE = 'gate_session';
/** Seconds that everything of the provider lives. */
const TTL_S = 3600;

export interface OidcSite extends AsyncDisposable {
  /** Port of both hosts, on 127.0.0.1. */
  readonly port: number;
  readonly ca: { readonly pem: string; readonly file: string };
  /** Origin of the provider: `url` of the gate. */
  readonly loginUrl: string;
  /** Behind the gate. */
  readonly appUrl: string;
  /** `127.0.0.1:port` of a name server for the zone, and of the site itself. */
  readonly resolver: string;
  readonly address: string;
  /** Who can log in. */
  readonly user: { readonly username: string; readonly password: string };
  /** What the application greets that user with. */
  readonly greeting: string;
  /** Whether the provider asks for consent after the login, with a button. Off at first. */
  askConsent(on: boolean): void;
}

/** Starts it; rejects and leaves nothing behind when one part does not come up. */
export async function startOidcSite(): Promise<OidcSite> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder('oidc'));
  const authority = await createAuthority('gatewatch laboratory CA');
  const leaf = await authority.issue([`*.${ZONE}`]);
  const caFile = join(folder.path, 'ca.pem');
  await writeFile(caFile, authority.certificatePem);

  const handlers = new Map<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>>();
  const server = createServer({ key: leaf.keyPem, cert: leaf.certPem }, (asked, response) => {
    const handler = handlers.get(asked.headers.host?.split(':', 1)[0] ?? '');
    if (handler === undefined) response.writeHead(404).end();
    else handler(asked, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stack.defer(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  const origins = { login: `https://${LOGIN_HOST}:${port}`, app: `https://${APP_HOST}:${port}` };
  const user = { username: 'ada', password: randomBytes(12).toString('base64url') };
  const client = { id: 'gate', secret: randomBytes(24).toString('base64url') };
  const consent = { asked: false };
  handlers.set(LOGIN_HOST, providerHandler({ origins, user, client, consent }));
  handlers.set(APP_HOST, gateHandler({ origins, client, ca: authority.certificatePem }));
  const names = stack.use(
    await startNameServer({
      port: 0,
      ttl: 1,
      answer: (name) => (name === ZONE || name.endsWith(`.${ZONE}`) ? ['127.0.0.1'] : null),
    }),
  );
  const running = stack.move();
  return {
    port,
    ca: { pem: authority.certificatePem, file: caFile },
    loginUrl: origins.login,
    appUrl: origins.app,
    resolver: `127.0.0.1:${names.port}`,
    address: `127.0.0.1:${port}`,
    user,
    greeting: `Welcome, ${user.username}`,
    askConsent(on) {
      consent.asked = on;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

interface Origins {
  readonly login: string;
  readonly app: string;
}

interface Client {
  readonly id: string;
  readonly secret: string;
}

/** The provider with a form for name and password, and a button for consent. */
function providerHandler(options: {
  origins: Origins;
  user: OidcSite['user'];
  client: Client;
  consent: { readonly asked: boolean };
}): Handler {
  const { origins, user, client, consent } = options;
  const provider = new Provider(origins.login, {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [`${origins.app}${CALLBACK}`],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    cookies: { keys: [randomBytes(16).toString('hex')] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    ttl: { Interaction: TTL_S, Session: TTL_S, Grant: TTL_S, AccessToken: TTL_S, IdToken: TTL_S },
    pkce: { required: () => true },
    async loadExistingGrant(context) {
      const { session, client: known, result } = context.oidc;
      const grantId = result?.consent?.grantId ?? session?.grantIdFor(known?.clientId ?? '');
      if (grantId !== undefined) return provider.Grant.find(grantId);
      if (consent.asked || session?.accountId === undefined) return undefined;
      const grant = new provider.Grant({ clientId: known?.clientId ?? '', accountId: session.accountId });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
  });
  const callback = provider.callback();
  return async (asked, response) => {
    if (!asked.url?.startsWith('/interaction/')) {
      callback(asked, response);
      return;
    }
    const { prompt, session, params } = await provider.interactionDetails(asked, response);
    if (asked.method !== 'POST') {
      page(response, 200, prompt.name === 'login' ? loginForm('') : CONSENT_FORM);
      return;
    }
    const form = new URLSearchParams(await textOf(asked));
    if (prompt.name === 'login') {
      if (form.get('username') !== user.username || form.get('password') !== user.password) {
        page(response, 200, loginForm('<p role="alert">Wrong name or password.</p>'));
        return;
      }
      await provider.interactionFinished(asked, response, { login: { accountId: user.username } });
      return;
    }
    const grant = new provider.Grant({
      clientId: String(params['client_id']),
      accountId: session?.accountId ?? '',
    });
    grant.addOIDCScope('openid');
    const answer = { consent: { grantId: await grant.save() } };
    await provider.interactionFinished(asked, response, answer, { mergeWithLastSubmission: true });
  };
}

function loginForm(error: string): string {
  return `<h1>Sign in</h1>${error}<form method="post">
<label>Name <input name="username" autocomplete="username" required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button type="submit">Sign in</button></form>`;
}

const CONSENT_FORM =
  '<h1>May the application know who you are?</h1><form method="post"><button type="submit">Allow</button></form>';

/** What a stranger was on the way to, and by what the way back is known. */
interface Pending {
  readonly state: string;
  readonly verifier: string;
  readonly returnTo: string;
}

/** The gate: strangers are sent to the provider, who comes back with a code is let in to the application. */
function gateHandler(options: { origins: Origins; client: Client; ca: string }): Handler {
  const { origins, client, ca } = options;
  const sessions = new Map<string, Pending | { readonly user: string }>();
  const redirectUri = `${origins.app}${CALLBACK}`;

  const handOver = (response: ServerResponse, returnTo: string): void => {
    const [sid, state, verifier] = [1, 2, 3].map(() => randomBytes(32).toString('base64url')) as [
      string,
      string,
      string,
    ];
    sessions.set(sid, { state, verifier, returnTo });
    const query = new URLSearchParams({
      client_id: client.id,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'openid',
      state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    const cookie = `${COOKIE}=${sid}; Path=/; HttpOnly; Secure; SameSite=Lax`;
    response.writeHead(302, { location: `${origins.login}/auth?${query}`, 'set-cookie': cookie }).end();
  };

  const comeBack = async (url: URL, pending: Pending): Promise<string | null> => {
    if (url.searchParams.get('state') !== pending.state) return null;
    const form = {
      grant_type: 'authorization_code',
      code: url.searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: pending.verifier,
    };
    const answer = await post(new URL('/token', origins.login), { form, client, ca });
    const { id_token: token } = JSON.parse(answer) as { id_token?: string };
    if (token === undefined) return null;
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      sub: string;
    };
    return claims.sub;
  };

  return async (asked, response) => {
    asked.resume();
    const url = new URL(asked.url ?? '/', origins.app);
    const sid = new RegExp(`(?:^|; )${COOKIE}=([\\w-]+)`).exec(asked.headers.cookie ?? '')?.[1] ?? '';
    const session = sessions.get(sid);
    if (url.pathname === CALLBACK) {
      const user = session !== undefined && 'state' in session ? await comeBack(url, session) : null;
      if (user === null || session === undefined || !('state' in session)) {
        page(response, 400, '<h1>This login is not ours</h1>');
        return;
      }
      sessions.set(sid, { user });
      response.writeHead(302, { location: session.returnTo }).end();
      return;
    }
    if (session !== undefined && 'user' in session) page(response, 200, `<h1>Welcome, ${session.user}</h1>`);
    else handOver(response, url.href);
  };
}

function page(response: ServerResponse, status: number, body: string): void {
  response
    .writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    .end(`<!doctype html>\n<html lang="en"><head><title>${ZONE}</title></head><body>${body}</body></html>\n`);
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The gate's own request to the provider. */
async function post(
  url: URL,
  { form, client, ca }: { form: Record<string, string>; client: Client; ca: string },
): Promise<string> {
  const body = new URLSearchParams(form).toString();
  const sent = request({
    host: '127.0.0.1',
    port: url.port,
    servername: url.hostname,
    path: url.pathname,
    method: 'POST',
    ca,
    agent: false,
    headers: {
      host: url.host,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(body),
      authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`,
    },
    signal: AbortSignal.timeout(10_000),
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return textOf(response);
}
