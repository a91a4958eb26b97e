// A part of the demo that goes away: refused, cut, and back on the same port.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import { type Part, startPart } from '../../../src/demo/part.ts';

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

test('closing cuts the connections that stand, refuses new ones, and opening takes the same port', async () => {
  await using part = await startPart(createServer(), systemClock);
  const standing = await dial(part.port);
  standing.resume();
  const ended = once(standing, 'close');
  part.open(false);
  await part.settled();
  await ended;
  await expect(dial(part.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  part.open(true);
  await part.settled();
  (await dial(part.port)).destroy();
});

test('waits for its port while somebody else holds it', async () => {
  let other: Part | null = null;
  let waits = 0;
  // The first wait is when the other one lets go.
  const clock: Clock = {
    ...systemClock,
    after(_, callback) {
      waits += 1;
      void other?.[Symbol.asyncDispose]().then(callback);
      return () => undefined;
    },
  };
  await using part = await startPart(createServer(), clock);
  part.open(false);
  await part.settled();
  other = await startPart(createServer(), systemClock, part.port);
  expect(other.port).toBe(part.port);
  part.open(true);
  await part.settled();
  expect(waits).toBe(1);
  (await dial(part.port)).destroy();
});

test('can be disposed of twice, and while it is closed', async () => {
  const part = await startPart(createServer(), systemClock);
  part.open(false);
  await part[Symbol.asyncDispose]();
  await part[Symbol.asyncDispose]();
  await expect(dial(part.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
