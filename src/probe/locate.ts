// From a URL and a path to the addresses that may be dialled: configured, literal or resolved, each one checked.

import { isIP } from 'node:net';
import { BoundedMap } from '../base/bounded-map.ts';
import type { Clock } from '../base/clock.ts';
import type { NetworkPath } from '../model/network-path.ts';
import type { ProbeError } from '../model/observation.ts';
import { type AddressRule, addressRule, refuseAddress } from './address-guard.ts';
import { DnsError, type Resolve } from './dns.ts';
import { probeError, toProbeError } from './net-error.ts';

/** Who resolves for a probe without a path (a control): the operator's own machine, as for its other programs. */
const NO_PATH_RESOLVERS = ['system'];

export interface Location {
  /** Checked, in order of preference; empty with an error. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Resolver that gave the addresses; null for configured and literal ones. */
  readonly resolver: string | null;
  /** Null when nothing was looked up. */
  readonly dnsMs: number | null;
  readonly error: ProbeError | null;
}

export type Locate = (url: URL, path: NetworkPath | null, signal: AbortSignal) => Promise<Location>;

/** A locator; never rejects. When the signal aborts during the look-up, no resolver answered in time. */
export function createLocate(tools: {
  readonly clock: Clock;
  readonly resolve: Resolve;
  readonly allowedAddresses: ReadonlySet<string>;
}): Locate {
  const checkedFor = createChecks(tools.allowedAddresses);
  return async (url, path, signal) => {
    const configured = path?.kind === 'origin' ? path.address : null;
    const host = configured?.host ?? hostOf(url);
    const port = configured?.port ?? portOf(url);
    if (isIP(host) !== 0) {
      return { ...checkedFor(path, [host]), port, resolver: null, dnsMs: null };
    }
    const startMs = tools.clock.monotonic();
    const options = { resolvers: path?.resolver ?? NO_PATH_RESOLVERS, family: path?.family ?? null };
    try {
      const { addresses, resolver } = await tools.resolve(host, options, signal);
      const dnsMs = tools.clock.monotonic() - startMs;
      return { ...checkedFor(path, addresses), port, resolver, dnsMs };
    } catch (error) {
      return {
        addresses: [],
        port,
        ...lookupFailed(error, signal),
        dnsMs: tools.clock.monotonic() - startMs,
      };
    }
  };
}

/** Host of a URL as a name or address: no brackets, no trailing dot. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$|\.$/g, '');
}

/** Port of a URL, also when it is the scheme's own. */
function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'http:' ? 80 : 443;
}

function lookupFailed(error: unknown, signal: AbortSignal): { resolver: string | null; error: ProbeError } {
  if (signal.aborted) return { resolver: null, error: probeError('dns', 'resolver-unreachable') };
  if (!(error instanceof DnsError)) return { resolver: null, error: toProbeError(error, 'dns') };
  if (error.code === 'out-of-resources') return { resolver: null, error: toProbeError(error.cause, 'dns') };
  return { resolver: error.resolver, error: probeError('dns', error.code) };
}

type Checked = Pick<Location, 'addresses' | 'error'>;

/** Answers remembered for a path: a name's addresses hardly ever change, and the rule never does. */
const REMEMBERED = 1_000;

/** Checks addresses by the rules of paths, which are made at first use. */
function createChecks(
  configured: ReadonlySet<string>,
): (path: NetworkPath | null, addresses: readonly string[]) => Checked {
  const make = (path: NetworkPath | null): ((addresses: readonly string[]) => Checked) => {
    const rule = addressRule(path, configured);
    const known = new BoundedMap<string, Checked>(REMEMBERED);
    return (addresses) => {
      const key = addresses.join(' ');
      const answer = known.get(key) ?? checked(addresses, path, rule);
      known.set(key, answer);
      return answer;
    };
  };
  const withoutPath = make(null);
  const made = new WeakMap<NetworkPath, ReturnType<typeof make>>();
  return (path, addresses) => {
    if (path === null) return withoutPath(addresses);
    const check = made.get(path) ?? make(path);
    made.set(path, check);
    return check(addresses);
  };
}

/** Addresses that may be dialled; the error names the first refused one when none may. */
function checked(addresses: readonly string[], path: NetworkPath | null, rule: AddressRule): Checked {
  const allowed = addresses.filter((address) => refuseAddress(address, rule) === null);
  const refused = addresses[0] ?? '';
  if (allowed.length > 0) return { addresses: allowed, error: null };
  const why = `${refused} is ${refuseAddress(refused, rule)}: not dialled on path ${path?.name ?? 'of a control'}`;
  return { addresses: [], error: probeError('connect', 'address-forbidden', why) };
}
