// `gatewatch account resume NAME`: a person's word that an account may log in again after its logins were stopped.

import { existsSync } from 'node:fs';
import { loadConfig } from '../config/load.ts';
import { addResumed } from '../store/spent.ts';
import { type Command, UsageError } from './contract.ts';
import { DEFAULT_FILE } from './run.ts';

export const accountCommand: Command = {
  name: 'account',
  usage: 'resume NAME [--config FILE]',
  summary: 'Let an account log in again whose logins were stopped after three refusals.',
  help: [
    'After three logins in a row that were refused, the daemon makes no more with that account, so that it does not get',
    'locked. Find out why first: try it by hand. A changed password or TOTP secret resumes it too.',
  ],
  options: { config: { type: 'string', short: 'c' } },
  takesNames: true,
  async run({ options, positionals, environment, print }) {
    const [action, name, ...rest] = positionals;
    if (action !== 'resume' || name === undefined || rest.length > 0)
      throw new UsageError('say: gatewatch account resume NAME');
    const { config } = loadConfig({ file: String(options['config'] ?? DEFAULT_FILE) }, environment);
    if (!config.accounts.some((account) => account.name === name))
      throw new UsageError(`no account ${name} in the configuration`);
    if (!existsSync(config.store.file))
      throw new UsageError('no daemon has run with this store: nothing is stopped');
    if (!addResumed(config.store.file, name)) {
      print.note('the store could not be written');
      return 3;
    }
    print.line(`the account ${name} may log in again; a running daemon hears of it within seconds`);
    return 0;
  },
};
