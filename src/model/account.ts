// Accounts: who signed-in visits sign in as, and where they may go (DESIGN 6 and 10, Credentials). Secrets are in
// memory only.

import type { GateName } from './gate.ts';

export type AccountName = string & { readonly __brand: 'AccountName' };

/** A value that shows itself to nobody who does not ask: base/secret.ts. */
interface Hidden {
  reveal(): string;
}

/**
 * password  typed into the login of the gate: by `login` visits over HTTP, by `browser` visits in a page
 * bearer    sent with each request of a `session` visit
 * basic     the same, as user name and application password
 * client    OAuth2 client credentials: a bearer token is minted at the identity provider
 */
export type Credential =
  | {
      readonly kind: 'password';
      readonly username: string;
      readonly password: Hidden;
      /** Base32 secret of RFC 6238, or an `otpauth://` URL; null = no second factor. */
      readonly totp: Hidden | null;
    }
  | { readonly kind: 'bearer'; readonly token: Hidden }
  | { readonly kind: 'basic'; readonly username: string; readonly password: Hidden }
  | {
      readonly kind: 'client';
      /** On the origin of the gate's url. */
      readonly tokenUrl: string;
      readonly id: string;
      readonly secret: Hidden;
      readonly scope: string;
    };

export interface Account {
  readonly name: AccountName;
  readonly gate: GateName;
  readonly credential: Credential;
  /** Hosts its sessions and credentials may go to: names, or `*.name` for all below it. */
  readonly hosts: readonly string[];
  /** Hosts that must refuse it; they win over `hosts`. */
  readonly denied: readonly string[];
}

/** Whether the account is to get the app on that host (lower case, no port, no dot at its end). */
export function mayEnter(account: Account, host: string): boolean {
  return matches(account.hosts, host) && !isDenied(account, host);
}

/** Whether the right answer of that host is a refusal. */
export function isDenied(account: Account, host: string): boolean {
  return matches(account.denied, host);
}

/**
 * Whether a session or an API credential may be in a request for the URL: https to a host that is listed, to enter it
 * or to be refused. Being below the domain of a cookie is no permission (threats C1).
 */
export function mayCarry(account: Account, url: URL): boolean {
  if (url.protocol !== 'https:' || url.username !== '' || url.password !== '') return false;
  return mayEnter(account, url.hostname) || isDenied(account, url.hostname);
}

function matches(patterns: readonly string[], host: string): boolean {
  return patterns.some((pattern) =>
    pattern.startsWith('*.')
      ? host.length > pattern.length - 1 && host.endsWith(pattern.slice(1))
      : host === pattern,
  );
}

/** Every secret text of an account, for taking it out of what is kept. */
export function accountSecrets({ credential }: Account): readonly string[] {
  switch (credential.kind) {
    case 'password':
      return [credential.password, credential.totp].flatMap((one) => one?.reveal() ?? []);
    case 'bearer':
      return [credential.token.reveal()];
    case 'basic':
      return [credential.password.reveal(), basicText(credential.username, credential.password)];
    case 'client':
      return [credential.secret.reveal()];
  }
}

/** What `Authorization: Basic` carries (RFC 7617). */
export function basicText(username: string, password: Hidden): string {
  return Buffer.from(`${username}:${password.reveal()}`).toString('base64');
}
