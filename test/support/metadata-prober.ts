// A process in a network namespace of its own, where 169.254.169.254 answers: it probes everything that could lead
// there, and tells who was connected to. Started by test/integration/probe/metadata.test.ts.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Check } from '../../src/model/check.ts';
import { check, createKit, fault, gate, path, target } from '../integration/probe/probe-kit.ts';
import { answering, startHostileNames } from './hostile-names.ts';

const METADATA = '169.254.169.254';
const keep = setInterval(() => {}, 60_000);
let seen = 0;
const recorder = createServer((_request, response) => response.end('secret'));
recorder.on('connection', () => {
  seen += 1;
});
recorder.listen(80, METADATA);
await once(recorder, 'listening');

/** Redirects to what the pathname names; a gate's endpoint is followed on any host. */
const guide = createServer((request, response) => {
  const to = decodeURIComponent(request.url?.slice(1) ?? '');
  response.writeHead(302, { location: `http://${to}/outpost.goauthentik.io/start` }).end();
});
guide.listen(0, '127.0.0.1');
await once(guide, 'listening');
const bound = guide.address();
const guidePort = typeof bound === 'object' && bound !== null ? bound.port : 0;

const LITERALS = [
  METADATA,
  '2852039166',
  '0xa9fea9fe',
  '0251.0376.0251.0376',
  '169.254.43518',
  '[::ffff:169.254.169.254]',
  '[::ffff:a9fe:a9fe]',
  '[::169.254.169.254]',
  '[64:ff9b::a9fe:a9fe]',
];
const kit = await createKit();
const faults: (string | null)[] = [];
const run = async (one: Check): Promise<void> => {
  faults.push(fault(await kit.run(one)));
};
const GATE = gate();
const visitOf = (url: string, way: Check['path']): Check =>
  check(target(url, { gate: GATE.name }), { path: way, gate: GATE, timeoutMs: 5_000 });

{
  await using honest = await startHostileNames(answering(['127.0.0.1'], 0));
  await using lying = await startHostileNames(answering([METADATA, '::ffff:169.254.169.254'], 0));
  for (const kind of ['cdn', 'direct'] as const) {
    for (const isPrivate of [true, false]) {
      const way = (resolver: string): Check['path'] =>
        path(null, { kind, private: isPrivate, resolver: [resolver] });
      for (const literal of LITERALS) await run(visitOf(`http://${literal}/`, way(honest.at)));
      await run(visitOf('http://app.site.test/', way(lying.at)));
    }
    const open = path(null, { kind, private: true, resolver: [honest.at] });
    for (const literal of LITERALS) {
      await run(visitOf(`http://app.site.test:${guidePort}/${encodeURIComponent(literal)}`, open));
    }
  }
}
const before = seen;
// Configured as an origin it is dialled: the recorder does record.
const configured = path({ host: METADATA, port: 80 });
const control = fault(await kit.run(visitOf('http://app.site.test/', configured)));
clearInterval(keep);
console.log(
  JSON.stringify({ before, after: seen, control, tried: faults.length, faults: [...new Set(faults)] }),
);
process.exit(0);
