// The rest of the world, as far as the demo needs it: one page that has nothing to do with the site.

import { createServer } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { type Answer, reply, responder, SERVER_LIMITS } from './exchange.ts';
import { type Part, startPart } from './part.ts';

/** Starts the control service, a plain HTTP server. */
export function startOutside(clock: Clock, count: () => void): Promise<Part> {
  const answer = (): Answer => {
    count();
    return reply(200, { 'content-type': 'text/plain; charset=utf-8' }, 'The world is still there.\n');
  };
  const server = createServer(SERVER_LIMITS, responder(answer));
  return startPart(server, clock);
}
