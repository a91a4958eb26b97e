// JSON web tokens with HS256 (RFC 7515), as gate and identity provider of the demo sign and read them.

import { createHmac, timingSafeEqual } from 'node:crypto';

/** Three parts with dots; anybody can read the middle one. */
export function signJwt(claims: Readonly<Record<string, unknown>>, key: Buffer | string): string {
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${mac(text, key)}`;
}

/** The claims of a token that was signed with this key, or null. */
export function openJwt(token: string, key: Buffer | string): unknown {
  const end = token.lastIndexOf('.');
  const text = token.slice(0, Math.max(end, 0));
  if (!isMac(token.slice(end + 1), text, key)) return null;
  return JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString() || 'null');
}

export function mac(text: string, key: Buffer | string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

/** Whether this is the text's signature; takes the same time for every wrong one. */
export function isMac(signature: string, text: string, key: Buffer | string): boolean {
  const [expected, found] = [Buffer.from(mac(text, key)), Buffer.from(signature)];
  return found.length === expected.length && timingSafeEqual(found, expected);
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
