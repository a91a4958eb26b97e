// A site of real size: the fixture loads without a problem, and its plan behaves.

import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { costsOf, costWarnings } from '../../../src/schedule/cost.ts';
import { inseparable } from '../../../src/schedule/identifiability.ts';
import { plan } from '../../../src/schedule/plan.ts';
import { nothingKnown } from '../../support/planned-site.ts';

const file = new URL('../../fixtures/config/large-site.yaml', import.meta.url).pathname;
const { config, warnings } = loadConfig({ file }, {});
const site = { ...config, knowledge: nothingKnown };
const subjects = plan(site);

test('116 proxied and 35 direct hosts, seven behind a challenge on one path, no warning', () => {
  expect(config.targets.filter((target) => target.paths.includes('cdn' as never))).toHaveLength(116);
  expect(config.targets.filter((target) => target.paths.includes('direct' as never))).toHaveLength(35);
  expect(config.targets.filter((target) => target.expect['cdn' as never]?.is === 'challenge')).toHaveLength(
    7,
  );
  expect(config.gates[0]).toMatchObject({ callback: 'auth.example.com', clients: ['traefik-forward-auth'] });
  expect(config.signatures.map((signature) => signature.id)).toEqual(['gate-fallback']);
  expect(warnings).toEqual([]);
});

test('each login path is visited fresh and by return, the challenge by fresh alone', () => {
  const count = (start: string): number => subjects.filter((subject) => subject.id.startsWith(start)).length;
  expect([count('fresh:cdn'), count('return:cdn')]).toEqual([116, 109]);
  expect([count('fresh:origin'), count('return:origin')]).toEqual([116, 116]);
  expect([count('fresh:direct'), count('return:direct')]).toEqual([35, 0]);
  expect(subjects.filter((subject) => subject.kind === 'visit' && subject.costsSession)).toHaveLength(225);
  expect(new Set(subjects.map((subject) => subject.id)).size).toBe(subjects.length);
});

test('it costs a tenth of the store and stays below the ceiling', () => {
  const costs = costsOf(site, subjects);
  expect(costWarnings(costs)).toEqual([]);
  expect(costs.sessions[0]).toMatchObject({ outpost: 'embedded', visits: 225 });
  expect(costs.sessions[0]?.share).toBeCloseTo(0.1, 3);
});

test('gate, its sessions, CDN and origin can be told apart', () => {
  const mixed = inseparable(subjects).flatMap(({ components }) => components.map(({ type }) => type));
  for (const type of ['gate', 'gate-sessions', 'cdn', 'vantage', 'dns', 'resolver'])
    expect(mixed).not.toContain(type);
});
