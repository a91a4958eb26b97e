// `gatewatch targets`: what is watched, where it comes from, what does not fit, and the last verdict. Lists the sources
// anew; verdicts are those that a daemon has stored.

import { existsSync } from 'node:fs';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import type { Discovered } from '../discover/discovery.ts';
import { discoverOnce } from '../discovering.ts';
import type { Target } from '../model/target.ts';
import { VERDICTS, type Verdict } from '../model/verdict.ts';
import { openStore } from '../store/store.ts';
import type { Command } from './contract.ts';
import { type Print, pad } from './print.ts';
import { DEFAULT_FILE } from './run.ts';

export const targetsCommand: Command = {
  name: 'targets',
  usage: '[--json] [--config FILE]',
  summary: 'List the targets with their sources, what does not fit, and the last verdict.',
  help: [
    'Lists all sources anew. `new` is not in the baseline yet; lines under the table are drift.',
    'Exit 1 when a source cannot be listed.',
  ],
  options: { config: { type: 'string', short: 'c' }, json: { type: 'boolean' } },
  takesNames: false,
  async run({ options, environment, print }) {
    const { config } = loadConfig({ file: String(options['config'] ?? DEFAULT_FILE) }, environment);
    const { discovered, failures } = await discoverOnce(config, systemClock);
    const rows = rowsOf(discovered, lastVerdicts(config));
    if (options['json'] === true) print.json({ targets: rows, drift: discovered.drift, failures });
    else printRows(rows, discovered, print);
    for (const failure of failures) print.note(`gatewatch targets: ${failure}`);
    return failures.length === 0 ? 0 : 1;
  },
};

interface Row {
  readonly id: string;
  readonly expect: Readonly<Record<string, string>>;
  readonly gate: string | null;
  readonly paths: readonly string[];
  readonly sources: readonly string[];
  readonly isNew: boolean;
  readonly drift: readonly string[];
  /** The worst of its checks; null before the first result. */
  readonly verdict: Verdict | null;
}

function rowsOf({ targets, sources, drift, unaccepted }: Discovered, verdicts: Map<string, Verdict>): Row[] {
  const about = Map.groupBy(drift, ({ target }) => target ?? '');
  return targets.map(({ id, expect, gate, paths }: Target) => ({
    id,
    expect: Object.fromEntries(Object.entries(expect).map(([path, { is }]) => [path, is])),
    gate,
    paths,
    sources: sources.get(id) ?? [],
    isNew: unaccepted.has(id),
    drift: (about.get(id) ?? []).map(({ text }) => text),
    verdict: verdicts.get(id) ?? null,
  }));
}

/** From the worst to the best; what is unknown says least. */
const BADNESS: readonly Verdict[] = ['unknown', 'up', 'degraded', 'down'];

/** The worst newest verdict of each target's checks. */
function lastVerdicts(config: Config): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  if (!existsSync(config.store.file)) return verdicts;
  using store = openStore({ ...config.store, clock: systemClock, log: silentLog(), readonly: true });
  for (const { check, verdict } of store.results.latest()) {
    const [, target] = /^(?!canary:)[a-z]+:[^:]*:(.*)$/s.exec(check) ?? [];
    if (target === undefined || !VERDICTS.includes(verdict)) continue;
    const before = verdicts.get(target);
    if (before === undefined || BADNESS.indexOf(verdict) > BADNESS.indexOf(before))
      verdicts.set(target, verdict);
  }
  return verdicts;
}

function printRows(rows: readonly Row[], { drift }: Discovered, print: Print): void {
  const table = rows.map((row) => [
    row.id,
    [...new Set(Object.values(row.expect))].join('/'),
    row.gate ?? '-',
    row.paths.join(','),
    row.sources.join(','),
    row.verdict ?? '-',
    [...(row.isNew ? ['new'] : []), ...(row.drift.length > 0 ? ['drift'] : [])].join(' '),
  ]);
  const head = ['TARGET', 'EXPECTS', 'GATE', 'PATHS', 'SOURCES', 'LAST', ''];
  const widths = head.map((word, at) =>
    Math.max(word.length, ...table.map((cells) => cells[at]?.length ?? 0)),
  );
  const lineOf = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => pad(cell, widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  print.line(print.paint('bold', lineOf(head)));
  for (const cells of table) print.line(lineOf(cells));
  if (drift.length > 0) print.line();
  for (const { source, text } of drift) print.line(`${print.paint('yellow', '▲')} ${source}: ${text}`);
}
