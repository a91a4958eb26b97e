// The soak's judgement by itself: a soak that cannot fail says nothing, so every rule is seen broken here.

import { describe, expect, test } from 'vitest';
import type { Notice } from '../../soak/desk.ts';
import { brokenRules, figuresOf, type Measured, memoryOf } from '../../soak/figures.ts';
import { type Injected, judge, REAL_LIMITS } from '../../soak/judge.ts';
import { createScenes, REAL_TIMES } from '../../soak/scenes.ts';
import { areIndependent, FAULT_IDS, wantedOf } from '../../soak/truth.ts';
import { seeded } from '../../support/simulator.ts';

const BEGIN = Date.UTC(2026, 3, 18, 9);
const MINUTE = 60_000;
const GATE = {
  alertname: 'GatewatchSharedFault',
  severity: 'critical',
  component: 'gate',
  name: 'authentik',
};
const CDN = { ...GATE, component: 'cdn', name: 'cdn' };

function fault(part: Partial<Injected> = {}): Injected {
  return {
    fault: 'gate-down',
    kind: 'single',
    wanted: GATE,
    from: BEGIN,
    until: BEGIN + 4 * MINUTE,
    down: null,
    ...part,
  };
}

function notice(afterMs: number, part: Partial<Notice> = {}): Notice {
  const status = part.status ?? 'firing';
  return {
    at: BEGIN + afterMs,
    status,
    key: `1-${status}-${afterMs}`,
    reason: status === 'firing' ? 'first notification' : 'all alerts resolved',
    labels: GATE,
    startsAt: new Date(BEGIN + 1_000).toISOString(),
    summary: 'the gate does not answer',
    ...part,
  };
}

const FIRING = notice(20_000);
const RESOLVED = notice(5 * MINUTE, { status: 'resolved' });
const MEASURED: Measured = {
  part: 'real',
  seconds: 7200,
  ends: {},
  proberFaults: 0,
  results: 100,
  sessions: { created: 10, allowed: 20, heldMost: 5, heldAllowed: 20 },
  memory: null,
  fileBytes: 100,
  bytesPerResult: 1,
};

/** Broken where a case has no fault that counts; a test of its own sees it. */
const IDLE = 'no incident was put in';

/** Rules broken by these faults and notifications, by their first words. */
function broken(
  injected: readonly Injected[],
  notices: readonly Notice[],
  measured: Partial<Measured> = {},
): string[] {
  const judgement = judge(injected, notices, REAL_LIMITS);
  const figures = figuresOf(judgement, { ...MEASURED, ...measured });
  return brokenRules(figures, judgement, [])
    .map((line) => line.replace(/:.*/, ''))
    .filter((line) => line !== IDLE);
}

describe('the judgement', () => {
  test('one alert and one resolve for one fault break nothing, and are timed', () => {
    const judgement = judge([fault()], [FIRING, RESOLVED], REAL_LIMITS);
    const figures = figuresOf(judgement, MEASURED);
    expect(brokenRules(figures, judgement, [])).toEqual([]);
    expect([figures.alertsPerIncident, figures.notified.p50, figures.resolved.p50]).toEqual([1, 20, 60]);
  });

  const other = notice(40_000, { labels: CDN });
  const otherEnd = notice(5 * MINUTE + 1, { labels: CDN, status: 'resolved' });
  const later = { startsAt: new Date(BEGIN + 2 * MINUTE).toISOString() };
  const cases: [string, Injected[], Notice[], string[]][] = [
    ['other labels', [fault()], [FIRING, RESOLVED, other, otherEnd], ['wrong blame']],
    [
      'one label too many',
      [fault()],
      [
        { ...FIRING, labels: { ...GATE, extra: 'x' } },
        { ...RESOLVED, labels: { ...GATE, extra: 'x' } },
      ],
      ['wrong blame', 'missed'],
    ],
    [
      'one label too few',
      [fault({ wanted: { ...GATE, namespace: 'auth' } })],
      [FIRING, RESOLVED],
      ['wrong blame', 'missed'],
    ],
    ['an alert without a fault', [], [FIRING, RESOLVED], ['false alert']],
    [
      'an alert that started before its fault',
      [fault({ from: BEGIN + MINUTE })],
      [notice(2 * MINUTE), RESOLVED],
      ['false alert', 'missed'],
    ],
    [
      'an alert about a blip',
      [fault({ kind: 'noise', until: BEGIN + 5_000 })],
      [FIRING, RESOLVED],
      ['false alert'],
    ],
    ['silence about a long fault', [fault()], [], ['missed']],
    [
      'two alerts with the right labels',
      [fault()],
      [FIRING, RESOLVED, notice(3 * MINUTE, later), notice(6 * MINUTE, { ...later, status: 'resolved' })],
      ['more than one alert'],
    ],
    ['no resolve', [fault()], [FIRING], ['still firing at the end']],
    [
      'two first notifications',
      [fault()],
      [FIRING, notice(30_000), RESOLVED],
      ['2 first notifications and 1 resolves'],
    ],
    [
      'two resolves',
      [fault()],
      [FIRING, RESOLVED, notice(6 * MINUTE, { status: 'resolved' })],
      ['1 first notifications and 2 resolves'],
    ],
    [
      'a delivery that comes three times',
      [fault()],
      [FIRING, FIRING, FIRING, RESOLVED],
      ['one delivery came 3 times'],
    ],
  ];
  test.each(cases)('finds %s', (_, injected, notices, expected) => {
    expect(broken(injected, notices)).toEqual(expected);
  });

  const fine: [string, Injected[], Notice[]][] = [
    ['silence about a blip', [fault({ kind: 'noise', until: BEGIN + 5_000 })], []],
    ['silence about a fault that was over within two minutes', [fault({ until: BEGIN + 100_000 })], []],
    ['silence while the daemon was down', [fault({ down: { signal: 'SIGKILL', ms: 3 * MINUTE } })], []],
    ['one repeat of a delivery', [fault()], [FIRING, FIRING, RESOLVED]],
    ['news of what fires', [fault()], [FIRING, notice(3 * MINUTE, { reason: 'unknown' }), RESOLVED]],
    [
      'two faults at once with an alert each',
      [fault(), fault({ fault: 'cdn-tunnel-dead', wanted: CDN })],
      [FIRING, other, RESOLVED, otherEnd],
    ],
  ];
  test.each(fine)('lets %s pass', (_, injected, notices) => {
    expect(broken(injected, notices)).toEqual([]);
  });

  test('a run without an incident is no success', () => {
    const judgement = judge([fault({ kind: 'noise', until: BEGIN + 5_000 })], [], REAL_LIMITS);
    expect(brokenRules(figuresOf(judgement, MEASURED), judgement, [])).toEqual([
      'no incident was put in: the run was too short',
    ]);
  });

  test('finds sessions above the budget, made and held', () => {
    const sessions = { created: 21, allowed: 20, heldMost: 30, heldAllowed: 20 };
    expect(broken([], [], { sessions })).toEqual([
      '21 sessions created, 20 allowed',
      'the site held 30 sessions, 20 allowed',
    ]);
  });

  test.each([
    [1.1, 120, []],
    [1.2, 120, ['memory grew by 20.0 % from the second quarter to the last']],
    [1.2, 20, []],
  ])('of memory that is %d fold at the end of %d minutes it finds %j', (fold, minutes, expected) => {
    const span = { startedAt: BEGIN, endedAt: BEGIN + minutes * MINUTE, leastMs: 30 * MINUTE };
    const samples = Array.from({ length: 100 }, (_, at) => ({
      at: BEGIN + (at * minutes * MINUTE) / 100,
      bytes: 2 ** 27 * (at < 75 ? 1 : fold),
    }));
    const memory = memoryOf(samples, span);
    expect(broken([], [], { memory })).toEqual(expected);
  });
});

test('scenes give every fault its turn, keep blips short, and put only independent faults together', () => {
  const scenes = createScenes({ random: seeded(3), times: REAL_TIMES, faults: FAULT_IDS, areIndependent });
  const drawn = Array.from({ length: 60 }, (_, at) => scenes.next(at < 20));
  const kinds = new Set(drawn.map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(['flap', 'noise', 'pair', 'single']);
  for (const { kind, stages, end } of drawn) {
    const [first, second] = stages;
    if (kind === 'noise') expect(first!.offMs).toBeLessThan(10_000);
    if (second !== undefined) expect(areIndependent(first!.fault, second.fault)).toBe(true);
    for (const { onMs, offMs, pauses } of stages) {
      for (const pause of pauses)
        expect([onMs, pause.fromMs, pause.untilMs, offMs]).toEqual(
          [onMs, pause.fromMs, pause.untilMs, offMs].sort((a, b) => a - b),
        );
    }
    if (end !== null) expect(end.atMs).toBeLessThanOrEqual(Math.max(...stages.map(({ offMs }) => offMs)));
  }
  const turns = drawn.filter(({ kind }) => kind !== 'noise').map(({ stages }) => stages[0]!.fault);
  expect(new Set(turns.slice(0, FAULT_IDS.length)).size).toBe(FAULT_IDS.length);
  expect(drawn.slice(20).every(({ end }) => end === null)).toBe(true);
});

test('every fault of the demo has labels, and no two that can be seen together the same', () => {
  for (const one of FAULT_IDS) {
    for (const other of FAULT_IDS.filter((id) => areIndependent(one, id))) {
      expect(wantedOf(one, '443')).not.toEqual(wantedOf(other, '443'));
    }
  }
});
