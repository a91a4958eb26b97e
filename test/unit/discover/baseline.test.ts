// The baseline: what was accepted stays in force, whatever sources say, and every difference is told.

import { expect, test } from 'vitest';
import {
  type Baseline,
  baselineChanges,
  baselineText,
  heldTo,
  parseBaseline,
} from '../../../src/discover/baseline.ts';
import type { Found } from '../../../src/discover/discoverer.ts';
import { type Merged, mergeTargets } from '../../../src/discover/merge.ts';
import { fixed, found, listingOf, SETTING } from '../../support/found.ts';

const merged = (...all: Found[]): Merged =>
  mergeTargets([fixed('https://fixed.example.com')], [listingOf('proxy', all)], SETTING);
const read = (text: string): Baseline => {
  const parsed = parseBaseline(text);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed;
};
const hold = (baseline: Baseline, now: Merged, isWhole = true) =>
  heldTo(baseline, now, { setting: SETTING, isWhole });
const before = merged(
  found('a.example.com', { expect: 'login' }),
  found('a.example.com', { expect: 'public', pathname: '/hook' }),
  found('home.example.com', { expect: { cdn: 'challenge', origin: 'app' } }),
  found('plain.example.com', { expect: 'app', scheme: 'http' }),
);

test('is the same text whatever the order, one line a target, and reads back as what it was', () => {
  const text = baselineText(before.targets);
  expect(text).toBe(baselineText(before.targets.toReversed()));
  expect(text.split('\n').filter((line) => line.startsWith('  '))).toEqual([
    '  "a.example.com": { expect: login, gate: "authentik" }',
    '  "a.example.com/hook": { expect: public }',
    '  "fixed.example.com": { expect: login, gate: "authentik" }',
    '  "home.example.com": { expect: { cdn: challenge, origin: app } }',
    '  "plain.example.com": { expect: app, scheme: http }',
  ]);
  expect(baselineChanges(read(text), before.targets)).toEqual({ added: [], changed: [], removed: [] });
  expect(hold(read(text), before)).toEqual({ targets: before.targets, drift: [], unaccepted: new Set() });
  expect(read(baselineText([])).size).toBe(0);
});

test('keeps the login of a target that has lost its gate', () => {
  const { targets, drift } = hold(
    read(baselineText(before.targets)),
    merged(
      ...['a', 'home', 'plain'].map((name) => found(`${name}.example.com`, { expect: 'app' })),
      found('a.example.com', { expect: 'public', pathname: '/hook' }),
    ),
  );
  const kinds = Object.fromEntries(
    targets.map(({ id, expect: by }) => [id, Object.values(by).map(({ is }) => is)]),
  );
  expect(kinds['a.example.com']).toEqual(['login', 'login']);
  expect(kinds['home.example.com']).toEqual(['challenge', 'app']);
  expect(drift.map(({ kind, target, text }) => [kind, target, text])).toEqual([
    [
      'gate',
      'a.example.com',
      'a.example.com has lost its gate authentik: proxy says app; login stays expected until `gatewatch accept`',
    ],
    [
      'expectation',
      'home.example.com',
      'proxy says app of home.example.com; challenge/app stays expected until `gatewatch accept`',
    ],
  ]);
});

test('keeps watching what has vanished, and tells it only when every source has listed', () => {
  const baseline = read(baselineText(before.targets));
  const now = merged(found('a.example.com', { expect: 'login' }));
  const { targets, drift } = hold(baseline, now);
  expect(targets.map(({ id, source }) => `${id} ${source}`)).toEqual([
    'fixed.example.com static',
    'a.example.com proxy',
    'a.example.com/hook baseline',
    'home.example.com baseline',
    'plain.example.com baseline',
  ]);
  expect(targets.at(-1)).toMatchObject({ url: 'http://plain.example.com/', scheme: 'http' });
  expect(Object.values(targets[2]!.expect).map(({ is }) => is)).toEqual(['public', 'public']);
  expect(drift.map(({ kind, target }) => `${kind} ${target}`)).toEqual([
    'vanished a.example.com/hook',
    'vanished home.example.com',
    'vanished plain.example.com',
  ]);
  const early = hold(baseline, merged(), false);
  expect(early.targets.map(({ id }) => id)).toEqual(expect.arrayContaining(targets.map(({ id }) => id)));
  expect(early.drift).toEqual([]);
});

test('keeps the gate that was accepted', () => {
  const { targets, drift } = hold(
    read(baselineText(before.targets)),
    merged(
      ...before.targets.slice(2).map(({ host }) => found(host)),
      found('a.example.com', { expect: 'login', gate: 'second' }),
    ),
  );
  expect(targets.find(({ id }) => id === 'a.example.com')?.gate).toBe('authentik');
  expect(drift.find(({ target }) => target === 'a.example.com')).toMatchObject({ kind: 'gate' });
});

test('watches a new target as it is found, and shows it as new; the static list is never held to anything', () => {
  const now = mergeTargets(
    [fixed('https://a.example.com', 'public')],
    [listingOf('proxy', [found('new.example.com')])],
    SETTING,
  );
  const { targets, drift, unaccepted } = hold(
    read('version: 1\ntargets: { "a.example.com": { expect: login } }\n'),
    now,
  );
  expect(targets).toEqual(now.targets);
  expect([...unaccepted]).toEqual(['new.example.com']);
  expect(drift).toEqual([]);
});

test.each([
  ['is empty', ''],
  ['is of another version', 'version: 2\ntargets: {}\n'],
  ['has an unknown word', 'version: 1\ntargets: { "a.example.com": { expect: maybe } }\n'],
  ['has an unknown key', 'version: 1\ntargets: { "a.example.com": { expect: login, header: x } }\n'],
  ['has no target id', 'version: 1\ntargets: { "https://a.example.com": { expect: login } }\n'],
  ['has aliases', 'version: 1\ntargets: { "a.example.com": &a { expect: login }, "b.example.com": *a }\n'],
  ['is no YAML', '{'],
])('says so when the file %s', (_, text) => {
  expect(parseBaseline(text)).toHaveProperty('problem');
});

test('says what accepting would change', () => {
  const now = merged(found('a.example.com', { expect: 'app' }), found('new.example.com'));
  expect(baselineChanges(read(baselineText(before.targets)), now.targets)).toEqual({
    added: ['new.example.com'],
    changed: ['a.example.com'],
    removed: ['a.example.com/hook', 'home.example.com', 'plain.example.com'],
  });
});
