// A real program as a child process: its output is kept, and it is ended by its id, nothing else.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { waitFor } from './wait.ts';

export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** Everything it printed so far, both streams. */
  output(): string;
  /** Waits for a text in the output. */
  says(text: string | RegExp, limitMs?: number): Promise<void>;
  /** Ends it and waits; the exit code, or null when a signal ended it. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
  /** Exit code once it ended by itself. */
  readonly exited: Promise<number | null>;
}

/** Starts it; fails later, in `says`, when it does not come up. */
export function startProgram(
  command: string,
  args: readonly string[],
  options: { cwd?: string; environment?: Record<string, string> } = {},
): Program {
  const child: ChildProcess = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const keep = (chunk: Buffer): void => {
    printed = (printed + chunk.toString()).slice(-1_000_000);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  child.on('error', (error) => {
    printed += error.message;
  });
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const isRunning = (): boolean =>
    child.exitCode === null && child.signalCode === null && child.pid !== undefined;
  const end = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    if (isRunning()) child.kill(signal);
    const giveUp = setTimeout(() => child.kill('SIGKILL'), 20_000);
    const code = await exited;
    clearTimeout(giveUp);
    return code;
  };
  return {
    pid: child.pid ?? -1,
    output: () => printed,
    async says(text, limitMs = 30_000) {
      await waitFor(
        `${command} to say ${text}`,
        () => {
          if (typeof text === 'string' ? printed.includes(text) : text.test(printed)) return true;
          if (!isRunning()) throw new Error(`${command} ended: ${printed.slice(-2000)}`);
          return false;
        },
        { limitMs },
      );
    },
    end,
    exited,
    async [Symbol.asyncDispose]() {
      await end();
    },
  };
}
