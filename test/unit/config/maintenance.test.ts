// Windows of planned work as people check them: next times, what they cover, and what is doubtful.

import { expect, test } from 'vitest';
import { maintenancePlan } from '../../../src/config/maintenance-plan.ts';
import { maintenanceWarnings } from '../../../src/config/maintenance-warnings.ts';
import { replayConfig } from '../../support/replay-site.ts';

const NOW = Date.parse('2026-04-18T12:00Z');
const configOf = (...maintenance: Record<string, unknown>[]) =>
  replayConfig({ shared: ['node'], maintenance });

test('the next three times are listed with what they cover', () => {
  const config = configOf(
    { cron: '0 3 * * 0', for: '2h', timezone: 'Europe/Berlin', targets: '*' },
    {
      from: '2026-04-18T11:00Z',
      to: '2026-04-18T13:00Z',
      component: 'gate:embedded',
      labels: { node: 'node1' },
    },
  );
  expect(maintenancePlan(config, NOW)).toEqual([
    {
      about: 'targets *',
      targets: 9,
      times: ['2026-04-19', '2026-04-26', '2026-05-03'].map((day) => ({
        startsAt: Date.parse(`${day}T01:00Z`),
        endsAt: Date.parse(`${day}T03:00Z`),
      })),
    },
    {
      about: 'component gate:embedded and targets with node=node1',
      targets: 3,
      times: [{ startsAt: NOW - 3_600_000, endsAt: NOW + 3_600_000 }],
    },
  ]);
});

test.each([
  ['two hours of everything', { cron: '0 3 * * 0', for: '2h', targets: '*' }, null],
  [
    'two days of everything',
    { cron: '0 3 * * 0', for: '2d', targets: '*' },
    /every target for 2 d: nobody is told/,
  ],
  [
    'everything, again and again',
    { cron: '0 * * * *', for: '2h', targets: ['app*', 'open*'] },
    /every target for/,
  ],
  ['two days of some', { cron: '0 3 * * 0', for: '2d', targets: 'app*' }, null],
  [
    'the past',
    { from: '2026-04-17T00:00Z', to: '2026-04-18T00:00Z', targets: '*' },
    /never comes, or not again/,
  ],
  ['no day', { cron: '0 0 31 2 *', for: '1h', targets: '*' }, /never comes/],
  ['a misspelt target', { cron: '0 3 * * 0', for: '2h', targets: 'grafna.example.com' }, /covers no target/],
  ['a component', { cron: '0 3 * * 0', for: '2h', component: 'node:node1' }, null],
])('%s', (_, window, warning) => {
  const messages = maintenanceWarnings(configOf(window), NOW).map(({ message }) => message);
  expect(messages).toEqual(warning === null ? [] : [expect.stringMatching(warning)]);
});
