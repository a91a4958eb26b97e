// Planned work: when windows are open, also while the clocks change, and what opens during and after them.

import { describe, expect, test } from 'vitest';
import { createMaintenance, nextTimes } from '../../../src/correlate/maintenance.ts';
import { type MaintenanceOption, maintenanceSchema } from '../../../src/correlate/maintenance-options.ts';
import {
  componentFault,
  down,
  EPOCH,
  Simulator,
  type SimulatorOptions,
  siteSubjects,
  targetFault,
} from '../../support/simulator.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const at = (text: string): number => Date.parse(text);
const window = (option: Record<string, unknown>): MaintenanceOption =>
  maintenanceSchema.parse({ targets: '*', ...option });
const shown = (option: Record<string, unknown>, now: string, count = 3): string[] =>
  nextTimes(window(option), at(now), count).map(({ startsAt, endsAt }) =>
    [startsAt, endsAt].map((time) => new Date(time).toISOString().slice(0, 16)).join(' '),
  );

describe('the times of a window', () => {
  test.each([
    [
      'weekly, in UTC',
      { cron: '0 3 * * 0', for: '2h' },
      '2026-04-18T12:00Z',
      ['2026-04-19T03:00 2026-04-19T05:00', '2026-04-26T03:00 2026-04-26T05:00'],
    ],
    [
      'running now',
      { cron: '0 3 * * 0', for: '2h' },
      '2026-04-19T04:59Z',
      ['2026-04-19T03:00 2026-04-19T05:00', '2026-04-26T03:00 2026-04-26T05:00'],
    ],
    [
      'just over',
      { cron: '0 3 * * 0', for: '2h' },
      '2026-04-19T05:00Z',
      ['2026-04-26T03:00 2026-04-26T05:00'],
    ],
    // 02:30 does not exist on 29 March in Berlin: it begins when the clocks have jumped to 03:00.
    [
      'in the hour that is skipped',
      { cron: '30 2 * * 0', for: '1h', timezone: 'Europe/Berlin' },
      '2026-03-28T12:00Z',
      ['2026-03-29T01:00 2026-03-29T02:00', '2026-04-05T00:30 2026-04-05T01:30'],
    ],
    // 02:30 comes twice on 25 October: it begins once, and lasts its hour.
    [
      'in the hour that comes twice',
      { cron: '30 2 * * *', for: '1h', timezone: 'Europe/Berlin' },
      '2026-10-24T12:00Z',
      ['2026-10-25T00:30 2026-10-25T01:30', '2026-10-26T01:30 2026-10-26T02:30'],
    ],
    [
      'over the change',
      { cron: '0 1 * * 0', for: '4h', timezone: 'Europe/Berlin' },
      '2026-10-24T12:00Z',
      ['2026-10-24T23:00 2026-10-25T03:00', '2026-11-01T00:00 2026-11-01T04:00'],
    ],
    [
      'that overlap themselves are one',
      { cron: '0 1,2,3 * * *', for: '90m' },
      '2026-04-18T12:00Z',
      ['2026-04-19T01:00 2026-04-19T04:30', '2026-04-20T01:00 2026-04-20T04:30'],
    ],
    [
      'once',
      { from: '2026-04-18T22:00+02:00', to: '2026-04-19T02:00Z' },
      '2026-04-18T12:00Z',
      ['2026-04-18T20:00 2026-04-19T02:00'],
    ],
    ['in the past', { from: '2026-04-18T22:00Z', to: '2026-04-19T02:00Z' }, '2026-04-19T02:00Z', []],
    ['never', { cron: '0 0 31 2 *', for: '1h' }, '2026-04-18T12:00Z', []],
  ])('%s', (_, option, now, times) => {
    expect(shown(option, now, Math.max(1, times.length))).toEqual(times);
  });

  test('are looked up anew when the clock goes back or jumps', () => {
    const maintenance = createMaintenance([
      window({ cron: '0 3 * * *', for: '1h' }),
      window({ cron: '30 3 * * *', for: '1h' }),
    ]);
    const open = (now: string): number => maintenance.at(at(now)).open.length;
    const times = [
      '02:59:59',
      '03:00:00',
      '03:30:00',
      '03:59:59',
      '04:00:00',
      '04:30:00',
      '03:10:00',
      '02:00:00',
      '03:45:00',
    ];
    expect(times.map((time) => open(`2026-04-18T${time}Z`))).toEqual([0, 1, 2, 2, 1, 0, 1, 0, 2]);
    expect(maintenance.at(at('2026-04-18T03:50Z'))).toBe(maintenance.at(at('2026-04-18T03:55Z')));
  });
});

/** A window from minute 10 to minute 40 of the simulation. */
function planned(about: Record<string, unknown>): MaintenanceOption {
  const iso = (minute: number): string => `${new Date(EPOCH + minute * MINUTE).toISOString().slice(0, 19)}Z`;
  return maintenanceSchema.parse({ from: iso(10), to: iso(40), ...about });
}

function simulate(about: Record<string, unknown>, options: Partial<SimulatorOptions>): Simulator {
  return new Simulator({ seed: 11, maintenance: [planned(about)], ...options });
}

const opened = (simulator: Simulator) =>
  simulator.events.flatMap(({ type, at: when, incident }) =>
    type === 'opened'
      ? [
          {
            minute: (when - EPOCH) / MINUTE,
            kind: incident.kind,
            blame: incident.blame?.id ?? incident.targets[0],
            incident,
          },
        ]
      : [],
  );
const span = (from: number, until: number) => ({ from: from * MINUTE, until: until * MINUTE });
const SERVICE = 'open2.example.com';

describe('during a window', () => {
  test('what fails and is mended raises nothing, and takes extra probes at its end only', () => {
    const faults = [targetFault([SERVICE], span(12, 30)), componentFault('origin:origin', span(32, 38))];
    const simulator = simulate({ targets: '*' }, { faults }).run(39.9 * MINUTE);
    expect(simulator.extraProbes).toBe(0);
    simulator.run(HOUR);
    expect(simulator.events).toEqual([]);
    expect(simulator.extraProbes).toBeLessThanOrEqual(36);
  });

  test('what still fails at the end opens then, and counts from there', () => {
    const simulator = simulate({ targets: 'open*' }, { faults: [targetFault([SERVICE], span(20, 60))] }).run(
      HOUR,
    );
    const [first, ...rest] = opened(simulator);
    expect(rest).toEqual([]);
    expect(first).toMatchObject({ kind: 'service', blame: SERVICE });
    expect(first?.minute).toBeGreaterThanOrEqual(40);
    expect(first?.minute).toBeLessThan(42);
    expect(first?.incident.startedAt).toBeGreaterThanOrEqual(EPOCH + 40 * MINUTE);
  });

  test('a shared fault that still stands at the end opens then, named right', () => {
    for (const what of ['cdn:cdn', 'origin:origin', 'gate-sessions:embedded']) {
      const simulator = simulate({ targets: '*' }, { faults: [componentFault(what, span(35, 60))] }).run(
        HOUR,
      );
      const [first, ...rest] = opened(simulator);
      expect([what, first?.blame, rest]).toEqual([what, what, []]);
      expect(first?.minute).toBeGreaterThanOrEqual(40);
      expect(first?.minute).toBeLessThan(43);
    }
  });

  test('an alert from before goes on, and resolves', () => {
    const simulator = simulate({ targets: '*' }, { faults: [targetFault([SERVICE], span(3, 20))] }).run(HOUR);
    expect(opened(simulator)).toHaveLength(1);
    const resolved = simulator.events.findLast(({ type }) => type === 'resolved');
    expect(resolved?.at).toBeGreaterThan(EPOCH + 20 * MINUTE);
    expect(resolved?.at).toBeLessThan(EPOCH + 30 * MINUTE);
  });

  test('a shared fault with evidence from outside opens as ever', () => {
    const faults = [componentFault('gate-sessions:embedded', span(15, 30))];
    const simulator = simulate({ targets: ['app0.example.com', 'app1.example.com'] }, { faults }).run(HOUR);
    expect(opened(simulator)).toMatchObject([{ kind: 'shared', blame: 'gate-sessions:embedded' }]);
    expect(opened(simulator)[0]?.minute).toBeLessThan(18);
  });

  test('planned failures never make one of another service a shared fault', () => {
    const names = Array.from({ length: 10 }, (_, index) => `open${index}.example.com`);
    const faults = [targetFault(names, span(12, 38)), targetFault(['open11.example.com'], span(15, 38))];
    const simulator = simulate({ targets: names }, { faults }).run(HOUR);
    expect(opened(simulator)).toMatchObject([{ kind: 'service', blame: 'open11.example.com' }]);
  });

  test('a window about a component covers what runs through it, and nothing else', () => {
    const gate = simulate(
      { component: 'gate:*' },
      { faults: [componentFault('gate:embedded', span(15, 30))] },
    ).run(HOUR);
    expect(opened(gate)).toEqual([]);
    const cdn = simulate({ component: 'gate:*' }, { faults: [componentFault('cdn:cdn', span(15, 30))] }).run(
      HOUR,
    );
    expect(opened(cdn)).toMatchObject([{ blame: 'cdn:cdn' }]);
    const labelled = { labels: { node: 'node2' } };
    const node = simulate(labelled, {
      faults: [targetFault([SERVICE, 'open0.example.com'], span(15, 30))],
    }).run(HOUR);
    expect(opened(node)).toMatchObject([{ blame: 'open0.example.com' }]);
  });

  test('an exposed target that is covered is told of at the end', () => {
    const faults = [targetFault(['app3.example.com'], { ...span(15, 60), show: down('exposed', 'target') })];
    const simulator = simulate({ targets: 'app3.*' }, { faults }).run(HOUR);
    expect(opened(simulator)).toMatchObject([{ kind: 'exposed' }]);
    expect(opened(simulator)[0]?.minute).toBeGreaterThanOrEqual(40);
    expect(opened(simulator)[0]?.minute).toBeLessThan(41);
  });

  test('what is not covered stays on guard: a dead uplink is told of', () => {
    const faults = [componentFault('vantage:vps', span(15, 30))];
    const simulator = simulate({ targets: 'app*' }, { faults }).run(HOUR);
    expect(opened(simulator)).toMatchObject([{ kind: 'prober', incident: { reason: 'uplink' } }]);
    expect(opened(simulator)[0]?.minute).toBeLessThan(20);
  });

  test('a process that was stopped over the end opens nothing for what is well again', () => {
    const faults = [targetFault([SERVICE], span(20, 39.5)), componentFault('origin:origin', span(30, 39.5))];
    const simulator = simulate({ targets: '*' }, { faults }).run(39 * MINUTE);
    const checkpoint = simulator.correlator.checkpoint();
    const later = simulate({ targets: '*' }, { checkpoint, startAt: 41 * MINUTE }).run(HOUR);
    expect(later.events).toEqual([]);
  });

  test.each([
    ['restart', (simulator: Simulator) => simulator.restart()],
    ['reload', (simulator: Simulator) => simulator.replace(siteSubjects())],
  ])('a %s in the middle changes nothing', (_, disturb) => {
    const simulator = simulate({ targets: '*' }, { faults: [targetFault([SERVICE], span(20, 60))] });
    for (const minute of [15, 25, 39.9]) {
      simulator.run(minute * MINUTE);
      disturb(simulator);
    }
    simulator.run(HOUR);
    expect(opened(simulator)).toMatchObject([{ kind: 'service', blame: SERVICE }]);
    expect(opened(simulator)[0]?.minute).toBeGreaterThanOrEqual(40);
    expect(opened(simulator)[0]?.minute).toBeLessThan(42);
  });
});
