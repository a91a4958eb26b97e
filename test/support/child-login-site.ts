// The laboratory site in a process of its own, for measuring what a login costs us and not the site. Prints what a
// configuration needs as one line of JSON; ends with its standard input.

import { startOutageSite } from './outage-site.ts';

await using site = await startOutageSite({ origin: 'caddy', totp: false });
const { loginUrl, protectedUrls, originAddress, resolver, ca, user } = site;
console.log(JSON.stringify({ loginUrl, protectedUrls, originAddress, resolver, ca: ca.pem, user }));
process.stdin.resume();
await new Promise((resolve) => process.stdin.once('end', resolve));
