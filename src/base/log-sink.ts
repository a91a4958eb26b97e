// Where log lines go: standard output, without ever waiting for it. A reader that stalls, goes away, or a disk that is
// full costs lines, which are counted, but never memory, a thread, or the process (threats X22).

import { constants, fstatSync, openSync, write } from 'node:fs';
import { Socket } from 'node:net';
import { type Clock, systemClock } from './clock.ts';

/** Bytes that wait for a stalled reader before lines are dropped. */
const BUFFER_BYTES = 1024 * 1024;
/** Bytes of one write: what a pipe holds on Linux. Source: pipe(7). */
const CHUNK_BYTES = 64 * 1024;
/** Pause before the next try at a reader that is not reading, and at a disk that is full. */
const PAUSE_MS = { busy: 50, failed: 1_000 };
/** The last lines get so long before the process ends. */
const FLUSH_MS = 1_000;

/** Errors after which nobody will ever read again. */
const GONE: ReadonlySet<string> = new Set(['EPIPE', 'EBADF', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);

/** A stream as pino wants it. */
export interface LogSink {
  write(line: string): void;
  /** Calls back when everything is out, or after a second. */
  flush(done: () => void): void;
}

/** Sink on a file descriptor that stays open. */
export function createLogSink(fd: number, clock: Clock = systemClock): LogSink {
  const put = outputOf(fd);
  let waiting: Buffer[] = [];
  let bytes = 0;
  let dropped = 0;
  let state: 'idle' | 'busy' | 'gone' = 'idle';
  let flushing: (() => void)[] = [];

  const flushed = (): void => {
    const all = flushing;
    flushing = [];
    for (const done of all) done();
  };
  const enqueue = (line: Buffer): void => {
    waiting.push(line);
    bytes += line.length;
  };
  /** Whole lines, up to a chunk; one that is longer goes alone. */
  const take = (): Buffer => {
    let size = 0;
    let count = 0;
    for (const line of waiting) {
      if (count > 0 && size + line.length > CHUNK_BYTES) break;
      size += line.length;
      count += 1;
    }
    const chunk = Buffer.concat(waiting.slice(0, count));
    waiting = waiting.slice(count);
    bytes -= size;
    return chunk;
  };
  const giveUp = (): void => {
    state = 'gone';
    waiting = [];
    bytes = 0;
    flushed();
  };
  const pump = (): void => {
    if (waiting.length === 0) {
      state = 'idle';
      flushed();
      return;
    }
    state = 'busy';
    send(take());
  };
  const send = (chunk: Buffer): void => {
    put(chunk, (error, count) => {
      if (state === 'gone') return;
      if (error !== null) return failed(chunk, error.code ?? '');
      if (count < chunk.length) return send(chunk.subarray(count));
      sayDropped();
      pump();
    });
  };
  const failed = (chunk: Buffer, code: string): void => {
    if (GONE.has(code)) giveUp();
    else if (code === 'EAGAIN') clock.after(PAUSE_MS.busy, () => send(chunk));
    else {
      dropped += 1;
      clock.after(PAUSE_MS.failed, pump);
    }
  };
  const sayDropped = (): void => {
    if (dropped === 0) return;
    const line = {
      level: 'warn',
      time: new Date(clock.now()).toISOString(),
      dropped,
      msg: 'log lines dropped',
    };
    dropped = 0;
    enqueue(Buffer.from(`${JSON.stringify(line)}\n`));
  };
  return {
    write(line) {
      if (state === 'gone') return;
      const buffer = Buffer.from(line);
      if (bytes + buffer.length > BUFFER_BYTES) {
        dropped += 1;
        return;
      }
      enqueue(buffer);
      if (state === 'idle') pump();
    },
    flush(done) {
      if (state !== 'busy') return done();
      let called = false;
      const once = (): void => {
        if (called) return;
        called = true;
        cancel();
        done();
      };
      const cancel = clock.after(FLUSH_MS, once);
      flushing.push(once);
    },
  };
}

type Put = (chunk: Buffer, done: (error: NodeJS.ErrnoException | null, count: number) => void) => void;

// A blocked write would hold a thread of the pool, and the end of the process with it.
function outputOf(fd: number): Put {
  const kind = fstatSync(fd);
  if (kind.isSocket()) return socketOutput(fd);
  const out = kind.isFIFO() || kind.isCharacterDevice() ? openedAnew(fd) : fd;
  return (chunk, done) => write(out, chunk, 0, chunk.length, null, done);
}

// A service manager's journal. Source: systemd.exec(5), StandardOutput=journal.
function socketOutput(fd: number): Put {
  const socket = new Socket({ fd, readable: false, writable: true });
  socket.on('error', () => undefined); // told by the callback
  socket.unref();
  return (chunk, done) => socket.write(chunk, (error) => done(error ?? null, chunk.length));
}

// The new description is ours alone and does not block; those who share our standard output keep theirs as it is.
function openedAnew(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd;
  }
}
