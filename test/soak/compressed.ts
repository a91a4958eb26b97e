// The compressed part: days of a site of thirty services in minutes, at the product's usual intervals and budget. The
// faults are those of the benchmark's simulator; the house is stopped and cut off in the middle of them all the time.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../../src/base/clock.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Subject } from '../../src/model/check.ts';
import { outpostsOf } from '../../src/schedule/outpost.ts';
import { type SimulatedClock, simulatedClock } from '../support/simulated-clock.ts';
import { down, type Fault, type Showing, UP } from '../support/simulator.ts';
import { type Notice, startDesk } from './desk.ts';
import { createDisk, type Disk, type House, startHouse } from './house.ts';
import type { Injected } from './judge.ts';
import { COMPRESSED_TIMES, createScenes, type Scene } from './scenes.ts';
import {
  areIndependent,
  configuration,
  faultOf,
  KNOWLEDGE,
  SIMULATED_FAULTS,
  type SimulatedFault,
  wantedOf,
} from './simulated-site.ts';

const STEP_MS = 1_000;
const SAMPLE_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** Time without faults at the start, and for the last alert to end. */
const WARM_UP_MS = 3_600_000;
const COOL_DOWN_MS = 7_200_000;
/** Share of probes that fail by chance. */
const NOISE = 0.002;

export interface CompressedRun {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly interrupted: boolean;
  readonly wallMs: number;
  readonly injected: readonly Injected[];
  readonly notices: readonly Notice[];
  readonly samples: readonly { at: number; bytes: number }[];
  readonly probes: number;
  readonly sessions: number;
  readonly budgetPerMinute: number;
  readonly burst: number;
  readonly ends: Readonly<Record<string, number>>;
  readonly queued: number;
}

export interface CompressedOptions {
  readonly forMs: number;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Runs that much simulated time. */
export async function soakCompressed(options: CompressedOptions): Promise<CompressedRun> {
  const begun = systemClock.monotonic();
  const clock = simulatedClock();
  const startedAt = clock.now();
  await using desk = await startDesk(clock.now, () => {});
  using deliveries = countDeliveries();
  const play = new Play(options, { clock, deskUrl: desk.url, deliveries });
  await play.run();
  return {
    ...play.measured(),
    startedAt,
    endedAt: clock.now(),
    interrupted: options.signal.aborted,
    wallMs: systemClock.monotonic() - begun,
    notices: desk.notices,
  };
}

class Play {
  readonly #options: CompressedOptions;
  readonly #clock: SimulatedClock;
  readonly #deliveries: Deliveries;
  readonly #disk: Disk = createDisk();
  readonly #config: Config;
  readonly #on = new Map<string, Fault>();
  readonly #injected: Injected[] = [];
  readonly #samples: { at: number; bytes: number }[] = [];
  readonly #ends: Record<string, number> = {};
  #house: House | null = null;
  #probes = 0;
  #sessions = 0;
  #saidDay = 0;
  #sampledAt = 0;

  constructor(
    options: CompressedOptions,
    tools: { clock: SimulatedClock; deskUrl: string; deliveries: Deliveries },
  ) {
    this.#options = options;
    this.#clock = tools.clock;
    this.#deliveries = tools.deliveries;
    this.#config = loadConfig({ text: configuration(tools.deskUrl), name: 'soak.yaml' }, {}).config;
  }

  async run(): Promise<void> {
    const { forMs, random, signal } = this.#options;
    const end = this.#clock.monotonic() + forMs;
    const scenes = createScenes({
      random,
      times: COMPRESSED_TIMES,
      faults: SIMULATED_FAULTS,
      areIndependent,
    });
    this.#start();
    await this.#pass(WARM_UP_MS);
    while (!signal.aborted) {
      const scene = scenes.next(true);
      const length = scene.quietMs + Math.max(...scene.stages.map(({ offMs }) => offMs));
      if (this.#clock.monotonic() + length + COOL_DOWN_MS > end) break;
      await this.#pass(scene.quietMs);
      await this.#playScene(scene);
    }
    if (!signal.aborted) await this.#pass(end - this.#clock.monotonic());
    await this.#end('SIGTERM');
  }

  measured() {
    const [outpost] = outpostsOf({ ...this.#config, knowledge: KNOWLEDGE });
    return {
      injected: this.#injected,
      samples: this.#samples,
      probes: this.#probes,
      sessions: this.#sessions,
      budgetPerMinute: outpost?.allowedPerMinute ?? 0,
      burst: outpost?.capacity ?? 0,
      ends: this.#ends,
      queued: this.#disk.queued(),
    };
  }

  async #playScene(scene: Scene<SimulatedFault>): Promise<void> {
    const begun = this.#clock.now();
    const steps: { at: number; run: () => void | Promise<void> }[] = [];
    for (const { fault, onMs, offMs, pauses } of scene.stages) {
      // Which checks a fault hits is drawn once.
      const made = faultOf(fault);
      const on = (): void => void this.#on.set(fault, made);
      const off = (): void => void this.#on.delete(fault);
      steps.push({ at: onMs, run: on }, { at: offMs, run: off });
      for (const { fromMs, untilMs } of pauses)
        steps.push({ at: fromMs, run: off }, { at: untilMs, run: on });
    }
    const { end } = scene;
    if (end !== null) {
      steps.push(
        { at: end.atMs, run: () => this.#end(end.signal) },
        { at: end.atMs + end.downMs, run: () => this.#start() },
      );
    }
    for (const { at, run } of steps.sort((a, b) => a.at - b.at)) {
      await this.#pass(begun + at - this.#clock.now());
      await run();
    }
    for (const { fault, onMs, offMs } of scene.stages) {
      this.#injected.push({
        fault,
        kind: scene.kind,
        wanted: wantedOf(fault),
        from: begun + onMs,
        until: begun + offMs,
        down: end === null ? null : { signal: end.signal, ms: end.downMs },
      });
    }
  }

  #start(): void {
    this.#house = startHouse({
      config: this.#config,
      knowledge: KNOWLEDGE,
      clock: this.#clock,
      disk: this.#disk,
      random: this.#options.random,
      show: (subject) => this.#show(subject),
    });
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const house = this.#house;
    if (house === null) return;
    this.#house = null;
    this.#ends[signal] = (this.#ends[signal] ?? 0) + 1;
    if (signal === 'SIGTERM') {
      // What the stop waits for needs time to pass.
      let stopped = false;
      const stopping = house.stop().then(() => {
        stopped = true;
      });
      while (!stopped) await this.#step(STEP_MS);
      await stopping;
    } else house.cut();
    this.#probes += house.probes();
    this.#sessions += house.sessions();
  }

  #show(subject: Subject): Showing {
    const { random } = this.#options;
    for (const fault of this.#on.values()) {
      const showing = fault.show(subject, random);
      if (showing !== null) return showing;
    }
    if (random() >= NOISE) return UP;
    return random() < 0.5
      ? down('timeout', 'origin', 'gate', 'target')
      : down('connect-timeout', 'origin', 'cdn');
  }

  async #pass(ms: number): Promise<void> {
    const end = this.#clock.monotonic() + ms;
    while (this.#clock.monotonic() < end && !this.#options.signal.aborted) {
      await this.#step(Math.min(STEP_MS, end - this.#clock.monotonic()));
    }
  }

  /** No simulated time passes while a delivery is really under way. */
  async #step(ms: number): Promise<void> {
    await this.#clock.pass(ms);
    await this.#deliveries.settled();
    const now = this.#clock.monotonic();
    if (now - this.#sampledAt >= SAMPLE_MS) {
      this.#sampledAt = now;
      this.#samples.push({ at: this.#clock.now(), bytes: collectedHeap() });
    }
    const day = Math.floor(now / DAY_MS);
    if (day === this.#saidDay) return;
    this.#saidDay = day;
    const probes = this.#probes + (this.#house?.probes() ?? 0);
    this.#options.say(`day ${day}: ${this.#injected.length} faults, ${probes} probes`);
  }
}

/** Bytes of the heap that are in use after a full collection: compressed time says nothing about resident memory. */
function collectedHeap(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

interface Deliveries extends Disposable {
  settled(): Promise<void>;
}

/** Follows the requests of this process to receivers. */
function countDeliveries(): Deliveries {
  let underWay = 0;
  const began = (): void => {
    underWay += 1;
  };
  const ended = (): void => {
    underWay -= 1;
  };
  subscribe('undici:request:create', began);
  subscribe('undici:request:trailers', ended);
  subscribe('undici:request:error', ended);
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    async settled() {
      if (underWay <= 0) return;
      while (underWay > 0) await turn();
      // The answer still has to reach whoever waits for it.
      for (let turns = 0; turns < 5; turns++) await turn();
    },
    [Symbol.dispose]() {
      unsubscribe('undici:request:create', began);
      unsubscribe('undici:request:trailers', ended);
      unsubscribe('undici:request:error', ended);
    },
  };
}
