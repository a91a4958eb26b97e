// Labels under `shared:` as components, from the configuration to the alert: any label, with its way, its acquittal and
// its place in the labels of the alert.

import { describe, expect, test } from 'vitest';
import { inseparable } from '../../../src/schedule/identifiability.ts';
import { plan } from '../../../src/schedule/plan.ts';
import { record, replayConfig, replayResults } from '../../support/replay-site.ts';
import { targetFault } from '../../support/simulator.ts';

const MINUTE = 60_000;
const LABELS = ['node', 'namespace', 'database', 'site'] as const;
type Label = (typeof LABELS)[number];

/** Sixteen services; each label parts them into four groups in its own way. */
const services = Array.from({ length: 16 }, (_, index) => {
  const row = Math.floor(index / 4);
  const groups: Record<Label, number> = {
    node: index % 4,
    namespace: row,
    database: (index + row) % 4,
    site: (index + 2 * row) % 4,
  };
  const labels = Object.fromEntries(LABELS.map((label) => [label, `${label}-${groups[label]}`]));
  return { url: `https://s${index}.example.com`, expect: 'public', labels };
});
const config = replayConfig({ targets: services, shared: [...LABELS] });
const hostsWith = (label: Label, value: string) =>
  services.filter(({ labels }) => labels[label] === value).map(({ url }) => new URL(url).host);

describe.each(LABELS)('the label %s', (label) => {
  const value = `${label}-2`;
  const hosts = hostsWith(label, value);

  test('is on the way of each visit to a service that has it', () => {
    const subjects = plan({ ...config, knowledge: { get: () => null } });
    const through = subjects.filter(({ links }) =>
      links.some(({ component, strength }) => component === `${label}:${value}` && strength === 1),
    );
    const targets = through.flatMap((subject) => (subject.kind === 'visit' ? [subject.target.id] : []));
    expect(new Set(targets)).toEqual(new Set(hosts));
  });

  test('is blamed when its services fail, acquits the others, and names the alert', async () => {
    const faults = [targetFault(hosts, { from: 10 * MINUTE, until: 20 * MINUTE })];
    const { results, simulator } = record(config, { seed: 9, faults }, 40 * MINUTE);
    const opened = simulator.of('opened');
    expect(opened.map(({ blame }) => blame?.id)).toEqual([`${label}:${value}`]);
    const others = LABELS.filter((other) => other !== label);
    const acquitted = opened[0]?.acquitted
      .filter(({ tested }) => tested)
      .map(({ component }) => component.type);
    for (const other of others) expect([label, acquitted]).toEqual([label, expect.arrayContaining([other])]);
    const [replayed] = await replayResults(results, [config]);
    expect(replayed?.incidents).toMatchObject([
      { alertname: 'GatewatchSharedFault', severity: 'critical', labels: { component: label, name: value } },
    ]);
    expect([...(replayed?.incidents[0]?.targets ?? [])].sort()).toEqual([...hosts].sort());
  });
});

test('two labels that part the services alike cannot be told apart, and it is said what would', () => {
  const alike = services.map((service) => ({
    ...service,
    labels: { node: service.labels['node'], rack: service.labels['node']?.replace('node', 'rack') },
  }));
  const site = replayConfig({ targets: alike, shared: ['node', 'rack'] });
  const found = inseparable(plan({ ...site, knowledge: { get: () => null } })).find(({ components }) =>
    components.some(({ id }) => id === 'node:node-1'),
  );
  expect(found?.components.map(({ id }) => id)).toEqual(['node:node-1', 'rack:rack-1']);
  expect(found?.advice).toMatch(/a target with one of these labels and not the other/);
});
