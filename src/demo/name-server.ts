// A small authoritative name server on loopback (UDP and TCP), for the demo site and for tests.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type Answer, decode, encode, type Packet, streamDecode, streamEncode } from 'dns-packet';

/** Flags of an authoritative answer; the low four bits are the response code (RFC 1035 4.1.1). */
const AUTHORITATIVE = 1 << 10;
const NXDOMAIN = 3;
const SERVFAIL = 2;

/** Addresses of a name; `null` = no such name; `servfail` = the server has a problem; `silent` = no answer at all. */
export type NameAnswer = readonly string[] | null | 'servfail' | 'silent';

export interface NameServer extends AsyncDisposable {
  readonly port: number;
  /** Questions asked so far, by lower-case name. */
  readonly asked: ReadonlyMap<string, number>;
}

/** Starts it on 127.0.0.1; port 0 chooses a free one. SOA is answered for every name that exists. */
export async function startNameServer(options: {
  port: number;
  answer: (name: string) => NameAnswer;
  /** Seconds; default 60. */
  ttl?: number;
}): Promise<NameServer> {
  const asked = new Map<string, number>();
  const reply = (query: Packet): Packet | null => {
    const question = query.questions?.[0];
    if (question === undefined) return null;
    const name = question.name.toLowerCase();
    asked.set(name, (asked.get(name) ?? 0) + 1);
    const answer = options.answer(name);
    if (answer === 'silent') return null;
    const code = answer === null ? NXDOMAIN : answer === 'servfail' ? SERVFAIL : 0;
    const answers =
      answer === null || answer === 'servfail'
        ? []
        : records({ name: question.name, type: question.type, ttl: options.ttl ?? 60 }, answer);
    return {
      type: 'response',
      id: query.id ?? 0,
      flags: AUTHORITATIVE | code,
      questions: [question],
      answers,
    };
  };

  const tcp = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.setTimeout(5_000, () => socket.destroy());
    socket.on('data', (data) => {
      const response = read(() => reply(streamDecode(data)));
      if (response === null) socket.destroy();
      else socket.end(streamEncode(response));
    });
  });
  tcp.listen(options.port, '127.0.0.1');
  await once(tcp, 'listening');
  const address = tcp.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;

  const udp = createSocket('udp4');
  udp.on('message', (message, peer) => {
    const response = read(() => reply(decode(message)));
    if (response !== null) udp.send(encode(response), peer.port, peer.address);
  });
  udp.bind(port, '127.0.0.1');
  try {
    await once(udp, 'listening');
  } catch (error) {
    tcp.close();
    throw error;
  }

  return {
    port,
    asked,
    async [Symbol.asyncDispose]() {
      udp.close();
      tcp.close();
      await once(tcp, 'close');
    },
  };
}

/** Bytes that are no query get no answer. */
function read(answer: () => Packet | null): Packet | null {
  try {
    return answer();
  } catch {
    return null;
  }
}

/** Records of the asked type among the addresses; others give an empty answer that exists. */
function records(
  question: { name: string; type: string; ttl: number },
  addresses: readonly string[],
): Answer[] {
  const { name, type, ttl } = question;
  if (type === 'SOA') {
    const soa = {
      mname: `ns.${name}`,
      rname: `admin.${name}`,
      serial: 1,
      refresh: 60,
      retry: 60,
      expire: 60,
      minimum: 1,
    };
    return [{ name, type, ttl, data: soa }];
  }
  return addresses
    .filter((address) => type === (address.includes(':') ? 'AAAA' : 'A'))
    .map((data) => ({ name, type: data.includes(':') ? ('AAAA' as const) : ('A' as const), ttl, data }));
}
