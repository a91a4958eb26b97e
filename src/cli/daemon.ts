// The daemon as a process: log, signals, and the end after a bug. Shared by `run` and `demo`.

import { type App, runApp } from '../app.ts';
import { systemClock } from '../base/clock.ts';
import { createLog, errorText, type Log } from '../base/log.ts';
import { type ConfigSource, type Loaded, loadConfig } from '../config/load.ts';
import type { DemoFaults } from '../web/reads.ts';
import type { ExitCode, Invocation } from './contract.ts';

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
  const load = (): Loaded => loadConfig(options.source, options.environment);
  const quiet = options.quiet === true;
  const log = createLog(quiet ? 'error' : 'info');
  const stop = new AbortController();
  let app: App | null = null;
  const onStop = (): void => stop.abort();
  const onReload = (): void => {
    app?.reload().catch((error: unknown) => log.error({ error }, 'reload failed'));
  };
  process.once('SIGTERM', onStop).once('SIGINT', onStop).on('SIGHUP', onReload);
  process
    .on('uncaughtException', (error) => die(log, error))
    .on('unhandledRejection', (error) => die(log, error));
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
function die(log: Log, error: unknown): void {
  log.fatal(
    { error: errorText(error), stack: error instanceof Error ? error.stack?.split('\n').slice(1, 6) : null },
    'internal error',
  );
  process.exitCode = 3;
  log.flush(() => process.exit(3));
}
