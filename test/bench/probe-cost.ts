// CPU of a fresh HTTPS probe, the daemon's whole way with its store beside blackbox exporter's: at saturation and at
// steady paces, in turns (A B A B) against the same server, medians of the rounds.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Blackbox, startBlackbox } from './blackbox.ts';
import { type Chain, type ChainKind, makeChain } from './chain.ts';
import { curlCpuMs } from './curl.ts';
import { cpuMs, residentMiB } from './process-cost.ts';
import { median, type Row, ratioRow, row } from './row.ts';
import { type Daemon, hostOf, type Pace, startDaemon } from './subject.ts';
import { startTarget, type TargetServer } from './target-server.ts';

/** A pace in probes a second with the targets that make it, and the mark of the ratio to blackbox exporter. */
interface Load extends Pace {
  readonly name: string;
  /** Null = as fast as it goes, `SATURATED` at a time. */
  readonly perSecond: number | null;
  readonly mark: number | null;
}

/** Probes at the same time at saturation: the daemon's own limit. */
const SATURATED = 64;
const LOADS: readonly Load[] = [
  // Asked for more often than it can be done: 1,000 a second, something is always due.
  { name: 'saturated', targets: 100, every: '100ms', perSecond: null, mark: 0.85 },
  { name: '1.5/s', targets: 30, every: '20s', perSecond: 1.5, mark: null },
  { name: '15/s', targets: 300, every: '20s', perSecond: 15, mark: 1.1 },
  { name: '250/s', targets: 5_000, every: '20s', perSecond: 250, mark: 1.1 },
];
/** A starved machine is not waited for any longer, ms. */
const WARM_LIMIT_MS = 60_000;
/** Too seldom to be seen. */
const REST = '30d';

/** How long and how often is measured. */
export interface Patience {
  readonly rounds: number;
  /** Probes before anything is measured. */
  readonly warmProbes: number;
  readonly windowMs: number;
  readonly curls: number;
}

interface Setting {
  readonly daemon: Daemon;
  readonly blackbox: Blackbox;
  readonly target: TargetServer;
  readonly patience: Patience;
}

interface Cost {
  readonly cpuMs: number;
  readonly perSecond: number;
}

/** Measures everything against servers with this chain. */
export async function measureProbeCost(
  kind: ChainKind,
  tools: { readonly main: string; readonly flags: readonly string[]; readonly folder: string },
  patience: Patience,
): Promise<Row[]> {
  const chain = await makeChain(kind, tools.folder);
  const rows: Row[] = [];
  for (const load of LOADS) rows.push(...(await measureLoad(kind, chain, load, { tools, patience })));
  await using target = await startTarget(chain);
  const curl = await curlCpuMs({ count: patience.curls, rootFile: chain.rootFile, port: target.port });
  return [...rows, row(`CPU a probe, ${kind} chain, curl (one process each)`, curl, 'ms')];
}

async function measureLoad(
  kind: ChainKind,
  chain: Chain,
  load: Load,
  { tools, patience }: { tools: Parameters<typeof measureProbeCost>[1]; patience: Patience },
): Promise<Row[]> {
  const folder = join(tools.folder, `${kind}-${load.targets}`);
  await mkdir(folder);
  await using target = await startTarget(chain);
  const common = { folder, rootFile: chain.rootFile, targetPort: target.port };
  await using blackbox = await startBlackbox(common);
  await using daemon = await startDaemon({ ...tools, ...common }, { ...load, every: REST });
  const setting: Setting = { daemon, blackbox, target, patience };
  const ours: Cost[] = [];
  const theirs: Cost[] = [];
  await warmUp(setting, load);
  for (let round = 0; round < patience.rounds; round += 1) {
    ours.push(await ourCost(setting, load));
    theirs.push(await theirCost(setting, load));
  }
  const resident = residentMiB(daemon.pid);
  const middle = (costs: readonly Cost[]): number => median(costs.map((cost) => cost.cpuMs));
  const what = `CPU a probe, ${kind} chain, ${load.name}`;
  const pace = (costs: readonly Cost[]): string =>
    costs.map((cost) => `${cost.cpuMs.toFixed(2)} ms at ${cost.perSecond.toFixed(1)}/s`).join(', ');
  console.log(
    `${what}: ours ${pace(ours)}; blackbox exporter ${pace(theirs)}; resident ${resident.toFixed(0)} MiB`,
  );
  const rows = [ratioRow(what, { ours: middle(ours), peer: middle(theirs), unit: 'ms' }, load.mark)];
  if (load.perSecond === 250)
    rows.push(row(`resident at 250 probes a second, ${kind} chain`, resident, 'MiB', 256));
  return rows;
}

/** Code that runs often is compiled first: a daemon runs for months, a benchmark for seconds. */
async function warmUp({ daemon, blackbox, target, patience }: Setting, load: Load): Promise<void> {
  await daemon.setPace({ targets: load.targets, every: `${Math.max(100, load.targets * 5)}ms` });
  const until = (await target.answered()) + patience.warmProbes;
  const latest = performance.now() + WARM_LIMIT_MS;
  while ((await target.answered()) < until && performance.now() < latest) await wait(500);
  await daemon.setPace({ targets: load.targets, every: REST });
  await drive(blackbox, { ...load, perSecond: null }, 2_000);
}

async function ourCost({ daemon, target, patience }: Setting, load: Load): Promise<Cost> {
  await daemon.setPace(load);
  await wait(1_000);
  const cost = await measured(daemon.pid, target, () => wait(windowOf(load, patience)));
  await daemon.setPace({ targets: load.targets, every: REST });
  return cost;
}

async function theirCost({ blackbox, target, patience }: Setting, load: Load): Promise<Cost> {
  await drive(blackbox, load, 1_000);
  return measured(blackbox.pid, target, () => drive(blackbox, load, windowOf(load, patience)));
}

/** A slow pace needs a longer look: CPU is counted in steps of 10 ms. */
function windowOf({ perSecond }: Load, { windowMs }: Patience): number {
  return perSecond !== null && perSecond < 10 ? windowMs * 2 : windowMs;
}

async function measured(pid: number, target: TargetServer, during: () => Promise<unknown>): Promise<Cost> {
  const answeredBefore = await target.answered();
  const cpuBefore = cpuMs(pid);
  const startMs = performance.now();
  await during();
  const spentMs = cpuMs(pid) - cpuBefore;
  const count = (await target.answered()) - answeredBefore;
  return { cpuMs: spentMs / count, perSecond: (count * 1000) / (performance.now() - startMs) };
}

/** Asks for probes at the pace for that long; resolves when the last one has ended. */
async function drive(blackbox: Blackbox, { targets, perSecond }: Load, ms: number): Promise<void> {
  const end = performance.now() + ms;
  let next = 0;
  const one = (): Promise<void> => blackbox.probe(hostOf(next++ % targets));
  if (perSecond === null) {
    const lane = async (): Promise<void> => {
      while (performance.now() < end) await one();
    };
    await Promise.all(Array.from({ length: SATURATED }, lane));
    return;
  }
  const running: Promise<void>[] = [];
  const startMs = performance.now();
  for (let count = 0; ; count += 1) {
    const dueMs = startMs + (count * 1000) / perSecond;
    if (dueMs >= end) break;
    if (dueMs > performance.now()) await wait(dueMs - performance.now());
    const probe = one();
    probe.catch(() => undefined); // told below, once all have ended
    running.push(probe);
  }
  await Promise.all(running);
}
