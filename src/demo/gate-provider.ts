// What the outpost of the demo asks the identity provider: whom a code, a token or a password belongs to.

import { z } from 'zod';
import { ask, type Headers, parseJson, readBody } from './exchange.ts';
import type { App } from './gate-app.ts';
import { openJwt } from './jwt.ts';
import { INTROSPECT, TOKEN } from './token-endpoint.ts';

const TIMEOUT_MS = 5_000;
/** Basic authentication with this name carries a token instead of a password (reference/authentik.md 4.1). */
const TOKEN_USER = 'goauthentik.io/token';

const claimsSchema = z.object({
  sub: z.string(),
  preferred_username: z.string(),
  name: z.string(),
  email: z.string(),
  groups: z.array(z.string()),
});
/** Who a user is. */
export type Claims = z.infer<typeof claimsSchema>;

const introspectionSchema = z.object({ active: z.literal(true) }).and(claimsSchema);
const tokenSchema = z.object({ id_token: z.string() });

/** The user of a code of the callback; null when the provider refuses it, or does not answer. */
export function redeemCode(port: number, app: App, code: string): Promise<Claims | null> {
  return tokenOf(port, app, { grant_type: 'authorization_code', code, client_secret: app.clientSecret });
}

/** The user of an Authorization header, or null. */
export async function userOfHeader(port: number, app: App, authorization: string): Promise<Claims | null> {
  const [, scheme = '', value = ''] = /^(Bearer|Basic) +(\S+)$/i.exec(authorization) ?? [];
  if (scheme.toLowerCase() === 'bearer') return userOfToken(port, app, value);
  const text = Buffer.from(value, 'base64').toString();
  const colon = text.indexOf(':');
  if (colon < 1) return null;
  const [username, password] = [text.slice(0, colon), text.slice(colon + 1)];
  if (username === TOKEN_USER) return userOfToken(port, app, password);
  return tokenOf(port, app, { grant_type: 'client_credentials', username, password });
}

async function tokenOf(port: number, app: App, form: Record<string, string>): Promise<Claims | null> {
  const answer = tokenSchema.safeParse(await post(port, TOKEN, { client_id: app.clientId, ...form }));
  if (answer.data === undefined) return null;
  return claimsSchema.safeParse(openJwt(answer.data.id_token, app.clientSecret)).data ?? null;
}

async function userOfToken(port: number, app: App, token: string): Promise<Claims | null> {
  const form = { client_id: app.clientId, client_secret: app.clientSecret, token };
  return introspectionSchema.safeParse(await post(port, INTROSPECT, form)).data ?? null;
}

/** JSON of a 200, else null. */
async function post(port: number, target: string, form: Record<string, string>): Promise<unknown> {
  const body = new URLSearchParams(form).toString();
  const headers: Headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(Buffer.byteLength(body)),
  };
  try {
    const asked = { port, tls: null, method: 'POST', target, headers, timeoutMs: TIMEOUT_MS };
    const answer = await ask(asked, body);
    const text = await readBody(answer);
    return answer.statusCode === 200 ? parseJson(text) : null;
  } catch {
    return null;
  }
}
