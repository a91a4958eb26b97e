// A process that lists a cluster once, as a daemon would, and prints what that took: CPU seconds, and bytes of memory
// above what it had before. Arguments: URL of the API, folder of the service account.

import { systemClock } from '../../src/base/clock.ts';
import { createDiscoverer, discoverSchema } from '../../src/discover/discoverers.ts';

const [url = '', folder = ''] = process.argv.slice(2);
const option = discoverSchema.parse({
  kind: 'kubernetes',
  hosts: '*.example.com',
  url,
  'service-account': folder,
});
await using source = createDiscoverer(option, 'kubernetes', {
  clock: systemClock,
  userAgent: 'bench',
  ca: [],
  folder,
  gates: [],
  recognise: (address) => (address.includes('auth-proxy') ? 'authentik' : null),
});
const before = { rss: process.memoryUsage().rss, cpu: process.cpuUsage() };
const { found } = await source.list(AbortSignal.timeout(120_000));
const { user, system } = process.cpuUsage(before.cpu);
const peak = process.resourceUsage().maxRSS * 1024;
console.log(
  JSON.stringify({ found: found.length, cpuSeconds: (user + system) / 1e6, bytes: peak - before.rss }),
);
