// What the outpost and the identity provider of the demo both know of an application: client, address, cookie, state.

import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { isMac, mac, openJwt, signJwt } from './jwt.ts';

/** One application behind the gate (authentik: a proxy provider in mode forward_single). */
export interface App {
  /** Lower-case host name. */
  readonly host: string;
  /** Origin as a browser sees it, with the port when it is not the scheme's own. */
  readonly external: string;
  readonly clientId: string;
  /** By which the outpost proves itself to the provider. */
  readonly clientSecret: string;
}

/**
 * Application at that origin. Its client id is the same at every start, so that what a prober learned stays right;
 * its secret is new.
 */
export function createApp(external: string): App {
  const clientId = sha256(`gatewatch demo ${new URL(external).hostname}`)
    .toString('base64url')
    .slice(0, 40);
  const clientSecret = randomBytes(64).toString('base64url');
  return { host: new URL(external).hostname, external, clientId, clientSecret };
}

/** Where the login returns to. */
export function callbackUrl(app: App): string {
  return `${app.external}/outpost.goauthentik.io/callback?X-authentik-auth-callback=true`;
}

/** Name of the outpost's cookie since authentik 2025.6.1: eight hex characters of the hashed client id. */
export function cookieName(app: App): string {
  return `authentik_proxy_${sha256(app.clientId).toString('hex').slice(0, 8)}`;
}

const stateSchema = z.object({ iss: z.string(), sid: z.string(), redirect: z.string() });

/** The OAuth state since authentik 2024.6: a signed token whose payload anybody can read. */
export function signState(
  app: App,
  payload: { sid: string; state: string; redirect: string },
  key: Buffer,
): string {
  return signJwt({ iss: issuer(app), ...payload }, key);
}

/** Session and return URL of a state that we signed for this application, or null. */
export function openState(app: App, state: string, key: Buffer): { sid: string; redirect: string } | null {
  const { data } = stateSchema.safeParse(openJwt(state, key));
  return data?.iss === issuer(app) ? { sid: data.sid, redirect: data.redirect } : null;
}

function issuer(app: App): string {
  return `goauthentik.io/outpost/${app.clientId}`;
}

/** Cookie value: session id, signed. */
export function signCookie(app: App, sid: string, key: Buffer): string {
  const text = `${Buffer.from(`${cookieName(app)}|${sid}`).toString('base64url')}`;
  return `${text}.${mac(text, key)}`;
}

/** Session id of a cookie value that we signed for this application, or null. */
export function openCookie(app: App, value: string, key: Buffer): string | null {
  const [text = '', signature = ''] = value.split('.', 2);
  if (!isMac(signature, text, key)) return null;
  const [name, sid] = Buffer.from(text, 'base64url').toString().split('|', 2);
  return name === cookieName(app) && sid !== undefined ? sid : null;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
