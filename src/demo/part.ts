// A part of the demo site that really goes away: its socket is closed, so that a connection is refused, and is
// opened again on the same port. No part pretends to be down by answering.

import type { Server, Socket } from 'node:net';
import { type Clock, sleep } from '../base/clock.ts';

/** Everything of the demo listens here and nowhere else. */
export const LOOPBACK = '127.0.0.1';
/** Most connections one part holds at a time. */
const MAX_CONNECTIONS = 500;
/** A port that was let go may be taken for a moment by an outgoing connection: tries, and the wait between them. */
const BIND_TRIES = 50;
const BIND_WAIT_MS = 100;

/** A listening socket that can be closed and opened again. */
export interface Part extends AsyncDisposable {
  /** TCP port on 127.0.0.1; the same after each opening. */
  readonly port: number;
  /** Opens or closes the socket; what is open is cut. Calls take effect in their order. */
  open(wanted: boolean): void;
  /** Resolves when the last call has taken effect; rejects when the port could not be bound again. */
  settled(): Promise<void>;
}

/** Starts the server on the preferred port, or on a free one when that is taken (0 = any). */
export async function startPart(server: Server, clock: Clock, preferredPort: number = 0): Promise<Part> {
  const sockets = new Set<Socket>();
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  await listen(server, preferredPort).catch(() => listen(server, 0));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : preferredPort;

  let last: Promise<void> = Promise.resolve();
  let queue: Promise<void> = last;
  const enqueue = (step: () => Promise<void>): void => {
    last = queue.then(step);
    queue = last.catch(() => undefined);
  };
  const open = (wanted: boolean): void =>
    enqueue(() => (wanted ? reopen(server, port, clock) : close(server, sockets)));
  return {
    port,
    open,
    settled: () => last,
    async [Symbol.asyncDispose]() {
      open(false);
      await queue;
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      server.off('listening', succeed);
      reject(error);
    };
    const succeed = (): void => {
      server.off('error', fail);
      resolve();
    };
    server.once('error', fail);
    server.once('listening', succeed);
    server.listen(port, LOOPBACK);
  });
}

async function reopen(server: Server, port: number, clock: Clock): Promise<void> {
  for (let attempt = 1; !server.listening; attempt++) {
    try {
      await listen(server, port);
    } catch (error) {
      if (attempt >= BIND_TRIES) throw error;
      await sleep(clock, BIND_WAIT_MS);
    }
  }
}

function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
}
