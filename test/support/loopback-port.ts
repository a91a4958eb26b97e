// Ports for the real programs of a laboratory site. They lie below the kernel's range for outgoing connections, so
// that nobody takes one while a fault keeps it closed, or between the choice and the program's start.

import { once } from 'node:events';
import { createServer } from 'node:net';

/** Linux gives outgoing connections ports from 32768 on (net.ipv4.ip_local_port_range). */
const LOWEST = 12_000;
const HIGHEST = 31_999;
const TRIES = 200;

/** Ports given out by this process: none twice, a program may be slow to bind. */
const given = new Set<number>();

/** A TCP port that nobody listens on, at any of the loopback addresses. */
export async function loopbackPort(addresses: readonly string[] = ['127.0.0.1']): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (given.has(port)) continue;
    given.add(port);
    const free = await Promise.all(addresses.map((address) => isFree(address, port)));
    if (free.every(Boolean)) return port;
  }
  throw new Error('no free port on loopback');
}

async function isFree(address: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, address);
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return true;
  } catch {
    return false;
  }
}
