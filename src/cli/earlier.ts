// What a command line may take over from a daemon's store: what it learned, its cookies, and its session budget.

import { existsSync } from 'node:fs';
import type { Clock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import type { Config } from '../config/config.ts';
import type { Knowledge } from '../model/verdict.ts';
import { outpostsOf } from '../schedule/outpost.ts';
import { createSessionBudgets } from '../schedule/session-budget.ts';
import { keptAtRest } from '../signing-in.ts';
import { addSpent, spentKey } from '../store/spent.ts';
import { openStore, type Store } from '../store/store.ts';
import { STATE } from '../watch.ts';

/** Fresh visits of one command without a daemon's budget to take from: the smallest burst (DESIGN 3). */
const BURST = 20;

export interface Earlier extends Disposable {
  readonly knowledge: Knowledge;
  readonly jars: string | null;
  /** Sessions of accounts that the daemon keeps; null = it keeps none. */
  readonly signedIn: ReturnType<typeof keptAtRest> | null;
  readonly takeSession: (outpost: string) => boolean;
}

/** Reads the store of that configuration beside a running daemon; without one, nothing is known and a burst is allowed. */
export function earlierKnowledge(config: Config | null, clock: Clock): Earlier {
  if (config === null || !existsSync(config.store.file)) {
    let left = BURST;
    return {
      knowledge: { get: () => null },
      jars: null,
      signedIn: null,
      takeSession: () => left-- > 0,
      [Symbol.dispose]() {},
    };
  }
  const store = openStore({ ...config.store, clock, log: silentLog(), readonly: true });
  return {
    knowledge: store.facts,
    jars: store.state.get(STATE.jars),
    signedIn: keptAtRest(config, store.state, clock),
    takeSession: takeFromDaemon(config, store, clock),
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

/**
 * Takes sessions from the budget of the daemon that uses this store, whether it runs or not. False when no token is
 * left, or when the daemon could not be told.
 */
function takeFromDaemon(config: Config, store: Store, clock: Clock): (outpost: string) => boolean {
  const outposts = outpostsOf({ ...config, knowledge: store.facts });
  const before = new Map(outposts.map(({ name }) => [name, Number(store.state.get(spentKey(name)) ?? 0)]));
  const budgets = createSessionBudgets({
    outposts,
    clock,
    saved: store.state.get(STATE.sessions),
    save: () => {},
    // What earlier commands took; what this one takes is in the budget already.
    elsewhere: (outpost) => before.get(outpost) ?? 0,
  });
  return (outpost) => budgets.take(outpost) && addSpent(config.store.file, outpost);
}
