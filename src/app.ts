// Lifetime of the process: store, metrics and web server live as long as it does; everything that depends on the
// configuration is one Watch, replaced on reload. A bad new configuration keeps the old Watch.

import { createHash } from 'node:crypto';
import type { Clock } from './base/clock.ts';
import { createExhaustion } from './base/exhaustion.ts';
import { watchFiles } from './base/file-watch.ts';
import { errorText, type Log } from './base/log.ts';
import type { Secret } from './base/secret.ts';
import { createStallWatch } from './base/stall.ts';
import type { Config } from './config/config.ts';
import type { Loaded } from './config/load.ts';
import { ConfigError, problemText } from './config/problem.ts';
import { createClockWatch } from './correlate/clock-watch.ts';
import type { Discovered } from './discover/discovery.ts';
import { createDiscovering, type Discovering, logChange } from './discovering.ts';
import { createMetrics } from './metrics/metrics.ts';
import type { ReceiverOptions } from './notify/receivers.ts';
import { createArtifactFiles } from './probe/browser/artifact-files.ts';
import type { SessionMemory } from './signing-in.ts';
import { noteEnd, noteStart, STARTS_MS } from './store/starts.ts';
import { openStoreWhenFree, type Store } from './store/store.ts';
import { storeFiles } from './store/store-files.ts';
import { createWatch, STATE, type Watch, type WatchTools } from './watch.ts';
import type { WebOptions } from './web/options.ts';
import type { DemoFaults } from './web/reads.ts';
import { createWeb, type Web } from './web/server.ts';

/** A changed file that would drop more than this share of the targets waits to be asked for (DESIGN 10). */
const LARGEST_LOSS = 0.5;
/** Removed receivers that are remembered. */
const LEAVING = 16;
/** How long a stop may take before it is cut short. */
const STOP_MS = 10_000;
/** Slices of retention: often while there is something to do, else now and then. */
const PRUNE_AGAIN_MS = 2_000;
const PRUNE_EVERY_MS = 60_000;

export interface AppOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Reads the configuration anew; throws ConfigError. */
  readonly load: () => Loaded;
  /** Whether the log follows `log.level` of the configuration, also on reload. */
  readonly followsLogLevel?: boolean;
  /** Name of the file, for the page; null for the demo. */
  readonly file: string | null;
  readonly demo: DemoFaults | null;
  /** Told when the page is there, also where a reload has moved it. */
  readonly ready: (web: { readonly host: string; readonly port: number }) => void;
  /** Ends the process' life: the first abort stops cleanly. */
  readonly signal: AbortSignal;
}

/** What a signal handler may ask of a running process. */
export interface App {
  reload(): Promise<{ ok: boolean; problems: readonly string[] }>;
}

/** Runs until the signal aborts. Rejects with ConfigError or StoreError when it cannot start. */
export async function runApp(options: AppOptions, started: (app: App) => void): Promise<void> {
  const { clock, log } = options;
  const first = options.load();
  if (options.followsLogLevel === true) log.level = first.config.logLevel;
  await using stack = new AsyncDisposableStack();
  const stepped = (byMs: number): void => log.warn({ byMs }, 'the clock was stepped, or we slept');
  const stall = stack.use(createStallWatch(clock, stepped));
  const clockWatch = createClockWatch();
  const exhaustion = createExhaustion(clock);
  const metrics = createMetrics();
  const artifacts = createArtifactFiles(storeFiles(first.config.store.file).artifacts, clock);
  const memory: SessionMemory = new Map();
  const { file, resultsMs, rollupsMs, maxBytes } = first.config.store;
  const problem = (detail: string | null): void => configured.storeProblem(detail);
  const storeLog = log.child({ room: 'store' });
  const storeOptions = { file, resultsMs, rollupsMs, maxBytes, clock, log: storeLog, problem };
  const store = stack.use(await openStoreWhenFree(storeOptions, options.signal));
  const configured = new Configured(options, { first, state: store.state }, (config, parts) =>
    createWatch(config, {
      clock,
      log,
      store,
      metrics,
      stall,
      clockWatch,
      exhaustion,
      ...parts,
      demo: options.demo !== null,
      memory,
      artifacts,
      about: () => configured.about(),
    }),
  );
  configured.storeProblem(store.problem);
  const restarts = noteStart(store.state, clock.now());
  stack.defer(() => noteEnd(store.state));
  // A record that cannot be read is empty buckets: whatever goes wrong at each start must not be paid with sessions.
  if (restarts !== null) store.state.put(STATE.sessions, '');
  configured.begin();
  configured.watch.finding('internal', restarts);
  stack.defer(clock.after(STARTS_MS, () => configured.watch.finding('internal', null)));
  stack.defer(() => configured.end());
  // At a date nobody believes nothing is old (threats X18); room is made all the same.
  const today = (): number =>
    clockWatch.believes({ at: clock.now(), monotonicMs: clock.monotonic() }) ? clock.now() : 0;
  stack.use(pruneRegularly(clock, () => store.prune(today())));
  metrics.bind(() => configured.watch.snapshot(), store.sizeBytes);
  const web = new WebPort(options, (webOptions) =>
    createWeb({
      options: webOptions,
      clock,
      log: log.child({ room: 'web' }),
      reads: {
        snapshot: () => configured.watch.snapshot(),
        results: (query) => configured.watch.results(query),
        incidents: (query) => configured.watch.incidents(query),
        incident: (id) => configured.watch.incident(id),
        texts: (id) => configured.watch.texts(id),
        summary: (incident) => configured.watch.summary(incident),
        artifact: artifacts.read,
        artifacts: artifacts.list,
      },
      metrics: () => metrics.text(),
      health: { ready: () => true, live: () => configured.isAlive() },
      actions: {
        reload: () => configured.reload('asked'),
        run: async (check) => configured.watch.runNow(check),
        probe: (wish) => configured.watch.probeNow(wish),
        inbound: (alerts) => configured.watch.inbound(alerts),
      },
      demo: options.demo,
    }),
  );
  await web.use(first.config.web);
  stack.defer(() => web.end());
  configured.onReload = (loaded) => void web.use(loaded.config.web);
  started({ reload: () => configured.reload('asked') });
  await aborted(options.signal);
  log.info('stopping');
  // A stop that hangs is cut short: everything that matters is on disk already.
  clock.after(STOP_MS, () => process.exit(0));
}

type Reloaded = { ok: boolean; problems: readonly string[] };
type Build = (config: Config, parts: Pick<WatchTools, 'leaving' | 'discovered' | 'sources'>) => Watch;
/** Why a Watch is replaced, the weightiest last: where several wait, one does for all. */
const REASONS = ['found', 'file', 'asked'] as const;
type Reason = (typeof REASONS)[number];

/** The running Watch and its configuration; replaces both on reload, one reload at a time. */
class Configured {
  readonly #options: AppOptions;
  readonly #build: Build;
  #loaded: Loaded;
  /** Receivers that a reload has removed; told of the end of all that they know. */
  #leaving: readonly ReceiverOptions[] = [];
  #watch: Watch | null = null;
  #discovering: Discovering | null = null;
  /** What the running Watch watches. */
  #discovered: Discovered | null = null;
  readonly #state: Store['state'];
  #loadedAt: number;
  #error: string | null = null;
  /** What is told of a refused configuration. */
  #refused: string | null = null;
  #storeTrouble: string | null = null;
  #files: Disposable | null = null;
  #reloading: Promise<Reloaded> | null = null;
  /** The one after it, and why: what changed since the running one began to read must not be missed. */
  #next: { readonly done: Promise<Reloaded>; why: Reason } | null = null;
  /** Told of every configuration that came into force by a reload. */
  onReload: (loaded: Loaded) => void = () => {};

  constructor(options: AppOptions, begin: { first: Loaded; state: Store['state'] }, build: Build) {
    this.#options = options;
    this.#build = build;
    this.#loaded = begin.first;
    this.#state = begin.state;
    this.#loadedAt = options.clock.now();
  }

  get watch(): Watch {
    if (this.#watch === null) throw new Error('not begun');
    return this.#watch;
  }

  /** A Watch runs, or one is being replaced: no reason to be restarted. */
  isAlive(): boolean {
    return this.#reloading !== null || this.watch.isAlive();
  }

  /** What page and metrics show about the configuration. */
  about(): { file: string | null; loadedAt: number; error: string | null } {
    return { file: this.#options.file, loadedAt: this.#loadedAt, error: this.#error };
  }

  begin(): void {
    this.#use(this.#loaded, this.#watchFilesOf(this.#loaded));
  }

  reload(why: Reason): Promise<Reloaded> {
    if (this.#reloading === null) {
      const done = why === 'found' ? this.#replan() : this.#reload(why);
      this.#reloading = done.finally(() => {
        this.#reloading = null;
      });
      return this.#reloading;
    }
    this.#next ??= { why, done: this.#reloading.then(() => this.#reloadNext()) };
    if (REASONS.indexOf(why) > REASONS.indexOf(this.#next.why)) this.#next.why = why;
    return this.#next.done;
  }

  #reloadNext(): Promise<Reloaded> {
    const why = this.#next?.why ?? 'file';
    this.#next = null;
    return this.reload(why);
  }

  storeProblem(detail: string | null): void {
    this.#storeTrouble = detail;
    this.#watch?.finding('store', detail);
  }

  async end(): Promise<void> {
    this.#files?.[Symbol.dispose]();
    await (this.#next?.done ?? this.#reloading);
    this.#files?.[Symbol.dispose]();
    await this.#discovering?.stop();
    await this.#watch?.stop('exit');
  }

  #watchFilesOf({ files }: Pick<Loaded, 'files'>): Disposable {
    return watchFiles(files, this.#options.clock, () => void this.reload('file'));
  }

  /** Puts a configuration into force; `files` notices its next change. */
  #use(loaded: Loaded, files: Disposable): void {
    const { clock, log } = this.#options;
    if (this.#options.followsLogLevel === true) log.level = loaded.config.logLevel;
    for (const warning of loaded.warnings)
      log.warn({ problem: problemText(warning) }, 'doubtful configuration');
    const leaving = leavingOf([...this.#loaded.config.receivers, ...this.#leaving], loaded);
    const discovering = this.#discoveringOf(loaded);
    this.#begin(loaded, { leaving, discovering });
    const before = this.#discovering;
    this.#leaving = leaving;
    this.#loaded = loaded;
    this.#discovering = discovering;
    discovering.start();
    void before?.stop();
    this.#files?.[Symbol.dispose]();
    this.#files = files;
    this.#loadedAt = clock.now();
    this.#error = null;
    this.#refused = null;
    this.#watch?.finding('configuration', null);
  }

  #discoveringOf({ config }: Loaded): Discovering {
    const { clock, log } = this.#options;
    return createDiscovering(config, {
      clock,
      log,
      state: this.#state,
      changed: () => void this.reload('found'),
      trouble: (source, detail) => this.#watch?.finding('discovery', detail, source),
    });
  }

  /** Builds and starts the Watch of a configuration with what was discovered. */
  #begin(
    { config }: Loaded,
    { leaving, discovering }: { leaving: readonly ReceiverOptions[]; discovering: Discovering },
  ): void {
    const discovered = discovering.discovered();
    const { targets } = discovered;
    const parts = { leaving, discovered, sources: discovering.sources };
    const watch = this.#build({ ...config, targets }, parts);
    watch.start();
    this.#watch = watch;
    this.#discovered = discovered;
    watch.finding('store', this.#storeTrouble);
    watch.finding('configuration', this.#refused);
  }

  /** Another set of targets: restart and reload are the same way back, and so is this. */
  async #replan(): Promise<Reloaded> {
    const [discovering, before] = [this.#discovering, this.#discovered];
    if (discovering === null) return { ok: true, problems: [] };
    await this.#watch?.stop('reload');
    this.#begin(this.#loaded, { leaving: this.#leaving, discovering });
    if (before !== null && this.#discovered !== null) logChange(this.#options.log, before, this.#discovered);
    discovering.tell();
    return { ok: true, problems: [] };
  }

  async #reload(why: Reason): Promise<Reloaded> {
    const before = this.#loaded;
    let loaded: Loaded;
    try {
      loaded = this.#options.load();
    } catch (error) {
      if (!(error instanceof ConfigError)) return this.#refuse([errorText(error)]);
      // A secret that is missing may be mended by itself: its file is worth watching too.
      this.#files?.[Symbol.dispose]();
      this.#files = this.#watchFilesOf({ files: [...new Set([...before.files, ...error.files])] });
      return this.#refuse(error.problems.map(problemText));
    }
    const loss = why === 'file' ? lossOf(before, loaded) : null;
    if (loss !== null) {
      return this.#refuse([`${loss}; to apply it all the same, send SIGHUP or POST /-/reload`]);
    }
    // Watched from here on: the stop takes a while, and what is written meanwhile must not be missed.
    const files = this.#watchFilesOf(loaded);
    await this.#watch?.stop('reload');
    try {
      this.#use(loaded, files);
    } catch (error) {
      files[Symbol.dispose]();
      this.#use(before, this.#watchFilesOf(before));
      return this.#refuse([errorText(error)]);
    }
    if (before.config.store.file !== loaded.config.store.file) {
      this.#options.log.warn('another store is used only after a restart');
    }
    this.onReload(loaded);
    this.#options.log.info({ targets: loaded.config.targets.length }, 'configuration reloaded');
    return { ok: true, problems: loaded.warnings.map(problemText) };
  }

  #refuse(problems: readonly string[]): Reloaded {
    this.#error = problems[0] ?? 'unknown';
    this.#options.log.error({ problems }, 'configuration refused, the old one stays');
    const more = problems.length > 1 ? `, and ${problems.length - 1} more` : '';
    this.#refused = `the changed configuration is refused: ${this.#error}${more}`;
    this.#watch?.finding('configuration', this.#refused);
    return { ok: false, problems };
  }
}

/** The web port; listens anew when a reload changed its options. */
class WebPort {
  readonly #options: AppOptions;
  readonly #build: (options: WebOptions) => Web;
  #current: { readonly web: Web; readonly options: string } | null = null;

  constructor(options: AppOptions, build: (options: WebOptions) => Web) {
    this.#options = options;
    this.#build = build;
  }

  /** Rejects only when the first port cannot be listened on; later the old one stays. */
  async use(options: WebOptions): Promise<void> {
    const text = fingerprint(options);
    const before = this.#current;
    if (before?.options === text) return;
    await before?.web.stop();
    const web = this.#build(options);
    try {
      const { port } = await web.start();
      this.#current = { web, options: text };
      this.#options.ready({ host: options.listen.host, port });
    } catch (error) {
      if (before === null) throw error;
      this.#options.log.error({ error: errorText(error) }, 'web port cannot be changed, the old one stays');
      await before.web.start();
    }
  }

  async end(): Promise<void> {
    await this.#current?.web.stop();
  }
}

/** Text that differs when the options do; secrets are in it as hashes alone. */
function fingerprint({ auth, ...rest }: WebOptions): string {
  const hash = (secret: Secret): string => createHash('sha256').update(secret.reveal()).digest('hex');
  const basic = auth?.basic ? [auth.basic.username, hash(auth.basic.password)] : null;
  const tokens = auth?.tokens.map(({ name, token, may }) => [name, hash(token), ...may]) ?? null;
  return JSON.stringify({ ...rest, basic, tokens });
}

/** Receivers that the new configuration does not have, the latest first. */
function leavingOf(before: readonly ReceiverOptions[], after: Loaded): readonly ReceiverOptions[] {
  const kept = new Set(after.config.receivers.map(({ name }) => name));
  const gone = new Map<string, ReceiverOptions>();
  for (const one of before) if (!kept.has(one.name) && !gone.has(one.name)) gone.set(one.name, one);
  return [...gone.values()].slice(0, LEAVING);
}

/** Why a changed file must not be applied by itself, or null. */
function lossOf(before: Loaded, after: Loaded): string | null {
  const kept = new Set(after.config.targets.map((target) => target.id));
  const all = before.config.targets.length;
  const lost = before.config.targets.filter((target) => !kept.has(target.id)).length;
  if (lost > all * LARGEST_LOSS) return `the changed file drops ${lost} of ${all} targets`;
  const receivers = before.config.receivers.length;
  return receivers > 0 && after.config.receivers.length === 0 ? 'the changed file drops all receivers' : null;
}

function pruneRegularly(clock: Clock, prune: () => Promise<boolean>): Disposable {
  let stopped = false;
  let cancel = (): void => {};
  const next = async (): Promise<void> => {
    const again = await prune();
    if (!stopped) cancel = clock.after(again ? PRUNE_AGAIN_MS : PRUNE_EVERY_MS, () => void next());
  };
  cancel = clock.after(PRUNE_EVERY_MS, () => void next());
  return {
    [Symbol.dispose]() {
      stopped = true;
      cancel();
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
