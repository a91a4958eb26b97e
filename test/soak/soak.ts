// `npm run soak`: the demo under random faults, at real time and at compressed time, with figures at the end. Exit
// code 1 when a rule is broken, 2 when it was called wrongly, 130 when it was interrupted.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/base/clock.ts';
import { type FaultId, isFaultId } from '../../src/demo/faults.ts';
import { PROTECTED } from '../../src/demo/services.ts';
import { seeded } from '../support/simulator.ts';
import { type CompressedRun, soakCompressed } from './compressed.ts';
import { brokenRules, type Figures, figuresOf, figuresText, memoryOf } from './figures.ts';
import { COMPRESSED_LIMITS, type Judgement, judge, REAL_LIMITS } from './judge.ts';
import { type RealRun, soakReal } from './real.ts';

const HELP = `npm run soak -- [--for 10m] [--compressed 7d] [--seed N] [--json FILE] [--faults a,b]
  --for         real time in which faults are put in; 0 = none
  --compressed  simulated time; 0 = none
  --seed        of both; default from the clock
  --faults      only these faults of the demo (real part)
  --json        figures, faults and notifications as JSON`;

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** The bucket of the gate is full at the first start: one token for each client (DESIGN 3). */
const BURST = PROTECTED.length + 1;
/** Lifetime of a session at the demo's gate, and its sweep. */
const HELD_MS = 65 * 60_000;

/** Shorter runs say nothing about the growth of memory. */
const LEAST_MS = { real: UNITS.h / 2, compressed: 3 * UNITS.d };

/** Exit code after SIGINT, as shells have it. */
const INTERRUPTED = 130;

interface Part {
  readonly figures: Figures;
  readonly broken: readonly string[];
  readonly judgement: Judgement;
}

function durationMs(text: string, option: string): number {
  if (text === '0') return 0;
  const [, count, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined)
    throw new Error(`${option}: expected a time like 10m, 2h or 7d`);
  return Number(count) * UNITS[unit as keyof typeof UNITS];
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      for: { type: 'string', default: '10m' },
      compressed: { type: 'string', default: '7d' },
      seed: { type: 'string', default: String(systemClock.now() % 2 ** 31) },
      json: { type: 'string' },
      faults: { type: 'string' },
    },
  });
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(seed)) throw new Error('--seed: expected a whole number');
  const faults = values.faults?.split(',').map((id): FaultId => {
    if (!isFaultId(id)) throw new Error(`--faults: the demo has no fault '${id}'`);
    return id;
  });
  return {
    forMs: durationMs(values.for, '--for'),
    compressedMs: durationMs(values.compressed, '--compressed'),
    seed,
    json: values.json,
    faults,
  };
}

function say(line: string): void {
  console.log(`${new Date(systemClock.now()).toISOString().slice(11, 19)} ${line}`);
}

/** Judges a real run. */
function judgeReal(run: RealRun): Part {
  const judgement = judge(run.injected, run.notices, REAL_LIMITS);
  const elapsed = run.endedAt - run.startedAt;
  const perMs = run.budgetPerMinute / 60_000;
  const figures = figuresOf(judgement, {
    part: 'real',
    seconds: elapsed / 1000,
    ends: run.ends,
    proberFaults: run.totals.proberFaults,
    results: run.files.rows,
    sessions: {
      created: run.totals.sessionsCreated,
      allowed: BURST + perMs * elapsed,
      heldMost: Math.max(0, ...run.samples.map(({ sessions }) => sessions ?? 0)),
      heldAllowed: BURST + perMs * Math.min(elapsed, HELD_MS),
    },
    memory: memoryOf(
      run.samples.map(({ at, rssBytes }) => ({ at, bytes: rssBytes })),
      { ...run, leastMs: LEAST_MS.real },
    ),
    fileBytes: run.files.bytes,
    bytesPerResult: run.files.rows === 0 ? null : run.files.bytes / run.files.rows,
  });
  return { figures, judgement, broken: brokenRules(figures, judgement, run.accidents) };
}

/** Judges a compressed run. */
function judgeCompressed(run: CompressedRun): Part {
  const judgement = judge(run.injected, run.notices, COMPRESSED_LIMITS);
  const elapsed = run.endedAt - run.startedAt;
  const allowed = run.burst + (run.budgetPerMinute * elapsed) / 60_000;
  const figures = figuresOf(judgement, {
    part: 'compressed',
    seconds: elapsed / 1000,
    ends: run.ends,
    proberFaults: 0,
    results: run.probes,
    sessions: { created: run.sessions, allowed, heldMost: 0, heldAllowed: 0 },
    memory: memoryOf(run.samples, { ...run, leastMs: LEAST_MS.compressed }),
    fileBytes: 0,
    bytesPerResult: null,
  });
  const waiting = run.queued === 0 ? [] : [`${run.queued} deliveries still wait at the end`];
  return { figures, judgement, broken: brokenRules(figures, judgement, waiting) };
}

function tell(title: string, part: Part): void {
  console.log(`\n${title}`);
  for (const line of figuresText(part.figures)) console.log(line);
  console.log(part.broken.length === 0 ? '  every rule holds' : `  ${part.broken.length} rules broken:`);
  for (const line of part.broken) console.log(`    ${line}`);
}

async function main(): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions();
  } catch (error) {
    console.log(`${error instanceof Error ? error.message : error}\n\n${HELP}`);
    return 2;
  }
  const { forMs, compressedMs, seed, json, faults } = options;
  const stop = new AbortController();
  const interrupt = (): void => {
    if (stop.signal.aborted) process.exit(INTERRUPTED);
    stop.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  console.log(`seed ${seed}`);
  const report: Record<string, unknown> = { seed };
  const broken: string[] = [];
  if (forMs > 0) {
    const run = await soakReal({
      forMs,
      random: seeded(seed),
      signal: stop.signal,
      say,
      ...(faults === undefined ? {} : { faults }),
    });
    const part = judgeReal(run);
    tell(`Real time${run.interrupted ? ' (interrupted)' : ''}`, part);
    broken.push(...part.broken);
    report['real'] = { ...part, run };
  }
  if (compressedMs > 0 && !stop.signal.aborted) {
    const run = await soakCompressed({
      forMs: compressedMs,
      random: seeded(seed),
      signal: stop.signal,
      say,
    });
    const part = judgeCompressed(run);
    tell(
      `Compressed time, in ${Math.round(run.wallMs / 1000)} s${run.interrupted ? ' (interrupted)' : ''}`,
      part,
    );
    broken.push(...part.broken);
    report['compressed'] = { ...part, run };
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 1)}\n`);
  if (broken.length > 0) {
    console.log(`\nsoak: ${broken.length} rules broken`);
    return 1;
  }
  console.log(stop.signal.aborted ? '\nsoak: interrupted' : '\nsoak: all rules hold');
  return stop.signal.aborted ? INTERRUPTED : 0;
}

process.exitCode = await main();
