// The thread that writes: started by writer.ts, ended by its last message. Whatever it waits for, nobody waits with it.

import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import { Disk } from './disk.ts';
import type { Job } from './job.ts';
import type { LastJobs, ThreadData } from './writer.ts';

const { options, ended }: ThreadData = workerData;
const disk = new Disk(options, systemClock);

parentPort?.on('message', (message: Job | LastJobs) => {
  if (message.kind !== 'end') {
    parentPort?.postMessage(disk.do(message));
    return;
  }
  const answers = message.jobs.map((job) => disk.do(job));
  disk.close();
  const done = answers.every(({ error, fresh }) => error === null && fresh === null);
  Atomics.store(ended, 0, done ? 1 : 2);
  Atomics.notify(ended, 0);
  parentPort?.close();
});
