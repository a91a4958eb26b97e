// The daemon as a process: log, signals, and the end after a bug. Shared by `run` and `demo`.

import { type App, runApp } from '../app.ts';
import { systemClock } from '../base/clock.ts';
import { createLog, type Log } from '../base/log.ts';
import { type ConfigSource, type Loaded, loadConfig } from '../config/load.ts';
import { withoutSecrets } from '../model/text.ts';
import type { DemoFaults } from '../web/reads.ts';
import type { ExitCode, Invocation } from './contract.ts';

/** How long the log may take to say why the process ends. */
const LAST_WORDS_MS = 1_000;

export interface DaemonOptions {
  readonly source: ConfigSource;
  readonly environment: Invocation['environment'];
  readonly demo: DemoFaults | null;
  /** Called with the address of the page once it is there. */
  readonly announce: (url: string) => void;
  /** Logs errors alone, whatever the configuration says. */
  readonly quiet?: boolean;
}

/** Runs until SIGTERM or SIGINT; rejects with ConfigError when the configuration cannot be used. */
export async function runDaemon(options: DaemonOptions): Promise<ExitCode> {
  const secrets = new Set<string>();
  // A copy: what is a secret leaves the process' own environment, and a reload needs it all the same (threats P7).
  const environment = { ...options.environment };
  const load = (): Loaded => {
    const loaded = loadConfig(options.source, environment);
    for (const secret of loaded.secrets) secrets.add(secret);
    for (const name of loaded.variables) delete process.env[name];
    return loaded;
  };
  if (process.report !== undefined) process.report.excludeEnv = true;
  const quiet = options.quiet === true;
  const log = createLog(quiet ? 'error' : 'info', (text) => withoutSecrets(text, [...secrets]));
  const stop = new AbortController();
  let app: App | null = null;
  const onStop = (): void => stop.abort();
  const onReload = (): void => {
    app?.reload().catch((error: unknown) => log.error({ error }, 'reload failed'));
  };
  process.once('SIGTERM', onStop).once('SIGINT', onStop).on('SIGHUP', onReload);
  process
    .on('uncaughtException', (error) => die(log, error, [...secrets]))
    .on('unhandledRejection', (error) => die(log, error, [...secrets]));
  await runApp(
    {
      clock: systemClock,
      log,
      load,
      followsLogLevel: !quiet,
      file: 'file' in options.source && options.demo === null ? options.source.file : null,
      demo: options.demo,
      signal: stop.signal,
      ready({ host, port }) {
        const shown = host === '0.0.0.0' ? '127.0.0.1' : host === '::' || host.includes(':') ? '[::1]' : host;
        const url = `http://${shown}:${port}/`;
        log.info({ url }, 'watching');
        options.announce(url);
      },
    },
    (running) => {
      app = running;
    },
  );
  process.off('SIGHUP', onReload);
  return 0;
}

/** Nothing may go on after a bug whose extent is not known; what matters is on disk, and a supervisor restarts. */
function die(log: Log, error: unknown, secrets: readonly string[]): void {
  // V8 quotes values in its messages, and a stack begins with the message.
  const stack =
    error instanceof Error ? error.stack?.split('\n').filter((line) => /^ +at /.test(line)) : null;
  log.fatal(
    { error, stack: stack?.slice(0, 5).map((line) => withoutSecrets(line, secrets)) },
    'internal error',
  );
  process.exitCode = 3;
  // A log that nobody reads does not keep a broken process alive (threats X35).
  systemClock.after(LAST_WORDS_MS, () => process.exit(3));
  log.flush(() => process.exit(3));
}
