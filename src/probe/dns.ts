// Names to addresses, asked of the path's own resolvers by c-ares: answers live no longer than their TTL, failures
// are never kept, and a dead resolver is told apart from a name that does not exist (DESIGN 3, "Names").

import { lookup, Resolver } from 'node:dns/promises';
import { BoundedMap } from '../base/bounded-map.ts';
import type { Clock } from '../base/clock.ts';
import { lackOfDescriptors } from '../base/exhaustion.ts';
import { ADDRESS_LIMIT, LONGEST_TTL_S } from './limits.ts';
import { errorCodeOf } from './net-error.ts';

/** What a resolution ends with when it gives no address. */
export type DnsErrorCode = 'dns-not-found' | 'dns-failed' | 'resolver-unreachable' | 'out-of-resources';

/** No address. `resolver` is the one that said so, null when none answered. */
export class DnsError extends Error {
  readonly code: DnsErrorCode;
  readonly resolver: string | null;

  constructor(code: DnsErrorCode, resolver: string | null, options?: { cause: unknown }) {
    super(`dns: ${code}`, options);
    this.code = code;
    this.resolver = resolver;
  }
}

export interface Resolution {
  /** At most 8, in the order of the answer. */
  readonly addresses: readonly string[];
  readonly resolver: string;
  readonly fromCache: boolean;
}

/**
 * Addresses of a name. `family: null` prefers IPv4 and takes IPv6 only where there is none, so that a result never
 * depends on a race. Rejects with DnsError, or with the signal's reason once it aborts.
 */
export type Resolve = (
  host: string,
  options: { readonly resolvers: readonly string[]; readonly family: 4 | 6 | null },
  signal: AbortSignal,
) => Promise<Resolution>;

/** One try lasts 0.8 s and there are two, so that a dead resolver costs 1.6 s of a probe's time. */
const TRY = { timeout: 800, tries: 2, maxTimeout: 800 };
/** By when a question has its answer or never gets one, whatever the probe's own time-out is, ms. */
export const ANSWER_MS = TRY.timeout * TRY.tries;
/** Name of the operating system's own resolver in the configuration. */
const SYSTEM = 'system';
/** Threads that getaddrinfo may hold; the pool has four, and decoding needs some (threats X24). */
const SYSTEM_AT_ONCE = 2;
const CACHE_LIMIT = 5_000;
/** A resolver that did not answer is asked last for this long. */
const AVOID_MS = 30_000;

interface Answer {
  readonly addresses: readonly string[];
  readonly ttlS: number;
}

interface Cached {
  readonly addresses: readonly string[];
  readonly resolver: string;
  /** By the monotonic clock, ms. */
  readonly until: number;
}

/** A resolve with its own cache. */
export function createResolve(clock: Clock): Resolve {
  const cache = new BoundedMap<string, Cached>(CACHE_LIMIT);
  const avoidUntil = new Map<string, number>();
  const askSystem = createTurnstile(SYSTEM_AT_ONCE);

  const ask = (resolver: string, host: string, family: 4 | 6 | null, signal: AbortSignal): Promise<Answer> =>
    resolver === SYSTEM
      ? askSystem(() => askOperatingSystem(host, family), signal)
      : asking(resolver, signal, (one) => askResolver(one, host, family));

  return async (host, { resolvers, family }, signal) => {
    const now = clock.monotonic();
    const key = `${resolvers.join(' ')} ${family} ${host}`;
    const kept = cache.get(key);
    if (kept !== undefined && now < kept.until) return { ...kept, fromCache: true };
    cache.delete(key);

    const { resolver, answer } = await firstAnswer(
      liveFirst(resolvers, avoidUntil, now),
      (one) => ask(one, host, family, signal),
      { signal, silent: (one) => avoidUntil.set(one, now + AVOID_MS) },
    );
    const addresses = answer.addresses.slice(0, ADDRESS_LIMIT);
    // The age counts from the question, so that no answer is ever older than its TTL.
    const until = now + Math.min(answer.ttlS, LONGEST_TTL_S) * 1000;
    if (until > clock.monotonic()) cache.set(key, { addresses, resolver, until });
    return { addresses, resolver, fromCache: false };
  };
}

/**
 * Asks for the zone's SOA at the resolvers, in order: which one answered. An empty answer is one (the zone of the
 * configuration need not be a zone cut). Rejects like Resolve.
 */
export async function querySoa(
  zone: string,
  resolvers: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const ask = (resolver: string): Promise<unknown> =>
    asking(resolver, signal, (one) => one.resolveSoa(zone)).catch((error: unknown) => {
      if (!hasCode(error, 'ENODATA')) throw error;
    });
  return (await firstAnswer(resolvers, ask, { signal, silent: () => {} })).resolver;
}

/**
 * The first answer in order. That a name does not exist is one, and ends the asking; a resolver that says nothing or
 * nonsense is passed over. When none answers, the failure is the resolver's that spoke, if one did.
 */
async function firstAnswer<T>(
  resolvers: readonly string[],
  ask: (resolver: string) => Promise<T>,
  { signal, silent }: { signal: AbortSignal; silent: (resolver: string) => void },
): Promise<{ resolver: string; answer: T }> {
  let worst = new DnsError('resolver-unreachable', null);
  for (const resolver of resolvers) {
    try {
      return { resolver, answer: await ask(resolver) };
    } catch (error) {
      signal.throwIfAborted();
      const problem = toDnsError(error, resolver);
      if (problem.code === 'dns-not-found' || problem.code === 'out-of-resources') throw problem;
      if (problem.code === 'resolver-unreachable') silent(resolver);
      if (worst.code === 'resolver-unreachable') worst = problem;
    }
  }
  throw worst;
}

function createResolver(address: string): Resolver {
  const resolver = new Resolver(TRY);
  if (address !== SYSTEM) resolver.setServers([address]);
  return resolver;
}

/** Asks a resolver of our own until the signal aborts: then its socket and its timers end too. */
async function asking<T>(
  address: string,
  signal: AbortSignal,
  ask: (resolver: Resolver) => Promise<T>,
): Promise<T> {
  const resolver = createResolver(address);
  try {
    return await abortable(ask(resolver), signal);
  } finally {
    if (signal.aborted) resolver.cancel();
  }
}

async function askResolver(resolver: Resolver, host: string, family: 4 | 6 | null): Promise<Answer> {
  if (family === 6) return toAnswer(await resolver.resolve6(host, { ttl: true }));
  try {
    return toAnswer(await resolver.resolve4(host, { ttl: true }));
  } catch (error) {
    if (family === 4 || !hasCode(error, 'ENODATA')) throw error;
    return toAnswer(await resolver.resolve6(host, { ttl: true }));
  }
}

/** c-ares calls an answer of CNAMEs without any address a success. */
function toAnswer(records: readonly { address: string; ttl: number }[]): Answer {
  if (records.length === 0) throw Object.assign(new Error('no address'), { code: 'ENODATA' });
  return {
    addresses: records.map((record) => record.address),
    ttlS: Math.max(0, Math.min(...records.map((record) => record.ttl))),
  };
}

/** getaddrinfo: hosts file, search domains and all. It tells no TTL, so nothing of it is kept. */
async function askOperatingSystem(host: string, family: 4 | 6 | null): Promise<Answer> {
  const found = await lookup(host, { all: true, family: family ?? 0, order: 'ipv4first' });
  const wanted = family ?? found[0]?.family;
  return { addresses: found.filter((one) => one.family === wanted).map((one) => one.address), ttlS: 0 };
}

function toDnsError(error: unknown, resolver: string): DnsError {
  const code = hasCode(error, 'ECONNREFUSED') ? 'resolver-unreachable' : errorCodeOf(error);
  // c-ares says ECONNREFUSED, too, when this process is out of descriptors (threats M19): one look tells them apart.
  const lack = code === 'resolver-unreachable' ? lackOfDescriptors() : null;
  if (lack !== null) return new DnsError('out-of-resources', null, { cause: { code: lack } });
  const silent = code === 'resolver-unreachable';
  const known = code === 'dns-not-found' || code === 'out-of-resources' || silent ? code : 'dns-failed';
  return new DnsError(known, silent ? null : resolver, { cause: error });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function liveFirst(
  resolvers: readonly string[],
  avoidUntil: ReadonlyMap<string, number>,
  now: number,
): string[] {
  const avoided = (resolver: string): boolean => (avoidUntil.get(resolver) ?? Number.NEGATIVE_INFINITY) > now;
  return [...resolvers.filter((one) => !avoided(one)), ...resolvers.filter(avoided)];
}

/** The promise, or the signal's reason as soon as it aborts; a late failure is swallowed. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Runs at most `most` jobs at once; who waits leaves the queue when its signal aborts. */
function createTurnstile(most: number): <T>(job: () => Promise<T>, signal: AbortSignal) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  const finish = (): void => {
    running -= 1;
    waiting.shift()?.();
  };
  return async (job, signal) => {
    while (running >= most) {
      let enter = (): void => {};
      const turn = new Promise<void>((resolve) => {
        enter = resolve;
      });
      waiting.push(enter);
      try {
        await abortable(turn, signal);
      } catch (error) {
        const place = waiting.indexOf(enter);
        if (place >= 0) waiting.splice(place, 1);
        else waiting.shift()?.(); // it was our turn already: pass it on
        throw error;
      }
    }
    running += 1;
    return abortable(job().finally(finish), signal);
  };
}
