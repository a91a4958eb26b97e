// `gatewatch results`: what the store remembers, beside a running daemon: "since when, for whom, over which path".

import { existsSync } from 'node:fs';
import { systemClock } from '../base/clock.ts';
import { humanDuration, parseDuration } from '../base/duration.ts';
import { silentLog } from '../base/log.ts';
import { loadConfig } from '../config/load.ts';
import type { StoredResult } from '../model/result.ts';
import { VERDICTS, type Verdict } from '../model/verdict.ts';
import { openStore, type Store } from '../store/store.ts';
import { type Command, type Invocation, UsageError } from './contract.ts';
import { pad } from './print.ts';
import { DEFAULT_FILE } from './run.ts';

const USUAL = 50;

export const resultsCommand: Command = {
  name: 'results',
  usage: '[--target ID] [--check ID] [--since 24h] [--verdict down] [--limit 50] [--json] [--config FILE]',
  summary: 'Show stored results, newest first.',
  help: ['--verdict may be given more than once: up, degraded, down, unknown.', 'Times are UTC.'],
  options: {
    config: { type: 'string', short: 'c' },
    target: { type: 'string' },
    check: { type: 'string' },
    since: { type: 'string' },
    verdict: { type: 'string', multiple: true },
    limit: { type: 'string' },
    json: { type: 'boolean' },
  },
  takesNames: false,
  async run({ options, environment, print }) {
    const { config } = loadConfig({ file: String(options['config'] ?? DEFAULT_FILE) }, environment);
    const query = queryFrom(options);
    if (!existsSync(config.store.file)) {
      print.note(
        `gatewatch results: no store at ${config.store.file}: nothing has run with this configuration yet`,
      );
      return 2;
    }
    using store = openStore({ ...config.store, clock: systemClock, log: silentLog(), readonly: true });
    // The store counts by end; what is shown is the start.
    const results = store.results.query(query).toSorted((a, b) => b.at - a.at || b.id - a.id);
    if (options['json'] === true) {
      print.json(results);
      return 0;
    }
    if (results.length === 0) {
      print.note('no results match');
      return 0;
    }
    const width = Math.max(...results.map((result) => result.check.length));
    for (const result of results) print.line(lineOf(result, width));
    return 0;
  },
};

function queryFrom(options: Invocation['options']): Parameters<Store['results']['query']>[0] {
  const verdicts = [options['verdict'] ?? []].flat().map(String);
  const wrong = verdicts.find((verdict) => !(VERDICTS as readonly string[]).includes(verdict));
  if (wrong !== undefined) throw new UsageError(`no verdict '${wrong}'; there are ${VERDICTS.join(', ')}`);
  const limit = Number(options['limit'] ?? USUAL);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new UsageError('--limit must be 1 to 1000');
  const sinceMs = options['since'] === undefined ? null : parseDuration(String(options['since']));
  if (options['since'] !== undefined && sinceMs === null)
    throw new UsageError('--since must be a duration, like 24h');
  return {
    limit,
    ...(typeof options['check'] === 'string' ? { check: options['check'] } : {}),
    ...(typeof options['target'] === 'string' ? { target: options['target'] } : {}),
    ...(sinceMs === null ? {} : { since: systemClock.now() - sinceMs }),
    ...(verdicts.length > 0 ? { verdicts: verdicts as Verdict[] } : {}),
  };
}

function lineOf(result: StoredResult, width: number): string {
  const time = new Date(result.at).toISOString().replace('T', ' ').slice(0, 19);
  const what = result.signature === null ? result.verdict : `${result.verdict} ${result.signature}`;
  const status = result.status === null ? '   ' : String(result.status);
  return `${time}  ${pad(result.check, width)}  ${status}  ${pad(what, 28)} ${pad(humanDuration(result.durationMs), 7)} ${result.reason}`.trimEnd();
}
