// A writing thread on a disk whose every write takes two seconds, and which dies once when it is told so.

import { existsSync, writeFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../src/base/clock.ts';
import { Disk } from '../../src/store/disk.ts';
import type { Job } from '../../src/store/job.ts';
import type { LastJobs, ThreadData } from '../../src/store/writer.ts';

const WRITE_MS = 2_000;
const { options, ended }: ThreadData = workerData;
const disk = new Disk(options, systemClock);

/** Dies when it is to store `die:<file>` and that file is not there yet. */
function maybeDie(jobs: readonly Job[]): void {
  const [, marker = '/'] = /"die:([^"]+)"/.exec(JSON.stringify(jobs)) ?? [];
  if (existsSync(marker)) return;
  writeFileSync(marker, '');
  throw new Error('told to die');
}

parentPort!.on('message', (message: Job | LastJobs) => {
  const jobs = message.kind === 'end' ? message.jobs : [message];
  maybeDie(jobs);
  const waitMs = message.kind === 'end' ? 0 : WRITE_MS;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
  const answers = jobs.map((job) => disk.do(job));
  if (message.kind !== 'end') return parentPort!.postMessage(answers[0]);
  disk.close();
  Atomics.store(ended, 0, answers.every(({ error }) => error === null) ? 1 : 2);
  Atomics.notify(ended, 0);
});
