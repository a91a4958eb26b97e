// Runs the child of the crash tests, kills it where the plan says, and keeps what its receivers were told.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Incident } from '../../src/model/incident.ts';
import { openIn } from './store-under-test.ts';

/** What a child is to do. */
export interface CrashPlan {
  readonly folder: string;
  /** Base URL of the receivers: `/am` and `/hook` below it. */
  readonly receivers: string;
  /** Steps of the virtual clock in all. */
  readonly ticks: number;
  /** The store writes in its thread, as in production. */
  readonly thread: boolean;
  readonly budget: { readonly perMinute: number; readonly capacity: number };
  /** Job of the store at which it ends itself with SIGKILL, counted from 1. */
  readonly killAt: { readonly job: number; readonly when: 'before' | 'after' } | null;
}

/** One line of the child's ledger; each has one of these. */
export interface LedgerLine {
  /** Step of the virtual clock that is over. */
  readonly tick?: number;
  /** A session was made in this step. */
  readonly session?: number;
  /** Ids of results on disk. */
  readonly committed?: readonly number[];
  /** Jobs of the whole process. */
  readonly jobs?: number;
}

/** One alert as a receiver was told of it. */
export interface Told {
  readonly receiver: 'am' | 'hook';
  readonly status: 'firing' | 'resolved';
  /** Identity of the delivery: the idempotency key, or labels and status. */
  readonly identity: string;
  readonly labels: string;
  readonly startsAt: string;
}

/** How a life of the site ended. */
export interface Life {
  readonly incidents: readonly Incident[];
  readonly resultIds: ReadonlySet<number>;
  readonly ledger: readonly LedgerLine[];
  readonly told: readonly Told[];
  /** Requests that came in. */
  readonly requests: number;
}

export type KillAt =
  | { readonly job: number; readonly when: 'before' | 'after' }
  /** Request to a receiver, counted from 1: before or after it is answered. */
  | { readonly request: number; readonly when: 'before' | 'after' }
  | null;

/** One site, its folder and its receivers; processes come and go. */
export interface CrashSite extends AsyncDisposable {
  /** Runs a process until it ends or is killed; whether it came to its end. */
  run(killAt: KillAt, killAfterMs?: number): Promise<boolean>;
  life(): Life;
}

/** Starts the receivers of a site whose files are in `folder`; `child` is the program of child-crash.ts. */
export async function crashSite(
  child: string,
  settings: Pick<CrashPlan, 'folder' | 'ticks' | 'thread' | 'budget'>,
): Promise<CrashSite> {
  const told: Told[] = [];
  let requests = 0;
  let running: ChildProcess | null = null;
  let killAtRequest: { request: number; when: 'before' | 'after' } | null = null;
  const maybeKill = (when: 'before' | 'after'): void => {
    if (killAtRequest?.request === requests && killAtRequest.when === when) running?.kill('SIGKILL');
  };
  const server = createServer(async (request, response) => {
    // Its clock is not the virtual one.
    response.sendDate = false;
    const body = await bodyOf(request).catch(() => null);
    if (request.method !== 'POST' || body === null) return void response.writeHead(404).end();
    requests += 1;
    told.push(...toldBy(request, body));
    maybeKill('before');
    response.writeHead(200).end(() => maybeKill('after'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receivers = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    async run(killAt, killAfterMs) {
      killAtRequest = killAt !== null && 'request' in killAt ? killAt : null;
      const ownKill = killAt !== null && 'job' in killAt ? killAt : null;
      const plan: CrashPlan = { ...settings, receivers, killAt: ownKill };
      const started = spawn(process.execPath, [child, JSON.stringify(plan)], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      running = started;
      let said = '';
      started.stderr?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      const timer = killAfterMs === undefined ? null : setTimeout(() => started.kill('SIGKILL'), killAfterMs);
      const [code, signal] = await once(started, 'close');
      if (timer !== null) clearTimeout(timer);
      if (signal === null && code !== 0)
        throw new Error(`the child ended with ${code}: ${said.slice(-2000)}`);
      return signal === null;
    },
    life: () => ({ ...storedIn(settings.folder), told: [...told], requests }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function storedIn(folder: string): Pick<Life, 'incidents' | 'resultIds' | 'ledger'> {
  using store = openIn(folder, { readonly: true }).store;
  const ids = new Set<number>();
  for (let before = Number.MAX_SAFE_INTEGER; ; ) {
    const page = store.results.query({ before, limit: 1000 });
    for (const { id } of page) ids.add(id);
    before = page.at(-1)?.id ?? 0;
    if (page.length < 1000) break;
  }
  const file = join(folder, 'ledger');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const ledger = lines.filter((line) => line.endsWith('}')).map((line): LedgerLine => JSON.parse(line));
  return { incidents: store.incidents.list({}), resultIds: ids, ledger };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return chunks.length === 0 ? null : JSON.parse(Buffer.concat(chunks).toString());
}

// Alertmanager is told a list and merges by labels; the webhook is told of one alert under an idempotency key.
function toldBy(request: IncomingMessage, body: unknown): Told[] {
  const hook = request.url === '/hook';
  const alerts = (hook ? (body as { alerts: PostedAlert[] }).alerts : body) as PostedAlert[];
  return alerts.map((alert) => {
    const labels = JSON.stringify(Object.entries(alert.labels).sort());
    const status = alert.status ?? (alert.annotations['summary']?.startsWith('Over') ? 'resolved' : 'firing');
    const key = String(request.headers['idempotency-key'] ?? `${labels} ${status}`);
    return { receiver: hook ? 'hook' : 'am', status, identity: key, labels, startsAt: alert.startsAt };
  });
}

interface PostedAlert {
  readonly status?: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
}
