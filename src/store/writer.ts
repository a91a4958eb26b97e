// Starts the thread that writes, and starts it again when it died: with the next job, so that the one who sends
// decides about the pause. The thread has no environment and little memory; it gets copies of rows, nothing else.

import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { DiskOptions } from './disk.ts';
import type { Answer, Job, Listener, Writer } from './job.ts';

/** Bounds of the thread's own heap; SQLite's cache of 2 MiB a file is beside it. */
const LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2 };
/** The same folder and ending as this file: `.ts` from the sources, `.js` compiled. */
const THREAD = new URL(`./writer-thread${extname(import.meta.url)}`, import.meta.url);

/** What a thread is started with; `ended` holds 0, and 1 or 2 after `end`: everything is on disk, or not. */
export interface ThreadData {
  readonly options: DiskOptions;
  readonly ended: Int32Array;
}

/** The last thing a thread is told. */
export interface LastJobs {
  readonly kind: 'end';
  readonly jobs: readonly Job[];
}

/** Makes a Writer for the files of a store. */
export type StartWriter = (options: DiskOptions, listener: Listener) => Writer;

/** Starter of threads that run `module`, by default the writing one. */
export function threadStarter(module: URL = THREAD): StartWriter {
  return (options, listener) => {
    const ended = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    let worker: Worker | null = null;
    const start = (): Worker => {
      const data: ThreadData = { options, ended };
      const started = new Worker(module, {
        name: 'store',
        workerData: data,
        env: {},
        argv: [],
        execArgv: [],
        resourceLimits: LIMITS,
      });
      const gone = (reason: string): void => {
        if (worker !== started) return;
        worker = null;
        listener.died(reason);
      };
      started.on('message', (answer: Answer) => {
        if (worker !== started) return;
        started.unref();
        listener.answered(answer);
      });
      started.on('error', (error) => gone(error instanceof Error ? error.message : String(error)));
      started.on('exit', (code) => gone(`exit ${code}`));
      // A store that is left open does not keep the process alive, unless it is writing.
      started.unref();
      return started;
    };
    worker = start();
    return {
      send(job) {
        worker ??= start();
        worker.ref();
        worker.postMessage(job);
      },
      end(jobs, limitMs) {
        const last = worker ?? start();
        worker = null;
        last.postMessage({ kind: 'end', jobs } satisfies LastJobs);
        // Nothing else is left to do in this process by then; a thread starts and works while this one waits.
        Atomics.wait(ended, 0, 0, limitMs);
        void last.terminate();
        return Atomics.load(ended, 0) === 1;
      },
    };
  };
}
