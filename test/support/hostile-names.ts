// Name servers that lie, byte by byte: one table, and one listener (UDP and TCP) that serves a row of it.

import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type Answer, decode, encode, type Packet } from 'dns-packet';

/** Response flag bits (RFC 1035 4.1.1). */
const TRUNCATED = 1 << 9;
const REFUSED = 5;

/** What comes back for a query, without the length that TCP puts in front; null = silence. */
type Reply = (query: Buffer, transport: 'udp' | 'tcp') => Buffer | null;

export interface HostileNames {
  readonly name: string;
  readonly reply: Reply;
  readonly public: string;
  readonly login: string;
  /** Nothing but the deadline ends it. */
  readonly slow: boolean;
  /** Loopback may be dialled on the path. */
  readonly private: boolean;
}

const FAILED = 'down dns-failed';
const NOT_TAKEN = 'unknown path-not-taken';

function respond(query: Buffer, over: Partial<Packet> & { answers?: Answer[] }): Buffer {
  const asked = decode(query);
  return encode({
    type: 'response',
    id: asked.id ?? 0,
    questions: asked.questions ?? [],
    answers: [],
    ...over,
  });
}

const nameIn = (query: Buffer): string => decode(query).questions?.[0]?.name ?? '';
const typeIn = (query: Buffer): string => decode(query).questions?.[0]?.type ?? '';

/** Answers of the asked type at these addresses. */
export const answering =
  (list: readonly string[], ttl = 60): Reply =>
  (query) => {
    const fits = list.filter((one) => typeIn(query) === (one.includes(':') ? 'AAAA' : 'A'));
    const answers = fits.map(
      (data): Answer => ({ name: nameIn(query), type: data.includes(':') ? 'AAAA' : 'A', ttl, data }),
    );
    return respond(query, { answers });
  };

const code =
  (rcode: number): Reply =>
  (query) =>
    respond(query, { flags: rcode });

/** CNAMEs in a row, and an address at the end unless they bite their tail. */
const chain =
  (length: number, end: string | null): Reply =>
  (query) => {
    const label = (index: number): string => (index === 0 ? nameIn(query) : `n${index}.chain.test`);
    const answers: Answer[] = Array.from({ length }, (_, index) => ({
      name: label(index),
      type: 'CNAME',
      ttl: 60,
      data: end === null && index === length - 1 ? label(0) : label(index + 1),
    }));
    if (end !== null) answers.push({ name: label(length), type: 'A', ttl: 60, data: end });
    return respond(query, { answers });
  };

/** An A record whose data is of this length. */
const misshapen =
  (bytes: number): Reply =>
  (query) =>
    Buffer.concat([
      respond(query, {}).subarray(0, 6),
      Buffer.from([0, 1, 0, 0, 0, 0]),
      query.subarray(12, 12 + nameIn(query).length + 6),
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, bytes >> 8, bytes & 0xff]),
      Buffer.alloc(Math.min(bytes, 99), 1),
    ]);

/** A name that is a pointer to itself (RFC 1035 4.1.4). */
const pointerLoop: Reply = (query) =>
  Buffer.concat([
    respond(query, {}).subarray(0, 6),
    Buffer.from([0, 1, 0, 0, 0, 0]),
    query.subarray(12, 12 + nameIn(query).length + 6),
    Buffer.from([0xc0, 12 + nameIn(query).length + 6, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]),
  ]);

const truncated =
  (overTcp: Reply): Reply =>
  (query, transport) =>
    transport === 'udp' ? respond(query, { flags: TRUNCATED }) : overTcp(query, transport);

const LOOPBACK = '127.0.0.1';

function row(name: string, reply: Reply, expected: string, over: Partial<HostileNames> = {}): HostileNames {
  return { name, reply, public: expected, login: expected, slow: false, private: true, ...over };
}

const UP = { login: 'down exposed' };

export const HOSTILE_NAMES: readonly HostileNames[] = [
  row('NXDOMAIN', code(3), FAILED),
  row('SERVFAIL', code(2), FAILED),
  row('REFUSED', code(REFUSED), FAILED),
  row('FORMERR', code(1), FAILED),
  row('a response code of no known kind', code(13), FAILED),
  row('an empty answer', answering([]), FAILED),
  row('noise', () => Buffer.alloc(200, 0xa5), FAILED, { slow: true }),
  row('a single byte', () => Buffer.from([1]), FAILED, { slow: true }),
  row('the question itself', (query) => query, FAILED, { slow: true }),
  row('another id', (query) => respond(query, { id: ((decode(query).id ?? 0) + 1) & 0xffff }), FAILED, {
    slow: true,
  }),
  row(
    'another question',
    (query) => respond(query, { questions: [{ type: 'A', name: 'other.test', class: 'IN' }] }),
    FAILED,
    { slow: true },
  ),
  row(
    'an address for another name',
    (query) => respond(query, { answers: [{ type: 'A', name: 'other.test', ttl: 60, data: LOOPBACK }] }),
    'up',
    UP,
  ),
  row('silence', () => null, FAILED, { slow: true }),
  row('an A record of 3 bytes', misshapen(3), FAILED),
  row('an A record that is longer than the packet', misshapen(9_999), FAILED),
  row('a name that points to itself', pointerLoop, FAILED),
  row('a CNAME to itself', chain(1, null), FAILED),
  row('a loop of 5 CNAMEs', chain(5, null), FAILED),
  row('17 CNAMEs, then an address', chain(17, LOOPBACK), 'up', UP),
  row(
    'cut off, and nothing by TCP',
    truncated(() => null),
    FAILED,
    { slow: true },
  ),
  row(
    'cut off, and noise by TCP',
    truncated(() => Buffer.alloc(99, 0xa5)),
    FAILED,
    { slow: true },
  ),
  row(
    'cut off, and 2,000 addresses by TCP',
    truncated(answering(Array.from({ length: 2_000 }, () => LOOPBACK))),
    'up',
    UP,
  ),
  row('a TTL of 0', answering([LOOPBACK], 0), 'up', UP),
  row('a TTL of 2^31', answering([LOOPBACK], 2 ** 31), 'up', UP),
  row('a TTL of 2^32 - 1', answering([LOOPBACK], 2 ** 32 - 1), 'up', UP),
  row(
    'the metadata service first, then an allowed address',
    answering(['169.254.169.254', LOOPBACK]),
    'up',
    UP,
  ),
  row('the metadata service alone', answering(['169.254.169.254']), NOT_TAKEN),
  row('the metadata service mapped into IPv6', answering(['::ffff:169.254.169.254']), NOT_TAKEN),
  row('nowhere: 0.0.0.0', answering(['0.0.0.0']), NOT_TAKEN),
  row('loopback on a path that is not private', answering([LOOPBACK]), NOT_TAKEN, { private: false }),
  row(
    'private addresses on a path that is not private',
    answering(['10.0.0.1', '192.168.0.1', '100.64.0.1']),
    NOT_TAKEN,
    { private: false },
  ),
];

/** Two queries in one piece, or half a one, get no answer. */
function replyOf(reply: Reply, query: Buffer, transport: 'udp' | 'tcp'): Buffer | null {
  try {
    return reply(query, transport);
  } catch {
    return null;
  }
}

export interface RunningNames extends AsyncDisposable {
  /** `IP:port`, as paths name resolvers. */
  readonly at: string;
}

/** Listens on 127.0.0.1 as this name server. */
export async function startHostileNames(reply: Reply): Promise<RunningNames> {
  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    socket.on('data', (data) => {
      const bytes = replyOf(reply, data.subarray(2), 'tcp');
      if (bytes === null) return;
      socket.end(Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]));
    });
  });
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp4', (message: Buffer, peer: RemoteInfo) => {
    const bytes = replyOf(reply, message, 'udp');
    if (bytes !== null) udp.send(bytes, peer.port, peer.address);
  });
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  return {
    at: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      udp.close();
      await new Promise((resolve) => tcp.close(resolve));
    },
  };
}
