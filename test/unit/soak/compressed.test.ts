// A short turn of the compressed soak: the simulated house with faults, blips, ends and restarts keeps every rule. The
// long one is `npm run soak`.

import { expect, test } from 'vitest';
import { soakCompressed } from '../../soak/compressed.ts';
import { COMPRESSED_LIMITS, judge } from '../../soak/judge.ts';
import { seeded } from '../../support/simulator.ts';

test('eighteen simulated hours: each fault one alert with the right labels and one resolve, nothing else', async () => {
  const run = await soakCompressed({
    forMs: 18 * 3_600_000,
    random: seeded(11),
    signal: AbortSignal.timeout(55_000),
    say: () => {},
  });
  const { missed, wrongBlame, falseAlerts, several, leftFiring, notOnce, incidents } = judge(
    run.injected,
    run.notices,
    COMPRESSED_LIMITS,
  );
  expect(run.interrupted).toBe(false);
  expect({ missed, wrongBlame, falseAlerts, several, leftFiring, notOnce }).toEqual({
    missed: [],
    wrongBlame: [],
    falseAlerts: [],
    several: [],
    leftFiring: [],
    notOnce: [],
  });
  expect(incidents.length).toBeGreaterThanOrEqual(4);
  expect(Object.values(run.ends).reduce((a, b) => a + b, 0)).toBeGreaterThanOrEqual(2);
  expect(run.sessions).toBeLessThanOrEqual(run.burst + run.budgetPerMinute * 18 * 60);
});
