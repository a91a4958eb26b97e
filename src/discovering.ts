// Discovery in a running daemon: joins the sources of one configuration with the store, the log, and the Watch that
// is to be replaced when another set is found. What is believed and merged is decided in discover/.

import type { Clock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import type { Config } from './config/config.ts';
import type { Discoverer } from './discover/discoverer.ts';
import { createDiscoverer } from './discover/discoverers.ts';
import {
  createDiscovery,
  type Discovered,
  discoveredFrom,
  type Ground,
  type NamedSource,
} from './discover/discovery.ts';
import { recogniserOf } from './discover/gate-recognition.ts';
import { listOnce } from './discover/once.ts';
import type { SourceStatus } from './model/drift.ts';
import { USER_AGENT } from './pipeline.ts';
import type { Store } from './store/store.ts';

/** Changes of several sources at about the same time make one new set. */
const GATHER_MS = 2_000;
/** A source may be in trouble for this long before it is a fault of ours: an upgrade, a restart. */
const TROUBLE_MS = 300_000;
const LOOK_MS = 15_000;

export interface Discovering {
  start(): void;
  stop(): Promise<void>;
  /** What is to be watched now, and what does not fit. */
  discovered(): Discovered;
  sources(): readonly SourceStatus[];
  /** Tells the troubles of all sources (null: none) anew: whoever listens is another one. */
  tell(): void;
}

export interface DiscoveringTools {
  readonly clock: Clock;
  readonly log: Log;
  readonly state: Store['state'];
  /** Told that another set is to be watched. */
  readonly changed: () => void;
  /** Told why a source has not been listed for a while; null when it is again. */
  readonly trouble: (source: string, detail: string | null) => void;
}

/** Sources of a configuration; nothing is asked before `start`. */
export function createDiscovering(config: Config, tools: DiscoveringTools): Discovering {
  const { clock, state } = tools;
  const log = tools.log.child({ room: 'discover' });
  const { sources } = config.discover;
  let shown = '';
  let cancelGather: (() => void) | null = null;
  let cancelLook = (): void => {};
  const gather = (): void => {
    cancelGather ??= clock.after(GATHER_MS, () => {
      cancelGather = null;
      const now = fingerprint(discovery.discovered());
      tell();
      if (now === shown) return;
      shown = now;
      tools.changed();
    });
  };
  const discovery = createDiscovery({
    sources,
    create: creatorOf(config, clock),
    ground: groundOf(config),
    clock,
    random: Math.random,
    saved: {
      get: (source) => state.get(savedKey(source)),
      put: (source, text) => state.put(savedKey(source), text),
    },
    changed: gather,
  });
  const note = problemLog(log);
  const tell = (): void => {
    for (const { source, problem, problemSince } of discovery.sources()) {
      note(source, problem);
      const lasting = problemSince !== null && clock.now() - problemSince >= TROUBLE_MS;
      tools.trouble(source, lasting ? problem : null);
    }
  };
  const look = (): void => {
    tell();
    cancelLook = clock.after(LOOK_MS, look);
  };
  return {
    start() {
      shown = fingerprint(discovery.discovered());
      discovery.start();
      look();
    },
    async stop() {
      cancelGather?.();
      cancelLook();
      await discovery.stop();
    },
    discovered: discovery.discovered,
    sources: discovery.sources,
    tell,
  };
}

/** What is to be watched by what the sources say now, and which of them could not be listed. Keeps nothing. */
export async function discoverOnce(
  config: Config,
  clock: Clock,
): Promise<{ readonly discovered: Discovered; readonly failures: readonly string[] }> {
  const { listings, failures } = await listOnce(config.discover.sources, creatorOf(config, clock), clock);
  return { discovered: discoveredFrom(listings, groundOf(config), failures.length === 0), failures };
}

/** The configuration with what its sources list now, for commands that probe; sources that fail add nothing. */
export async function withFound(
  config: Config,
  clock: Clock,
): Promise<{ readonly config: Config; readonly failures: readonly string[] }> {
  if (config.discover.sources.length === 0) return { config, failures: [] };
  const { discovered, failures } = await discoverOnce(config, clock);
  return { config: { ...config, targets: discovered.targets }, failures };
}

function creatorOf({ ca, gates, discover }: Config, clock: Clock): (source: NamedSource) => Discoverer {
  const { folder } = discover;
  const tools = { clock, userAgent: USER_AGENT, ca, folder, gates, recognise: recogniserOf(discover.gates) };
  return ({ name, option }) => createDiscoverer(option, name, tools);
}

function groundOf({ targets, discover }: Config): Ground {
  return { statics: targets, setting: discover.setting, baseline: discover.baseline };
}

/** One line when a source's problem begins, changes or ends. */
function problemLog(log: Log): (source: string, problem: string | null) => void {
  const last = new Map<string, string | null>();
  return (source, problem) => {
    const before = last.get(source) ?? null;
    last.set(source, problem);
    if (before === problem) return;
    if (problem === null) log.info({ source }, 'source is listed again');
    else log.warn({ source, problem }, 'source cannot be used, its last good set stays');
  };
}

/** Key of the store's state that holds the last good set of a source. */
function savedKey(source: string): string {
  return `discovered:${source}`;
}

/** Text that differs when something else is to be watched or shown. */
function fingerprint({ targets, sources, drift, unaccepted, lifetimesMs, isWhole }: Discovered): string {
  return JSON.stringify([targets, [...sources], drift, [...unaccepted], lifetimesMs, isWhole]);
}

/** One line for what came and what left: a target that leaves says so, and its history stays. */
export function logChange(log: Log, before: Discovered, after: Discovered): void {
  const ids = (set: Discovered): Set<string> => new Set(set.targets.map(({ id }) => id));
  const [had, has] = [ids(before), ids(after)];
  const added = [...has].filter((id) => !had.has(id));
  const left = [...had].filter((id) => !has.has(id));
  log.info(
    { added, left, targets: has.size, drift: after.drift.length },
    left.length === 0 ? 'targets found' : 'targets found, and some are in no source any more',
  );
}
