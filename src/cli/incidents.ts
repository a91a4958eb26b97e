// `gatewatch incidents`: what opened and ended, from the store, beside a running daemon.

import { existsSync } from 'node:fs';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { describeIncident } from '../config/alert-text.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import type { Incident } from '../model/incident.ts';
import { openStore } from '../store/store.ts';
import { type Command, type Invocation, UsageError } from './contract.ts';
import { instantFrom, utc } from './instant.ts';
import type { Print } from './print.ts';
import { DEFAULT_FILE } from './run.ts';
import { tableLines } from './table.ts';

const USUAL = 50;
const STATES = ['open', 'recovering', 'resolved', 'active'] as const;

export const incidentsCommand: Command = {
  name: 'incidents',
  usage: '[--state active] [--since 7d] [--limit 50] [--json] [--config FILE]',
  summary: 'Show stored incidents, newest first.',
  help: [
    '--state: open, recovering, resolved, or active for the first two.',
    '--since: those that were open at some time after it; how long ago (36h), or a date of UTC. Times are UTC.',
  ],
  options: {
    config: { type: 'string', short: 'c' },
    state: { type: 'string' },
    since: { type: 'string' },
    limit: { type: 'string' },
    json: { type: 'boolean' },
  },
  takesNames: false,
  async run({ options, environment, print }) {
    const { config } = loadConfig({ file: String(options['config'] ?? DEFAULT_FILE) }, environment);
    const { state, limit, ...query } = queryFrom(options);
    if (!existsSync(config.store.file)) {
      print.note(
        `gatewatch incidents: no store at ${config.store.file}: nothing has run with this configuration yet`,
      );
      return 2;
    }
    using store = openStore({ ...config.store, clock: systemClock, log: silentLog(), readonly: true });
    const found =
      state === 'active'
        ? store.incidents.open().toReversed().slice(0, limit)
        : store.incidents.list({ ...query, limit, ...(state === null ? {} : { state }) });
    if (options['json'] === true) {
      print.json(found.map((incident) => ({ ...incident, ...describeIncident(incident, config) })));
      return 0;
    }
    if (found.length === 0) print.note('no incidents match');
    else printAll(found, config, print);
    return 0;
  },
};

function queryFrom(options: Invocation['options']) {
  const written = options['state'];
  const state = STATES.find((one) => one === written) ?? null;
  if (written !== undefined && state === null)
    throw new UsageError(`no state '${String(written)}'; there are ${STATES.join(', ')}`);
  const limit = Number(options['limit'] ?? USUAL);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new UsageError('--limit must be 1 to 1000');
  const since = options['since'];
  return { state, limit, ...(typeof since === 'string' ? { since: instantFrom('since', since) } : {}) };
}

function printAll(found: readonly Incident[], config: Config, print: Print): void {
  const rows = found.map((incident) => {
    const { id, state, openedAt, resolvedAt, blame, targets } = incident;
    return [
      id,
      utc(openedAt),
      resolvedAt === null ? print.paint('red', state) : utc(resolvedAt),
      blame?.id ?? (incident.kind === 'shared' ? 'unmodelled' : (targets[0] ?? '–')),
      String(targets.length),
      describeIncident(incident, config).summary,
    ];
  });
  const [head = '', ...lines] = tableLines([
    ['id', 'opened', 'resolved', 'blame', 'services', 'summary'],
    ...rows,
  ]);
  print.line(print.paint('bold', head));
  for (const line of lines) print.line(line);
}
