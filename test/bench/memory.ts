// Resident memory of the daemon after a minute, by the number of targets, each probed every 20 seconds.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { makeChain } from './chain.ts';
import { residentMiB } from './process-cost.ts';
import { type Row, row } from './row.ts';
import { startDaemon } from './subject.ts';
import { startTarget } from './target-server.ts';

const MINUTE_MS = 60_000;
/** Targets, and the most that the daemon may then hold, MiB. */
const SIZES: readonly { readonly targets: number; readonly mark: number | null }[] = [
  { targets: 34, mark: null },
  { targets: 300, mark: 110 },
  { targets: 3_000, mark: null },
];

/** One daemon after the other, each with a store of its own. */
export async function measureMemory(tools: {
  readonly main: string;
  readonly flags: readonly string[];
  readonly folder: string;
}): Promise<Row[]> {
  const chain = await makeChain('P-256', tools.folder);
  await using target = await startTarget(chain);
  const rows: Row[] = [];
  for (const { targets, mark } of SIZES) {
    const folder = join(tools.folder, `memory-${targets}`);
    await mkdir(folder);
    const options = { ...tools, folder, rootFile: chain.rootFile, targetPort: target.port };
    await using daemon = await startDaemon(options, { targets, every: '20s' });
    await wait(MINUTE_MS);
    rows.push(row(`resident with ${targets} targets`, residentMiB(daemon.pid), 'MiB', mark));
  }
  return rows;
}
