// What validate says about costs; the numbers of the incident are the ones the issue asks for.

import { describe, expect, test } from 'vitest';
import { costLines, costsOf, costWarnings } from '../../../src/schedule/cost.ts';
import { plannedSite } from '../../support/planned-site.ts';

const INCIDENT = { hosts: 34, sessions: '{ store: files, capacity: 64MiB, lifetime: 7d }' };

describe("the incident's own monitoring", () => {
  const costs = costsOf(
    plannedSite({ ...INCIDENT, more: 'checks: { fresh: { every: 30s }, return: { every: 30s } }' }),
  );

  test('wants 136 visits a minute and would fill the store in 2 hours', () => {
    expect(costs.sessions[0]).toMatchObject({ visits: 68, wantedPerMinute: 136, storeSessions: 16_384 });
    expect((costs.sessions[0]?.wantedFillsMs ?? 0) / 3_600_000).toBeCloseTo(2, 1);
    const warning = costWarnings(costs).join('\n');
    expect(warning).toContain(
      '136 fresh visits a minute would fill the session store (16384 sessions, kept 7d) in 2 h',
    );
    expect(warning).toContain('one in 6 min 9 s');
  });

  test('is allowed one visit in six minutes, a tenth of the store', () => {
    expect(60 / (costs.sessions[0]?.allowedPerMinute ?? 0)).toBeCloseTo(369, 0);
    expect(costs.sessions[0]?.share).toBeCloseTo(0.1, 3);
  });

  test('lines name rates, times, sessions and requests', () => {
    const lines = costLines(costs);
    expect(lines[0]).toBe(
      'outpost authentik: fresh visits: 136 a minute wanted, 0.16 allowed (one in 6 min 9 s)',
    );
    expect(lines[1]).toMatch(
      /^outpost authentik: a full outage shows within 6 min 24 s, a round over 68 visits takes 6 h 58 min/,
    );
    expect(lines[2]).toBe(
      'outpost authentik: about 1638 sessions held at steady state, 10 % of the 16384 its store can hold',
    );
    expect(lines.find((line) => line.startsWith('path cdn'))).toMatch(
      /^path cdn: \d+ requests a day, from \d+ checks$/,
    );
  });
});

describe('budgets', () => {
  const allowed = (sessions: string, more?: string): number | null | undefined =>
    costsOf(plannedSite({ hosts: 34, sessions, ...(more === undefined ? {} : { more }) })).sessions[0]
      ?.allowedPerMinute;

  test.each([
    ['{ store: files, lifetime: 24h }', 60 / 52.7],
    ['{ store: files, lifetime: 1h }', 6],
    ['{ store: files, lifetime: 7d, vantages: 2 }', 60 / 369 / 2],
    ['{ store: database }', 6],
    ['{ store: files, budget: 2/m }', 2],
    ['{ store: files, budget: 2/m, vantages: 2 }', 1],
  ])('%s', (sessions, wanted) => expect(allowed(sessions)).toBeCloseTo(wanted, 2));

  test('no store, no cost', () => expect(allowed('{ store: none }')).toBeNull());

  test('gates of one outpost get the strictest', () => {
    const site = plannedSite({
      sessions: '{ store: files, lifetime: 1h }',
      more: 'defaults: { gate: authentik }',
    });
    const [gate] = site.gates;
    const second = {
      ...gate!,
      name: 'second' as never,
      sessions: { ...gate!.sessions, lifetimeMs: 604_800_000 },
    };
    const { sessions } = costsOf({ ...site, gates: [gate!, second] });
    expect(sessions).toHaveLength(1);
    expect(60 / (sessions[0]?.allowedPerMinute ?? 0)).toBeCloseTo(369, 0);
  });

  test('what is seen makes auto slower, never faster', () => {
    const seen = (lifetimeMs: number): number =>
      costsOf(
        plannedSite({
          sessions: '{ store: files, lifetime: 24h }',
          knowledge: { get: (kind) => (kind === 'lifetime' ? { value: String(lifetimeMs), at: 0 } : null) },
        }),
      ).sessions[0]?.allowedPerMinute ?? 0;
    expect(seen(604_800_000)).toBeLessThan(seen(86_400_000));
    expect(seen(60_000)).toBe(seen(86_400_000));
    expect(seen(Number.NaN)).toBe(seen(86_400_000));
  });

  test('a configured budget that fills the store is warned of', () => {
    const site = plannedSite({
      hosts: 34,
      sessions: '{ store: files, lifetime: 7d, budget: 100/m }',
      more: 'checks: { return: { every: 10s } }',
    });
    expect(costWarnings(costsOf(site)).join()).toContain(
      'the configured budget of 100 fresh visits a minute fills the session store',
    );
  });
});

describe('logins', () => {
  const account = (every: string) =>
    `control: []\nchecks: { login: { every: ${every} } }\naccounts: [{ name: monitor, username: probe, password: geheim }]`;

  test('take turns over gates, paths and targets, as often as is wanted', () => {
    const costs = costsOf(plannedSite({ hosts: 3, more: account('1h') }));
    expect(costLines(costs).filter((line) => line.startsWith('account'))).toEqual([
      'account monitor: one login in 30 min, each of 2 gates and paths every 1 h, a round over 6 logins takes 3 h',
    ]);
    expect(costWarnings(costs)).toEqual([]);
  });

  test('that are wanted more often than an account may log in are warned of', () => {
    expect(costWarnings(costsOf(plannedSite({ hosts: 3, more: account('5m') }))).join()).toContain(
      'account monitor: logins every 5 min over each of 2 gates and paths are wanted, but an account logs in six times an hour at most, so that each has its turn every 24 min',
    );
  });
});

describe('requests', () => {
  test('a day above the ceiling is warned of', () => {
    const costs = costsOf(plannedSite({ hosts: 34, cdn: ', requests: 1000/day' }));
    expect(costs.requests[0]?.requestsPerDay).toBeGreaterThan(34 * 288);
    expect(costWarnings(costs).join()).toContain('1000 are allowed');
  });

  test('a site within its ceilings has no warnings', () => {
    expect(costWarnings(costsOf(plannedSite({ hosts: 34, cdn: ', requests: 20000/day' })))).toEqual([]);
  });
});
