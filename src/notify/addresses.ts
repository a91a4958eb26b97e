// Where receivers are: names are looked up as the operating system does it, and the last good addresses are kept for
// the time when that fails or hangs. The alert about a DNS failure must leave although DNS fails (threats X24).

import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../base/clock.ts';

/** A look-up may take so long before the last good addresses are used instead. */
const PATIENCE_MS = 2_000;
/** Names whose addresses are remembered. */
const NAMES = 64;

/** All addresses of a name, as `getaddrinfo` gives them; rejects with its error. */
export type FindAddresses = (name: string) => Promise<readonly LookupAddress[]>;

export interface Addresses {
  /** For `net.connect`: TLS still checks the name. */
  readonly lookup: LookupFunction;
  /** Looks the name up for later; never rejects, and returns at once. */
  remember(name: string): void;
}

/** An empty address book. `find` is the operating system's look-up. */
export function createAddresses(clock: Clock, find: FindAddresses = findBySystem): Addresses {
  const known = new Map<string, readonly LookupAddress[]>();
  const asked = new Map<string, Promise<readonly LookupAddress[]>>();

  // One at a time for each name: a resolver that hangs takes one thread of the pool, not all of them.
  const ask = (name: string): Promise<readonly LookupAddress[]> => {
    const running = asked.get(name);
    if (running !== undefined) return running;
    const answer = find(name)
      .then((addresses) => {
        if (addresses.length === 0) throw new Error('no address');
        if (known.size >= NAMES && !known.has(name)) known.clear();
        known.set(name, addresses);
        return addresses;
      })
      .finally(() => asked.delete(name));
    asked.set(name, answer);
    return answer;
  };
  const locate = async (name: string): Promise<readonly LookupAddress[]> => {
    const before = known.get(name);
    const fresh = ask(name);
    if (before === undefined) return fresh;
    const found = fresh.catch(() => before);
    return Promise.race([found, patience(clock, found, before)]);
  };
  return {
    lookup(name, options, callback) {
      const family = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : options.family;
      locate(name)
        .then((all) => {
          const wanted = all.filter((one) => !family || one.family === family);
          const [first] = wanted;
          if (first === undefined) throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' });
          if (options.all === true) callback(null, [...wanted]);
          else callback(null, first.address, first.family);
        })
        .catch((error: NodeJS.ErrnoException) => callback(error, []));
    },
    remember(name) {
      ask(name).catch(() => undefined);
    },
  };
}

/** Gives `fallback` after the patience, unless `found` was quicker. */
function patience<T>(clock: Clock, found: Promise<T>, fallback: T): Promise<T> {
  return new Promise((resolve) => {
    const cancel = clock.after(PATIENCE_MS, () => resolve(fallback));
    found.finally(cancel).catch(() => undefined);
  });
}

function findBySystem(name: string): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) => {
    systemLookup(name, { all: true }, (error, addresses) => {
      if (error === null) resolve(addresses);
      else reject(error);
    });
  });
}
