// `gatewatch replay`: what the stored results of a period would have rung under this configuration, or under another
// one. Reads the store beside a running daemon, page by page, without a lock.

import { existsSync } from 'node:fs';
import { sleep, systemClock } from '../base/clock.ts';
import { humanDuration } from '../base/duration.ts';
import { silentLog } from '../base/log.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import type { EpochMs } from '../model/observation.ts';
import { type Replayed, type ReplayedIncident, replayPast } from '../replay.ts';
import { openStore, type Store } from '../store/store.ts';
import { type Command, type ExitCode, UsageError } from './contract.ts';
import { instantFrom, utc } from './instant.ts';
import type { Print } from './print.ts';
import { type Difference, differenceOf } from './replay-difference.ts';
import { DEFAULT_FILE } from './run.ts';
import { tableLines } from './table.ts';

const USUAL_MS = 30 * 86_400_000;
/** Results read at once, some megabytes. */
const PAGE = 5_000;
/** Names listed of what was left out. */
const NAMED = 10;

interface Period {
  readonly since: EpochMs;
  readonly until: EpochMs;
}

export const replayCommand: Command = {
  name: 'replay',
  usage: '[--since 30d] [--until 2026-04-18] [--compare OTHER.yaml] [--json] [--config FILE]',
  summary: 'Say which incidents and alerts the stored results give under a configuration.',
  help: [
    'Runs the results of a period through the engine of the daemon, under the configuration as it is now, and lists',
    'the incidents with their alerts. Nothing is probed, stored or sent; a running daemon is not disturbed.',
    'With --compare also under another one: what opens in one only, is blamed differently, earlier or later.',
    'Verdicts are the stored ones: a changed `expect` or signature shows in results to come.',
    'Left out: targets that the configuration does not have, and what is not in results (its own trouble with the',
    'store, receivers or clock, certificates near their end, session budgets).',
    '--since and --until: how long ago (36h), or a date of UTC (2026-04-18, 2026-04-18T16:05Z). Times are UTC.',
  ],
  options: {
    config: { type: 'string', short: 'c' },
    since: { type: 'string' },
    until: { type: 'string' },
    compare: { type: 'string' },
    json: { type: 'boolean' },
  },
  takesNames: false,
  async run({ options, environment, print }) {
    const { config } = loadConfig({ file: String(options['config'] ?? DEFAULT_FILE) }, environment);
    const other = options['compare'];
    const configs = [config];
    if (typeof other === 'string') configs.push(loadConfig({ file: other }, environment).config);
    const period = periodFrom(options);
    if (!existsSync(config.store.file)) {
      print.note(
        `gatewatch replay: no store at ${config.store.file}: nothing has run with this configuration yet`,
      );
      return 2;
    }
    using store = openStore({ ...config.store, clock: systemClock, log: silentLog(), readonly: true });
    const replayed = await replayAll(store, configs, period, print);
    if (options['json'] === true) print.json(jsonOf(period, replayed));
    else printAll(period, replayed, print);
    return 0 satisfies ExitCode;
  },
};

function periodFrom(options: Readonly<Record<string, unknown>>): Period {
  const at = (option: string, usual: EpochMs): EpochMs =>
    typeof options[option] === 'string' ? instantFrom(option, options[option]) : usual;
  const now = systemClock.now();
  const period = { since: at('since', now - USUAL_MS), until: at('until', now) };
  if (period.since >= period.until) throw new UsageError('--since must be before --until');
  return period;
}

function replayAll(
  store: Store,
  configs: readonly Config[],
  period: Period,
  print: Print,
): Promise<Replayed[]> {
  return replayPast(store.past, {
    configs,
    ...period,
    knowledge: store.facts,
    page: PAGE,
    after({ results, at }) {
      print.progress(`${results} results, up to ${utc(at)}`);
      return sleep(systemClock, 0);
    },
  }).finally(() => print.progress(''));
}

function jsonOf(period: Period, [replayed, other]: readonly Replayed[]): unknown {
  const shown = { ...period, ...replayed };
  if (replayed === undefined || other === undefined) return shown;
  return { ...shown, compare: { ...other, difference: differenceOf(replayed.incidents, other.incidents) } };
}

function printAll(period: Period, [replayed, other]: readonly Replayed[], print: Print): void {
  if (replayed === undefined) return;
  if (replayed.results === 0) {
    print.note(`no results from ${utc(period.since)} until ${utc(period.until)}`);
    return;
  }
  if (other === undefined) {
    printIncidents(replayed.incidents, print);
    printFooter(period, replayed, print);
    return;
  }
  printDifference(differenceOf(replayed.incidents, other.incidents), print);
  printFooter(period, replayed, print);
}

function printFooter(period: Period, { results, incidents, leftOut, pauses }: Replayed, print: Print): void {
  print.line();
  print.line(
    `${counted(incidents.length, 'incident')} in ${counted(results, 'result')} from ${utc(period.since)} until ${utc(period.until)}`,
  );
  if (pauses > 0) print.line(`the daemon did not run, or stored nothing, ${counted(pauses, 'time')}`);
  if (leftOut.length === 0) return;
  const named = leftOut.slice(0, NAMED).map(({ id, results: count }) => `${id} (${count})`);
  const more = leftOut.length > NAMED ? `, and ${leftOut.length - NAMED} more` : '';
  print.line(`left out, not in this configuration: ${named.join(', ')}${more}`);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

const HEAD = ['opened', 'resolved', 'severity', 'blame', 'services', 'alert'];

function printIncidents(incidents: readonly ReplayedIncident[], print: Print): void {
  if (incidents.length === 0) {
    print.line('no incident');
    return;
  }
  const [head = '', ...lines] = tableLines([HEAD, ...incidents.map((incident) => cellsOf(incident, print))]);
  print.line(print.paint('bold', head));
  for (const line of lines) print.line(line);
}

function cellsOf(incident: ReplayedIncident, print: Print): string[] {
  const { openedAt, resolvedAt, severity, blame, firstBlame, targets, supersededBy } = incident;
  const end = resolvedAt === null ? 'still open' : utc(resolvedAt);
  const ended = supersededBy === null ? end : `${end} (${supersededBy})`;
  return [
    openedAt === null ? 'before' : utc(openedAt),
    ended,
    print.paint(severity === 'critical' ? 'red' : 'yellow', severity),
    firstBlame === null ? blame : `${blame} (first ${firstBlame})`,
    String(targets.length),
    alertText(incident),
  ];
}

function alertText({ alertname, labels }: ReplayedIncident): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? alertname : `${alertname}{${pairs.join(',')}}`;
}

function printDifference(difference: Difference, print: Print): void {
  const { onlyBefore, onlyAfter, changed, same } = difference;
  const part = (title: string, incidents: readonly ReplayedIncident[]): void => {
    if (incidents.length === 0) return;
    print.line(print.paint('bold', title));
    printIncidents(incidents, print);
    print.line();
  };
  part('Only under this configuration', onlyBefore);
  part('Only under the other', onlyAfter);
  if (changed.length > 0) print.line(print.paint('bold', 'Otherwise under the other'));
  for (const pair of changed) {
    const { before } = pair;
    const opened = before.openedAt === null ? 'before' : utc(before.openedAt);
    print.line(`${opened}  ${before.blame}: ${changesOf(pair).join('; ')}`);
  }
  if (changed.length > 0) print.line();
  print.line(`${counted(same, 'incident')} the same under both`);
}

function changesOf(pair: Difference['changed'][number]): string[] {
  const { before, after, opensLaterMs, endsLaterMs, endsOnlyIn } = pair;
  const changes: string[] = [];
  if (pair.blamedDifferently)
    changes.push(`blamed on ${after.blame}, alert ${alertText(after)} instead of ${alertText(before)}`);
  if (opensLaterMs !== null && opensLaterMs !== 0) changes.push(`opens ${moved(opensLaterMs)}`);
  if (endsLaterMs !== null && endsLaterMs !== 0) changes.push(`ends ${moved(endsLaterMs)}`);
  if (endsOnlyIn !== null) changes.push(endsOnlyIn === 'after' ? 'ends' : 'does not end');
  return changes;
}

function moved(laterMs: number): string {
  return `${humanDuration(Math.abs(laterMs))} ${laterMs > 0 ? 'later' : 'earlier'}`;
}
