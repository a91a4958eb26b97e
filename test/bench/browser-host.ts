// The daemon's place in the benchmark of browser visits: a process of its own that makes them and watches its memory.
// It is told the environment of a demo site and how many visits, and tells what each took of it.

import { fileURLToPath, pathToFileURL } from 'node:url';
import { keepAlive, sleep, systemClock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import { loadConfig } from '../../src/config/load.ts';
import { browserVisit } from '../support/browser-visit.ts';

const [flow = '', visits = '1'] = process.argv.slice(2);
const { config } = loadConfig(
  { file: fileURLToPath(new URL('../../config/demo.yaml', import.meta.url)) },
  process.env,
);
const gate = config.gates[0]!;
const path = config.paths.find(({ name }) => name === 'origin')!;
const target = config.targets.find(({ host }) => host === 'grafana.lab.test')!;
const residentMiB = (): number => process.memoryUsage.rss() / 2 ** 20;

using _ = keepAlive();
for (let index = 0; index < Number(visits); index += 1) {
  const before = residentMiB();
  let peak = before;
  let watching = true;
  const watch = async (): Promise<void> => {
    for (; watching; peak = Math.max(peak, residentMiB())) await sleep(systemClock, 50);
  };
  const watched = watch();
  const { flow: facts, error } = await browserVisit(
    { target, path, gate, paths: config.paths, ca: config.ca, username: 'nobody' },
    { flow: pathToFileURL(flow).href, handOut: async () => ({ value: new Secret('').reveal() }) },
  );
  watching = false;
  await watched;
  process.send?.({
    growthMiB: peak - before,
    reached: facts?.steps.at(-1)?.failed === null,
    error: error?.message,
  });
}
process.disconnect?.();
