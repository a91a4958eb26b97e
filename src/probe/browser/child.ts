// The child process of one browser visit: takes an order, starts a browser, runs the flow, tells what it saw, and is
// gone. It loads Playwright, which the daemon never does, and it dies with the daemon, and the browser with it.

import { randomBytes } from 'node:crypto';
import { sleep, systemClock } from '../../base/clock.ts';
import { errorText } from '../../base/log.ts';
import { evidenceText } from '../../model/text.ts';
import { visit } from './child-visit.ts';
import { type FromChild, type Order, type ToChild, toChildSchema } from './message.ts';
import { ProcessTree } from './process-tree.ts';
import type { SecretKind } from './typing.ts';

/** The daemon made it for this visit alone, and it is in the environment of all that we start. */
const folder = process.env['HOME'] ?? process.cwd();
const tree = new ProcessTree(process.pid, folder);
const waiting = new Map<number, (answer: { value: string } | { why: string }) => void>();
let asked = 0;

function end(code: number): never {
  tree.kill(process.pid);
  process.exit(code);
}

/** Resolves when the daemon's side has it. */
function tell(message: FromChild): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(message, () => resolve());
  });
}

function ask(what: SecretKind): Promise<{ value: string } | { why: string }> {
  asked += 1;
  const id = asked;
  void tell({ kind: 'ask', id, what });
  return new Promise((resolve) => waiting.set(id, resolve));
}

/** What is wrong, without addresses: that of a remote browser is a credential (threats F3). */
function faultText(error: unknown): string {
  return evidenceText(errorText(error).replace(/\b(wss?|https?):\/\/\S+/g, '…'), 300);
}

async function work(order: Order): Promise<void> {
  let message: FromChild;
  try {
    const credentials = `gatewatch:${randomBytes(18).toString('base64url')}`;
    message = await visit(order, { clock: systemClock, ask, credentials });
  } catch (error) {
    // Only what is ours comes here: the flow's and the site's failures are in what a visit tells.
    message = { kind: 'fault', message: faultText(error) };
  }
  await tell(message);
  // Time for the pipe to empty; the daemon ends us, too.
  await sleep(systemClock, 50);
  end(0);
}

process.on('disconnect', () => end(1));
process.on('uncaughtException', (error) => {
  void tell({ kind: 'fault', message: faultText(error) }).then(() => end(1));
});
process.on('message', (foreign: unknown) => {
  const parsed = toChildSchema.safeParse(foreign);
  if (!parsed.success) return end(1);
  const message: ToChild = parsed.data;
  if (message.kind === 'visit') {
    void work(message);
    return;
  }
  waiting.get(message.id)?.(message.value === null ? { why: message.why } : { value: message.value });
  waiting.delete(message.id);
});
void tell({ kind: 'ready' });
