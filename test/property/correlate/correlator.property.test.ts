// Properties of the correlator on random sites, faults and noise.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { componentFault, type Fault, Simulator, siteSubjects, targetFault } from '../../support/simulator.ts';

const MINUTE = 60_000;
const SETTINGS = { seed: 20260418, numRuns: 40, interruptAfterTimeLimit: 8_000 };
const COMPONENTS = [
  'vantage:vps',
  'resolver:1.1.1.1:53',
  'dns:example.com',
  'certificate:*.example.com@cdn',
  'certificate:*.example.com@origin',
  'cdn:cdn',
  'origin:origin',
  'gate:embedded',
  'gate-sessions:embedded',
  'idp:auth.example.com',
  'node:node0',
];

interface Scenario {
  readonly seed: number;
  readonly login: number;
  readonly open: number;
  readonly noise: number;
  readonly faults: readonly { what: string; from: number; minutes: number; share: number }[];
}

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.integer({ min: 1, max: 1e6 }),
  login: fc.integer({ min: 1, max: 12 }),
  open: fc.integer({ min: 0, max: 8 }),
  noise: fc.constantFrom(0, 0.002, 0.01),
  faults: fc.array(
    fc.record({
      what: fc.constantFrom(...COMPONENTS, 'app0.example.com', 'open0.example.com'),
      from: fc.integer({ min: 0, max: 10 }),
      minutes: fc.integer({ min: 1, max: 12 }),
      share: fc.constantFrom(1, 1, 0.5, 0.2),
    }),
    { maxLength: 3 },
  ),
});

function build(scenario: Scenario, faults: boolean): Simulator {
  return new Simulator({
    seed: scenario.seed,
    subjects: siteSubjects({ login: scenario.login, open: scenario.open }),
    noise: scenario.noise,
    freshPerMinute: 6,
    faults: faults ? scenario.faults.map(toFault) : [],
  });
}

function toFault({ what, from, minutes, share }: Scenario['faults'][number]): Fault {
  const span = { from: from * MINUTE, until: (from + minutes) * MINUTE };
  return what.includes(':') ? componentFault(what, { ...span, share }) : targetFault([what], span);
}

describe('correlator', () => {
  test('every opened incident ends once all checks are well again', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const simulator = build({ ...scenario, noise: Math.min(0.002, scenario.noise) }, true).run(
          90 * MINUTE,
        );
        expect(
          simulator.correlator.incidents().filter((each) => each.startedAt < 1_800_000_000_000 + 30 * MINUTE),
        ).toEqual([]);
      }),
      SETTINGS,
    );
  });

  test('no incident without failures, and none out of noise', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        expect(build(scenario, false).run(120 * MINUTE).events).toEqual([]);
      }),
      SETTINGS,
    );
  });

  test('the same outcomes give the same incidents', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const [first, second] = [
          build(scenario, true).run(30 * MINUTE),
          build(scenario, true).run(30 * MINUTE),
        ];
        expect(second.events).toEqual(first.events);
        expect(second.correlator.checkpoint()).toBe(first.correlator.checkpoint());
      }),
      { ...SETTINGS, numRuns: 20 },
    );
  });

  test('a checkpoint that is read and written again is the same', () => {
    fc.assert(
      fc.property(scenarios, fc.integer({ min: 1, max: 25 }), (scenario, minute) => {
        const simulator = build(scenario, true).run(minute * MINUTE);
        simulator.evaluate();
        const before = simulator.correlator.incidents();
        simulator.restart();
        expect(simulator.correlator.incidents()).toEqual(before);
      }),
      { ...SETTINGS, numRuns: 30 },
    );
  });

  test('events of an incident are in order: opened first, and resolved at most once between two openings', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const open = new Map<string, boolean>();
        for (const { type, incident } of build(scenario, true).run(60 * MINUTE).events) {
          const isOpen = open.get(incident.id);
          if (type === 'opened') expect(isOpen).toBeUndefined();
          else if (type === 'reopened') expect(isOpen).toBeDefined();
          else expect(isOpen).toBe(true);
          open.set(incident.id, type !== 'resolved');
        }
      }),
      SETTINGS,
    );
  });
});
