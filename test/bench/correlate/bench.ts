// `npm run bench:correlate`: the benchmark of reference/correlation.md 6 against the real correlator, on a virtual
// clock. Exit 1 when a mark is missed, 2 when it was called wrongly.

import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { SIZES, type Size } from '../../world/site.ts';
import { ROWS, type Row } from './rows.ts';
import { figuresOf, type RowFigures, tableText } from './table.ts';
import type { Trial } from './trial.ts';
import type { Task } from './worker.ts';

const HELP = `npm run bench:correlate -- [--rows 1,2] [--sizes 30,300,3000] [--trials 1] [--seed 1] [--jobs N] [--out FILE] [--misses]
  --trials  share of the trials of the definition: 100, 40 and 10 a row; at least one
  --seed    first of the seeds; another one gives a held-out run
  --jobs    processes; default one for each processor
  --out     raw results, one JSON object a line
  --misses  shows every trial that lacks what a mark asks for`;

interface Options {
  readonly rows: readonly Row[];
  readonly sizes: readonly Size[];
  readonly share: number;
  readonly seed: number;
  readonly jobs: number;
  readonly out: string | undefined;
  readonly misses: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string' },
      sizes: { type: 'string' },
      trials: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      out: { type: 'string' },
      misses: { type: 'boolean', default: false },
    },
  });
  const ids = values.rows?.split(',');
  const rows = ids === undefined ? ROWS : ids.flatMap((id) => named(id));
  const sizes = values.sizes?.split(',').map(Number) ?? SIZES;
  const unknown = sizes.find((size) => !SIZES.includes(size as Size));
  if (unknown !== undefined) throw new Error(`--sizes: ${unknown} is none of ${SIZES.join(', ')}`);
  const [share, seed, jobs] = [values.trials, values.seed, values.jobs].map(Number);
  if (!(share! > 0) || !Number.isSafeInteger(seed) || !(jobs! >= 1)) throw new Error('expected numbers');
  return {
    rows,
    sizes: sizes as Size[],
    share: share!,
    seed: seed!,
    jobs: jobs!,
    out: values.out,
    misses: values.misses,
  };
}

function named(id: string): readonly Row[] {
  const found = ROWS.filter((row) => row.id === id || row.id.startsWith(`${id}:`));
  if (found.length === 0) throw new Error(`--rows: there is no row ${id}`);
  return found;
}

function tasksOf({ rows, sizes, share, seed }: Options): Task[] {
  return rows.flatMap((row) =>
    row.sizes
      .filter((size) => sizes.includes(size))
      .flatMap((size) =>
        Array.from({ length: Math.max(1, Math.round(share * row.trials[size])) }, (_, at) => ({
          row: row.id,
          size,
          seed: 1000 * seed + at,
        })),
      ),
  );
}

/** Plays all tasks, the longest first; `take` is called with each result. */
async function playAll(tasks: readonly Task[], jobs: number, take: (trial: Trial) => void): Promise<void> {
  const waiting = [...tasks].sort((a, b) => b.size - a.size);
  await Promise.all(
    Array.from({ length: Math.min(jobs, waiting.length) }, async () => {
      const worker = fork(new URL('./worker.ts', import.meta.url), {
        execArgv: ['--expose-gc'],
        serialization: 'advanced',
      });
      try {
        for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
          take(await ask(worker, task));
        }
      } finally {
        worker.disconnect();
      }
    }),
  );
}

function ask(worker: ChildProcess, task: Task): Promise<Trial> {
  return new Promise((resolve, reject) => {
    worker.removeAllListeners();
    worker.once('message', (trial) => resolve(trial as Trial));
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a worker ended with ${code}`)));
    worker.send(task);
  });
}

async function main(): Promise<number> {
  let options: Options;
  try {
    options = readOptions();
  } catch (error) {
    console.log(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    return 2;
  }
  const tasks = tasksOf(options);
  const file = options.out === undefined ? null : openSync(options.out, 'w');
  const trials: Trial[] = [];
  const started = performance.now();
  await playAll(tasks, options.jobs, (trial) => {
    trials.push(trial);
    if (file !== null) writeSync(file, `${JSON.stringify(trial)}\n`);
    if (process.stderr.isTTY) process.stderr.write(`\r${trials.length} of ${tasks.length} trials`);
  });
  if (file !== null) closeSync(file);
  const figures: RowFigures[] = figuresOf(options.rows, options.sizes, trials);
  console.log(tableText(figures, { misses: options.misses }));
  const missed = figures.filter((each) => !each.ok);
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(
    `\n${trials.length} trials, seed ${options.seed}, ${seconds} s: ${missed.length === 0 ? 'every mark holds' : `${missed.length} of ${figures.length} rows miss a mark`}`,
  );
  return missed.length === 0 ? 0 : 1;
}

process.exitCode = await main();
