// Two faults at once or one after the other, and failures by chance around them: what belongs to which.

import { describe, expect, test } from 'vitest';
import { componentFault, down, EPOCH, type Fault, Simulator, siteSubjects } from '../../support/simulator.ts';

const MINUTE = 60_000;
const FROM = 5 * MINUTE;
const SITE = siteSubjects({ every: { cdn: MINUTE, origin: MINUTE } });

function simulate(seed: number, faults: Fault[], noise = 0.002): Simulator {
  return new Simulator({ seed, subjects: SITE, noise, faults, freshPerMinute: 36 });
}

function openNames(simulator: Simulator): (string | undefined)[] {
  return simulator.correlator
    .incidents()
    .map((each) => each.blame?.id)
    .sort();
}

describe('two faults', () => {
  test('a gate that goes down while the identity provider is down has an alert of its own, and nobody is renamed', () => {
    for (let seed = 1; seed <= 6; seed++) {
      const simulator = simulate(seed, [
        // The gate first: where both are broken, visits show that the gate is.
        componentFault('gate:embedded', { from: FROM + 4 * MINUTE, until: 30 * MINUTE }),
        componentFault('idp:auth.example.com', { from: FROM, until: 30 * MINUTE }),
      ]).run(20 * MINUTE);
      expect(openNames(simulator)).toEqual(['gate:embedded', 'idp:auth.example.com']);
      expect(simulator.of('blame-changed')).toEqual([]);
      expect(simulator.of('opened')).toHaveLength(2);
    }
  });

  test('what was hidden behind a fault is told of when that ends', () => {
    for (let seed = 1; seed <= 4; seed++) {
      const simulator = simulate(seed, [
        componentFault('origin:origin', { from: FROM, until: FROM + 5 * MINUTE }),
        componentFault('gate-sessions:embedded', { from: FROM + MINUTE, until: 40 * MINUTE }),
      ]).run(FROM + 12 * MINUTE);
      expect(simulator.of('opened').map((each) => each.blame?.id)).toEqual([
        'origin:origin',
        'gate-sessions:embedded',
      ]);
      expect(simulator.of('resolved').map((each) => each.blame?.id)).toEqual(['origin:origin']);
    }
  });
});

describe('chance', () => {
  test('a failure by chance a minute before a fault is no part of it', () => {
    for (let seed = 1; seed <= 6; seed++) {
      let shown = 0;
      const chance: Fault = {
        from: FROM - MINUTE,
        until: FROM - 50_000,
        show: (each) =>
          each.kind === 'visit' && each.path.kind === 'cdn' && shown++ === 0
            ? down('cdn-origin-unreachable', 'cdn', 'origin')
            : null,
      };
      const origin = componentFault('origin:origin', { from: FROM, until: FROM + 6 * MINUTE });
      const simulator = simulate(seed, [chance, origin], 0).run(FROM + 3 * MINUTE);
      const [opened, ...more] = simulator.of('opened');
      expect(more).toEqual([]);
      expect(opened?.blame?.id).toBe('origin:origin');
      expect((opened?.startedAt ?? 0) - EPOCH).toBeGreaterThanOrEqual(FROM - 1_000);
    }
  });

  test('two blips of the vantage, minutes apart, are no incident', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const blips = [0, 165_000].map((at) =>
        componentFault('vantage:vps', { from: FROM + at, until: FROM + at + 6_000, share: 0.6 }),
      );
      expect(simulate(seed, blips, 0).run(20 * MINUTE).events).toEqual([]);
    }
  });
});
