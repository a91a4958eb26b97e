// The address guard: may this final address be dialled on this path (DESIGN 10, "Connecting"; threats N1, M1, M2)?
// Asked by the connector for every connection, literals included, after which nothing is looked up again.

import ipaddr from 'ipaddr.js';
import type { NetworkPath } from '../model/network-path.ts';

/** What a path may dial. */
export interface AddressRule {
  /** Loopback, private and carrier-grade ranges are allowed. */
  readonly local: boolean;
  /** Literal addresses that are allowed whatever they are, because an operator configured them. */
  readonly configured: ReadonlySet<string>;
}

/** Metadata services of clouds outside 169.254/16, and the address in fd00::/8 (threats N1). */
const METADATA = new Set(['100.100.100.200', '168.63.129.16', 'fd00:ec2::254']);
const METADATA_NET = ipaddr.parseCIDR('fd00:ec2::/32');
/** All of IPv6 that is global unicast (RFC 4291 2.4); leaves out `::a.b.c.d` and local NAT64 prefixes (threats M2). */
const GLOBAL_V6 = ipaddr.parseCIDR('2000::/3');

const LOCAL_RANGES = new Set(['loopback', 'private', 'carrierGradeNat', 'uniqueLocal']);

/** Rule of a path. `configured` holds the addresses of all origin paths; only an origin path may use them. */
export function addressRule(path: NetworkPath | null, configured: ReadonlySet<string>): AddressRule {
  if (path === null) return { local: true, configured: new Set() };
  if (path.kind !== 'origin') return { local: path.private, configured: new Set() };
  return {
    local: true,
    configured: path.address === null ? configured : new Set([...configured, path.address.host]),
  };
}

/**
 * Why the address must not be dialled, in our own words, or null when it may. Text that is no plain IP address
 * (a name, a zone id, octal or hexadecimal forms) is always refused.
 */
export function refuseAddress(address: string, rule: AddressRule): string | null {
  const plain = plainForm(address);
  if (plain === null) return 'not an IP address';
  if (rule.configured.has(address)) return null;
  const parsed = ipaddr.process(plain); // IPv4-mapped IPv6 is judged as the IPv4 it reaches
  const text = parsed.toString();
  if (METADATA.has(text) || inNet(parsed, METADATA_NET)) return 'a metadata service';
  if (rule.local && isLocal(parsed)) return null;
  const range = parsed.range();
  if (range !== 'unicast') return `a ${RANGE_WORDS[range] ?? range} address`;
  return parsed.kind() === 'ipv6' && !inNet(parsed, GLOBAL_V6) ? 'not a global address' : null;
}

const RANGE_WORDS: Readonly<Record<string, string>> = {
  linkLocal: 'link-local',
  carrierGradeNat: 'carrier-grade NAT',
  uniqueLocal: 'private',
  ipv4Mapped: 'IPv4-mapped',
  rfc6052: 'NAT64',
};

function isLocal(parsed: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return LOCAL_RANGES.has(parsed.range());
}

/**
 * The address in the form of the URL parser: four decimal parts, or hexadecimal IPv6 (ipaddr.js would take
 * `::127.0.0.1` for an IPv4-mapped address, which the kernel does not). Null for anything else.
 */
function plainForm(address: string): string | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return address;
  if (!ipaddr.IPv6.isValid(address) || address.includes('%')) return null;
  return URL.parse(`http://[${address}]/`)?.hostname.slice(1, -1) ?? null;
}

function inNet(parsed: ipaddr.IPv4 | ipaddr.IPv6, net: [ipaddr.IPv4 | ipaddr.IPv6, number]): boolean {
  return parsed.kind() === net[0].kind() && parsed.match(net);
}
