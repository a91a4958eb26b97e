// Writes the store in the thread of the test: what is written is on disk when the call returns, so that tests on a
// virtual clock need not wait for another thread.

import { systemClock } from '../../src/base/clock.ts';
import { Disk } from '../../src/store/disk.ts';
import type { StartWriter } from '../../src/store/writer.ts';

/** Starts a writer that answers at once. */
export const inlineWriter: StartWriter = (options, listener) => {
  const disk = new Disk(options, systemClock);
  return {
    send: (job) => listener.answered(disk.do(job)),
    end(jobs) {
      const answers = jobs.map((job) => disk.do(job));
      disk.close();
      return answers.every(({ error, fresh }) => error === null && fresh === null);
    },
  };
};
