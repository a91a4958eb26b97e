// What an incident says of itself beside its blame: what is well, what confirming cost, what would have told more.

import { expect, test } from 'vitest';
import { componentFault, Simulator, siteSubjects } from '../../support/simulator.ts';

const MINUTE = 60_000;
const FROM = 5 * MINUTE;

test('a partial fault names the targets that pass, its next best explanation and what it spent', () => {
  const half = componentFault('gate-sessions:embedded', { from: FROM, until: 30 * MINUTE, share: 0.5 });
  const simulator = new Simulator({ seed: 3, faults: [half], freshPerMinute: 36 }).run(FROM + 10 * MINUTE);
  const [incident] = simulator.correlator.incidents();
  expect(incident?.blame?.id).toBe('gate-sessions:embedded');
  expect(incident?.unaffected.length).toBeGreaterThan(0);
  expect(incident?.targets.filter((target) => incident.unaffected.includes(target))).toEqual([]);
  expect(incident?.runnerUp?.odds).toBeGreaterThan(1);
  expect(incident?.probesSpent).toBeGreaterThan(0);
  expect(incident?.sessionsSpent).toBeGreaterThan(0);
  expect(incident?.sessionsSpent).toBeLessThanOrEqual(incident?.probesSpent ?? 0);
});

test('without canaries it says which one would have told more, with them nothing is missing', () => {
  const fault = componentFault('gate:embedded', { from: FROM, until: 30 * MINUTE });
  const open = { login: 18, open: 0, every: { cdn: MINUTE, origin: MINUTE } };
  const seen = (canaries: 'auto' | 'none') =>
    new Simulator({ seed: 4, subjects: siteSubjects({ ...open, canaries }), faults: [fault] })
      .run(FROM + 5 * MINUTE)
      .correlator.incidents()[0];
  expect(seen('none')?.wouldHelp).toMatch(/^canary [a-z-]+ would have told [a-z]+ \S+ apart$/);
  expect(seen('auto')?.wouldHelp).toBeNull();
});
