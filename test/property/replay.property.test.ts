// Replay on random sites and faults: the same results give the same incidents, whatever the size of a page, and they
// are the ones that the daemon had.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { record, replayConfig, replayResults } from '../support/replay-site.ts';
import { componentFault, type Fault, targetFault } from '../support/simulator.ts';

const MINUTE = 60_000;
const SETTINGS = { seed: 20260418, numRuns: 12, interruptAfterTimeLimit: 6_000 };
const config = replayConfig({ shared: ['node'] });

const faults: fc.Arbitrary<Fault[]> = fc.array(
  fc
    .record({
      what: fc.constantFrom(
        'cdn:cdn',
        'origin:origin',
        'gate-sessions:embedded',
        'gate:embedded',
        'app0.example.com',
      ),
      from: fc.integer({ min: 2, max: 10 }),
      minutes: fc.integer({ min: 3, max: 12 }),
    })
    .map(({ what, from, minutes }) => {
      const span = { from: from * MINUTE, until: (from + minutes) * MINUTE };
      return what.includes(':') ? componentFault(what, span) : targetFault([what], span);
    }),
  { maxLength: 2 },
);
const scenarios = fc.record({
  seed: fc.integer({ min: 1, max: 1e6 }),
  noise: fc.constantFrom(0, 0.005),
  faults,
  page: fc.integer({ min: 1, max: 400 }),
});

test('the same results give the same replay, whatever the size of a page', async () => {
  await fc.assert(
    fc.asyncProperty(scenarios, async ({ page, ...options }) => {
      const { results } = record(config, options, 30 * MINUTE);
      const [whole] = await replayResults(results, [config], { page: 100_000 });
      const [paged, beside] = await replayResults(results, [config, config], { page });
      expect(paged).toEqual(whole);
      expect(beside).toEqual(whole);
    }),
    SETTINGS,
  );
});

test('a replay under the same configuration finds the incidents that were', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(scenarios, async ({ page: _, ...options }) => {
      const { results, simulator } = record(config, options, 45 * MINUTE);
      const [replayed] = await replayResults(results, [config]);
      const opened = simulator.events.flatMap(({ type, incident }) => (type === 'opened' ? [incident] : []));
      expect(replayed?.incidents.map(({ kind }) => kind)).toEqual(opened.map(({ kind }) => kind));
      for (const [index, { openedAt, blame }] of (replayed?.incidents ?? []).entries()) {
        const { incident } =
          simulator.events.findLast((each) => each.incident.id === opened[index]?.id) ?? {};
        expect(Math.abs((openedAt ?? 0) - (incident?.openedAt ?? 0))).toBeLessThan(5_000);
        expect(blame).toBe(incident?.blame?.id ?? incident?.targets[0]);
        compared++;
      }
    }),
    SETTINGS,
  );
  expect(compared).toBeGreaterThan(5);
});
