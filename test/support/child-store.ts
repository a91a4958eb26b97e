// Child process of the SIGKILL and lock tests: opens the store and works through numbered steps, telling each before
// it begins the next. It is killed by the parent, or ends itself at a step with SIGKILL.

import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { openStore } from '../../src/store/store.ts';
import { StoreError } from '../../src/store/store-error.ts';
import { incident } from './incident.ts';
import { inlineWriter } from './inline-writer.ts';
import { probeResult } from './probe-result.ts';

const [, , file = '', killAt = 'never'] = process.argv;
let step = 0;
const stepDone = (): void => {
  if (String(step) === killAt) process.kill(process.pid, 'SIGKILL');
  step += 1;
};

try {
  using store = openStore({
    file,
    clock: systemClock,
    log: silentLog(),
    resultsMs: 1e9,
    rollupsMs: 1e9,
    maxBytes: 2 ** 30,
    startWriter: inlineWriter,
  });
  for (let round = 1; round <= 3; round += 1) {
    store.results.insert(probeResult({ at: 1_776_000_000_000 + round }));
    stepDone();
    await store.settled();
    stepDone();
    store.transaction(() => {
      store.incidents.save(incident({ id: `i${round}` }));
      stepDone();
      store.outbox.put({ id: round, receiver: 'am', incident: `i${round}`, body: '{}', queuedAt: 0 });
      store.state.put('checkpoint', `${round}`);
    });
    await store.settled();
    stepDone();
  }
  console.log('done');
  if (killAt === 'hold') await new Promise((resolve) => setTimeout(resolve, 60_000));
} catch (error) {
  console.log(error instanceof StoreError ? `${error.code}: ${error.message}` : String(error));
  process.exitCode = 1;
}
