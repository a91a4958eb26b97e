// Blips of our own network that are over before anybody could look again (reference/correlation.md 4.4, defect 7): what
// began in one may end ten seconds after it, as a time-out, and must not count as a second look.

import { expect, test } from 'vitest';
import { componentFault, type Showing, Simulator, siteSubjects } from '../../support/simulator.ts';

const MINUTE = 60_000;
const SITE = siteSubjects({ controls: 2 });
const TIMEOUT_MS = 9_900;

/** Refusals are quick, time-outs take their time. */
function latencyMs({ signature }: Showing): number {
  return signature === 'connect-timeout' || signature === 'timeout' ? TIMEOUT_MS : 200;
}

function simulate(from: number, lastsMs: number, id = 'vantage:vps'): Simulator {
  const faults = [componentFault(id, { from, until: from + lastsMs })];
  return new Simulator({ seed: from, subjects: SITE, noise: 0.002, faults, latencyMs });
}

test('a blip whose probes time out after its end opens nothing', () => {
  const opened: unknown[] = [];
  for (let phase = 0; phase < 20; phase++) {
    const simulator = simulate(5 * MINUTE + phase * 3_000, 8_650).run(8 * MINUTE);
    for (const { reason, blame } of simulator.of('opened')) opened.push([phase, reason, blame?.id]);
  }
  expect(opened).toEqual([]);
});

test.each(['vantage:vps', 'origin:origin'])('%s that is silent for good is told of within a minute', (id) => {
  for (let phase = 0; phase < 10; phase++) {
    const from = 5 * MINUTE + phase * 6_000;
    const [incident] = simulate(from, 10 * MINUTE, id)
      .run(from + MINUTE)
      .of('opened');
    expect(incident?.blame?.id).toBe(id);
  }
});
