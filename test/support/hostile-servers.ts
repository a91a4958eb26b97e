// The one table of servers that mean ill, byte by byte, with what a probe must make of each; and one listener for it.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTls } from 'node:tls';
import type { HostileServer } from './hostile-answer.ts';
import { CERTIFICATE_SERVERS } from './hostile-certificates.ts';
import { CONTENT_SERVERS } from './hostile-contents.ts';
import { HTTP1_SERVERS } from './hostile-http1.ts';
import { HTTP2_SERVERS } from './hostile-http2.ts';
import { TLS_SERVERS } from './hostile-tls.ts';
import type { Identity } from './origin.ts';

export const HOSTILE_SERVERS: readonly HostileServer[] = [
  ...HTTP1_SERVERS,
  ...CONTENT_SERVERS,
  ...HTTP2_SERVERS,
  ...TLS_SERVERS,
  ...CERTIFICATE_SERVERS,
];

export interface Running extends AsyncDisposable {
  readonly port: number;
  readonly address: { readonly host: string; readonly port: number };
}

/** The row without its TLS, where that is no part of it: much cheaper, for many at once. */
export function withoutTls(row: HostileServer): HostileServer {
  const needed = row.http === 2 || row.identity !== undefined || row.breaksTls === true;
  return needed ? row : { ...row, carrier: 'tcp', scheme: row.carrier === 'tls' ? 'http' : row.scheme };
}

/** Listens on 127.0.0.1 as this server; `identity` is a certificate that the client trusts, for rows without their own. */
export async function startHostile(row: HostileServer, identity: Identity): Promise<Running> {
  const sockets = new Set<Socket>();
  const serve = (socket: Socket): void => {
    socket.on('error', () => {});
    row.answer(socket);
  };
  const server =
    row.carrier === 'tcp' ? createServer(serve) : tlsServer(row, (await row.identity?.()) ?? identity, serve);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    address: { host: '127.0.0.1', port },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function tlsServer(row: HostileServer, identity: Identity, serve: (socket: Socket) => void): Server {
  const options = {
    cert: identity.certPem,
    key: identity.keyPem,
    ALPNProtocols: row.http === 2 ? ['h2'] : ['http/1.1'],
  };
  const server = createTls(options, serve);
  server.on('tlsClientError', () => {});
  return server as unknown as Server;
}
