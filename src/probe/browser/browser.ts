// Browser visits, seen from the daemon: one child process at a time, with the browser below it, bounded in time and
// memory, and gone with all its processes when the visit is over. Playwright is in the child alone.

import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { errorText } from '../../base/log.ts';
import type { Account } from '../../model/account.ts';
import type { Check } from '../../model/check.ts';
import type { NetworkPath } from '../../model/network-path.ts';
import type { FlowFacts } from '../../model/observation.ts';
import type { Limit } from '../exchange.ts';
import type { Sighting } from '../http-visit.ts';
import { probeError } from '../net-error.ts';
import type { Codes } from '../one-time-code.ts';
import type { ArtifactFiles } from './artifact-files.ts';
import { type Done, fromChildSchema, type Order, type ToChild } from './message.ts';
import type { BrowserSettings } from './options.ts';
import { orderOf } from './order.ts';
import { ProcessTree } from './process-tree.ts';

/** Memory of child, browser and pages together (threats, section 6). */
const MEMORY_LIMIT_BYTES = 512 * 1024 * 1024;
/** How often the memory is looked at, ms. */
const LOOK_MS = 500;
const CHILD = new URL(`./child${extname(import.meta.url)}`, import.meta.url);
/** Flags of Node for the child: those of the daemon that make sense there, and a heap of its own size. */
const CHILD_FLAGS = [
  '--disable-proto=delete',
  '--disable-sigusr1',
  '--report-exclude-env',
  '--max-old-space-size=256',
  '--no-warnings',
];
/** Names of our folders in the temporary one: with our process' number, for those who come after a crash. */
const FOLDER = 'gatewatch-browser-';

/** Hands out what a flow may type; a code is given once. */
export type HandOut = (
  account: Account,
  what: 'password' | 'code',
  signal: AbortSignal,
) => Promise<{ value: string } | { why: string }>;

export interface BrowserTools {
  readonly clock: Clock;
  readonly settings: BrowserSettings;
  readonly paths: readonly NetworkPath[];
  readonly ca: readonly string[];
  readonly allowedAddresses: ReadonlySet<string>;
  readonly userAgent: string;
  readonly handOut: HandOut;
  /** Where files of failed visits are kept. Default: nowhere. */
  readonly artifacts?: ArtifactFiles;
}

export interface Browser {
  /** One visit; waits until the one before it has ended. Never rejects; our own faults are in phase `prober`. */
  visit(check: Check, limit: Limit): Promise<Sighting>;
}

/** Hands out the account's password, and codes that are given once. */
export function handOutOf(codes: Codes): HandOut {
  return async (account, what, signal) => {
    const { credential } = account;
    if (credential.kind !== 'password') return { why: `the account ${account.name} has no password to type` };
    if (what === 'password') return { value: credential.password.reveal() };
    const code = await codes.next(account, signal);
    return code === null ? { why: `the account ${account.name} has no one-time codes` } : { value: code };
  };
}

export function createBrowser(tools: BrowserTools): Browser {
  let last: Promise<unknown> = Promise.resolve();
  let swept = false;
  return {
    async visit(check, limit) {
      if (!swept) sweep();
      swept = true;
      const { clock } = tools;
      const untilMs = clock.monotonic() + limit.timeoutMs;
      const turn = last.then(() => one(check, tools, { ...limit, timeoutMs: untilMs - clock.monotonic() }));
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}

async function one(check: Check, tools: BrowserTools, limit: Limit): Promise<Sighting> {
  if (limit.stopped()) return fault('aborted', 'stopped by us');
  if (limit.signal.aborted) return fault('browser', 'the browser was still busy with another visit');
  const made = orderOf(check, tools, limit);
  if ('problem' in made) return fault('browser', made.problem);
  let folder: string;
  try {
    folder = mkdtempSync(join(tmpdir(), `${FOLDER}${process.pid}-`));
  } catch (error) {
    return fault('browser', `no folder for the browser can be made: ${errorText(error)}`);
  }
  try {
    return await inChild(made.order, check, { ...tools, folder }, limit);
  } finally {
    // What was killed may still be writing for a moment.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

function inChild(
  order: Order,
  check: Check,
  tools: BrowserTools & { readonly folder: string },
  limit: Limit,
): Promise<Sighting> {
  const { clock, folder } = tools;
  const child = start(folder);
  const tree = new ProcessTree(child.pid ?? -1, folder);
  let peakBytes = 0;
  let handedOut = false;
  const handOut: HandOut = async (account, what, signal) => {
    const secret = await tools.handOut(account, what, signal);
    handedOut ||= 'value' in secret;
    return secret;
  };
  return new Promise((resolve) => {
    let cancel = (): void => {};
    const settle = (sighting: Sighting): void => {
      cancel();
      limit.signal.removeEventListener('abort', late);
      child.removeAllListeners('message');
      tree.kill();
      if (child.connected) child.disconnect();
      // Whether it was typed is not known then: for the account it counts as if (threats C7).
      const broken = sighting.error?.phase === 'prober' && handedOut;
      resolve(broken ? { ...sighting, flow: brokenOff(sighting.error?.message ?? '') } : sighting);
    };
    const look = (): void => {
      peakBytes = Math.max(peakBytes, tree.memoryBytes());
      if (peakBytes > MEMORY_LIMIT_BYTES) settle(fault('browser', 'the browser needs more than 512 MiB'));
      else cancel = clock.after(LOOK_MS, look);
    };
    const late = (): void =>
      settle(limit.stopped() ? fault('aborted', 'stopped by us') : fault('browser', 'the browser hangs'));
    const send = (message: ToChild): void => void (child.connected && child.send(message));
    const hear = (foreign: unknown): void => {
      const sighting = heard(foreign, { order, check, send }, { ...tools, handOut }, limit.signal);
      if (sighting !== null) settle(sighting);
    };
    child.on('message', hear);
    child.on('error', (error) => settle(fault('browser', `the browser process: ${error.message}`)));
    child.on('exit', (code, signal) =>
      settle(fault('browser', `the browser process ended (${signal ?? code}) in the middle of the visit`)),
    );
    if (limit.signal.aborted) late();
    else limit.signal.addEventListener('abort', late, { once: true });
    cancel = clock.after(LOOK_MS, look);
  });
}

/** What a message of the child ends the visit with; null when it goes on. */
function heard(
  foreign: unknown,
  visit: { order: Order; check: Check; send: (message: ToChild) => void },
  tools: BrowserTools,
  signal: AbortSignal,
): Sighting | null {
  const parsed = fromChildSchema.safeParse(foreign);
  if (!parsed.success) return fault('browser', 'the browser process says what it may not');
  const message = parsed.data;
  switch (message.kind) {
    case 'ready':
      visit.send(visit.order);
      return null;
    case 'ask':
      void answer(message, visit, tools, signal);
      return null;
    case 'fault':
      return fault('browser', message.message);
    case 'done':
      return sightingOf(message, tools);
  }
}

/** A process group and session of its own, with nothing of our environment that could be a secret. */
function start(folder: string): ChildProcess {
  const { PATH = '/usr/bin:/bin', TZ, LANG } = process.env;
  const child = fork(CHILD, [], {
    cwd: folder,
    detached: true,
    env: {
      PATH,
      HOME: folder,
      TMPDIR: folder,
      ...(TZ === undefined ? {} : { TZ }),
      ...(LANG === undefined ? {} : { LANG }),
    },
    execArgv: CHILD_FLAGS,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  child.unref();
  return child;
}

async function answer(
  { id, what }: { id: number; what: 'password' | 'code' },
  { check: { account }, send }: { check: Check; send: (message: ToChild) => void },
  { handOut }: BrowserTools,
  signal: AbortSignal,
): Promise<void> {
  const secret = account === null ? { why: 'there is no account' } : await handOut(account, what, signal);
  const given = 'value' in secret ? { value: secret.value, why: '' } : { value: null, why: secret.why };
  send({ kind: 'secret', id, ...given });
}

function brokenOff(detail: string): FlowFacts {
  return { steps: [], end: 'not-finished', detail, secretsSent: true, clockSkewMs: null, page: null };
}

function sightingOf(done: Done, { artifacts }: BrowserTools): Sighting {
  const { exchanges, stop, error, flow, durationMs } = done;
  const kept = done.artifacts === null || artifacts === undefined ? null : artifacts.keep(done.artifacts);
  const facts = kept === null ? flow : { ...flow, artifacts: kept };
  // The browser's own handshake: what it says of the certificate is less than a probe's.
  return { exchanges: exchanges.map((one) => ({ ...one, tls: null })), stop, error, flow: facts, durationMs };
}

function fault(code: 'browser' | 'aborted', message: string): Sighting {
  return { exchanges: [], stop: 'error', error: probeError('prober', code, message), flow: null };
}

/** Removes what visits of processes left behind that were killed. */
function sweep(): void {
  for (const name of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${FOLDER}(\\d+)-`).exec(name)?.[1];
    if (owner === undefined || Number(owner) === process.pid || isAlive(Number(owner))) continue;
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
