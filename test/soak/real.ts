// The real part: the demo site in this process, the daemon as a process of its own, and one scene after the other. The
// site outlives the daemon, which is killed and stopped in the middle of faults in the first quarter; the other three
// belong to one process, so that its memory can be compared over time.

import { type Clock, sleep, systemClock } from '../../src/base/clock.ts';
import type { FaultId } from '../../src/demo/faults.ts';
import { type Site, startSite } from '../../src/demo/site.ts';
import { loopbackPort } from '../support/loopback-port.ts';
import { tempFolder } from '../support/temp-folder.ts';
import { type Desk, startDesk } from './desk.ts';
import { alertsOf, type Injected, REAL_LIMITS } from './judge.ts';
import { createScenes, REAL_TIMES, type Scene, type Stage } from './scenes.ts';
import { areIndependent, FAULT_IDS, wantedOf } from './truth.ts';
import { type Counted, createWatched, type Watched } from './watched.ts';

const LOOK_MS = 5_000;
const PROGRESS_MS = 60_000;
/** Share of the run in which the daemon is ended in the middle of scenes. */
const ENDS_SHARE = 0.25;
/** Left after the last scene, so that its alert can end within the time. */
const SLACK_MS = 60_000;

export interface Sample {
  readonly at: number;
  readonly rssBytes: number;
  readonly storeBytes: number;
  readonly probes: number;
  /** Sessions in the site's own store; null while other people's fill it. */
  readonly sessions: number | null;
}

export interface RealRun {
  readonly startedAt: number;
  readonly endedAt: number;
  readonly interrupted: boolean;
  readonly injected: readonly Injected[];
  readonly notices: Desk['notices'];
  readonly samples: readonly Sample[];
  readonly totals: Counted;
  readonly budgetPerMinute: number;
  /** Times the daemon was ended on purpose, by signal. */
  readonly ends: Readonly<Record<string, number>>;
  readonly accidents: readonly string[];
  readonly files: { readonly bytes: number; readonly rows: number };
}

export interface RealOptions {
  readonly forMs: number;
  readonly random: () => number;
  readonly faults?: readonly FaultId[];
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** What a run is made of. */
interface Stand {
  readonly clock: Clock;
  readonly site: Site;
  readonly desk: Desk;
  readonly daemon: Watched;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  readonly injected: Injected[];
  readonly ends: Record<string, number>;
  readonly port: string;
}

/** Plays for that time, or until the signal aborts; ends everything it started. */
export async function soakReal(options: RealOptions): Promise<RealRun> {
  const { forMs, signal, say } = options;
  const clock = systemClock;
  await using stack = new AsyncDisposableStack();
  const site = stack.use(await startSite({ clock, ports: { edge: 0, origin: 0, dns: 0 } }));
  const desk = stack.use(
    await startDesk(clock.now, ({ status, labels, reason, summary }) =>
      say(`☎ ${status} ${short(labels)} (${reason}) ${summary.slice(0, 110)}`),
    ),
  );
  const folder = stack.use(await tempFolder('soak')).path;
  const environment = { ...site.environment, GATEWATCH_DEMO_PHONE_URL: desk.url };
  const daemon = stack.use(createWatched({ folder, port: await loopbackPort(), environment }));
  const startedAt = clock.now();
  await daemon.start();
  await daemon.healthy(signal);
  say(`every check is up after ${seconds(clock.now() - startedAt)}; page ${daemon.url}/`);
  const stand: Stand = {
    clock,
    site,
    desk,
    daemon,
    signal,
    say,
    injected: [],
    ends: {},
    port: site.environment['GATEWATCH_DEMO_EDGE_PORT'] ?? '',
  };
  const watching = watch(stand);
  await playScenes(stand, options, startedAt);
  await resolved(stand);
  await sleep(clock, startedAt + forMs - clock.now(), signal);
  const endedAt = clock.now();
  const { samples, budgetPerMinute } = await watching.end();
  await daemon.end('SIGTERM');
  return {
    startedAt,
    endedAt,
    interrupted: signal.aborted,
    injected: stand.injected,
    notices: desk.notices,
    samples,
    totals: daemon.totals(),
    budgetPerMinute,
    ends: stand.ends,
    accidents: daemon.accidents,
    files: await daemon.files(),
  };
}

async function playScenes(stand: Stand, options: RealOptions, startedAt: number): Promise<void> {
  const { clock, signal } = stand;
  const { forMs, random } = options;
  const scenes = createScenes({
    random,
    times: REAL_TIMES,
    faults: options.faults ?? FAULT_IDS,
    areIndependent,
  });
  for (let count = 0; !signal.aborted; count++) {
    const scene = scenes.next(clock.now() - startedAt < ENDS_SHARE * forMs);
    const length = scene.quietMs + Math.max(...scene.stages.map(({ offMs }) => offMs));
    if (count > 0 && clock.now() + length + SLACK_MS > startedAt + forMs) return;
    await sleep(clock, scene.quietMs, signal);
    if (signal.aborted) return;
    await playScene(stand, scene);
    await resolved(stand);
  }
}

/** Waits until nothing fires any more, or for as long as a resolve may take. */
async function resolved({ clock, desk, signal }: Stand): Promise<void> {
  const until = clock.now() + REAL_LIMITS.afterMs;
  const isFiring = (): boolean => alertsOf(desk.notices).some(({ resolvedAt }) => resolvedAt === null);
  while (isFiring() && clock.now() < until && !signal.aborted) await sleep(clock, 1_000, signal);
}

async function playScene(stand: Stand, scene: Scene<FaultId>): Promise<void> {
  const { clock, say } = stand;
  const begunAt = clock.now();
  const names = scene.stages.map(({ fault }) => fault).join(' + ');
  const end = scene.end === null ? '' : `, ${scene.end.signal} at ${seconds(scene.end.atMs)}`;
  say(`scene ${scene.kind}: ${names}, ${seconds(Math.max(...scene.stages.map(({ offMs }) => offMs)))}${end}`);
  const down = scene.end === null ? null : endDaemon(stand, scene.end);
  const spans = await Promise.all(scene.stages.map((stage) => playStage(stand, stage)));
  const ms = (await down) ?? null;
  for (const [at, stage] of scene.stages.entries()) {
    const span = spans[at] ?? { from: begunAt, until: begunAt };
    stand.injected.push({
      fault: stage.fault,
      kind: scene.kind,
      wanted: wantedOf(stage.fault, stand.port),
      ...span,
      down: scene.end === null || ms === null ? null : { signal: scene.end.signal, ms },
    });
  }
}

/** Switches the fault as the stage says; when it really was on and off. */
async function playStage(stand: Stand, stage: Stage<FaultId>): Promise<{ from: number; until: number }> {
  const { clock, site, say, signal } = stand;
  const begun = clock.monotonic();
  const set = async (atMs: number, on: boolean): Promise<number> => {
    await sleep(clock, begun + atMs - clock.monotonic(), signal);
    const at = clock.now();
    site.set(stage.fault, on);
    await site.settled();
    say(`${stage.fault} is ${on ? 'on' : 'off'}`);
    return at;
  };
  const from = await set(stage.onMs, true);
  for (const pause of stage.pauses) {
    await set(pause.fromMs, false);
    await set(pause.untilMs, true);
  }
  await set(stage.offMs, false);
  return { from, until: clock.now() };
}

/** How long it was down, ms. */
async function endDaemon(stand: Stand, { signal, atMs, downMs }: NonNullable<Scene['end']>): Promise<number> {
  const { clock, daemon, say } = stand;
  await sleep(clock, atMs, stand.signal);
  if (stand.signal.aborted) return 0;
  const from = clock.now();
  await daemon.end(signal);
  stand.ends[signal] = (stand.ends[signal] ?? 0) + 1;
  say(`daemon ended by ${signal}`);
  await sleep(clock, downMs, stand.signal);
  await daemon.start();
  say(`daemon is back after ${seconds(clock.now() - from)}`);
  return clock.now() - from;
}

/** Looks at the daemon and the site all the time, and says once a minute what it sees. */
function watch(stand: Stand): { end(): Promise<{ samples: Sample[]; budgetPerMinute: number }> } {
  const { clock, site, desk, daemon } = stand;
  const samples: Sample[] = [];
  const stop = new AbortController();
  let budgetPerMinute = 0;
  let saidAt = clock.monotonic();
  const loop = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await sleep(clock, LOOK_MS, stop.signal);
      const seen = await daemon.look();
      if (seen === null) continue;
      budgetPerMinute = seen.budgetPerMinute;
      const isFull = site.faults().some(({ id, on }) => id === 'session-store-full' && on);
      samples.push({
        at: clock.now(),
        rssBytes: seen.rssBytes,
        storeBytes: seen.storeBytes,
        probes: daemon.totals().probes,
        sessions: isFull ? null : site.counters().sessions,
      });
      if (clock.monotonic() - saidAt < PROGRESS_MS) continue;
      saidAt = clock.monotonic();
      stand.say(progress(stand, desk.notices.length, samples.at(-1)));
    }
  };
  const looping = loop();
  return {
    async end() {
      stop.abort();
      await looping;
      return { samples, budgetPerMinute };
    },
  };
}

function progress(stand: Stand, notifications: number, sample: Sample | undefined): string {
  const on = stand.site
    .faults()
    .filter((fault) => fault.on)
    .map(({ id }) => id);
  const mib = (bytes: number | undefined): string => `${((bytes ?? 0) / 2 ** 20).toFixed(1)} MiB`;
  return [
    on.length === 0 ? 'all is well' : `on: ${on.join(', ')}`,
    `${notifications} notifications`,
    `RSS ${mib(sample?.rssBytes)}`,
    `${sample?.probes} results`,
    `store ${mib(sample?.storeBytes)}`,
    `${sample?.sessions ?? '?'} sessions held`,
    `${stand.daemon.totals().proberFaults} prober faults`,
  ].join(', ');
}

function short(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .filter(([name]) => name !== 'severity')
    .map(([, value]) => value)
    .join(' ');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
