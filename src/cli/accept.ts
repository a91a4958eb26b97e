// `gatewatch accept`: a person says that what is found now is right. Writes the lock file that `baseline:` names.

import { renameSync, writeFileSync } from 'node:fs';
import { systemClock } from '../base/clock.ts';
import { errorText } from '../base/log.ts';
import { loadConfig } from '../config/load.ts';
import { baselineChanges, baselineText } from '../discover/baseline.ts';
import { discoverOnce } from '../discovering.ts';
import type { Command } from './contract.ts';
import type { Print } from './print.ts';
import { DEFAULT_FILE } from './run.ts';

/** Share of the accepted targets whose loss must be asked for by name: a source that is being restarted lists none. */
const LARGEST_LOSS = 0.5;

export const acceptCommand: Command = {
  name: 'accept',
  usage: '[--dry-run] [--force] [--config FILE]',
  summary: 'Accept what is found now: write the baseline.',
  help: [
    'Lists all sources, says what would change, and writes the file that `baseline:` names; commit it to git.',
    'A running daemon reads it at once. --dry-run writes nothing. --force accepts also that more than half is gone.',
    'Exit 1 when a source cannot be listed: then nothing is written.',
  ],
  options: {
    config: { type: 'string', short: 'c' },
    'dry-run': { type: 'boolean' },
    force: { type: 'boolean' },
  },
  takesNames: false,
  async run({ options, environment, print }) {
    const { config } = loadConfig({ file: String(options['config'] ?? DEFAULT_FILE) }, environment);
    const { baselineFile: file, baseline } = config.discover;
    if (file === null || baseline === null) {
      print.note('gatewatch accept: the configuration has no `baseline:`; name a file there');
      return 2;
    }
    const unheld = { ...config, discover: { ...config.discover, baseline: null } };
    const { discovered, failures } = await discoverOnce(unheld, systemClock);
    for (const failure of failures) print.note(`gatewatch accept: ${failure}`);
    if (failures.length > 0) return 1;
    const changes = baselineChanges(baseline, discovered.targets);
    printChanges(changes, print);
    if (changes.removed.length > baseline.size * LARGEST_LOSS && options['force'] !== true) {
      print.note('gatewatch accept: more than half of what was accepted is gone; --force accepts that too');
      return 1;
    }
    if (options['dry-run'] === true) return 0;
    try {
      // Whoever reads it meanwhile sees the old file or the new one.
      writeFileSync(`${file}.new`, baselineText(discovered.targets));
      renameSync(`${file}.new`, file);
    } catch (error) {
      print.note(`gatewatch accept: ${file} cannot be written: ${errorText(error)}`);
      return 2;
    }
    print.line(`${print.paint('green', '✔')} ${discovered.targets.length} targets accepted in ${file}`);
    return 0;
  },
};

function printChanges(changes: ReturnType<typeof baselineChanges>, print: Print): void {
  for (const id of changes.added) print.line(`${print.paint('green', '+')} ${id}`);
  for (const id of changes.changed) print.line(`${print.paint('yellow', '~')} ${id}`);
  for (const id of changes.removed) print.line(`${print.paint('red', '-')} ${id}`);
}
