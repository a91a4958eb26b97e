// A process that takes every descriptor it may have, probes, and tells what it made of that; started by
// test/integration/probe/exhaustion.test.ts under a small `ulimit -n`. Arguments: port of a healthy origin and of a
// healthy name server.

import { closeSync, openSync } from 'node:fs';
import { systemClock } from '../../src/base/clock.ts';
import { createExhaustion } from '../../src/base/exhaustion.ts';
import { createResolve } from '../../src/probe/dns.ts';
import { createJars } from '../../src/probe/jar.ts';
import { createProbe } from '../../src/probe/probers.ts';
import { createSignedIn } from '../../src/probe/signed-in.ts';
import { cdnPath, check, fault, path, USER_AGENT } from '../integration/probe/probe-kit.ts';

const [, , origin = '', names = ''] = process.argv;
const exhaustion = createExhaustion(systemClock);
const probe = createProbe({
  clock: systemClock,
  resolve: createResolve(systemClock),
  jars: createJars(systemClock),
  signedIn: createSignedIn(systemClock),
  codes: { next: () => Promise.resolve(null) },
  paths: [],
  userAgent: USER_AGENT,
  ca: [],
  allowedAddresses: new Set(),
  exhaustion,
});
const signal = new AbortController().signal;
const visits = {
  literal: check('http://app.site.test/', { path: path({ host: '127.0.0.1', port: Number(origin) }) }),
  name: check(`http://app.site.test:${origin}/`, { path: cdnPath(Number(names)) }),
};

const faults = async (): Promise<Record<string, string | null>> => ({
  literal: fault(await probe(visits.literal, signal)),
  name: fault(await probe(visits.name, signal)),
});

const keep = setInterval(() => {}, 60_000);
const fed = await faults();
const startMs = systemClock.monotonic();
const taken: number[] = [];
try {
  for (;;) taken.push(openSync('/dev/null', 'r'));
} catch {
  // all taken
}
const starved = await faults();
const noted = exhaustion.during(startMs, systemClock.monotonic());
for (const one of taken) closeSync(one);
const again = await faults();
clearInterval(keep);
console.log(JSON.stringify({ fed, starved, noted, again }));
