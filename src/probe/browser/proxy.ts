// The way of every byte between the browser and the network: a proxy of ours that lets through the hosts of the visit,
// each by its own path, with the look-ups, the address guard and the connections of every other probe. TLS stays
// between browser and server; nothing is read. What it dialled is the proof of the path taken (threats F1).

import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../base/clock.ts';
import type { NetworkPath } from '../../model/network-path.ts';
import type { ProbeError } from '../../model/observation.ts';
import type { Dial } from '../dial.ts';
import { hostOf, type Locate } from '../locate.ts';
import { probeError } from '../net-error.ts';

/** Bytes of one visit through the proxy, both ways (threats, section 6). */
const TRAFFIC_LIMIT_BYTES = 50 * 1024 * 1024;
/** Connections at the same time; a browser opens six a host. */
const MOST_CONNECTIONS = 64;

/** One connection that was wanted of the proxy. */
export interface Contact {
  readonly host: string;
  readonly port: number;
  /** Null when the host is not one of the visit's: refused by us. */
  readonly path: string | null;
  readonly remote: { readonly address: string; readonly port: number } | null;
  readonly resolver: string | null;
  readonly dnsMs: number | null;
  readonly connectMs: number | null;
  readonly error: ProbeError | null;
}

export interface VisitProxy extends AsyncDisposable {
  readonly port: number;
  /** In order of their end. */
  readonly contacts: readonly Contact[];
  readonly bytes: () => number;
}

export interface ProxyOptions {
  readonly clock: Clock;
  readonly locate: Locate;
  readonly dial: Dial;
  /** The path of a host and port; null = not let through. */
  readonly pathOf: (host: string, port: number) => NetworkPath | null;
  readonly listen: { readonly host: string; readonly port: number };
  /** `user:password` that the browser must give, where others can reach the port. */
  readonly credentials: string | null;
  /** Ends all connections. */
  readonly signal: AbortSignal;
}

/** Starts the proxy. Rejects when it cannot listen. */
export async function startProxy(options: ProxyOptions): Promise<VisitProxy> {
  const contacts: Contact[] = [];
  const sockets = new Set<Duplex>();
  let bytes = 0;
  const follow = (socket: Duplex): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const count = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > TRAFFIC_LIMIT_BYTES) for (const socket of sockets) socket.destroy();
  };
  const open = async (url: URL): Promise<Socket | null> => {
    const { contact, socket } = await connect(url, options);
    contacts.push(contact);
    if (socket !== null) {
      follow(socket);
      socket.on('data', count);
    }
    return socket;
  };

  const server = createServer({ maxHeaderSize: 64 * 1024 });
  server.maxConnections = MOST_CONNECTIONS;
  server.on('connection', follow);
  server.on(
    'connect',
    (asked, client, head) => void tunnel(asked, { client, head }, { open, count }, options),
  );
  server.on('request', (asked, answer) => void forward(asked, answer, open, options));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...options.listen }, () => resolve());
  });
  const address = server.address();
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  options.signal.addEventListener('abort', () => void close(), { once: true });
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.listen.port,
    contacts,
    bytes: () => bytes,
    [Symbol.asyncDispose]: close,
  };
}

/** Looks up and connects by the host's own path; what is not let through is not looked up. */
async function connect(
  url: URL,
  { clock, locate, dial, pathOf, signal }: ProxyOptions,
): Promise<{ contact: Contact; socket: Socket | null }> {
  const host = hostOf(url);
  const port = Number(url.port || 80);
  const path = pathOf(host, port);
  const asked = { host, port, remote: null, resolver: null, dnsMs: null, connectMs: null };
  if (path === null) {
    const error = probeError('prober', 'address-forbidden', 'not one of the hosts of this visit');
    return { contact: { ...asked, path: null, error }, socket: null };
  }
  const { addresses, port: dialled, resolver, dnsMs, error: lookup } = await locate(url, path, signal);
  let contact: Contact = { ...asked, path: path.name, resolver, dnsMs, error: lookup };
  for (const address of addresses) {
    const startMs = clock.monotonic();
    const destination = { address, port: dialled, host, secure: false, http: 1, tls: null } as const;
    const { socket, error } = await dial(destination, signal);
    const connectMs = clock.monotonic() - startMs;
    contact = { ...contact, remote: { address, port: dialled }, connectMs, error };
    if (socket !== null) return { contact, socket };
  }
  return { contact, socket: null };
}

async function tunnel(
  asked: IncomingMessage,
  { client, head }: { client: Duplex; head: Buffer },
  { open, count }: { open: (url: URL) => Promise<Socket | null>; count: (chunk: Buffer) => void },
  options: ProxyOptions,
): Promise<void> {
  client.on('error', () => client.destroy());
  if (!isAllowed(asked, options.credentials)) {
    client.end(`HTTP/1.1 407 Proxy Authentication Required\r\n${CHALLENGE}content-length: 0\r\n\r\n`);
    return;
  }
  const url = URL.parse(`http://${asked.url ?? ''}`);
  const upstream = url === null ? null : await open(url);
  if (upstream === null || client.destroyed) {
    upstream?.destroy();
    client.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n');
    return;
  }
  client.write('HTTP/1.1 200 Connection established\r\n\r\n');
  if (head.length > 0) upstream.write(head);
  client.on('data', count);
  upstream.pipe(client);
  client.pipe(upstream);
  upstream.on('close', () => client.destroy());
  client.on('close', () => upstream.destroy());
}

/** A request for `http://`: sent on as it is, over a connection of its own. */
async function forward(
  asked: IncomingMessage,
  answer: ServerResponse,
  open: (url: URL) => Promise<Socket | null>,
  options: ProxyOptions,
): Promise<void> {
  if (!isAllowed(asked, options.credentials)) {
    answer.writeHead(407, { 'proxy-authenticate': 'Basic realm="gatewatch"' }).end();
    return;
  }
  const url = URL.parse(asked.url ?? '');
  const upstream = url?.protocol === 'http:' ? await open(url) : null;
  if (url === null || upstream === null) {
    // Never an answer of ours in the place of the site's: the record of contacts says why there is none.
    asked.socket.destroy();
    return;
  }
  const { 'proxy-connection': _, 'proxy-authorization': __, ...headers } = asked.headers;
  const onward = request({
    createConnection: () => upstream,
    method: asked.method ?? 'GET',
    path: `${url.pathname}${url.search}`,
    headers: { ...headers, connection: 'close' },
  });
  onward.on('error', () => answer.destroy());
  onward.on('response', (response) => {
    answer.writeHead(response.statusCode ?? 502, response.rawHeaders);
    response.pipe(answer);
  });
  asked.pipe(onward);
}

const CHALLENGE = 'proxy-authenticate: Basic realm="gatewatch"\r\n';

function isAllowed({ headers }: IncomingMessage, credentials: string | null): boolean {
  if (credentials === null) return true;
  const given = Buffer.from(headers['proxy-authorization'] ?? '');
  const wanted = Buffer.from(`Basic ${Buffer.from(credentials).toString('base64')}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
