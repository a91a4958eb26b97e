// What the outpost and the identity provider of the demo both know of an application: client, address, cookie, state.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** One application behind the gate (authentik: a proxy provider in mode forward_single). */
export interface App {
  /** Lower-case host name. */
  readonly host: string;
  /** Origin as a browser sees it, with the port when it is not the scheme's own. */
  readonly external: string;
  readonly clientId: string;
}

/** Application at that origin. Its client id is the same at every start, so that what a prober learned stays right. */
export function createApp(external: string): App {
  const clientId = sha256(`gatewatch demo ${new URL(external).hostname}`)
    .toString('base64url')
    .slice(0, 40);
  return { host: new URL(external).hostname, external, clientId };
}

/** Where the login returns to. */
export function callbackUrl(app: App): string {
  return `${app.external}/outpost.goauthentik.io/callback?X-authentik-auth-callback=true`;
}

/** Name of the outpost's cookie since authentik 2025.6.1: eight hex characters of the hashed client id. */
export function cookieName(app: App): string {
  return `authentik_proxy_${sha256(app.clientId).toString('hex').slice(0, 8)}`;
}

/** The OAuth state since authentik 2024.6: a signed token whose payload anybody can read. */
export function signState(
  app: App,
  payload: { sid: string; state: string; redirect: string },
  key: Buffer,
): string {
  const claims = { iss: `goauthentik.io/outpost/${app.clientId}`, ...payload };
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${mac(text, key)}`;
}

/** Cookie value: session id, signed. */
export function signCookie(app: App, sid: string, key: Buffer): string {
  const text = `${Buffer.from(`${cookieName(app)}|${sid}`).toString('base64url')}`;
  return `${text}.${mac(text, key)}`;
}

/** Session id of a cookie value that we signed for this application, or null. */
export function openCookie(app: App, value: string, key: Buffer): string | null {
  const [text = '', signature = ''] = value.split('.', 2);
  const expected = Buffer.from(mac(text, key));
  const found = Buffer.from(signature);
  if (found.length !== expected.length || !timingSafeEqual(found, expected)) return null;
  const [name, sid] = Buffer.from(text, 'base64url').toString().split('|', 2);
  return name === cookieName(app) && sid !== undefined ? sid : null;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function mac(text: string, key: Buffer): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
