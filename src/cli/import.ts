// `gatewatch import`: a configuration from another monitor's, and what that way of watching cost. Standard output has
// the configuration alone, so that it can be redirected.

import { writeFileSync } from 'node:fs';
import { errorText } from '../base/log.ts';
import { httpUrl } from '../base/schema.ts';
import { costsOf, type ZoneCost } from '../import/cost.ts';
import { importBlackbox } from '../import/import-blackbox.ts';
import { importGatus } from '../import/import-gatus.ts';
import { importKuma } from '../import/import-kuma.ts';
import { ImportError, type Imported, type SharedOutage } from '../import/imported.ts';
import { writtenConfiguration } from '../import/write.ts';
import { type Command, UsageError } from './contract.ts';
import type { Print } from './print.ts';

const KINDS: Readonly<Record<string, (file: string) => Imported>> = {
  'uptime-kuma': importKuma,
  gatus: importGatus,
  blackbox: importBlackbox,
};

export const importCommand: Command = {
  name: 'import',
  usage: 'uptime-kuma|gatus|blackbox FILE [--gate URL] [--out FILE] [--json]',
  summary: "Write a configuration from another monitor's, and say what that one cost.",
  help: [
    'FILE is kuma.db, a configuration of Gatus, or the Prometheus configuration that scrapes a blackbox_exporter.',
    '--gate names the login in front of the pages: the URL at which a browser sees it.',
    'Nothing is copied that is secret, and an existing --out file is not overwritten.',
  ],
  options: { gate: { type: 'string' }, out: { type: 'string' }, json: { type: 'boolean' } },
  takesNames: true,
  async run({ options, positionals, print }) {
    const [kind = '', file, ...more] = positionals;
    const read = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
    if (read === undefined || file === undefined || more.length > 0)
      throw new UsageError(`needs one of ${Object.keys(KINDS).join(', ')}, and a file`);
    const gate = gateFrom(options['gate']);
    const imported = importOrNull(read, file, print);
    if (imported === null) return 2;
    const { text, count, leftOut } = writtenConfiguration(imported, gate);
    if (count === 0) {
      print.note(`gatewatch import: ${file} has no page to watch`);
      for (const { name, why } of leftOut) print.note(`  ${name}: ${why}`);
      return 2;
    }
    const costs = costsOf(imported.pages);
    if (options['json'] === true) {
      print.json({ configuration: text, targets: count, leftOut, costs, outage: imported.outage ?? null });
      return 0;
    }
    if (!write(text, options['out'], print)) return 2;
    print.note(`${count} pages; not carried over: ${leftOut.length}`);
    for (const { name, why } of leftOut) print.note(`  ${name}: ${why}`);
    for (const line of costLines(costs, imported.outage)) print.note(line);
    return 0;
  },
};

function gateFrom(option: unknown): { url: string } | null {
  if (option === undefined) return null;
  const parsed = httpUrl().safeParse(option);
  if (!parsed.success) throw new UsageError('--gate must be an http or https URL');
  return { url: parsed.data };
}

function importOrNull(read: (file: string) => Imported, file: string, print: Print): Imported | null {
  try {
    return read(file);
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    print.note(`gatewatch import: ${file} ${error.message}`);
    return null;
  }
}

/** Writes to a new file, or prints; false when the file cannot be made. */
function write(text: string, out: unknown, print: Print): boolean {
  if (typeof out !== 'string') {
    print.line(text.trimEnd());
    return true;
  }
  try {
    writeFileSync(out, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    const why =
      error instanceof Error && 'code' in error && error.code === 'EEXIST'
        ? 'is there already'
        : errorText(error);
    print.note(`gatewatch import: ${out} ${why}`);
    return false;
  }
}

function costLines(costs: readonly ZoneCost[], outage: SharedOutage | null | undefined): string[] {
  const count = (number: number): string => number.toLocaleString('en-US');
  const lines = costs.map(({ zone, pages, requestsADay, fullAfterHours }) => {
    const full =
      fullAfterHours === null
        ? ''
        : `; kept for a week they fill 64 MiB of session files in ${count(Math.max(1, fullAfterHours))} hours`;
    return `  ${zone}: ${count(pages)} pages, at most ${count(requestsADay)} sessions a day at a gate in front of them${full}`;
  });
  const cost = lines.length === 0 ? [] : ['', 'What the old set-up costs, without cookies:', ...lines];
  if (outage === undefined || outage === null) return cost;
  const at = new Date(outage.at).toISOString().replace('T', ' ').slice(0, 16);
  return [
    ...cost,
    '',
    `The last shared outage in its history, ${at} UTC: ${count(outage.monitors)} monitors went down together and sent ${count(outage.notifications)} notifications. gatewatch sends one alert.`,
  ];
}
