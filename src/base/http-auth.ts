// Credentials for servers that we ask by ourselves: receivers of alerts and sources of targets. Never for targets.

import { z } from 'zod';
import { Secret } from './secret.ts';

export interface HttpAuth {
  readonly basic?: { readonly username: string; readonly password: Secret } | undefined;
  readonly bearer?: Secret | undefined;
}

const secret = z
  .string()
  .min(1)
  .transform((text) => new Secret(text));

/** `auth:` of a receiver or of a source. */
export const httpAuthSchema: z.ZodType<HttpAuth> = z.union([
  z.strictObject({ basic: z.strictObject({ username: z.string(), password: secret }) }),
  z.strictObject({ bearer: secret }),
]);

/** Value of the Authorization header; null without credentials. A secret. */
export function authorizationOf(auth: HttpAuth | null): string | null {
  if (auth?.bearer !== undefined) return `Bearer ${auth.bearer.reveal()}`;
  if (auth?.basic === undefined) return null;
  const { username, password } = auth.basic;
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString('base64')}`;
}
