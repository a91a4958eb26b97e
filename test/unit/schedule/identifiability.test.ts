import { expect, test } from 'vitest';
import { inseparable, inseparableText } from '../../../src/schedule/identifiability.ts';
import { plan } from '../../../src/schedule/plan.ts';
import { plannedSite } from '../../support/planned-site.ts';

test('without canaries and with one path, a whole row of components looks the same', () => {
  const targets = ['  - { url: "https://a.example.com", expect: app, paths: [cdn] }'];
  const found = inseparable(plan(plannedSite({ targets, more: 'canaries: none' })));
  expect(found).toHaveLength(1);
  expect(found[0]?.components.map((component) => component.type)).toEqual([
    'vantage',
    'resolver',
    'dns',
    'certificate',
    'cdn',
    'origin',
  ]);
  expect(inseparableText(found[0]!)).toContain('cannot be told apart; a control');
});

test('gate and its sessions differ by the return visit', () => {
  const found = inseparable(plan(plannedSite({ hosts: 3 })));
  expect(found.flatMap(({ components }) => components.map(({ type }) => type))).not.toContain(
    'gate-sessions',
  );
});
