// The daemon under soak, as a process on the demo's own configuration: started, ended by its id, started again on the
// same store, and asked for its metrics. What its processes counted is added up over all of them.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { type Program, startProgram } from '../support/program.ts';
import { START_FLAGS } from '../support/start-flags.ts';
import { waitFor } from '../support/wait.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const CONFIGURATION = join(import.meta.dirname, '../../config/demo.yaml');
const ANSWER_MS = 10_000;
const HEALTHY_MS = 240_000;

/** Counters of one process, or of all together. */
export interface Counted {
  readonly probes: number;
  /** Probes that failed for a reason of our own. */
  readonly proberFaults: number;
  readonly sessionsCreated: number;
  readonly sessionsSeen: number;
}

/** One look at the metrics. */
export interface Look extends Counted {
  readonly rssBytes: number;
  readonly storeBytes: number;
  readonly budgetPerMinute: number;
}

export interface Watched extends AsyncDisposable {
  readonly url: string;
  /** Null while no process runs or it does not answer. */
  look(): Promise<Look | null>;
  /** Over all processes, as of the last looks. */
  totals(): Counted;
  start(): Promise<void>;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Resolves when every check is up; rejects when that takes too long or the signal aborts. */
  healthy(signal: AbortSignal): Promise<void>;
  /** Ends that nobody asked for, and stops with another exit code than 0. */
  readonly accidents: readonly string[];
  /** Bytes of all its files, and rows of results; after its end. */
  files(): Promise<{ bytes: number; rows: number }>;
}

/** Prepares it; nothing runs before `start`. */
export function createWatched(options: {
  folder: string;
  port: number;
  environment: Readonly<Record<string, string>>;
}): Watched {
  const { folder, port } = options;
  const url = `http://127.0.0.1:${port}`;
  const environment = {
    ...options.environment,
    GATEWATCH_DEMO_STORE_FILE: join(folder, 'gatewatch.db'),
    GATEWATCH_DEMO_LISTEN: `127.0.0.1:${port}`,
  };
  const accidents: string[] = [];
  // Whatever ends this process, the daemon does not outlive it.
  process.once('exit', () => {
    if (program !== null) process.kill(program.pid, 'SIGKILL');
  });
  let before: Counted = NOTHING;
  let current: Counted = NOTHING;
  let program: Program | null = null;

  const look = async (): Promise<Look | null> => {
    if (program === null) return null;
    const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(
      () => null,
    );
    if (response === null || !response.ok) return null;
    const seen = lookOf(await response.text().catch(() => ''));
    current = seen;
    return seen;
  };
  const start = async (): Promise<void> => {
    const started = startProgram(process.execPath, [...START_FLAGS, MAIN, 'run', '--config', CONFIGURATION], {
      cwd: folder,
      environment,
    });
    program = started;
    const died = started.exited.then((code) => {
      if (program !== started) return;
      program = null;
      accidents.push(`ended by itself with ${code}: ${started.output().slice(-1500)}`);
      throw new Error(accidents.at(-1));
    });
    died.catch(() => undefined);
    const ready = waitFor('the daemon to be ready', async () => {
      const response = await fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(ANSWER_MS) });
      await response.arrayBuffer();
      return response.ok;
    });
    await Promise.race([ready, died]);
  };
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    await look();
    const ending = program;
    program = null;
    if (ending === null) return;
    const code = await ending.end(signal);
    before = sum(before, current);
    current = NOTHING;
    if (signal === 'SIGTERM' && code !== 0) {
      accidents.push(`SIGTERM ended it with ${code}: ${ending.output().slice(-1500)}`);
    }
  };
  return {
    url,
    look,
    totals: () => sum(before, current),
    start,
    end,
    async healthy(signal) {
      const isReady = async (): Promise<boolean> => signal.aborted || (await isHealthy(url));
      await waitFor('every check to be up', isReady, { everyMs: 1_000, limitMs: HEALTHY_MS });
    },
    accidents,
    files: () => filesOf(folder),
    async [Symbol.asyncDispose]() {
      await end('SIGTERM');
    },
  };
}

const NOTHING: Counted = { probes: 0, proberFaults: 0, sessionsCreated: 0, sessionsSeen: 0 };

function sum(a: Counted, b: Counted): Counted {
  return {
    probes: a.probes + b.probes,
    proberFaults: a.proberFaults + b.proberFaults,
    sessionsCreated: a.sessionsCreated + b.sessionsCreated,
    sessionsSeen: a.sessionsSeen + b.sessionsSeen,
  };
}

/** Fresh visits follow the session budget: a check may wait minutes for its first one. */
async function isHealthy(url: string): Promise<boolean> {
  const response = await fetch(`${url}/api/v1/checks`, { signal: AbortSignal.timeout(ANSWER_MS) });
  const { checks } = (await response.json()) as {
    checks: { id: string; visit: string; verdict: string | null; reason: string }[];
  };
  const missing = checks.filter(
    ({ verdict, visit }) => verdict !== 'up' && !(verdict === null && visit === 'fresh'),
  );
  if (checks.length > 0 && missing.length === 0) return true;
  throw new Error(
    `${missing.length} of ${checks.length} are not up: ${missing[0]?.id} ${missing[0]?.verdict} ${missing[0]?.reason}`,
  );
}

/** Sums the series of a name that carry this text in their labels. */
function metric(text: string, name: string, having: string = ''): number {
  let total = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith(name) || !/[{ ]/.test(line.charAt(name.length)) || !line.includes(having)) continue;
    total += Number(line.slice(line.lastIndexOf(' ') + 1));
  }
  return total;
}

function lookOf(text: string): Look {
  return {
    rssBytes: metric(text, 'process_resident_memory_bytes'),
    storeBytes: metric(text, 'gatewatch_store_size_bytes'),
    probes: metric(text, 'gatewatch_probes_total'),
    proberFaults: metric(text, 'gatewatch_probe_failures_total', 'signature="prober-fault"'),
    sessionsCreated: metric(text, 'gatewatch_sessions_created_total'),
    sessionsSeen: metric(text, 'gatewatch_sessions_seen_total'),
    budgetPerMinute: 60 * metric(text, 'gatewatch_session_budget_per_second'),
  };
}

async function filesOf(folder: string): Promise<{ bytes: number; rows: number }> {
  const names = (await readdir(folder)).filter((name) => name.includes('.db'));
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  const db = new Database(join(folder, 'gatewatch.db'), { readonly: true });
  try {
    const { rows } = db.prepare('SELECT count(*) AS rows FROM results').get() as { rows: number };
    return { bytes: sizes.reduce((a, b) => a + b, 0), rows };
  } finally {
    db.close();
  }
}
