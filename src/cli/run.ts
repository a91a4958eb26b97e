// `gatewatch run`: the daemon. With no file named and none found it watches the built-in demo site, and says so.

import { existsSync } from 'node:fs';
import type { Command } from './contract.ts';
import { runDaemon } from './daemon.ts';
import { runDemo, USUAL_LISTEN } from './demo-site.ts';

/** Looked for in the current folder when no file is named. */
export const DEFAULT_FILE = 'gatewatch.yaml';

export const runCommand: Command = {
  name: 'run',
  usage: '[--config FILE]',
  summary: 'Watch the site and raise alerts: the daemon.',
  help: [
    `Reads ${DEFAULT_FILE} of the current folder, or FILE. Without either it watches the built-in demo site.`,
    'SIGHUP or POST /-/reload reloads the configuration, SIGTERM stops.',
  ],
  options: { config: { type: 'string', short: 'c' } },
  takesNames: false,
  async run({ options, environment, print }) {
    const named = options['config'];
    // A named file that is missing is an error, never the demo (threats P6).
    const file = typeof named === 'string' ? named : existsSync(DEFAULT_FILE) ? DEFAULT_FILE : null;
    if (file === null) {
      print.note(`No ${DEFAULT_FILE} here and no --config: watching the built-in demo site instead.`);
      return runDemo({ print, faults: [], listen: USUAL_LISTEN, caller: environment });
    }
    return runDaemon({ source: { file }, environment, demo: null, announce: () => {} });
  },
};
