// Codes and access tokens that the identity provider of the demo has issued (reference/authentik.md 4, 5).

import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { remember } from './bounded-map.ts';
import type { App } from './gate-app.ts';
import { signJwt } from './jwt.ts';
import type { User } from './users.ts';

const CODE_MS = 60_000;

/** Who an application may take somebody for. */
interface Grant {
  readonly app: App;
  readonly user: User;
  readonly expiresAt: number;
}

export interface Grants {
  /** Seconds a token is good for. */
  readonly tokenSeconds: number;
  /** A code by which the application learns who the user is; good once, for a minute. */
  issueCode(app: App, user: User): string;
  /** The user of a code of this application, which is spent by asking; null when it is not good. */
  redeemCode(app: App, code: string): User | null;
  /** A token that is signed for the application. */
  issueToken(app: App, user: User): string;
  userOf(token: string): User | null;
}

export function createGrants(options: { clock: Clock; tokenSeconds: number }): Grants {
  const { clock, tokenSeconds } = options;
  const codes = new Map<string, Grant>();
  const tokens = new Map<string, Grant>();
  const isGood = (grant: Grant | undefined): grant is Grant =>
    grant !== undefined && grant.expiresAt > clock.monotonic();
  return {
    tokenSeconds,
    issueCode(app, user) {
      const code = randomBytes(16).toString('hex');
      remember(codes, code, { app, user, expiresAt: clock.monotonic() + CODE_MS });
      return code;
    },
    redeemCode(app, code) {
      const grant = codes.get(code);
      codes.delete(code);
      return isGood(grant) && grant.app.clientId === app.clientId ? grant.user : null;
    },
    issueToken(app, user) {
      const iat = Math.floor(clock.now() / 1000);
      const claims = {
        aud: app.clientId,
        iat,
        exp: iat + tokenSeconds,
        jti: randomBytes(16).toString('hex'),
      };
      const token = signJwt({ ...claims, ...claimsOf(user) }, app.clientSecret);
      remember(tokens, token, { app, user, expiresAt: clock.monotonic() + tokenSeconds * 1000 });
      return token;
    },
    userOf(token) {
      const grant = tokens.get(token);
      return isGood(grant) ? grant.user : null;
    },
  };
}

/** What the provider says about a user. */
export function claimsOf(user: User): Readonly<Record<string, unknown>> {
  const { username } = user;
  const email = `${username}@casa.test`;
  return { sub: username, preferred_username: username, name: username, email, groups: ['demo'] };
}

/** Whether the application's policies let the user in. */
export function mayEnter(user: User, app: App): boolean {
  return !user.denied.includes(app.host);
}
