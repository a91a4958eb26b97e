// `npm run bench`: what a probe costs in CPU, memory and disk, beside blackbox exporter and curl on the same machine,
// against the same server, in the same run. Read the ratios: absolute figures grow with whatever else the machine does.
//
//   npm run bench -- [--quick] [--full] [--json FILE] [part …]
//   parts: cost, memory, schedule, store, rooms, discover, signed, browser

import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { START_FLAGS } from '../support/start-flags.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { measureBrowser } from './browser.ts';
import { buildInto } from './build.ts';
import { CHAINS } from './chain.ts';
import { measureDiscovery } from './discover.ts';
import { measureMemory } from './memory.ts';
import { measureProbeCost, type Patience } from './probe-cost.ts';
import { measureRooms } from './rooms.ts';
import { type Row, tableText } from './row.ts';
import { measureSchedule } from './schedule.ts';
import { measureSigned } from './signed.ts';
import { measureStore } from './store.ts';

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    /** A fifth of the time and rough figures: to see whether a change broke a mark by far. */
    quick: { type: 'boolean', default: false },
    /** The store with 10 million results instead of one. */
    full: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const patience: Patience = options.quick
  ? { rounds: 1, warmProbes: 1_000, windowMs: 8_000, curls: 20 }
  : { rounds: 3, warmProbes: 4_000, windowMs: 20_000, curls: 50 };

await using folder = await tempFolder('bench');
const tools = { main: await buildInto(folder.path), flags: START_FLAGS, folder: folder.path };
const parts: Readonly<Record<string, () => Promise<Row[]> | Row[]>> = {
  cost: async () => {
    const rows: Row[] = [];
    for (const chain of CHAINS) rows.push(...(await measureProbeCost(chain, tools, patience)));
    return rows;
  },
  memory: () => measureMemory(tools),
  schedule: () => measureSchedule(),
  store: () => measureStore(options.full ? 10_000_000 : 1_000_000),
  rooms: () => measureRooms(),
  discover: () => measureDiscovery(),
  browser: () => measureBrowser(tools),
  signed: () => measureSigned(options.quick ? 10 : 50),
};

const load = (): string =>
  loadavg()
    .map((one) => one.toFixed(1))
    .join(' ');
const loadBefore = load();
const rows: Row[] = [];
for (const [name, measure] of Object.entries(parts)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n=== ${name} (load average ${load()})`);
  const measured = await measure();
  console.log(tableText(measured));
  rows.push(...measured);
}
console.log(`\n${tableText(rows)}`);
console.log(
  `\nload average ${loadBefore} before, ${load()} after; ${cpus().length} cores, ${cpus()[0]?.model ?? ''}`,
);
const missed = rows.filter(({ holds }) => holds === false).length;
console.log(`${rows.filter(({ holds }) => holds === true).length} marks hold, ${missed} do not`);
if (options.json !== undefined) {
  await writeFile(
    options.json,
    `${JSON.stringify({ at: new Date().toISOString(), load: loadBefore, rows }, null, 2)}\n`,
  );
}
process.exitCode = missed === 0 && rows.length > 0 ? 0 : 1;
