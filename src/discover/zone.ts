// Zones: the part of DNS that a host depends on (DESIGN 3, Names).

import { getDomain } from 'tldts';

/**
 * Zone of a host: the longest entry of `zones` that is the host or a parent of it, else the registrable domain,
 * private suffixes (`github.io`) included; for addresses and single labels the host itself.
 */
export function zoneOf(host: string, zones: readonly string[]): string {
  let best = '';
  for (const zone of zones) {
    if ((host === zone || host.endsWith(`.${zone}`)) && zone.length > best.length) best = zone;
  }
  return best !== '' ? best : (getDomain(host, { allowPrivateDomains: true }) ?? host);
}
