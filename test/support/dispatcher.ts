// A dispatcher over a real store, for tests: what it observes is kept.

import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { createDispatcher, type Dispatcher, type DispatcherOptions } from '../../src/notify/dispatcher.ts';
import { type ReceiverOptions, receiverSchema } from '../../src/notify/receivers.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { alertContext } from './alert-context.ts';
import { inlineWriter } from './inline-writer.ts';

export interface Observed {
  readonly delivered: string[];
  readonly failed: string[];
  readonly queue: Map<string, number>;
  readonly problems: (string | null)[];
}

export interface DispatcherUnderTest extends AsyncDisposable {
  readonly dispatcher: Dispatcher;
  readonly store: Store;
  readonly observed: Observed;
}

/** Store in `folder` and a started dispatcher; disposing stops both as a clean stop of the daemon does. */
export function startDispatcher(
  folder: string,
  receivers: readonly Record<string, unknown>[],
  part: Partial<DispatcherOptions> & { clock?: Clock } = {},
  leaving: readonly Record<string, unknown>[] = [],
): DispatcherUnderTest {
  const clock = part.clock ?? systemClock;
  const log = silentLog();
  const store = openStore({
    file: join(folder, 'gatewatch.db'),
    clock,
    log,
    resultsMs: 1e9,
    rollupsMs: 1e9,
    maxBytes: 2 ** 30,
    startWriter: inlineWriter,
  });
  const observed: Observed = { delivered: [], failed: [], queue: new Map(), problems: [] };
  const dispatcher = createDispatcher({
    clock,
    log,
    random: () => 0.5,
    store,
    context: alertContext(),
    receivers: receiverOptions(receivers),
    watchdog: false,
    userAgent: 'gatewatch/test',
    ca: [],
    observe: {
      delivered: (receiver) => observed.delivered.push(receiver),
      failed: (receiver, reason) => observed.failed.push(`${receiver} ${reason}`),
      queue: (receiver, length) => observed.queue.set(receiver, length),
    },
    problem: (_, detail) => observed.problems.push(detail),
    leaving: receiverOptions(leaving),
    ...part,
  });
  dispatcher.start();
  return {
    dispatcher,
    store,
    observed,
    async [Symbol.asyncDispose]() {
      await dispatcher.stop({ hold: true });
      store[Symbol.dispose]();
    },
  };
}

/** Receivers as the configuration would give them. */
function receiverOptions(receivers: readonly Record<string, unknown>[]): ReceiverOptions[] {
  return receivers.map((raw) => receiverSchema.parse(raw));
}
