// The secret texts of a configuration: what must be taken out of words that nobody of us wrote, such as those of an
// exception that ends the process.

import { accountSecrets } from '../model/account.ts';
import type { Config } from './config.ts';

/** Header values, credentials, and addresses that are credentials. */
export function secretsIn(config: Config): string[] {
  const { targets, discover, receivers, heartbeat, web, paths, accounts, store } = config;
  return [
    ...targets.flatMap(({ headers }) => Object.values(headers)),
    ...receivers.flatMap((receiver) => [
      ...(receiver.kind === 'webhook' ? [receiver.url.reveal()] : []),
      ...[receiver.auth?.bearer, receiver.auth?.basic?.password].flatMap((one) => one?.reveal() ?? []),
    ]),
    ...discover.sources.flatMap(({ option }) =>
      'auth' in option
        ? [option.auth?.bearer, option.auth?.basic?.password].flatMap((one) => one?.reveal() ?? [])
        : [],
    ),
    ...(heartbeat === null ? [] : [heartbeat.url.reveal()]),
    ...[web.auth?.basic?.password, ...(web.auth?.tokens ?? []).map(({ token }) => token)].flatMap(
      (one) => one?.reveal() ?? [],
    ),
    ...paths.flatMap(({ tls }) => tls.key ?? []),
    ...accounts.flatMap(accountSecrets),
    ...store.keys.map((key) => key.reveal()),
  ];
}
