// Whether a started program already listens.

import { connect } from 'node:net';
import { setImmediate as immediate } from 'node:timers/promises';
import type { Program } from './program.ts';

/** True when 127.0.0.1:`port` takes a connection; throws with the output when the program has ended. */
export async function isListening(program: Program, port: number): Promise<boolean> {
  const ended = await Promise.race([program.exited.then(() => true), immediate(false)]);
  if (ended) throw new Error(`the program ended: ${program.output().slice(-2000)}`);
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
