// Origin servers on loopback, port 0, disposable: a scripted HTTP(S) server that records what reaches it, a server
// made of bytes, and one that never accepts.

import { once } from 'node:events';
import {
  createServer as createHttp,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import { type AddressInfo, connect, createServer as createTcp, type Socket } from 'node:net';
import { createServer as createTls, type TLSSocket } from 'node:tls';
import { Worker } from 'node:worker_threads';

/** Certificate and key of a server; `clients` makes it ask for a client certificate, or insist on one. */
export interface Identity {
  readonly certPem: string;
  readonly keyPem: string;
  readonly clients?: 'ask' | 'insist';
}

/** One request as the server saw it. */
export interface SeenRequest {
  readonly url: string;
  readonly host: string;
  /** Server name of the TLS handshake; null on plain HTTP or without one. */
  readonly sni: string | null;
  /** Common name of the client's certificate. */
  readonly client: string | null;
  readonly httpVersion: string;
  readonly headers: IncomingMessage['headers'];
  /** Number of the connection it came on, from 1. */
  readonly connection: number;
}

export interface Origin extends AsyncDisposable {
  readonly port: number;
  readonly address: { readonly host: string; readonly port: number };
  readonly requests: SeenRequest[];
  /** Connections taken so far, and those of them that resumed a TLS session. */
  readonly seen: { connections: number; resumed: number; applicationBytes: number };
  /** Sockets open now. */
  open(): number;
}

type Respond = (request: IncomingMessage, response: ServerResponse, seen: SeenRequest) => void;

/** HTTP server with TLS when it has an identity; `http2` speaks h2 where the client offers it. */
export async function startOrigin(options: {
  identity?: Identity | null;
  respond: Respond;
  http2?: boolean;
}): Promise<Origin> {
  const seen = { connections: 0, resumed: 0, applicationBytes: 0 };
  const requests: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const numbers = new WeakMap<object, number>();
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const socket = request.socket as TLSSocket;
    const one: SeenRequest = {
      url: request.url ?? '',
      host: request.headers.host ?? String(request.headers[':authority'] ?? ''),
      sni: typeof socket.servername === 'string' ? socket.servername : null,
      client: socket.getPeerX509Certificate?.()?.subject ?? null,
      httpVersion: request.httpVersion,
      headers: request.headers,
      connection: numbers.get(socket) ?? seen.connections,
    };
    requests.push(one);
    options.respond(request, response, one);
  };
  const server = createServerFor(options, listener);
  server.on('connection', (socket: Socket) => {
    seen.connections += 1;
    numbers.set(socket, seen.connections);
    track(sockets, socket);
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    numbers.set(socket, seen.connections);
    if (socket.isSessionReused()) seen.resumed += 1;
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  return listening(server, sockets, { requests, seen });
}

function createServerFor(
  options: { identity?: Identity | null; http2?: boolean },
  listener: never | ((...args: never[]) => void),
): Server {
  const { identity } = options;
  const on = listener as (request: IncomingMessage, response: ServerResponse) => void;
  if (identity === undefined || identity === null) return createHttp({ keepAliveTimeout: 0 }, on);
  const tls = { cert: identity.certPem, key: identity.keyPem, ...clientCertificates(identity) };
  if (options.http2)
    return createSecureServer({ ...tls, allowHTTP1: true }, on as never) as unknown as Server;
  return createHttps({ ...tls, keepAliveTimeout: 0 }, on) as unknown as Server;
}

function clientCertificates({ clients }: Identity): { requestCert?: boolean; rejectUnauthorized?: boolean } {
  return clients === undefined ? {} : { requestCert: true, rejectUnauthorized: clients === 'insist' };
}

/** Server that speaks bytes: `serve` gets each socket once TLS (if any) stands. Counts what it is sent. */
export async function startRawOrigin(options: {
  identity?: Identity | null;
  serve: (socket: Socket) => void;
}): Promise<Origin> {
  const seen = { connections: 0, resumed: 0, applicationBytes: 0 };
  const sockets = new Set<Socket>();
  const take = (socket: Socket): void => {
    track(sockets, socket);
    socket.on('data', (data) => {
      seen.applicationBytes += data.length;
    });
    options.serve(socket);
  };
  const { identity } = options;
  const server =
    identity == null ? createTcp(take) : createTls({ cert: identity.certPem, key: identity.keyPem }, take);
  server.on('connection', (socket: Socket) => {
    seen.connections += 1;
    track(sockets, socket);
  });
  return listening(server as Server, sockets, { requests: [], seen });
}

/** A port of 127.0.0.1 that lets a connection attempt hang: its queue is full and nobody accepts. */
export async function startDeafOrigin(): Promise<Origin> {
  const worker = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads');
     const server = require('node:net').createServer();
     server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       setTimeout(() => Atomics.wait(new Int32Array(workerData), 0, 0), 50);
     });`,
    { eval: true, workerData: new SharedArrayBuffer(4) },
  );
  const [port] = (await once(worker, 'message')) as [number];
  await new Promise((resolve) => setTimeout(resolve, 200));
  const fillers = Array.from({ length: 8 }, () => connect({ port, host: '127.0.0.1' }).on('error', () => {}));
  await new Promise((resolve) => setTimeout(resolve, 200));
  return {
    port,
    address: { host: '127.0.0.1', port },
    requests: [],
    seen: { connections: 0, resumed: 0, applicationBytes: 0 },
    open: () => 0,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      await worker.terminate();
    },
  };
}

function track(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.on('error', () => {});
  socket.once('close', () => sockets.delete(socket));
}

async function listening(
  server: Server,
  sockets: Set<Socket>,
  record: Pick<Origin, 'requests' | 'seen'>,
): Promise<Origin> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    address: { host: '127.0.0.1', port },
    ...record,
    open: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
