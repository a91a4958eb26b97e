// Accounts for tests: one of each kind of credential, with secrets that are easy to find.

import { Secret } from '../../src/base/secret.ts';
import type { Account, AccountName, Credential } from '../../src/model/account.ts';
import type { GateName } from '../../src/model/gate.ts';

export const PASSWORD: Credential = {
  kind: 'password',
  username: 'probe',
  password: new Secret('geheim-password'),
  totp: new Secret('GEHEIMTOTPGEHEIM'),
};

export function account(over: Partial<Account> = {}): Account {
  return {
    name: 'monitor' as AccountName,
    gate: 'authentik' as GateName,
    credential: PASSWORD,
    hosts: ['app.site.test'],
    denied: [],
    ...over,
  };
}
