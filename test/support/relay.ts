// A TCP relay in front of a real program: by it an address is really gone (connections are refused), silent (they
// are taken and nothing follows), or loses single connections, while the program behind it stays as it is.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { waitFor } from './wait.ts';

/** `closed`: refused. `silent`: accepted, never answered. */
export type RelayMode = 'open' | 'closed' | 'silent';

export interface Relay extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  /** Connections taken so far. */
  readonly connections: number;
  /** Resolves when the socket is as wanted; connections that stand are cut. */
  set(mode: RelayMode): Promise<void>;
  /** Resets the next so many connections as soon as they are made. */
  resetNext(count: number): void;
}

/** Listens on `address:port` and passes on to 127.0.0.1:`to`. */
export async function startRelay(options: { address: string; port: number; to: number }): Promise<Relay> {
  const { address, port, to } = options;
  const sockets = new Set<Socket>();
  let mode: RelayMode = 'open';
  let connections = 0;
  let resets = 0;

  const server = createServer({ allowHalfOpen: true }, (visitor) => {
    connections += 1;
    track(visitor, sockets);
    if (resets > 0) {
      resets -= 1;
      visitor.resetAndDestroy();
      return;
    }
    if (mode === 'open') join(visitor, track(connect(to, '127.0.0.1'), sockets));
  });
  const listen = async (): Promise<void> => {
    server.listen(port, address);
    await once(server, 'listening');
  };
  const close = async (): Promise<void> => {
    const closed = server.listening ? once(server, 'close') : null;
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await listen();
  return {
    address,
    port,
    get connections() {
      return connections;
    },
    async set(wanted) {
      mode = wanted;
      for (const socket of sockets) socket.destroy();
      if (wanted === 'closed') return close();
      if (!server.listening) {
        await waitFor(`port ${port} to be free again`, () => listen().then(() => true), { limitMs: 10_000 });
      }
    },
    resetNext(count) {
      resets = count;
    },
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
}

function track(socket: Socket, sockets: Set<Socket>): Socket {
  sockets.add(socket);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => sockets.delete(socket));
  return socket;
}

function join(one: Socket, other: Socket): void {
  one.pipe(other);
  other.pipe(one);
  one.on('close', () => other.destroy());
  other.on('close', () => one.destroy());
}
